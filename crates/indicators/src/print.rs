//! Figures as sentences have them: exact, or rounded the way officials write, never beyond what holds.

use crate::bands::Benchmark;
use crate::{Figure, Indicator, Ratio};

/// How a figure is written in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Exact,
    /// 余: more than its leading digits.
    Over,
    /// 多: the same, the other word.
    Many,
    /// 以上: at least the whole number.
    AtLeast,
    /// 可达: it can reach that much.
    UpTo,
}

impl Style {
    /// The style with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "exact" => Self::Exact,
            "over" => Self::Over,
            "many" => Self::Many,
            "at-least" => Self::AtLeast,
            "up-to" => Self::UpTo,
            _ => return None,
        })
    }
}

/// What stands where there are too few cases.
fn too_few(lang: &str) -> &'static str {
    match lang.starts_with("zh") {
        true => "样本不足",
        false => "too few",
    }
}

impl Indicator {
    /// A value with its unit; a figure without data is a dash.
    pub fn print(&self, value: Option<Ratio>, lang: &str) -> String {
        self.written(&value.map_or_else(|| "–".to_owned(), Ratio::text), "", lang)
    }

    /// A figure with its unit; one with too few cases says so.
    pub fn say(&self, figure: &Figure, lang: &str) -> String {
        match figure.few && figure.value.is_none() {
            true => too_few(lang).to_owned(),
            false => self.print(figure.value, lang),
        }
    }

    /// The external figures as a sentence has them, each with its source; nothing where there are none.
    pub fn print_benchmarks(&self, lang: &str) -> String {
        let zh = lang.starts_with("zh");
        let one = |b: &Benchmark| {
            let (name, value) = (b.name.get(lang), self.print(Some(b.value), lang));
            let (source, document) = (b.source.get(lang), b.document.get(lang));
            match zh {
                true => format!("{name}{value}（{}，{source}{document}）", b.period),
                false => format!("{name}: {value} ({}, {source}, {document})", b.period),
            }
        };
        let all: Vec<String> = self.benchmarks.iter().map(one).collect();
        all.join(if zh { "；" } else { "; " })
    }

    /// A value as a sentence has it; one without data is marked, so that nobody takes it for a number.
    pub fn print_as(&self, value: Option<Ratio>, style: Style, lang: &str) -> String {
        let zh = lang.starts_with("zh");
        let Some(value) = value else {
            return (if zh { "【无数据】" } else { "[no data]" }).to_owned();
        };
        let (text, over) = match style {
            Style::Over | Style::Many => {
                let (round, over) = value.leading();
                (round.plain(), over)
            }
            Style::AtLeast => (value.at_least().plain(), true),
            Style::Exact | Style::UpTo => (value.text(), true),
        };
        match (style, zh) {
            (Style::Over, true) if over => self.written(&text, "余", lang),
            (Style::Many, true) if over => self.written(&text, "多", lang),
            (Style::Over | Style::Many, false) if over => {
                format!("over {}", self.written(&text, "", lang))
            }
            (Style::AtLeast, true) => self.written(&text, "", lang) + "以上",
            (Style::AtLeast, false) => format!("at least {}", self.written(&text, "", lang)),
            (Style::UpTo, true) => "可达".to_owned() + &self.written(&text, "", lang),
            (Style::UpTo, false) => format!("up to {}", self.written(&text, "", lang)),
            _ => self.written(&text, "", lang),
        }
    }

    /// A number with its unit, and the word for more between them.
    fn written(&self, number: &str, more: &str, lang: &str) -> String {
        let unit = self.unit.get(lang);
        if unit == "%" || lang.starts_with("zh") {
            format!("{number}{more}{unit}")
        } else {
            format!("{number} {unit}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::IndicatorList;
    use commons::packs::Packs;

    #[test]
    fn sentences_never_say_more_than_holds() {
        let text = r#"
            [pack]
            code = "t"
            version = "1"
            name = { zh = "t", en = "t" }
            [[indicator]]
            code = "visits"
            name = { zh = "走访", en = "Visits" }
            unit = { zh = "人次", en = "visits" }
            definition = { zh = "x", en = "x" }
            measure = "count"
            of = { where = { kind = "entry" } }
            [[indicator]]
            code = "rate"
            name = { zh = "率", en = "Rate" }
            unit = { zh = "%", en = "%" }
            definition = { zh = "x", en = "x" }
            measure = "ratio"
            part = "visits"
            whole = "visits"
        "#;
        let packs = Packs::load(vec![("t.toml".into(), text.into())]).unwrap();
        let list = IndicatorList::read(&packs).unwrap();
        let visits = list.get("visits").unwrap();
        let say =
            |n: i64, style: Style, lang: &str| visits.print_as(Some(Ratio::whole(n)), style, lang);
        assert_eq!(say(3018, Style::Over, "zh-CN"), "3000余人次");
        assert_eq!(say(3000, Style::Over, "zh-CN"), "3000人次");
        assert_eq!(say(3018, Style::Many, "zh-CN"), "3000多人次");
        assert_eq!(say(3018, Style::Exact, "zh-CN"), "3,018人次");
        assert_eq!(say(3018, Style::Over, "en"), "over 3000 visits");
        assert_eq!(visits.print_as(None, Style::Over, "zh-CN"), "【无数据】");
        let rate = list.get("rate").unwrap();
        let value = Ratio {
            numerator: 9_745,
            denominator: 100,
            decimals: 2,
        };
        assert_eq!(
            rate.print_as(Some(value), Style::AtLeast, "zh-CN"),
            "97%以上"
        );
        assert_eq!(
            rate.print_as(Some(value), Style::UpTo, "zh-CN"),
            "可达97.45%"
        );
        assert_eq!(
            rate.print_as(Some(value), Style::AtLeast, "en"),
            "at least 97%"
        );
        assert_eq!(Style::from_code("nearly"), None);
    }
}

//! What counts as the same answer in a blank (填空判分的归一): width, case and blanks do not matter, numbers may be
//! written in Chinese or in digits, punctuation at the ends is dropped.

use unicode_normalization::UnicodeNormalization;

/// The form in which two answers are compared.
pub fn normal(text: &str) -> String {
    let folded: String = text
        .nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| !c.is_whitespace() && !c.is_control() && !is_invisible(*c))
        .map(one_sort)
        .collect();
    let counted = percent(&with_points(&with_digits(&folded)));
    counted.trim_matches(|c: char| ENDS.contains(c)).to_owned()
}

const ENDS: &str = ".,;:!?、。…·'\"()[]{}<>《》〈〉「」『』【】";

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{2060}' | '\u{ad}'
    )
}

/// Signs that look alike and mean the same.
fn one_sort(c: char) -> char {
    match c {
        '“' | '”' | '„' | '〝' | '〞' => '"',
        '‘' | '’' | '‛' => '\'',
        '—' | '–' | '―' | '−' | '‐' | '‑' => '-',
        '○' | '◯' => '〇',
        '〔' => '(',
        '〕' => ')',
        '﹒' | '•' | '・' | '‧' => '·',
        c => c,
    }
}

fn digit(c: char) -> Option<u64> {
    Some(match c {
        '零' | '〇' => 0,
        '一' | '壹' => 1,
        '二' | '贰' | '两' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        c => u64::from(c.to_digit(10)?),
    })
}

fn unit(c: char) -> Option<u64> {
    Some(match c {
        '十' | '拾' => 10,
        '百' | '佰' => 100,
        '千' | '仟' => 1_000,
        '万' => 10_000,
        '亿' => 100_000_000,
        _ => return None,
    })
}

/// Every stretch that is a number becomes digits; one that is none stays as it is.
fn with_digits(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        while at < chars.len() && is_of_number(&chars, start, at) {
            at += 1;
        }
        if at == start {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        let run: Vec<char> = chars[start..at]
            .iter()
            .copied()
            .filter(|c| *c != ',')
            .collect();
        match number(&run) {
            Some(digits) => out.push_str(&digits),
            None => out.extend(&chars[start..at]),
        }
    }
    out
}

/// Digits, units, and the comma between thousands (1,000).
fn is_of_number(chars: &[char], start: usize, at: usize) -> bool {
    let c = chars[at];
    if digit(c).is_some() || unit(c).is_some() {
        return true;
    }
    let ascii = |from: usize, n: usize| {
        chars.len() >= from + n && chars[from..from + n].iter().all(char::is_ascii_digit)
    };
    let before = at - start;
    let first = chars[start..at].iter().position(|c| *c == ',');
    c == ','
        && first.map_or((1..=3).contains(&before) && ascii(start, before), |_| {
            at >= 4 && chars[at - 4] == ','
        })
        && ascii(at + 1, 3)
        && !chars.get(at + 4).is_some_and(char::is_ascii_digit)
}

/// `二〇二六` and `三十` in digits; `None` when it is no number as people write them.
fn number(run: &[char]) -> Option<String> {
    if run.iter().all(|c| digit(*c).is_some()) {
        return Some(
            run.iter()
                .filter_map(|c| digit(*c))
                .map(|d| d.to_string())
                .collect(),
        );
    }
    // A unit alone is a word (百姓, 万一), ten is a number.
    if digit(run[0]).is_none() && unit(run[0]) != Some(10) {
        return None;
    }
    let (mut total, mut section, mut now) = (0u64, 0u64, None::<u64>);
    let (mut last_small, mut last_large) = (u64::MAX, u64::MAX);
    let mut at = 0;
    while at < run.len() {
        let c = run[at];
        if let Some(d) = digit(c) {
            let plain = run[at..].iter().take_while(|c| c.is_ascii_digit()).count();
            if plain > 1 {
                let text: String = run[at..at + plain].iter().collect();
                if now.is_some() || section > 0 {
                    return None;
                }
                now = Some(text.parse().ok()?);
                at += plain;
                continue;
            }
            // A zero only holds a place: 一百零五.
            if now.is_some_and(|n| n != 0) {
                return None;
            }
            now = Some(d);
        } else {
            let u = unit(c)?;
            if u >= 10_000 {
                if u >= last_large {
                    return None;
                }
                let whole = section.checked_add(now.take().unwrap_or(0))?;
                total = total.checked_add(whole.checked_mul(u)?)?;
                if whole == 0 {
                    return None;
                }
                (section, last_small, last_large) = (0, u64::MAX, u);
            } else {
                if u >= last_small {
                    return None;
                }
                let n = now.take().unwrap_or(if u == 10 { 1 } else { 0 });
                if n == 0 {
                    return None;
                }
                section = section.checked_add(n.checked_mul(u)?)?;
                last_small = u;
            }
        }
        at += 1;
    }
    let whole = total.checked_add(section)?.checked_add(now.unwrap_or(0))?;
    Some(whole.to_string())
}

/// `3点5` is `3.5`.
fn with_points(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
    let point = |(at, c): (usize, &char)| {
        let between = *c == '点' && at > 0 && digit(at - 1) && digit(at + 1);
        if between { '.' } else { *c }
    };
    chars.iter().enumerate().map(point).collect()
}

/// `百分之30` is `30%`.
fn percent(text: &str) -> String {
    const WORD: &str = "百分之";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(WORD) {
        out.push_str(before);
        let end = after
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(after.len());
        let digits = after[..end].trim_end_matches('.');
        if digits.starts_with(|c: char| c.is_ascii_digit()) {
            out.push_str(digits);
            out.push('%');
            rest = &after[digits.len()..];
        } else {
            out.push_str(WORD);
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_means_the_same_is_the_same() {
        for (one, other) in [
            ("二〇二六", "2026"),
            ("二○二六年", "2026 年"),
            ("三十", "30"),
            ("十", "10"),
            ("第十二条", "第12条"),
            ("第１２条。", "第12条"),
            ("一百零五", "105"),
            ("一千零八十", "1080"),
            ("两万三千", "23000"),
            ("3万", "三万"),
            ("一亿二千万", "120000000"),
            ("1,000元", "一千元"),
            ("百分之三十", "30%"),
            ("百分之三点五", "3.5％"),
            ("ＡＢＣ", "abc"),
            (" 依法 行政 ", "依法行政"),
            ("“公正”", "公正"),
            ("《民法典》", "民法典"),
            ("叁拾", "30"),
        ] {
            assert_eq!(normal(one), normal(other), "{one} {other}");
        }
        for (one, other) in [
            ("三十", "三"),
            ("第十二条", "第十三条"),
            ("1,2", "12"),
            ("公正", "公平"),
            ("百姓", "万姓"),
            ("3.5", "35"),
        ] {
            assert_ne!(normal(one), normal(other), "{one} {other}");
        }
        assert_eq!(normal("万一"), "万一");
        assert_eq!(normal("十十"), "十十");
    }

    fn chinese(n: u32) -> String {
        const DIGITS: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
        fn below(n: u32, top: bool) -> String {
            let mut out = String::new();
            let mut gap = false;
            for (unit, name) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
                let d = n / unit % 10;
                if d == 0 {
                    gap = !out.is_empty() || !top;
                    continue;
                }
                if gap {
                    out.push('零');
                }
                gap = false;
                if !(top && d == 1 && unit == 10 && out.is_empty()) {
                    out.push_str(DIGITS[d as usize]);
                }
                out.push_str(name);
            }
            out
        }
        match n {
            0 => "零".into(),
            1..10_000 => below(n, true),
            _ if n.is_multiple_of(10_000) => format!("{}万", below(n / 10_000, true)),
            _ => format!("{}万{}", below(n / 10_000, true), below(n % 10_000, false)),
        }
    }

    proptest! {
        #[test]
        fn every_number_in_chinese_is_its_digits(n in 0u32..99_999_999) {
            prop_assert_eq!(normal(&chinese(n)), n.to_string());
            prop_assert_eq!(normal(&format!("第{}条", chinese(n))), format!("第{n}条"));
        }

        #[test]
        fn width_case_and_blanks_do_not_matter(text in "[a-z0-9一-龥]{0,12}") {
            let wide: String = text.chars().map(|c| match c {
                '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
                c => c,
            }).collect();
            let spaced: String = text.to_uppercase().chars().flat_map(|c| [c, ' ']).collect();
            prop_assert_eq!(normal(&wide), normal(&text));
            prop_assert_eq!(normal(&spaced), normal(&text));
        }

        #[test]
        fn nothing_upsets_it(text in "\\PC{0,40}", odd in "[零一二两三十百千万亿0-9,点百分之]{0,20}") {
            normal(&text);
            let once = normal(&odd);
            prop_assert!(once.chars().count() <= odd.chars().count() * 10);
        }
    }
}

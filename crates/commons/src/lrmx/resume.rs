//! The lines of a resume (简历): `1995.07--1998.03  澜州市司法局科员`.

/// A month of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    /// Year.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: i8,
}

impl Month {
    /// Reads `199507`, `1995.07`, `1995.7`, `1995-07`, `1995年7月`, also with a day after it. `None`
    /// for anything else, such as `（无党派）`.
    pub fn read(text: &str) -> Option<Self> {
        let (month, rest) = take_month(text.trim())?;
        let day = rest
            .trim_start_matches(['.', '-', '/', '．'])
            .trim_end_matches('日');
        (day.len() <= 2 && day.bytes().all(|b| b.is_ascii_digit())).then_some(month)
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}.{:02}", self.year, self.month)
    }
}

/// How long something lasted; without an end it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First month.
    pub from: Month,
    /// Last month; `None`: until now (至今).
    pub to: Option<Month>,
}

/// One entry of a resume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was; `None` where the beginning of the line is no span of months.
    pub span: Option<Span>,
    /// What it says, lines that follow indented joined to it.
    pub text: String,
    /// The entry as it stands in the file.
    pub original: String,
}

/// Reads a resume into entries; joined by line breaks, their originals are the resume again. A line
/// that begins with no span goes on with the entry before, as wrapped lines and `（其间：…）` do.
pub fn lines(resume: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    if resume.is_empty() {
        return lines;
    }
    for original in resume.split('\n') {
        let parsed = span(original);
        match (parsed, lines.last_mut()) {
            (None, Some(before)) => {
                before.text.push_str(original.trim());
                before.original.push('\n');
                before.original.push_str(original);
            }
            (parsed, _) => lines.push(Line {
                span: parsed.map(|(span, _)| span),
                text: parsed.map_or(original, |(_, text)| text).trim().to_owned(),
                original: original.to_owned(),
            }),
        }
    }
    lines
}

/// A resume from entries, in the form of the forms program.
pub fn text<'t>(entries: impl IntoIterator<Item = (Span, &'t str)>) -> String {
    let line = |(span, text): (Span, &str)| {
        let to = span.to.map_or("       ".to_owned(), |to| to.to_string());
        format!("{}--{to}  {}", span.from, text.trim().replace('\n', " "))
    };
    entries.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The span at the beginning of a line and what follows it.
fn span(line: &str) -> Option<(Span, &str)> {
    let (from, rest) = take_month(line.trim_start())?;
    let rest = rest.trim_start();
    let dash = |c: char| "-－—–―─~～至到".contains(c);
    let after = rest.trim_start_matches(dash);
    if after.len() == rest.len() {
        return None;
    }
    // A dash eats the first character of `至今`.
    let after = after.trim_start();
    let (to, text) = match take_month(after) {
        Some((to, text)) => (Some(to), text),
        None => (
            None,
            ["今", "现在"]
                .iter()
                .find_map(|now| after.strip_prefix(now))
                .unwrap_or(after),
        ),
    };
    if to.is_some_and(|to| to < from) || text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some((Span { from, to }, text))
}

/// A month at the beginning of a text and what follows it.
fn take_month(text: &str) -> Option<(Month, &str)> {
    let digits = |text: &str, most: usize| {
        let count = text
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        (count > 0).then_some(count)
    };
    let count = digits(text, 4).filter(|n| *n == 4)?;
    let (year, rest) = text.split_at(count);
    let glued = rest.starts_with(|c: char| c.is_ascii_digit());
    let rest = if glued {
        rest
    } else {
        rest.strip_prefix(['.', '-', '/', '．', '年'])?
    };
    let count = digits(rest, 2)?;
    let (month, rest) = rest.split_at(count);
    if glued && count != 2 {
        return None;
    }
    let month = Month {
        year: year.parse().ok()?,
        month: month.parse().ok()?,
    };
    let real = (1900..=2200).contains(&month.year) && (1..=12).contains(&month.month);
    real.then(|| (month, rest.strip_prefix('月').unwrap_or(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn month(year: i16, month: i8) -> Month {
        Month { year, month }
    }

    #[test]
    fn months_are_read_as_forms_have_them() {
        for text in [
            "199507",
            "19950701",
            "1995.07",
            "1995.7",
            "1995-07-01",
            "1995年7月",
            " 1995/07 ",
        ] {
            assert_eq!(Month::read(text), Some(month(1995, 7)), "{text}");
        }
        for text in [
            "",
            "（无党派）",
            "1995",
            "199513",
            "1995.13",
            "0995.07",
            "1995.07以后",
            "九五年",
        ] {
            assert_eq!(Month::read(text), None, "{text}");
        }
    }

    #[test]
    fn lines_are_read_as_people_write_them() {
        let resume = "1991.09--1995.07  澜州大学法律系学习\n\
                      1995年7月－1998年3月　澜州市司法局科员\n\
                      \x20                 （其间：1996.09—1997.01在市委党校学习）\n\
                      199803-200505 澜州市司法局副科长\n\
                      2005.05--         澜州市司法局科长\n\
                      2010.01至今 兼任调解中心主任";
        let read = lines(resume);
        let spans: Vec<_> = read
            .iter()
            .map(|l| l.span.unwrap())
            .map(|s| (s.from, s.to))
            .collect();
        assert_eq!(
            spans,
            [
                (month(1991, 9), Some(month(1995, 7))),
                (month(1995, 7), Some(month(1998, 3))),
                (month(1998, 3), Some(month(2005, 5))),
                (month(2005, 5), None),
                (month(2010, 1), None),
            ]
        );
        assert_eq!(read[0].text, "澜州大学法律系学习");
        assert_eq!(
            read[1].text,
            "澜州市司法局科员（其间：1996.09—1997.01在市委党校学习）"
        );
        assert_eq!(read[3].text, "澜州市司法局科长");
        assert_eq!(read[4].text, "兼任调解中心主任");
        let unread = lines("先后在多个单位工作\n1995.07 参加工作");
        assert_eq!((unread.len(), unread[0].span), (1, None));
        assert_eq!(lines("1998.03--1995.07  倒置")[0].span, None);
    }

    proptest! {
        #[test]
        fn the_originals_are_the_resume(resume in "([0-9.年月 至今—-]{0,20}[\\u{4e00}-\\u{4e20}（）]{0,6}\\n){0,6}") {
            let originals: Vec<_> = lines(&resume).into_iter().map(|l| l.original).collect();
            prop_assert_eq!(originals.join("\n"), resume);
        }

        #[test]
        fn written_entries_are_read_again(
            entries in proptest::collection::vec(
                ((1950i16..2100, 1i8..=12), proptest::option::of(0i16..50), "[\\u{4e00}-\\u{9fa5}（]{1,9}"), 0..8)
        ) {
            let entries: Vec<(Span, String)> = entries
                .into_iter()
                .filter(|(_, _, text)| !text.starts_with(['至', '到', '今', '现', '年', '月']))
                .map(|((y, m), years, text)| {
                    let to = years.map(|n| month(y + n, m));
                    (Span { from: month(y, m), to }, text)
                })
                .collect();
            let written = text(entries.iter().map(|(span, text)| (*span, text.as_str())));
            let read: Vec<_> = lines(&written).into_iter().map(|l| (l.span.unwrap(), l.text)).collect();
            prop_assert_eq!(read, entries);
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,40}") {
            lines(&text);
            Month::read(&text);
        }
    }
}

//! Words (词): how a text is cut into terms, and a question into what it asks for.

use std::collections::BTreeSet;

/// No question looks for more terms than this; further words are compared in what was found.
const MOST_TERMS: usize = 12;
/// No record has more terms than this.
const MOST_INDEXED: usize = 2_000;
/// Of longer runs of letters and digits only the beginning is looked up.
const LONGEST: usize = 20;

/// A text as it is compared: small letters, half-width forms.
pub fn fold(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let narrow = match c {
                '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
                '\u{3000}' => ' ',
                other => other,
            };
            narrow.to_lowercase()
        })
        .collect()
}

fn is_wide(c: char) -> bool {
    c.is_alphanumeric() && (c as u32) >= 0x2e80
}

/// Runs of one kind, each either of Chinese (true) or of other letters and digits.
fn runs(text: &str) -> Vec<(bool, Vec<char>)> {
    let mut runs: Vec<(bool, Vec<char>)> = Vec::new();
    let mut broken = true;
    for c in fold(text).chars() {
        if !c.is_alphanumeric() {
            broken = true;
            continue;
        }
        let wide = is_wide(c);
        match runs.last_mut().filter(|(kind, _)| !broken && *kind == wide) {
            Some((_, run)) => run.push(c),
            None => runs.push((wide, vec![c])),
        }
        broken = false;
    }
    runs
}

/// The terms of a text: of Chinese every character and every pair, of the rest the beginnings of words. So
/// every question is a matter of equal terms, whatever order of letters a database keeps.
pub fn terms(text: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (wide, run) in runs(text) {
        if wide {
            all.extend(run.iter().map(char::to_string));
            all.extend(run.windows(2).map(String::from_iter));
        } else {
            all.extend((1..=run.len().min(LONGEST)).map(|n| String::from_iter(&run[..n])));
        }
        if all.len() >= MOST_INDEXED {
            break;
        }
    }
    all
}

/// What a question asks for (检索词).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// Its words, folded; a record has each of them.
    pub list: Vec<String>,
    /// Terms to look up.
    pub terms: Vec<String>,
}

impl Words {
    /// Reads a question: words are parted by blanks and punctuation.
    pub fn new(question: &str) -> Self {
        let mut list = Vec::new();
        let mut terms: Vec<String> = Vec::new();
        for word in fold(question).split_whitespace() {
            let runs = runs(word);
            if runs.is_empty() {
                continue;
            }
            list.push(word.to_owned());
            for (wide, run) in runs {
                let found: Vec<_> = if wide && run.len() > 1 {
                    run.windows(2).map(String::from_iter).collect()
                } else {
                    vec![run.into_iter().take(LONGEST).collect()]
                };
                for term in found {
                    if terms.len() < MOST_TERMS && !terms.contains(&term) {
                        terms.push(term);
                    }
                }
            }
        }
        Self { list, terms }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a text has every word as it was typed. Pairs of characters may lie apart in a record, so what
    /// was looked up is compared once more.
    pub fn are_in(&self, text: &str) -> bool {
        let text = fold(text);
        self.list.iter().all(|word| text.contains(word.as_str()))
    }
}

/// A text cut where words of a question stand in it (the second says: it is one), to mark them on a page.
pub fn pieces(text: &str, words: &Words) -> Vec<(String, bool)> {
    let chars: Vec<char> = text.chars().collect();
    // Folding may change the number of characters, so each is folded alone.
    let folded: Vec<String> = chars.iter().map(|c| fold(&c.to_string())).collect();
    let mut marked = vec![false; chars.len()];
    for word in &words.list {
        for start in 0..chars.len() {
            let mut rest = word.as_str();
            let mut end = start;
            while let Some(left) = folded.get(end).and_then(|f| rest.strip_prefix(f.as_str())) {
                (rest, end) = (left, end + 1);
                if rest.is_empty() {
                    marked[start..end].fill(true);
                    break;
                }
            }
        }
    }
    let mut out: Vec<(String, bool)> = Vec::new();
    for (c, mark) in chars.into_iter().zip(marked) {
        match out.last_mut().filter(|(_, last)| *last == mark) {
            Some((piece, _)) => piece.push(c),
            None => out.push((c.to_string(), mark)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Vec<String> {
        terms(text).into_iter().collect()
    }

    #[test]
    fn chinese_is_cut_into_pairs_and_the_rest_into_words() {
        assert_eq!(
            of("行政复议"),
            ["复", "复议", "政", "政复", "行", "行政", "议"]
        );
        assert_eq!(
            of("第3期 ＡＢＣ-12"),
            ["1", "12", "3", "a", "ab", "abc", "期", "第"]
        );
        assert_eq!(of("…！"), Vec::<String>::new());
        let asked = Words::new("行政 Fa  x").terms;
        assert_eq!(asked, ["行政", "fa", "x"]);
        assert!(Words::new(" ，。 ").is_empty());
        assert!(Words::new(&"学习强国".repeat(500)).terms.len() <= MOST_TERMS);
    }

    #[test]
    fn words_are_marked_where_they_stand() {
        let marked = pieces("行政复议与行政诉讼", &Words::new("行政 诉讼"));
        let as_text: String = marked
            .iter()
            .map(|(t, m)| if *m { format!("[{t}]") } else { t.clone() })
            .collect();
        assert_eq!(as_text, "[行政]复议与[行政诉讼]");
        assert_eq!(pieces("", &Words::new("x")), []);
    }

    proptest! {
        #[test]
        fn every_part_of_a_text_finds_it(text in "[一-龥]{2,12}", from in 0usize..10, len in 1usize..6) {
            let chars: Vec<char> = text.chars().collect();
            let from = from.min(chars.len() - 1);
            let part: String = chars[from..(from + len).min(chars.len())].iter().collect();
            let have = terms(&text);
            for term in Words::new(&part).terms {
                prop_assert!(have.contains(&term), "{term} in {have:?}");
            }
            prop_assert!(Words::new(&part).are_in(&text));
        }

        #[test]
        fn pieces_put_together_are_the_text(text in "\\PC{0,40}", question in "\\PC{0,10}") {
            let words = Words::new(&question);
            let whole: String = pieces(&text, &words).into_iter().map(|(t, _)| t).collect();
            prop_assert_eq!(whole, text);
        }
    }
}

//! Letters of options (选项字母): A is the first option, Z the last that there can be.

use std::fmt;
use std::str::FromStr;

/// Options that a question may have at most, one for each letter.
pub const MOST_OPTIONS: usize = 26;

/// The letter of an option by its place.
pub fn letter(place: usize) -> char {
    let offset = u8::try_from(place.min(MOST_OPTIONS - 1)).unwrap_or(0);
    char::from(b'A' + offset)
}

/// The place of an option by its letter: small, capital or full-width.
pub fn place(letter: char) -> Option<usize> {
    let plain = match letter {
        'Ａ'..='Ｚ' => u32::from(letter) - u32::from('Ａ'),
        'ａ'..='ｚ' => u32::from(letter) - u32::from('ａ'),
        'A'..='Z' => u32::from(letter) - u32::from('A'),
        'a'..='z' => u32::from(letter) - u32::from('a'),
        _ => return None,
    };
    usize::try_from(plain).ok()
}

/// Places of options, written as letters: `AC`. None stands twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Letters(Vec<usize>);

impl Letters {
    /// These places in their order; `None` when one stands twice or has no letter.
    pub fn new(places: impl IntoIterator<Item = usize>) -> Option<Self> {
        let mut out = Vec::new();
        for place in places {
            if place >= MOST_OPTIONS || out.contains(&place) {
                return None;
            }
            out.push(place);
        }
        Some(Self(out))
    }

    /// The places 0 to n − 1.
    pub fn first(n: usize) -> Self {
        Self((0..n.min(MOST_OPTIONS)).collect())
    }

    /// The same letters in the order of the alphabet.
    pub fn sorted(mut self) -> Self {
        self.0.sort_unstable();
        self
    }

    /// Their places.
    pub fn places(&self) -> &[usize] {
        &self.0
    }

    /// Whether a place is among them.
    pub fn has(&self, place: usize) -> bool {
        self.0.contains(&place)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all lie among the first `n` options.
    pub fn within(&self, n: usize) -> bool {
        self.0.iter().all(|place| *place < n)
    }
}

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|place| write!(f, "{}", letter(*place)))
    }
}

/// The text holds something else than letters, or a letter twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoLetters;

impl fmt::Display for NoLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no letters of options")
    }
}

impl std::error::Error for NoLetters {}

impl FromStr for Letters {
    type Err = NoLetters;

    /// `AC`, `a,c`, `A、C`, `Ａ Ｃ`.
    fn from_str(text: &str) -> Result<Self, NoLetters> {
        let mut places = Vec::new();
        for c in text.chars() {
            match place(c) {
                Some(place) => places.push(place),
                None if c.is_whitespace() || ",，、;；/.．。".contains(c) => {}
                None => return Err(NoLetters),
            }
        }
        Self::new(places).ok_or(NoLetters)
    }
}

impl serde::Serialize for Letters {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Letters {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read_as_people_write_them() {
        for text in ["AC", "a,c", "A、C", "Ａ Ｃ", "a/ｃ", "A;C."] {
            assert_eq!(text.parse::<Letters>().unwrap().to_string(), "AC", "{text}");
        }
        assert_eq!("CA".parse::<Letters>().unwrap().to_string(), "CA");
        assert_eq!("CA".parse::<Letters>().unwrap().sorted().to_string(), "AC");
        for text in ["AA", "A1", "对", "А"] {
            assert_eq!(text.parse::<Letters>(), Err(NoLetters), "{text}");
        }
        assert!(Letters::new([0, 26]).is_none());
        assert_eq!(Letters::first(3).to_string(), "ABC");
    }
}

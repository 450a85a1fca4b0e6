//! Pictures of one question or one document while it is read.

use commons::files::FileHash;

use crate::model::{Media, Question};

/// Pictures by their numbers, each once.
#[derive(Default)]
pub(super) struct Gallery(pub Vec<Media>);

impl Gallery {
    /// Its number, from 1; `None` when it is too large or of a kind that no browser shows safely.
    pub fn put(&mut self, name: &str, bytes: &[u8], most: usize) -> Option<usize> {
        let (mime, extension) = kind(bytes)?;
        if bytes.len() > most {
            return None;
        }
        let hash = FileHash::of(bytes).to_string();
        if let Some(at) = self.0.iter().position(|m| m.hash == hash) {
            return Some(at + 1);
        }
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
        let plain: String = stem
            .chars()
            .filter(|c| c.is_alphanumeric() || "-_".contains(*c))
            .take(60)
            .collect();
        let plain = if plain.is_empty() {
            "picture".to_owned()
        } else {
            plain
        };
        self.0.push(Media {
            name: format!("{plain}.{extension}"),
            mime: mime.to_owned(),
            hash,
            bytes: bytes.to_vec(),
        });
        Some(self.0.len())
    }

    /// Gives a question those of the pictures that its texts show, with numbers of its own.
    pub fn give(&self, question: &mut Question) {
        let mut media: Vec<Media> = Vec::new();
        let all = &self.0;
        question.each_text(&mut |text| {
            if !text.contains("![](#") {
                return;
            }
            let mut out = String::new();
            for piece in super::markup::pieces(text) {
                match piece {
                    super::markup::Piece::Text(text) => out.push_str(text),
                    super::markup::Piece::Picture(number, raw) => {
                        let Some(one) = number.checked_sub(1).and_then(|at| all.get(at)) else {
                            out.push_str(raw);
                            continue;
                        };
                        let known = media.iter().position(|m| m.hash == one.hash);
                        let at = known.unwrap_or_else(|| {
                            media.push(one.clone());
                            media.len() - 1
                        });
                        out.push_str(&format!("![](#{})", at + 1));
                    }
                }
            }
            *text = out;
        });
        question.media = media;
    }
}

/// What a picture is by its first bytes. Drawings with scripts (svg) and old metafiles are none.
fn kind(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some(("image/png", "png")),
        [0xff, 0xd8, 0xff, ..] => Some(("image/jpeg", "jpg")),
        [b'G', b'I', b'F', b'8', ..] => Some(("image/gif", "gif")),
        [b'B', b'M', ..] if bytes.len() > 26 => Some(("image/bmp", "bmp")),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some(("image/webp", "webp")),
        _ => None,
    }
}

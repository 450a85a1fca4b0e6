//! What stands in an uploaded file, as plain text, to look for words in it: spreadsheets, text documents, appointment
//! forms, plain text, and those of them in a zip. Pictures, PDF and old office files are not read.

use std::io::{BufRead, BufReader, Cursor, Read};

use encoding_rs::{Encoding, GB18030};
use kernel::{Error, Msg, Result};
use quick_xml::Reader;
use quick_xml::events::Event;

/// Bytes of a zipped file's content once inflated.
const INFLATED: u64 = 400 << 20;
/// Parts of a zipped file.
const PARTS: usize = 20_000;
/// Text is handed out in stretches of about so many bytes.
const STRETCH: usize = 32 << 10;
/// What of a stretch without any end is handed out again with the next one, so that no word is cut.
const OVERLAP: usize = 256;
/// Between what does not belong together; no blank, since words are looked for as if there were none.
const BETWEEN: char = '|';

/// Hands out the text of a file in stretches that cut no word; false when it is of a kind that is not read.
///
/// # Errors
/// `Invalid` when a zipped file holds more than can be looked through.
pub fn texts(bytes: &[u8], each: &mut dyn FnMut(&str)) -> Result<bool> {
    let mut out = Stretches {
        text: String::new(),
        each,
    };
    let read = if bytes.starts_with(b"PK") {
        zipped(bytes, &mut out)?
    } else {
        plain(bytes, &mut out)
    };
    out.flush();
    Ok(read)
}

struct Stretches<'e> {
    text: String,
    each: &'e mut dyn FnMut(&str),
}

impl Stretches<'_> {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        if self.text.len() > 4 * STRETCH {
            let mut from = self.text.len() - OVERLAP;
            while !self.text.is_char_boundary(from) {
                from -= 1;
            }
            let rest = self.text.split_off(from);
            let next = rest.clone();
            self.text.push_str(&rest);
            self.flush();
            self.text = next;
        }
    }

    fn end(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(BETWEEN) {
            self.text.push(BETWEEN);
        }
        if self.text.len() > STRETCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            (self.each)(&self.text);
            self.text.clear();
        }
    }
}

fn too_large() -> Error {
    Error::field(
        "file",
        Msg::new("contents-too-large").with("mebibytes", INFLATED >> 20),
    )
}

fn zipped(bytes: &[u8], out: &mut Stretches<'_>) -> Result<bool> {
    // One that is broken is refused by whoever wants to read it.
    let Ok(mut zip) = zip::ZipArchive::new(Cursor::new(bytes)) else {
        return Ok(false);
    };
    if zip.len() > PARTS {
        return Err(too_large());
    }
    let (mut left, mut read) = (INFLATED, false);
    for at in 0..zip.len() {
        let Ok(entry) = zip.by_index(at) else {
            continue;
        };
        let name = String::from_utf8_lossy(entry.name_raw()).to_lowercase();
        let xml = name.ends_with(".xml");
        let text = [".lrmx", ".csv", ".txt"]
            .iter()
            .any(|end| name.ends_with(end));
        if !xml && !text {
            continue;
        }
        let mut entry = entry.take(left + 1);
        if xml {
            markup(BufReader::new(&mut entry), PARAGRAPHS, out);
        } else {
            let mut whole = Vec::new();
            if entry.read_to_end(&mut whole).is_ok() {
                plain(&whole, out);
            }
        }
        out.end();
        left = (left + 1)
            .checked_sub(left + 1 - entry.limit())
            .and_then(|rest| rest.checked_sub(1))
            .ok_or_else(too_large)?;
        read = true;
    }
    Ok(read)
}

/// Elements of office files after which something else begins; within them text is put together, since a word may
/// be written in several pieces.
const PARAGRAPHS: &[&str] = &[
    "p",
    "si",
    "is",
    "c",
    "row",
    "tc",
    "comment",
    "text",
    "title",
    "subject",
    "keywords",
    "description",
    "oddHeader",
    "oddFooter",
];

/// Text of markup; after these elements something else begins, after every one where none is named.
fn markup(source: impl BufRead, ends: &[&str], out: &mut Stretches<'_>) {
    let mut reader = Reader::from_reader(source);
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Text(text)) => out.push(&text),
            Ok(Event::CData(text)) => out.push(&text),
            Ok(Event::GeneralRef(name)) => out.push(&reference(&name)),
            Ok(Event::End(end)) => {
                if ends.is_empty() || ends.contains(&end.local_name().as_ref()) {
                    out.end();
                }
            }
            // What is broken behind this place is refused by whoever wants to read it.
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
        buffer.clear();
    }
}

/// A character that is written as a reference (`&#x7edd;`).
fn reference(name: &str) -> String {
    let number = match name.strip_prefix('#') {
        Some(digits) => match digits.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        },
        None => None,
    };
    let character = number.and_then(char::from_u32);
    character.map_or_else(|| " ".to_owned(), String::from)
}

/// Text in the encodings that office programs write; false when it is none.
fn plain(bytes: &[u8], out: &mut Stretches<'_>) -> bool {
    let (encoding, rest) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, &bytes[length..]),
        None => match std::str::from_utf8(bytes) {
            Ok(_) => (encoding_rs::UTF_8, bytes),
            Err(_) => (GB18030, bytes),
        },
    };
    let (text, broken) = encoding.decode_without_bom_handling(rest);
    if text.starts_with("%PDF") || text.contains('\0') || (broken && encoding == GB18030) {
        return false;
    }
    if text.trim_start().starts_with('<') {
        markup(text.as_bytes(), &[], out);
        return true;
    }
    for line in text.split_inclusive([',', '\t', '"', '\n']) {
        out.push(line);
        if out.text.len() > STRETCH && line.ends_with([',', '\t', '"']) {
            out.end();
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::docx::{Block, Document, Run};
    use crate::sheets::write::{Value, xlsx};

    fn all(bytes: &[u8]) -> Option<String> {
        let mut whole = String::new();
        let read = texts(bytes, &mut |text| whole.push_str(text)).expect("looked through");
        read.then_some(whole)
    }

    fn zip(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in parts {
            let options = zip::write::SimpleFileOptions::default();
            zip.start_file(*name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn texts_of_every_kind_are_read_and_words_are_whole() {
        let rows = [vec![Value::Text("甲绝".into()), Value::Text("密乙".into())]];
        let sheet = all(&xlsx("表", &["机密", "职务"], rows).unwrap()).unwrap();
        assert!(sheet.contains("机密") && !sheet.contains("绝密"), "{sheet}");
        let document = Document {
            title: "标题".into(),
            blocks: vec![
                Block::Paragraph(vec!["这是绝".into(), Run::bold("密"), "文件".into()]),
                Block::text("上一段机"),
                Block::text("密下一段"),
            ],
            ..Document::default()
        };
        let word = all(&crate::docx::write(&document).unwrap()).unwrap();
        assert!(
            word.contains("这是绝密文件") && !word.contains("机密"),
            "{word}"
        );
        let form = "<Person><XingMing>甲绝</XingMing><ZhiWu>密乙</ZhiWu><JianLi>&#26426;密</JianLi></Person>";
        let read = all(form.as_bytes()).unwrap();
        assert!(read.contains("机密") && !read.contains("绝密"), "{read}");
        assert_eq!(all("工号,机密\n".as_bytes()).unwrap(), "工号,机密\n");
        let (gbk, ..) = GB18030.encode("工号,机密");
        assert!(all(&gbk).unwrap().contains("机密"));
        let many = all(&zip(&[
            ("a.lrmx", form.as_bytes()),
            ("b.txt", &gbk),
            ("c.jpg", b"\0"),
        ]))
        .unwrap();
        assert_eq!(many.matches("机密").count(), 2);
    }

    #[test]
    fn what_is_no_text_is_not_read_and_what_is_too_much_is_refused() {
        for none in [
            b"%PDF-1.7 x".as_slice(),
            b"\x89PNG\0",
            b"\xd0\xcf\x11\xe0\0",
            b"PK no zip",
        ] {
            assert_eq!(all(none), None);
        }
        let parts: Vec<String> = (0..PARTS + 1).map(|n| format!("{n}.x")).collect();
        let parts: Vec<(&str, &[u8])> =
            parts.iter().map(|p| (p.as_str(), b"".as_slice())).collect();
        assert!(texts(&zip(&parts), &mut |_| {}).is_err());
    }

    #[test]
    fn a_word_that_lies_across_stretches_is_handed_out_whole() {
        for before in [STRETCH - 1, 4 * STRETCH - 5, 4 * STRETCH - 1, 5 * STRETCH] {
            let text = format!("{}绝密{}", "a".repeat(before), "b".repeat(6 * STRETCH));
            let mut found = false;
            texts(text.as_bytes(), &mut |t| found |= t.contains("绝密")).unwrap();
            assert!(found, "{before}");
            let mut longest = 0;
            let xml = format!("<a>{text}</a>");
            texts(xml.as_bytes(), &mut |t| longest = longest.max(t.len())).unwrap();
            assert!(longest > 0);
        }
    }
}

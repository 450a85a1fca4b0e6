//! Papers as text documents, in the form that the reader of papers reads.

use std::io::{Cursor, Write};

use kernel::{Error, Result};
use zip::write::SimpleFileOptions;

use super::markup::{Piece, pieces};
use super::xml::escaped;
use super::{Limits, Written, kind_lost, losses, text};
use crate::model::Question;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

#[derive(Default)]
struct Parts {
    body: String,
    relations: String,
    files: Vec<(String, Vec<u8>)>,
}

pub(super) fn write(questions: &[Question]) -> Result<Written> {
    let mut parts = Parts::default();
    let (mut lost, mut carried) = (Vec::new(), Vec::new());
    for (at, question) in questions.iter().enumerate() {
        let Some(lines) = text::lines(at + 1, question) else {
            lost.push((at + 1, kind_lost(question)));
            continue;
        };
        let back = text::read(&lines.join("\n"));
        carried.push((at, back.len() == 1));
        for line in lines {
            parts.paragraph(&line, question);
        }
        parts.body.push_str("<w:p/>");
    }
    let bytes = parts.zip()?;
    let back = match carried.is_empty() {
        true => Vec::new(),
        false => super::read("questions.docx", &bytes, Limits::default())?.items,
    };
    // Where one question is read as several, each is compared alone with what its lines give.
    let whole = back.len() == carried.len();
    for (place, (at, _)) in carried.iter().enumerate() {
        let question = &questions[*at];
        let found = match whole {
            true => losses(question, &back[place..=place]).collect::<Vec<_>>(),
            false => {
                let lines = text::lines(at + 1, question).unwrap_or_default();
                losses(question, &text::read(&lines.join("\n"))).collect()
            }
        };
        lost.extend(found.into_iter().map(|message| (at + 1, message)));
    }
    lost.sort_by_key(|(at, _)| *at);
    Ok(Written { bytes, lost })
}

impl Parts {
    fn paragraph(&mut self, line: &str, question: &Question) {
        self.body.push_str("<w:p>");
        for piece in pieces(line) {
            match piece {
                Piece::Text(text) => self.text(text),
                Piece::Picture(number, raw) => {
                    match number.checked_sub(1).and_then(|at| question.media.get(at)) {
                        Some(media) => self.picture(&media.name, &media.mime, &media.bytes),
                        None => self.text(raw),
                    }
                }
            }
        }
        self.body.push_str("</w:p>");
    }

    fn text(&mut self, text: &str) {
        let run = format!(
            "<w:r><w:t xml:space=\"preserve\">{}</w:t></w:r>",
            escaped(text)
        );
        self.body.push_str(&run);
    }

    fn picture(&mut self, name: &str, mime: &str, bytes: &[u8]) {
        let number = self.files.len() + 1;
        let extension = mime.rsplit('/').next().unwrap_or("png");
        let path = format!("media/image{number}.{extension}");
        self.relations.push_str(&format!(
            "<Relationship Id=\"rId{number}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/image\" Target=\"{path}\"/>"
        ));
        self.files.push((format!("word/{path}"), bytes.to_vec()));
        // 8 cm wide; readers keep the proportion of what they show.
        let (wide, high) = (2_880_000, 2_160_000);
        let name = escaped(name);
        self.body.push_str(&format!(
            "<w:r><w:drawing><wp:inline distT=\"0\" distB=\"0\" distL=\"0\" distR=\"0\"><wp:extent cx=\"{wide}\" cy=\"{high}\"/>\
             <wp:docPr id=\"{number}\" name=\"{name}\"/><a:graphic><a:graphicData uri=\"http://schemas.openxmlformats.org/drawingml/2006/picture\">\
             <pic:pic><pic:nvPicPr><pic:cNvPr id=\"{number}\" name=\"{name}\"/><pic:cNvPicPr/></pic:nvPicPr>\
             <pic:blipFill><a:blip r:embed=\"rId{number}\"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>\
             <pic:spPr><a:xfrm><a:off x=\"0\" y=\"0\"/><a:ext cx=\"{wide}\" cy=\"{high}\"/></a:xfrm><a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom></pic:spPr>\
             </pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
        ));
    }

    fn zip(self) -> Result<Vec<u8>> {
        let types = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
             <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
             <Default Extension=\"xml\" ContentType=\"application/xml\"/><Default Extension=\"png\" ContentType=\"image/png\"/>\
             <Default Extension=\"jpeg\" ContentType=\"image/jpeg\"/><Default Extension=\"gif\" ContentType=\"image/gif\"/>\
             <Default Extension=\"bmp\" ContentType=\"image/bmp\"/><Default Extension=\"webp\" ContentType=\"image/webp\"/>\
             <Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";
        let relations = |inner: &str| {
            format!(
                "{HEAD}<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{inner}</Relationships>"
            )
        };
        let main = "<Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"word/document.xml\"/>";
        let document = format!(
            "{HEAD}<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" \
             xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\" \
             xmlns:wp=\"http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing\" \
             xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" \
             xmlns:pic=\"http://schemas.openxmlformats.org/drawingml/2006/picture\"><w:body>{}</w:body></w:document>",
            self.body
        );
        let mut files = vec![
            (
                "[Content_Types].xml".to_owned(),
                format!("{HEAD}{types}").into_bytes(),
            ),
            ("_rels/.rels".to_owned(), relations(main).into_bytes()),
            ("word/document.xml".to_owned(), document.into_bytes()),
            (
                "word/_rels/document.xml.rels".to_owned(),
                relations(&self.relations).into_bytes(),
            ),
        ];
        files.extend(self.files);
        zipped(files)
    }
}

/// An archive of files in their order; the same files give the same bytes.
pub(super) fn zipped(files: Vec<(String, Vec<u8>)>) -> Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
    for (name, bytes) in files {
        zip.start_file(name, options).map_err(Error::internal)?;
        zip.write_all(&bytes).map_err(Error::internal)?;
    }
    let done = zip.finish().map_err(Error::internal)?;
    Ok(done.into_inner())
}

//! Papers as text documents (Word 试卷): paragraphs with the numbers that the program counts itself, tables, pictures
//! of Word and of WPS, and chunks of HTML that web pages put in.

mod chunk;
mod numbering;

use std::collections::HashMap;

use kernel::Msg;

use super::gallery::Gallery;
use super::grammar::{self, Line};
use super::pack::{Pack, beside};
use super::xml::{self, Element, Node};
use super::{Item, Limits};
use numbering::Numbering;

const DOCUMENT: &str = "word/document.xml";

struct Document<'p, 'b> {
    pack: &'p mut Pack<'b>,
    /// Targets of the document by their ids.
    targets: HashMap<String, String>,
    numbering: Numbering,
    gallery: Gallery,
    limits: Limits,
    lines: Vec<Line>,
    paragraphs: usize,
}

pub(super) fn read(pack: &mut Pack<'_>, limits: Limits) -> Result<Vec<Item>, Msg> {
    let source = pack.text(DOCUMENT)?.unwrap_or_default();
    let root = xml::read(&source)?;
    let optional = |text: Option<String>| text.map(|t| xml::read(&t)).transpose();
    let relations = optional(pack.text("word/_rels/document.xml.rels")?)?;
    let numbers = optional(pack.text("word/numbering.xml")?)?;
    let styles = optional(pack.text("word/styles.xml")?)?;
    let mut targets = HashMap::new();
    for relation in relations.iter().flat_map(|r| r.all("relationship")) {
        let outside = relation.attribute("TargetMode") == Some("External");
        if let (Some(id), Some(target), false) = (
            relation.attribute("Id"),
            relation.attribute("Target"),
            outside,
        ) {
            targets.insert(id.to_owned(), beside(DOCUMENT, target));
        }
    }
    let mut document = Document {
        pack,
        targets,
        numbering: Numbering::read(numbers.as_ref(), styles.as_ref()),
        gallery: Gallery::default(),
        limits,
        lines: Vec::new(),
        paragraphs: 0,
    };
    document.blocks(&root)?;
    let mut items = grammar::read(std::mem::take(&mut document.lines));
    for item in &mut items {
        document.gallery.give(&mut item.question);
    }
    Ok(items)
}

impl Document<'_, '_> {
    fn blocks(&mut self, element: &Element) -> Result<(), Msg> {
        for child in element.elements() {
            match child.name.as_str() {
                "p" => {
                    let text = self.paragraph(child)?;
                    self.line(&text);
                }
                "tbl" => self.table(child)?,
                "altchunk" => self.chunk(child)?,
                "del" | "movefrom" | "sectpr" => {}
                _ => self.blocks(child)?,
            }
        }
        Ok(())
    }

    fn line(&mut self, text: &str) {
        for line in text.lines() {
            self.lines.push(Line {
                text: line.to_owned(),
                place: Msg::new("question-place-paragraph").with("number", self.paragraphs),
            });
        }
    }

    /// The text of a paragraph behind the number that the program counts for it.
    fn paragraph(&mut self, element: &Element) -> Result<String, Msg> {
        self.paragraphs += 1;
        let mut text = self.numbering.label(element);
        self.runs(element, &mut text)?;
        Ok(text)
    }

    fn runs(&mut self, element: &Element, out: &mut String) -> Result<(), Msg> {
        for child in &element.children {
            let Node::Element(e) = child else { continue };
            match e.name.as_str() {
                "t" => out.push_str(&e.text()),
                "tab" | "ptab" => out.push_str("    "),
                "br" | "cr" => out.push('\n'),
                "nobreakhyphen" => out.push('-'),
                "sym" => match e.attribute("char") {
                    Some("F0FC" | "F050" | "F0FE" | "2713" | "2714") => out.push('√'),
                    Some("F0FB" | "F04F" | "F0FD" | "2717" | "2718") => out.push('×'),
                    _ => {}
                },
                "blip" => self.picture(e.attribute("embed"), out)?,
                "imagedata" => self.picture(e.attribute("id"), out)?,
                "alternatecontent" => {
                    // The same thing twice, for programs of different age: the first that says anything counts.
                    let before = out.len();
                    for choice in e.elements() {
                        if out.len() == before {
                            self.runs(choice, out)?;
                        }
                    }
                }
                "ppr" | "rpr" | "instrtext" | "del" | "movefrom" | "deltext" | "rt"
                | "footnotereference" => {}
                _ => self.runs(e, out)?,
            }
        }
        Ok(())
    }

    fn picture(&mut self, id: Option<&str>, out: &mut String) -> Result<(), Msg> {
        let Some(path) = id.and_then(|id| self.targets.get(id)).cloned() else {
            return Ok(());
        };
        let Some(bytes) = self.pack.bytes(&path)? else {
            return Ok(());
        };
        match self.gallery.put(&path, &bytes, self.limits.picture) {
            Some(number) => out.push_str(&format!("![](#{number})")),
            // A picture that cannot be kept leaves a mark that the check of the question names.
            None => out.push_str("![](#0)"),
        }
        Ok(())
    }

    /// A table of answers is a line a row; any other table is only layout.
    fn table(&mut self, table: &Element) -> Result<(), Msg> {
        for row in table.all("tr") {
            let from = self.lines.len();
            let mut cells = Vec::new();
            for cell in row.all("tc") {
                let start = self.lines.len();
                self.blocks(cell)?;
                let texts: Vec<&str> = self.lines[start..].iter().map(|l| l.text.trim()).collect();
                cells.push(texts.join(" ").trim().to_owned());
            }
            let numbers = |c: &String| !c.is_empty() && c.chars().all(|c| c.is_numeric());
            let of_answers = cells.len() > 1
                && (cells[0].contains("题号") || cells[0] == "答案" || cells.iter().all(numbers));
            let short = cells.len() > 1
                && self.lines[..from]
                    .last()
                    .is_some_and(|l| l.text.contains('\t'));
            if of_answers || short {
                let place = self.lines.get(from).map_or_else(
                    || Msg::new("question-place-paragraph").with("number", self.paragraphs),
                    |line| line.place.clone(),
                );
                self.lines.truncate(from);
                let text = cells.join("\t");
                self.lines.push(Line { text, place });
            }
        }
        Ok(())
    }

    fn chunk(&mut self, element: &Element) -> Result<(), Msg> {
        let Some(path) = element
            .attribute("id")
            .and_then(|id| self.targets.get(id))
            .cloned()
        else {
            return Ok(());
        };
        let Some(bytes) = self.pack.bytes(&path)? else {
            return Ok(());
        };
        let (gallery, most) = (&mut self.gallery, self.limits.picture);
        let text = chunk::text(&bytes, &mut |name, bytes| gallery.put(name, bytes, most));
        for line in text.lines() {
            self.paragraphs += 1;
            self.line(line);
        }
        Ok(())
    }
}

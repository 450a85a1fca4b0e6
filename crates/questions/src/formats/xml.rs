//! Just enough XML for packages of questions: elements by their local names, with limits. A document type is refused,
//! so there are no entities but the five that XML has, and characters by number.

use kernel::Msg;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Elements within elements.
const DEPTH: usize = 100;
/// Elements of one file.
const ELEMENTS: usize = 2_000_000;

/// An element.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    /// Name without its prefix, in small letters.
    pub name: String,
    /// Attributes by local names as they stand.
    pub attributes: Vec<(String, String)>,
    /// What it holds.
    pub children: Vec<Node>,
}

/// A piece of an element's content.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Text(String),
    Element(Element),
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self
            .attributes
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    pub fn child<'e>(&'e self, name: &'e str) -> Option<&'e Element> {
        self.elements().find(|e| e.name == name)
    }

    pub fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.elements().filter(move |e| e.name == name)
    }

    /// The text in it and in all it holds.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.collect(&mut out);
        out
    }

    fn collect(&self, out: &mut String) {
        for child in &self.children {
            match child {
                Node::Text(text) => out.push_str(text),
                Node::Element(element) => element.collect(out),
            }
        }
    }

    /// Itself and every element in it, in the order of the file.
    pub fn walk<'e>(&'e self, each: &mut dyn FnMut(&'e Element)) {
        each(self);
        for element in self.elements() {
            element.walk(each);
        }
    }

    /// Its elements of a name, however deep.
    pub fn deep(&self, name: &str) -> Vec<&Element> {
        let mut out = Vec::new();
        self.walk(&mut |e| {
            if e.name == name {
                out.push(e);
            }
        });
        out
    }
}

/// Reads a document; HTML that is no XML is not accepted.
pub(super) fn read(text: &str) -> Result<Element, Msg> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut count = 0;
    loop {
        let position = usize::try_from(reader.buffer_position()).unwrap_or(0);
        let broken = || {
            let before = text.as_bytes().get(..position).unwrap_or_default();
            let line = before.iter().filter(|b| **b == b'\n').count() + 1;
            Msg::new("question-xml-broken").with("line", line)
        };
        let event = reader.read_event().map_err(|_| broken())?;
        match event {
            Event::Start(ref tag) | Event::Empty(ref tag) => {
                count += 1;
                if open.len() >= DEPTH || count > ELEMENTS {
                    return Err(Msg::new("question-xml-deep"));
                }
                open.push(start(tag).ok_or_else(broken)?);
                if matches!(event, Event::Empty(_)) {
                    close(&mut open, &mut root);
                }
            }
            Event::End(_) => close(&mut open, &mut root),
            Event::Text(piece) => push(&mut open, &piece),
            Event::CData(piece) => push(&mut open, &piece),
            Event::GeneralRef(name) => {
                let meant = match &*name {
                    "amp" => "&".to_owned(),
                    "lt" => "<".to_owned(),
                    "gt" => ">".to_owned(),
                    "quot" => "\"".to_owned(),
                    "apos" => "'".to_owned(),
                    "nbsp" => " ".to_owned(),
                    other => super::markup::numbered(other)
                        .map(String::from)
                        .ok_or_else(broken)?,
                };
                push(&mut open, &meant);
            }
            Event::DocType(_) => return Err(Msg::new("question-xml-doctype")),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok(root),
        _ => Err(Msg::new("question-xml-broken").with("line", text.lines().count())),
    }
}

fn push(open: &mut [Element], text: &str) {
    let Some(element) = open.last_mut() else {
        return;
    };
    if let Some(Node::Text(before)) = element.children.last_mut() {
        before.push_str(text);
    } else if !text.is_empty() {
        element.children.push(Node::Text(text.to_owned()));
    }
}

fn close(open: &mut Vec<Element>, root: &mut Option<Element>) {
    let Some(element) = open.pop() else { return };
    match open.last_mut() {
        Some(parent) => parent.children.push(Node::Element(element)),
        None => *root = Some(element),
    }
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn start(tag: &BytesStart<'_>) -> Option<Element> {
    let mut element = Element {
        name: local(tag.name().as_ref()).to_lowercase(),
        ..Element::default()
    };
    for attribute in tag.attributes() {
        let attribute = attribute.ok()?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
        let name = local(attribute.key.as_ref()).to_owned();
        element.attributes.push((name, value.into_owned()));
    }
    Some(element)
}

/// Text as it stands between tags or in an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // What XML cannot say at all is left out; questions that were checked have none of it.
            c if c.is_control() && !matches!(c, '\n' | '\t') => {}
            c => out.push(c),
        }
    }
    out
}

//! Just enough XML: elements, attributes and text, with limits. No document types, so no entities but
//! the five that XML has.

use kernel::Msg;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::Limits;

/// An element as it stands in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Name, with its prefix.
    pub name: String,
    /// Attributes in the order of the file.
    pub attributes: Vec<(String, String)>,
    /// What it holds.
    pub children: Vec<Node>,
}

/// A piece of an element's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Text; its lines end with a line feed.
    Text(String),
    /// An element.
    Element(Element),
}

impl Element {
    /// The text in it, trimmed; a line break element is a line break.
    pub(super) fn text(&self) -> String {
        fn collect(element: &Element, text: &mut String) {
            for child in &element.children {
                match child {
                    Node::Text(t) => text.push_str(t),
                    Node::Element(e) if e.name.eq_ignore_ascii_case("br") => text.push('\n'),
                    Node::Element(e) => collect(e, text),
                }
            }
        }
        let mut text = String::new();
        collect(self, &mut text);
        text.trim().to_owned()
    }

    pub(super) fn into_elements(self) -> impl Iterator<Item = Element> {
        self.children.into_iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    fn push_text(&mut self, text: &str) {
        if let Some(Node::Text(before)) = self.children.last_mut() {
            before.push_str(text);
        } else if !text.is_empty() {
            self.children.push(Node::Text(text.to_owned()));
        }
    }

    /// What is known only at its end: lines end as one kind of line, blanks between elements are layout.
    fn tidy(&mut self) {
        let elements = self.children.iter().any(|c| matches!(c, Node::Element(_)));
        for child in &mut self.children {
            if let Node::Text(text) = child {
                *text = text.replace("\r\n", "\n").replace('\r', "\n");
            }
        }
        self.children.retain(|child| match child {
            Node::Text(text) if elements => !text.trim().is_empty(),
            Node::Text(text) => !text.is_empty(),
            Node::Element(_) => true,
        });
    }
}

/// The document element of a text.
pub(super) fn read(text: &str, limits: &Limits) -> Result<Element, Msg> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().allow_dangling_amp = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut elements = 0;
    loop {
        let position = reader.buffer_position() as usize;
        let broken = || {
            let before = text.as_bytes().get(..position).unwrap_or_default();
            let line = before.iter().filter(|b| **b == b'\n').count() + 1;
            Msg::new("lrmx-broken").with("line", line)
        };
        let event = reader.read_event().map_err(|_| broken())?;
        match event {
            Event::Start(ref tag) | Event::Empty(ref tag) => {
                elements += 1;
                if elements > limits.elements || open.len() >= limits.depth {
                    return Err(Msg::new("lrmx-too-many"));
                }
                if root.is_some() {
                    return Err(broken());
                }
                let element = start(tag).ok_or_else(broken)?;
                open.push(element);
                if matches!(event, Event::Empty(_)) {
                    close(&mut open, &mut root);
                }
            }
            Event::End(_) => close(&mut open, &mut root),
            Event::Text(piece) => {
                let inside = open.last_mut();
                match inside {
                    Some(element) => element.push_text(&allowed(&piece)),
                    None if piece.trim().is_empty() => {}
                    None => return Err(broken()),
                }
            }
            Event::CData(piece) => {
                let element = open.last_mut().ok_or_else(broken)?;
                element.push_text(&allowed(&piece));
            }
            Event::GeneralRef(reference) => {
                let element = open.last_mut().ok_or_else(broken)?;
                let text = match reference.resolve_char_ref() {
                    Ok(Some(c)) => c.to_string(),
                    Ok(None) => match quick_xml::escape::resolve_predefined_entity(&reference) {
                        Some(text) => text.to_owned(),
                        // Not XML, but hand-made files have `&nbsp;` and the like: it stands for itself.
                        None => format!("&{};", &*reference),
                    },
                    Err(_) => return Err(broken()),
                };
                element.push_text(&allowed(&text));
            }
            Event::DocType(_) => return Err(Msg::new("lrmx-doctype")),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => {
                return match root {
                    Some(root) if open.is_empty() => Ok(root),
                    _ => Err(broken()),
                };
            }
        }
    }
}

fn start(tag: &BytesStart) -> Option<Element> {
    let mut element = Element {
        name: name(tag.name().as_ref())?,
        ..Element::default()
    };
    for attribute in tag.attributes() {
        let attribute = attribute.ok()?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
        let key = name(attribute.key.as_ref())?;
        element.attributes.push((key, allowed(&value)));
    }
    Some(element)
}

/// A name that can be written again.
fn name(name: &str) -> Option<String> {
    let inner = |c: char| c.is_alphanumeric() || "_-.:".contains(c);
    let fits = name.chars().all(inner) && name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    fits.then(|| name.to_owned())
}

fn close(open: &mut Vec<Element>, root: &mut Option<Element>) {
    let Some(mut element) = open.pop() else {
        return;
    };
    element.tidy();
    match open.last_mut() {
        Some(above) => above.children.push(Node::Element(element)),
        None => *root = Some(element),
    }
}

/// Without the characters that XML has no way to write.
pub(super) fn allowed(text: &str) -> String {
    let allowed = |c: &char| match *c {
        '\t' | '\n' | '\r' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        c => c >= ' ',
    };
    text.chars().filter(allowed).collect()
}

/// Writes an element on one line; its text as it is.
pub(super) fn write(element: &Element, out: &mut String) {
    out.push('<');
    out.push_str(&element.name);
    for (name, value) in &element.attributes {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        escape(value, true, out);
        out.push('"');
    }
    if element.children.is_empty() {
        out.push_str(" />");
        return;
    }
    out.push('>');
    for child in &element.children {
        match child {
            Node::Text(text) => escape(text, false, out),
            Node::Element(inner) => write(inner, out),
        }
    }
    out.push_str("</");
    out.push_str(&element.name);
    out.push('>');
}

/// Writes text; lines end as the forms program writes them.
pub(super) fn escape(text: &str, attribute: bool, out: &mut String) {
    for c in allowed(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            '\t' | '\n' | '\r' if attribute => out.push_str(&format!("&#{};", u32::from(c))),
            '\r' => {}
            '\n' => out.push_str("\r\n"),
            c => out.push(c),
        }
    }
}

//! Text out of HTML (网页标记化为文字): paragraphs become lines, pictures their marks, everything else goes. What tags
//! of HTML leave behind is never shown as markup again.

use super::xml::{Element, Node};

/// Finds the number of a picture by its source; none: it cannot be had.
pub(super) type Pictures<'p> = dyn FnMut(&str) -> Option<usize> + 'p;

/// Elements that stand on lines of their own.
const BLOCKS: &[&str] = &[
    "p",
    "div",
    "br",
    "li",
    "ul",
    "ol",
    "tr",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "pre",
    "section",
    "article",
    "hr",
    "dd",
    "dt",
    "center",
];
/// Elements whose content is no text.
const SILENT: &[&str] = &[
    "script", "style", "head", "title", "noscript", "template", "object", "iframe",
];

/// The text of HTML as programs write it, well-formed or not.
pub(super) fn html(source: &str, pictures: &mut Pictures<'_>) -> String {
    let mut out = Lines::default();
    let mut rest = source;
    let mut silent: Option<String> = None;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        if silent.is_none() {
            out.text(&unescaped(before));
        }
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
            continue;
        }
        let named = tag[1..]
            .starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!' || c == '?');
        let Some((inside, behind)) = named.then(|| end_of_tag(&tag[1..])).flatten() else {
            // A sign, no tag: 3 < 5.
            if silent.is_none() {
                out.text("<");
            }
            rest = &tag[1..];
            continue;
        };
        rest = behind;
        let closing = inside.starts_with('/');
        let name: String = inside
            .trim_start_matches('/')
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect();
        match &silent {
            Some(open) if closing && *open == name => silent = None,
            Some(_) => {}
            None if !closing && SILENT.contains(&name.as_str()) && !inside.ends_with('/') => {
                silent = Some(name);
            }
            None if name == "img" && !closing => {
                let source = attribute(inside, "src").unwrap_or_default();
                if let Some(number) = pictures(&unescaped(&source)) {
                    out.text(&format!("![](#{number})"));
                }
            }
            None if BLOCKS.contains(&name.as_str()) => out.line(name == "br"),
            None if matches!(name.as_str(), "td" | "th") => out.text(" "),
            None => {}
        }
    }
    if silent.is_none() {
        out.text(&unescaped(rest));
    }
    out.finish()
}

/// A tag without its brackets, and what follows it; `>` within quotes belongs to it.
fn end_of_tag(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '>') => return Some((&text[..at], &text[at + 1..])),
            (None, _) => {}
        }
    }
    None
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let mut from = 0;
    while let Some(found) = lower[from..].find(name) {
        let at = from + found;
        from = at + name.len();
        let apart = lower[..at].ends_with(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        let Some(value) = tag[from..].trim_start().strip_prefix('=') else {
            continue;
        };
        if !apart {
            continue;
        }
        let value = value.trim_start();
        let quote = value.chars().next()?;
        return Some(match quote {
            '"' | '\'' => value[1..].split(quote).next()?.to_owned(),
            _ => value.split_whitespace().next()?.to_owned(),
        });
    }
    None
}

/// The text of markup that is well-formed XML, leaving out what `skip` says.
pub(super) fn xhtml(
    element: &Element,
    pictures: &mut Pictures<'_>,
    skip: &dyn Fn(&Element) -> bool,
) -> String {
    let mut out = Lines::default();
    walk(element, pictures, skip, &mut out);
    out.finish()
}

fn walk(
    element: &Element,
    pictures: &mut Pictures<'_>,
    skip: &dyn Fn(&Element) -> bool,
    out: &mut Lines,
) {
    for child in &element.children {
        match child {
            Node::Text(text) => out.text(text),
            Node::Element(e) if SILENT.contains(&e.name.as_str()) && e.name != "object" => {}
            Node::Element(e) if skip(e) => {}
            Node::Element(e) if e.name == "img" || e.name == "object" => {
                let source = e.attribute("src").or_else(|| e.attribute("data"));
                if let Some(number) = source.and_then(&mut *pictures) {
                    out.text(&format!("![](#{number})"));
                }
            }
            Node::Element(e) => {
                let block = BLOCKS.contains(&e.name.as_str())
                    || e.name == "prompt"
                    || e.name == "qti-prompt";
                if block {
                    out.line(e.name == "br");
                }
                walk(e, pictures, skip, out);
                if block && e.name != "br" {
                    out.line(false);
                }
            }
        }
    }
}

/// Text put together as a browser would: white space is one blank, blocks begin lines.
#[derive(Default)]
struct Lines {
    out: String,
    blank: bool,
}

impl Lines {
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            // The ideographic blank and the one that does not break are meant.
            if matches!(c, ' ' | '\n' | '\t' | '\r') {
                self.blank = true;
                continue;
            }
            if self.blank && !self.out.is_empty() && !self.out.ends_with('\n') {
                self.out.push(' ');
            }
            self.blank = false;
            self.out.push(if c == '\u{a0}' { ' ' } else { c });
        }
    }

    fn line(&mut self, forced: bool) {
        self.blank = false;
        if forced || (!self.out.is_empty() && !self.out.ends_with('\n')) {
            self.out.push('\n');
        }
    }

    fn finish(self) -> String {
        self.out.trim().to_owned()
    }
}

/// Entities as their characters.
pub(super) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest
            .char_indices()
            .take(12)
            .find(|(_, c)| *c == ';')
            .map(|(at, _)| at);
        let found = end.and_then(|end| Some((end, entity(&rest[1..end])?)));
        match found {
            Some((end, c)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" | "ensp" | "emsp" | "thinsp" => '\u{a0}',
        "ldquo" => '“',
        "rdquo" => '”',
        "lsquo" => '‘',
        "rsquo" => '’',
        "hellip" => '…',
        "mdash" => '—',
        "ndash" => '–',
        "middot" => '·',
        "times" => '×',
        "divide" => '÷',
        "le" => '≤',
        "ge" => '≥',
        "ne" => '≠',
        "deg" => '°',
        "radic" => '√',
        "laquo" => '«',
        "raquo" => '»',
        other => numbered(other)?,
    })
}

/// A character by its number: `#32`, `#x20`.
pub(super) fn numbered(name: &str) -> Option<char> {
    let digits = name.strip_prefix('#')?;
    let number = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(number)
}

/// Plain text as HTML: lines are broken, marks of pictures become pictures by `source`.
pub(super) fn to_html(text: &str, source: &dyn Fn(usize) -> Option<String>) -> String {
    let mut out = String::new();
    for (at, line) in text.lines().enumerate() {
        if at > 0 {
            out.push_str("<br/>");
        }
        for piece in pieces(line) {
            match piece {
                Piece::Text(text) => out.push_str(&super::xml::escaped(text)),
                Piece::Picture(number, raw) => match source(number) {
                    Some(source) => {
                        out.push_str(&format!(
                            "<img src=\"{}\" alt=\"\"/>",
                            super::xml::escaped(&source)
                        ));
                    }
                    None => out.push_str(&super::xml::escaped(raw)),
                },
            }
        }
    }
    out
}

/// A stretch of a text, or a picture in it with its mark.
pub(crate) enum Piece<'t> {
    Text(&'t str),
    Picture(usize, &'t str),
}

/// A text cut at the marks of its pictures.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(found) = rest[from..].find("![](#") {
        let at = from + found;
        let digits = &rest[at + 5..];
        let end = digits.find(')').filter(|end| *end > 0);
        let number = end.and_then(|end| digits[..end].parse().ok());
        let (Some(end), Some(number)) = (end, number) else {
            from = at + 5;
            continue;
        };
        if at > 0 {
            out.push(Piece::Text(&rest[..at]));
        }
        let behind = at + 5 + end + 1;
        out.push(Piece::Picture(number, &rest[at..behind]));
        rest = &rest[behind..];
        from = 0;
    }
    if !rest.is_empty() {
        out.push(Piece::Text(rest));
    }
    out
}

//! QTI packages written: an item a question, a manifest that names them, pictures beside them. The tree has the names
//! of QTI 2; for 3.0 they are turned at the end.

use std::fmt::Write as _;

use kernel::Result;

use super::docx_write::zipped;
use super::gift::Tags;
use super::markup::to_html;
use super::xml::escaped;
use super::{Format, Limits, Written, losses};
use crate::letters::letter;
use crate::model::{Key, Kind, Question, blank_ranges};

/// Names and addresses of a generation.
struct Words {
    namespace: &'static str,
    item: &'static str,
    correct: &'static str,
    manifest: &'static str,
    turned: bool,
}

const TWO: Words = Words {
    namespace: "http://www.imsglobal.org/xsd/imsqti_v2p2",
    item: "imsqti_item_xmlv2p2",
    correct: "http://www.imsglobal.org/question/qti_v2p2/rptemplates/match_correct",
    manifest: "QTIv2.2 Package",
    turned: false,
};
const THREE: Words = Words {
    namespace: "http://www.imsglobal.org/xsd/imsqtiasi_v3p0",
    item: "imsqti_item_xmlv3p0",
    correct: "https://purl.imsglobal.org/spec/qti/v3p0/rptemplates/match_correct.xml",
    manifest: "QTI Package",
    turned: true,
};

pub(super) fn write(format: Format, questions: &[Question]) -> Result<Written> {
    let words = if format == Format::Qti3 { &THREE } else { &TWO };
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut resources = String::new();
    for (at, question) in questions.iter().enumerate() {
        let id = format!("question-{}", at + 1);
        let media: Vec<String> = question
            .media
            .iter()
            .enumerate()
            .map(|(n, m)| format!("media/{id}-{}-{}", n + 1, m.name))
            .collect();
        let mut listed = format!("<file href=\"items/{id}.xml\"/>");
        for (path, m) in media.iter().zip(&question.media) {
            let _ = write!(listed, "<file href=\"{}\"/>", escaped(path));
            files.push((path.clone(), m.bytes.clone()));
        }
        let item = Item {
            words,
            question,
            media: &media,
        };
        files.push((format!("items/{id}.xml"), item.xml(&id).into_bytes()));
        let _ = writeln!(
            resources,
            "<resource identifier=\"{id}\" type=\"{}\" href=\"items/{id}.xml\"><metadata>{}</metadata>{listed}</resource>",
            words.item,
            tags(question)
        );
    }
    let manifest = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<manifest xmlns=\"http://www.imsglobal.org/xsd/imscp_v1p1\" \
         xmlns:s=\"urn:suneng:questions:1\" identifier=\"questions\"><metadata><schema>{}</schema>\
         <schemaversion>{}</schemaversion></metadata><organizations/><resources>\n{resources}</resources></manifest>\n",
        words.manifest,
        if words.turned { "3.0.0" } else { "1.0.0" },
    );
    files.insert(0, ("imsmanifest.xml".to_owned(), manifest.into_bytes()));
    let bytes = zipped(files)?;
    let back = match questions.is_empty() {
        true => Vec::new(),
        false => super::read("questions.zip", &bytes, Limits::default())?.items,
    };
    let pairs = questions.iter().enumerate();
    let lost = pairs.flat_map(|(at, question)| {
        let item = back.get(at).map_or(&[][..], std::slice::from_ref);
        losses(question, item).map(move |message| (at + 1, message))
    });
    Ok(Written {
        lost: lost.collect(),
        bytes,
    })
}

/// What QTI has no words for, beside the item; other programs pass over it.
fn tags(question: &Question) -> String {
    let mut out = String::new();
    let parts = question.parts.iter().enumerate();
    let parts = parts.flat_map(|(at, part)| {
        let tags = Tags::of(part);
        let tags: Vec<String> = tags.iter().map(|tag| format!("{}.{tag}", at + 1)).collect();
        tags
    });
    for tag in Tags::of(question).iter().chain(parts) {
        let _ = write!(out, "<s:tag>{}</s:tag>", escaped(&tag));
    }
    out
}

struct Item<'q> {
    words: &'static Words,
    question: &'q Question,
    media: &'q [String],
}

impl Item<'_> {
    fn xml(&self, id: &str) -> String {
        let q = self.question;
        let mut declarations = String::new();
        let mut body = String::new();
        let mut feedback = String::new();
        if q.kind == Kind::Case {
            let _ = write!(body, "<div>{}</div>", self.html(&q.stem));
            for (at, part) in q.parts.iter().enumerate() {
                let response = format!("RESPONSE{}", at + 1);
                body.push_str("<div class=\"question-part\">");
                self.interaction(part, &response, &mut declarations, &mut body);
                body.push_str("</div>");
                self.feedback(part, &format!("explanation{}", at + 1), &mut feedback);
            }
        } else {
            self.interaction(q, "RESPONSE", &mut declarations, &mut body);
        }
        self.feedback(q, "explanation", &mut feedback);
        let title: String = q
            .stem
            .chars()
            .filter(|c| !c.is_control())
            .take(40)
            .collect();
        let processing = match q.kind {
            Kind::Case | Kind::Short | Kind::Essay | Kind::Upload => String::new(),
            // Several blanks have a response each, which no common template knows.
            Kind::FillIn if q.blanks() != 1 => String::new(),
            _ => format!("<responseProcessing template=\"{}\"/>", self.words.correct),
        };
        let item = format!(
            "<assessmentItem identifier=\"{id}\" title=\"{}\" adaptive=\"false\" timeDependent=\"false\">{declarations}\
             <outcomeDeclaration identifier=\"SCORE\" cardinality=\"single\" baseType=\"float\"/>\
             <itemBody>{body}</itemBody>{processing}{feedback}</assessmentItem>",
            escaped(&title)
        );
        let item = if self.words.turned {
            turned(&item)
        } else {
            item
        };
        let open = if self.words.turned {
            "<qti-assessment-item"
        } else {
            "<assessmentItem"
        };
        let named = format!("{open} xmlns=\"{}\"", self.words.namespace);
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n",
            item.replacen(open, &named, 1)
        )
    }

    fn html(&self, text: &str) -> String {
        to_html(text, &|number| {
            let path = number.checked_sub(1).and_then(|at| self.media.get(at))?;
            Some(format!("../{path}"))
        })
    }

    fn feedback(&self, q: &Question, id: &str, out: &mut String) {
        if !q.explanation.is_empty() {
            let text = self.html(&q.explanation);
            let _ = write!(
                out,
                "<modalFeedback outcomeIdentifier=\"FEEDBACK\" showHide=\"show\" identifier=\"{id}\"><p>{text}</p></modalFeedback>"
            );
        }
    }

    fn interaction(
        &self,
        q: &Question,
        response: &str,
        declarations: &mut String,
        body: &mut String,
    ) {
        let mut declare = |id: &str,
                           cardinality: &str,
                           base: &str,
                           values: &[String],
                           more: &str| {
            let values: String = values
                .iter()
                .map(|v| format!("<value>{}</value>", escaped(v)))
                .collect();
            let right = if values.is_empty() {
                values
            } else {
                format!("<correctResponse>{values}</correctResponse>")
            };
            let _ = write!(
                declarations,
                "<responseDeclaration identifier=\"{id}\" cardinality=\"{cardinality}\" baseType=\"{base}\">{right}{more}</responseDeclaration>"
            );
        };
        let letters = |places: &[usize]| -> Vec<String> {
            places.iter().map(|p| letter(*p).to_string()).collect()
        };
        let prompt = format!("<prompt>{}</prompt>", self.html(&q.stem));
        let choice = |at: usize, text: &str| {
            format!(
                "<simpleChoice identifier=\"{}\">{}</simpleChoice>",
                letter(at),
                self.html(text)
            )
        };
        let options = || {
            q.options
                .iter()
                .enumerate()
                .map(|(at, text)| choice(at, text))
                .collect::<String>()
        };
        match (&q.kind, &q.key) {
            (Kind::Judgement, key) => {
                let right = match key {
                    Key::Truth(true) => vec!["A".to_owned()],
                    Key::Truth(false) => vec!["B".to_owned()],
                    _ => Vec::new(),
                };
                declare(response, "single", "identifier", &right, "");
                let _ = write!(
                    body,
                    "<choiceInteraction responseIdentifier=\"{response}\" shuffle=\"false\" maxChoices=\"1\">{prompt}{}{}</choiceInteraction>",
                    choice(0, "正确"),
                    choice(1, "错误")
                );
            }
            (Kind::FillIn, Key::Blanks { blanks, .. }) => {
                self.blanks(q, blanks, response, &mut declare, body)
            }
            (Kind::Ordering, key) => {
                let right = if let Key::Order(order) = key {
                    letters(order.places())
                } else {
                    Vec::new()
                };
                declare(response, "ordered", "identifier", &right, "");
                let _ = write!(
                    body,
                    "<orderInteraction responseIdentifier=\"{response}\" shuffle=\"true\">{prompt}{}</orderInteraction>",
                    options()
                );
            }
            (Kind::Matching, key) => {
                let pair =
                    |(at, target): (usize, &usize)| format!("{} T{}", letter(at), target + 1);
                let right: Vec<String> = match key {
                    Key::Pairs(targets) => targets.iter().enumerate().map(pair).collect(),
                    _ => Vec::new(),
                };
                declare(response, "multiple", "directedPair", &right, "");
                let side = |id: String, most: usize, text: &String| {
                    format!(
                        "<simpleAssociableChoice identifier=\"{id}\" matchMax=\"{most}\">{}</simpleAssociableChoice>",
                        self.html(text)
                    )
                };
                let left = q.options.iter().enumerate();
                let left: String = left
                    .map(|(at, text)| side(letter(at).to_string(), 1, text))
                    .collect();
                let targets = q.targets.iter().enumerate();
                let targets: String = targets
                    .map(|(at, text)| side(format!("T{}", at + 1), q.options.len(), text))
                    .collect();
                let _ = write!(
                    body,
                    "<matchInteraction responseIdentifier=\"{response}\" shuffle=\"true\" maxAssociations=\"{}\">{prompt}\
                     <simpleMatchSet>{left}</simpleMatchSet><simpleMatchSet>{targets}</simpleMatchSet></matchInteraction>",
                    q.options.len()
                );
            }
            (Kind::Short | Kind::Essay, _) => {
                declare(response, "single", "string", &[], "");
                let _ = write!(
                    body,
                    "<extendedTextInteraction responseIdentifier=\"{response}\">{prompt}</extendedTextInteraction>"
                );
            }
            (Kind::Upload, _) => {
                declare(response, "single", "file", &[], "");
                let _ = write!(
                    body,
                    "<uploadInteraction responseIdentifier=\"{response}\">{prompt}</uploadInteraction>"
                );
            }
            (_, key) => {
                let right = if let Key::Choices(right) = key {
                    letters(right.places())
                } else {
                    Vec::new()
                };
                let single = q.kind == Kind::Single;
                declare(
                    response,
                    if single { "single" } else { "multiple" },
                    "identifier",
                    &right,
                    "",
                );
                let _ = write!(
                    body,
                    "<choiceInteraction responseIdentifier=\"{response}\" shuffle=\"{}\" maxChoices=\"{}\">{prompt}{}</choiceInteraction>",
                    !q.fixed,
                    u8::from(single),
                    options()
                );
            }
        }
        if let Key::Text(text) = &q.key {
            let _ = write!(
                body,
                "<rubricBlock view=\"scorer\"><p>{}</p></rubricBlock>",
                self.html(text)
            );
        }
    }

    fn blanks(
        &self,
        q: &Question,
        blanks: &[Vec<String>],
        response: &str,
        declare: &mut impl FnMut(&str, &str, &str, &[String], &str),
        body: &mut String,
    ) {
        let id = |at: usize| match blanks.len() {
            1 => response.to_owned(),
            _ => format!("{response}_{}", at + 1),
        };
        for (at, synonyms) in blanks.iter().enumerate() {
            let entries: String = synonyms
                .iter()
                .map(|s| format!("<mapEntry mapKey=\"{}\" mappedValue=\"1\"/>", escaped(s)))
                .collect();
            let mapping = format!("<mapping defaultValue=\"0\">{entries}</mapping>");
            declare(
                &id(at),
                "single",
                "string",
                &synonyms[..synonyms.len().min(1)],
                &mapping,
            );
        }
        let entry = |at: usize, class: &str| {
            format!(
                "<textEntryInteraction responseIdentifier=\"{}\" expectedLength=\"20\"{class}/>",
                id(at)
            )
        };
        let unmarked = " class=\"unmarked\"";
        let marks = blank_ranges(&q.stem);
        body.push_str("<p>");
        if marks.len() == blanks.len() {
            let mut from = 0;
            for (at, mark) in marks.into_iter().enumerate() {
                body.push_str(&self.line(&q.stem[from..mark.start]));
                from = mark.end;
                match &q.stem[mark] {
                    "____" => body.push_str(&entry(at, "")),
                    other => body.push_str(&format!("{}{}", escaped(other), entry(at, unmarked))),
                }
            }
            body.push_str(&self.line(&q.stem[from..]));
        } else {
            body.push_str(&self.html(&q.stem));
            for at in 0..blanks.len() {
                body.push_str(&entry(at, unmarked));
            }
        }
        body.push_str("</p>");
    }

    /// A stretch of a text: a line break at its end counts, too.
    fn line(&self, text: &str) -> String {
        let shown = self.html(text);
        if text.ends_with('\n') {
            shown + "<br/>"
        } else {
            shown
        }
    }
}

/// Elements that keep their names in QTI 3.
const HTML: [&str; 4] = ["div", "p", "br", "img"];

/// Names of QTI 2 as those of QTI 3: `<choiceInteraction maxChoices=` is `<qti-choice-interaction max-choices=`.
fn turned(xml: &str) -> String {
    let kebab = |name: &str| {
        let mut out = String::new();
        for c in name.chars() {
            if c.is_ascii_uppercase() {
                out.push('-');
            }
            out.push(c.to_ascii_lowercase());
        }
        out
    };
    let mut out = String::with_capacity(xml.len() * 2);
    // Text and attributes were escaped: every < begins a tag and every quote an attribute's value.
    for (at, piece) in xml.split('<').enumerate() {
        if at == 0 {
            out.push_str(piece);
            continue;
        }
        let (tag, text) = piece.split_once('>').unwrap_or((piece, ""));
        let end = tag
            .trim_start_matches('/')
            .find([' ', '/'])
            .map(|n| n + (tag.len() - tag.trim_start_matches('/').len()));
        let (name, rest) = tag.split_at(end.unwrap_or(tag.len()));
        let (slash, plain) = name
            .strip_prefix('/')
            .map_or(("", name), |plain| ("/", plain));
        out.push('<');
        out.push_str(slash);
        if HTML.contains(&plain) {
            out.push_str(plain);
            out.push_str(rest);
        } else {
            out.push_str("qti-");
            out.push_str(&kebab(plain));
            for (n, part) in rest.split('"').enumerate() {
                if n > 0 {
                    out.push('"');
                }
                out.push_str(&if n % 2 == 0 {
                    kebab(part)
                } else {
                    part.to_owned()
                });
            }
        }
        out.push('>');
        out.push_str(text);
    }
    out
}

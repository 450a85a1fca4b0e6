//! QTI 2.1, 2.2 and 3.0: items of a package. Both generations are read alike, their names brought to one form.

use kernel::{Msg, Result};

use super::gallery::Gallery;
use super::gift::Tags;
use super::markup::xhtml;
use super::pack::{Pack, beside};
use super::xml::{self, Element, Node};
use super::{Format, Item, Limits, about, answers};
use crate::letters::Letters;
use crate::model::{Key, Kind, Question};

/// A name of either generation in one form: `qti-choice-interaction` and `choiceInteraction` alike.
fn same(name: &str) -> String {
    let plain = name.strip_prefix("qti-").unwrap_or(name);
    plain
        .chars()
        .filter(|c| *c != '-')
        .flat_map(char::to_lowercase)
        .collect()
}

fn settled(element: &mut Element) {
    element.name = same(&element.name);
    for (name, _) in &mut element.attributes {
        *name = same(name);
    }
    for child in &mut element.children {
        if let Node::Element(child) = child {
            settled(child);
        }
    }
}

fn document(text: &str) -> Result<Element, Msg> {
    let mut root = xml::read(text)?;
    settled(&mut root);
    Ok(root)
}

/// What finds the bytes of a picture by its source.
type Files<'f> = dyn FnMut(&str) -> Option<Vec<u8>> + 'f;

pub(super) fn read(pack: &mut Pack<'_>, limits: Limits) -> Result<(Format, Vec<Item>), Msg> {
    let manifest = pack.text("imsmanifest.xml")?.unwrap_or_default();
    let manifest = document(&manifest)?;
    let mut items = Vec::new();
    let mut format = Format::Qti2;
    let resources = manifest.child("resources");
    for resource in resources.into_iter().flat_map(|r| r.all("resource")) {
        let sort = resource.attribute("type").unwrap_or_default();
        if !sort.contains("item") {
            continue;
        }
        let Some(path) = resource.attribute("href").map(|href| beside("", href)) else {
            continue;
        };
        if sort.contains("v3p0") || sort.contains("qtiv3") {
            format = Format::Qti3;
        }
        let mut item = match pack.text(&path)? {
            Some(text) => {
                let mut files = |source: &str| pack.bytes(&beside(&path, source)).ok().flatten();
                match document(&text) {
                    Ok(root) => item(&path, &root, &mut files, limits),
                    Err(message) => refused(&path, message),
                }
            }
            None => refused(&path, Msg::new("question-file-missing").with("file", &path)),
        };
        let tags = resource.deep("tag");
        tagged(&mut item, tags.iter().map(|tag| tag.text()));
        items.push(item);
        if items.len() > limits.questions {
            break;
        }
    }
    Ok((format, items))
}

/// An item that is no part of a package.
pub(super) fn single(name: &str, text: &str, limits: Limits) -> Result<Item> {
    let root = document(text).map_err(about)?;
    if root.name != "assessmentitem" {
        return Err(about(Msg::new("question-file-unknown")));
    }
    Ok(item(name, &root, &mut |_| None, limits))
}

fn place(path: &str) -> Msg {
    Msg::new("question-place-file").with("file", path)
}

fn refused(path: &str, message: Msg) -> Item {
    Item::new(place(path), Question::new(Kind::Short, "")).wrong("stem", message)
}

/// What this program says beside an item: `kind:indefinite`, of a part `2.kind:essay`.
fn tagged(item: &mut Item, tags: impl Iterator<Item = String>) {
    let mut own = Tags::default();
    let mut parts: Vec<Tags> = item
        .question
        .parts
        .iter()
        .map(|_| Tags::default())
        .collect();
    for tag in tags {
        let Some((name, value)) = tag.split_once(':') else {
            continue;
        };
        match name.split_once('.') {
            Some((number, name)) => {
                let at = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
                if let Some(part) = at.and_then(|at| parts.get_mut(at)) {
                    part.push(name, value);
                }
            }
            None => own.push(name, value),
        }
    }
    own.put_on(item);
    for (at, tags) in parts.into_iter().enumerate() {
        let part = std::mem::replace(&mut item.question.parts[at], Question::new(Kind::Short, ""));
        let mut one = Item::new(item.place.clone(), part);
        tags.put_on(&mut one);
        item.question.parts[at] = one.question;
    }
}

const UNREAD: [&str; 13] = [
    "associateinteraction",
    "gapmatchinteraction",
    "graphicassociateinteraction",
    "graphicgapmatchinteraction",
    "graphicorderinteraction",
    "hotspotinteraction",
    "hottextinteraction",
    "inlinechoiceinteraction",
    "mediainteraction",
    "portablecustominteraction",
    "selectpointinteraction",
    "sliderinteraction",
    "drawinginteraction",
];

fn is_interaction(e: &Element) -> bool {
    e.name.ends_with("interaction")
}

struct Reader<'r, 'f> {
    root: &'r Element,
    files: &'r mut Files<'f>,
    gallery: Gallery,
    limits: Limits,
    faults: Vec<(String, Msg)>,
}

fn item(path: &str, root: &Element, files: &mut Files<'_>, limits: Limits) -> Item {
    let mut reader = Reader {
        root,
        files,
        gallery: Gallery::default(),
        limits,
        faults: Vec::new(),
    };
    let empty = Element::default();
    let body = root.child("itembody").unwrap_or(&empty);
    let question = reader.question(body, "");
    let mut item = Item::new(place(path), question);
    item.question.media = reader.gallery.0;
    for (field, message) in reader.faults {
        item.faults.push(super::fault(&field, message));
    }
    item
}

impl Reader<'_, '_> {
    fn text(&mut self, element: &Element, skip: &dyn Fn(&Element) -> bool) -> String {
        let (files, gallery, most) = (&mut *self.files, &mut self.gallery, self.limits.picture);
        xhtml(
            element,
            &mut |source| {
                let bytes = files(source)?;
                gallery.put(source, &bytes, most)
            },
            skip,
        )
    }

    fn question(&mut self, body: &Element, number: &str) -> Question {
        let parts: Vec<&Element> = body
            .elements()
            .filter(|e| {
                e.attribute("class")
                    .is_some_and(|c| c.split(' ').any(|c| c == "question-part"))
            })
            .collect();
        let mut interactions = Vec::new();
        body.walk(&mut |e| {
            if is_interaction(e) {
                interactions.push(e);
            }
        });
        let blocks = interactions
            .iter()
            .filter(|i| i.name != "textentryinteraction")
            .count();
        let mut question = if !parts.is_empty() && number.is_empty() {
            let stem = self.text(body, &|e| {
                is_scorer(e) || parts.iter().any(|p| std::ptr::eq(*p, e))
            });
            let mut case = Question::new(Kind::Case, stem);
            for (at, part) in parts.iter().enumerate() {
                case.parts.push(self.question(part, &format!("{}", at + 1)));
            }
            case
        } else if blocks > 1 && number.is_empty() {
            self.several(body, &interactions)
        } else {
            self.one(body, interactions.first().copied(), number)
        };
        question.explanation = self.explanation(number);
        question
    }

    /// Several interactions one below the other: a case whose parts have their prompts.
    fn several(&mut self, body: &Element, interactions: &[&Element]) -> Question {
        let stem = self.text(body, &|e| is_interaction(e) || is_scorer(e));
        let mut case = Question::new(Kind::Case, stem);
        for (at, interaction) in interactions.iter().enumerate() {
            let around = Element {
                children: vec![Node::Element((*interaction).clone())],
                ..Element::default()
            };
            let mut part = self.one(&around, around.elements().next(), &format!("{}", at + 1));
            if part.stem.is_empty() {
                part.stem = format!("（{}）", at + 1);
            }
            case.parts.push(part);
        }
        case
    }

    fn one(&mut self, body: &Element, interaction: Option<&Element>, number: &str) -> Question {
        let field = |name: &str| match number.parse::<usize>() {
            Ok(n) => format!("parts.{}.{name}", n.saturating_sub(1)),
            Err(_) => name.to_owned(),
        };
        let Some(interaction) = interaction else {
            let stem = self.text(body, &is_scorer);
            self.faults
                .push((field("key"), Msg::new("question-qti-none")));
            return Question::new(Kind::Short, stem);
        };
        if interaction.name == "textentryinteraction" {
            return self.entries(body);
        }
        let around = self.text(body, &|e| is_interaction(e) || is_scorer(e));
        let prompt = interaction
            .child("prompt")
            .map(|p| self.text(p, &|_| false));
        let stem = [around, prompt.unwrap_or_default()]
            .join("\n")
            .trim()
            .to_owned();
        let mut q = Question::new(Kind::Short, stem);
        let right = self.right(interaction);
        match interaction.name.as_str() {
            "choiceinteraction" => self.choices(interaction, &right, &mut q),
            "orderinteraction" => {
                q.kind = Kind::Ordering;
                let ids = self.options(interaction, "simplechoice", &mut q.options);
                let places = right
                    .iter()
                    .filter_map(|id| ids.iter().position(|i| i == id));
                q.key = Letters::new(places).map_or(Key::None, Key::Order);
            }
            "matchinteraction" => self.pairs(interaction, &right, &mut q),
            "extendedtextinteraction" => {
                q.kind = Kind::Essay;
                q.key = self.model(body);
            }
            "uploadinteraction" => {
                q.kind = Kind::Upload;
                q.key = self.model(body);
            }
            other => {
                let known = UNREAD.contains(&other) || other.ends_with("interaction");
                debug_assert!(known, "only interactions come here");
                let message = Msg::new("question-type-unknown").with("type", other);
                self.faults.push((field("kind"), message));
            }
        }
        q
    }

    fn declaration(&self, interaction: &Element) -> Option<&Element> {
        let id = interaction.attribute("responseidentifier")?;
        self.root
            .all("responsedeclaration")
            .find(|d| d.attribute("identifier") == Some(id))
    }

    fn right(&self, interaction: &Element) -> Vec<String> {
        let declared = self
            .declaration(interaction)
            .and_then(|d| d.child("correctresponse"));
        let values = declared.into_iter().flat_map(|c| c.all("value"));
        values.map(|v| v.text().trim().to_owned()).collect()
    }

    fn options(&mut self, from: &Element, name: &str, texts: &mut Vec<String>) -> Vec<String> {
        let mut ids = Vec::new();
        for choice in from.all(name) {
            ids.push(
                choice
                    .attribute("identifier")
                    .unwrap_or_default()
                    .to_owned(),
            );
            texts.push(self.text(choice, &|e| e.name.starts_with("feedback")));
        }
        ids
    }

    fn choices(&mut self, interaction: &Element, right: &[String], q: &mut Question) {
        let ids = self.options(interaction, "simplechoice", &mut q.options);
        q.fixed = interaction.attribute("shuffle") != Some("true");
        let places = ids.iter().enumerate().filter(|(_, id)| right.contains(id));
        let letters = Letters::new(places.map(|(at, _)| at)).unwrap_or_default();
        let one = interaction.attribute("maxchoices").unwrap_or("1") == "1";
        if let ([first, second], true) = (&q.options[..], one)
            && let (Some(first), Some(_)) = (answers::truth(first), answers::truth(second))
            && let [place] = letters.places()
        {
            q.kind = Kind::Judgement;
            q.key = Key::Truth(if *place == 0 { first } else { !first });
            q.options.clear();
            q.fixed = false;
            return;
        }
        q.kind = match (one, letters.len()) {
            (true, _) => Kind::Single,
            (false, 1) => Kind::Indefinite,
            (false, _) => Kind::Multiple,
        };
        q.key = Key::Choices(letters);
    }

    fn pairs(&mut self, interaction: &Element, right: &[String], q: &mut Question) {
        q.kind = Kind::Matching;
        let sets: Vec<&Element> = interaction.all("simplematchset").collect();
        let [left, side] = sets[..] else {
            return;
        };
        let ids = self.options(left, "simpleassociablechoice", &mut q.options);
        let targets = self.options(side, "simpleassociablechoice", &mut q.targets);
        let target = |id: &String| {
            right.iter().find_map(|pair| {
                let (one, other) = pair.split_once(char::is_whitespace)?;
                (one == id).then(|| targets.iter().position(|t| t == other.trim()))?
            })
        };
        let pairs: Option<Vec<usize>> = ids.iter().map(target).collect();
        q.key = pairs.map_or(Key::None, Key::Pairs);
    }

    /// Blanks within a text: each becomes a mark, unless the text has marks of its own before it.
    fn entries(&mut self, body: &Element) -> Question {
        let mut blanks = Vec::new();
        let mut marked = body.clone();
        self.mark(&mut marked, &mut blanks);
        let stem = self.text(&marked, &is_scorer);
        let mut q = Question::new(Kind::FillIn, stem);
        q.key = Key::Blanks {
            blanks,
            unordered: false,
        };
        q
    }

    fn mark(&self, element: &mut Element, blanks: &mut Vec<Vec<String>>) {
        for child in &mut element.children {
            let Node::Element(e) = child else { continue };
            if e.name != "textentryinteraction" {
                self.mark(e, blanks);
                continue;
            }
            let mut synonyms = self.right(e);
            let mapped = self.declaration(e).and_then(|d| d.child("mapping"));
            for entry in mapped.into_iter().flat_map(|m| m.all("mapentry")) {
                let worth = entry
                    .attribute("mappedvalue")
                    .and_then(|v| v.parse::<f64>().ok());
                if let Some(key) = entry
                    .attribute("mapkey")
                    .filter(|_| worth.is_some_and(|w| w > 0.0))
                    && !synonyms.iter().any(|s| s == key)
                {
                    synonyms.push(key.to_owned());
                }
            }
            blanks.push(synonyms);
            // A blank that stands behind its own line of underscores is that blank.
            let unmarked = e.attribute("class").is_some_and(|c| c.contains("unmarked"));
            *child = Node::Text(if unmarked {
                String::new()
            } else {
                "____".to_owned()
            });
        }
    }

    /// The model answer, for scorers only.
    fn model(&mut self, body: &Element) -> Key {
        let scorer = body
            .deep("rubricblock")
            .into_iter()
            .find(|e| is_scorer(e))
            .cloned();
        let scorer = scorer.or_else(|| {
            let own = body.name == "itembody" || body.name.is_empty();
            let found = self
                .root
                .child("itembody")?
                .all("rubricblock")
                .find(|e| is_scorer(e));
            found.filter(|_| own).cloned()
        });
        let text = scorer
            .map(|s| self.text(&s, &|_| false))
            .unwrap_or_default();
        if text.is_empty() {
            Key::None
        } else {
            Key::Text(text)
        }
    }

    fn explanation(&mut self, number: &str) -> String {
        let wanted = format!("explanation{number}");
        let found = self.root.all("modalfeedback").find(|f| {
            let id = f.attribute("identifier").unwrap_or_default();
            id == wanted || (number.is_empty() && !id.starts_with("explanation"))
        });
        match found.cloned() {
            Some(feedback) => self.text(&feedback, &|_| false),
            None => String::new(),
        }
    }
}

fn is_scorer(e: &Element) -> bool {
    e.name == "rubricblock" && e.attribute("view").is_some_and(|v| v.contains("scorer"))
}

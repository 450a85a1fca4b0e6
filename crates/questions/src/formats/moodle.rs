//! Moodle XML.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::{Msg, Result};

use super::gallery::Gallery;
use super::gift::Tags;
use super::markup::{html, to_html};
use super::xml::{self, Element, escaped};
use super::{Item, Limits, Written, about, answers, kind_lost, losses};
use crate::letters::Letters;
use crate::model::{Key, Kind, Question};

pub(super) fn read(text: &str, limits: Limits) -> Result<Vec<Item>> {
    let root = xml::read(text).map_err(about)?;
    Ok(items(&root, limits))
}

fn items(root: &Element, limits: Limits) -> Vec<Item> {
    let mut category = None;
    let mut items = Vec::new();
    for (at, question) in root.all("question").enumerate() {
        let sort = question.attribute("type").unwrap_or_default();
        match sort {
            "category" => {
                let path = question
                    .child("category")
                    .map(|c| c.text())
                    .unwrap_or_default();
                let path = path
                    .trim()
                    .trim_start_matches("$course$/")
                    .trim_start_matches("top/");
                let none = matches!(path, "" | "top" | "$course$");
                category = (!none).then(|| path.to_owned());
            }
            "description" => {}
            _ => {
                let place = Msg::new("question-place-number").with("number", at + 1);
                let mut item = item(place, sort, question, limits);
                if item.question.points.is_empty() {
                    item.question.points.extend(category.clone());
                }
                items.push(item);
            }
        }
    }
    items
}

/// A text with its pictures, which are files beside it.
fn text_of(element: Option<&Element>, gallery: &mut Gallery, limits: Limits) -> String {
    let Some(element) = element else {
        return String::new();
    };
    let text = element.child("text").map(Element::text).unwrap_or_default();
    if let Some("plain_text" | "markdown") = element.attribute("format") {
        return text.trim().to_owned();
    }
    html(&text, &mut |source| {
        let name = source.rsplit('/').next()?;
        let file = element
            .all("file")
            .find(|f| f.attribute("name") == Some(name));
        let encoded: String = match file {
            Some(file) => file.text().split_whitespace().collect(),
            None => source
                .strip_prefix("data:")?
                .split_once("base64,")?
                .1
                .to_owned(),
        };
        let bytes = STANDARD.decode(encoded).ok()?;
        gallery.put(name, &bytes, limits.picture)
    })
}

fn item(place: Msg, sort: &str, e: &Element, limits: Limits) -> Item {
    let mut gallery = Gallery::default();
    let stem = text_of(e.child("questiontext"), &mut gallery, limits);
    let mut item = Item::new(place, Question::new(Kind::Essay, stem));
    let q = &mut item.question;
    q.explanation = text_of(e.child("generalfeedback"), &mut gallery, limits);
    q.score = e
        .child("defaultgrade")
        .and_then(|g| answers::points_of(&g.text()));
    let options: Vec<(String, f64)> = e
        .all("answer")
        .map(|a| {
            let fraction = a.attribute("fraction").and_then(|f| f.parse().ok());
            (
                text_of(Some(a), &mut gallery, limits),
                fraction.unwrap_or(0.0),
            )
        })
        .collect();
    let right = || {
        options
            .iter()
            .filter(|(_, f)| *f > 0.0)
            .map(|(text, _)| text.clone())
    };
    match sort {
        "multichoice" => {
            let places = options.iter().enumerate().filter(|(_, (_, f))| *f > 0.0);
            let letters = Letters::new(places.map(|(at, _)| at)).unwrap_or_default();
            let one = e.child("single").is_none_or(|s| s.text().trim() != "false");
            q.kind = match (one, letters.len()) {
                (true, _) => Kind::Single,
                (false, 1) => Kind::Indefinite,
                (false, _) => Kind::Multiple,
            };
            q.key = Key::Choices(letters);
            q.options = options.into_iter().map(|(text, _)| text).collect();
        }
        "truefalse" => {
            q.kind = Kind::Judgement;
            q.key = right()
                .next()
                .and_then(|t| answers::truth(&t))
                .map_or(Key::None, Key::Truth);
        }
        "shortanswer" | "numerical" => {
            q.kind = Kind::FillIn;
            q.key = Key::Blanks {
                blanks: vec![right().collect()],
                unordered: false,
            };
        }
        "essay" => {
            let model = text_of(e.child("graderinfo"), &mut gallery, limits);
            q.key = if model.is_empty() {
                Key::None
            } else {
                Key::Text(model)
            };
            let field = |name| e.child(name).map(|c| c.text().trim().to_owned());
            if field("responseformat").as_deref() == Some("noinline") {
                q.kind = Kind::Upload;
            }
        }
        "ordering" => {
            q.kind = Kind::Ordering;
            q.options = options.into_iter().map(|(text, _)| text).collect();
            q.key = Key::Order(Letters::first(q.options.len()));
        }
        "matching" | "match" => {
            q.kind = Kind::Matching;
            let mut pairs = Vec::new();
            for sub in e.all("subquestion") {
                let option = text_of(Some(sub), &mut gallery, limits);
                let target = sub
                    .child("answer")
                    .and_then(|a| a.child("text"))
                    .map(Element::text);
                let target = target.unwrap_or_default().trim().to_owned();
                let place = q
                    .targets
                    .iter()
                    .position(|t| *t == target)
                    .unwrap_or_else(|| {
                        q.targets.push(target);
                        q.targets.len() - 1
                    });
                if !option.is_empty() {
                    q.options.push(option);
                    pairs.push(place);
                }
            }
            q.key = Key::Pairs(pairs);
        }
        other => {
            let message = Msg::new("question-type-unknown").with("type", other);
            item.faults.push(super::fault("kind", message));
        }
    }
    item.question.media = gallery.0;
    let mut tags = Tags::default();
    for tag in e.child("tags").into_iter().flat_map(|t| t.all("tag")) {
        let text = tag.text();
        if let Some((name, value)) = text.split_once(':') {
            tags.push(name, value);
        }
    }
    tags.put_on(&mut item);
    item
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<quiz>\n";

pub(super) fn write(questions: &[Question]) -> Written {
    let (mut out, mut lost) = (HEAD.to_owned(), Vec::new());
    for (at, question) in questions.iter().enumerate() {
        let Some(one) = element(at + 1, question) else {
            lost.push((at + 1, kind_lost(question)));
            continue;
        };
        let back = xml::read(&format!("<quiz>{one}</quiz>"));
        let back = back
            .map(|root| items(&root, Limits::default()))
            .unwrap_or_default();
        lost.extend(losses(question, &back).map(|message| (at + 1, message)));
        out.push_str(&one);
    }
    out.push_str("</quiz>\n");
    Written {
        bytes: out.into_bytes(),
        lost,
    }
}

/// A text element of HTML with the pictures that it shows.
fn html_in(name: &str, attributes: &str, question: &Question, text: &str) -> String {
    let media = |number: usize| number.checked_sub(1).and_then(|at| question.media.get(at));
    let shown = to_html(text, &|number| {
        Some(format!("@@PLUGINFILE@@/{number}-{}", media(number)?.name))
    });
    let mut numbers: Vec<usize> = crate::model::picture_numbers(text).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut files = String::new();
    for number in numbers {
        if let Some(media) = media(number) {
            files.push_str(&format!(
                "<file name=\"{number}-{}\" path=\"/\" encoding=\"base64\">{}</file>",
                escaped(&media.name),
                STANDARD.encode(&media.bytes)
            ));
        }
    }
    format!(
        "<{name}{attributes} format=\"html\"><text>{}</text>{files}</{name}>\n",
        escaped(&shown)
    )
}

fn element(number: usize, q: &Question) -> Option<String> {
    let (sort, body) = match (&q.kind, &q.key) {
        (kind, Key::Choices(right)) if kind.is_choice() => ("multichoice", choices(q, right)),
        (Kind::Judgement, Key::Truth(truth)) => {
            let answer = |word: &str, right: bool| {
                let fraction = if right { 100 } else { 0 };
                format!("<answer fraction=\"{fraction}\"><text>{word}</text></answer>\n")
            };
            (
                "truefalse",
                answer("true", *truth) + &answer("false", !truth),
            )
        }
        (Kind::FillIn, Key::Blanks { blanks, .. }) if blanks.len() == 1 => {
            let synonyms = blanks[0].iter().map(|s| {
                format!(
                    "<answer fraction=\"100\" format=\"plain_text\"><text>{}</text></answer>\n",
                    escaped(s)
                )
            });
            ("shortanswer", synonyms.collect())
        }
        (Kind::Ordering, Key::Order(order)) => {
            let options = order.places().iter().filter_map(|at| q.options.get(*at));
            (
                "ordering",
                options
                    .map(|text| html_in("answer", " fraction=\"0\"", q, text))
                    .collect(),
            )
        }
        (Kind::Matching, Key::Pairs(targets)) => ("matching", pairs(q, targets)),
        (Kind::Short | Kind::Essay | Kind::Upload, key) => {
            let format = if q.kind == Kind::Upload {
                "noinline"
            } else {
                "editor"
            };
            let model = match key {
                Key::Text(text) => html_in("graderinfo", "", q, text),
                _ => String::new(),
            };
            (
                "essay",
                format!("<responseformat>{format}</responseformat>\n{model}"),
            )
        }
        _ => return None,
    };
    let title: String = q
        .stem
        .chars()
        .filter(|c| !c.is_control())
        .take(40)
        .collect();
    let mut out = format!(
        "<question type=\"{sort}\">\n<name><text>{number} {}</text></name>\n",
        escaped(&title)
    );
    out.push_str(&html_in("questiontext", "", q, &q.stem));
    if !q.explanation.is_empty() {
        out.push_str(&html_in("generalfeedback", "", q, &q.explanation));
    }
    if let Some(score) = q.score {
        out.push_str(&format!(
            "<defaultgrade>{}</defaultgrade>\n",
            answers::points_text(score)
        ));
    }
    out.push_str(&body);
    let tags = Tags::of(q);
    let tags: String = tags
        .iter()
        .map(|t| format!("<tag><text>{}</text></tag>", escaped(&t)))
        .collect();
    out.push_str(&format!("<tags>{tags}</tags>\n</question>\n"));
    Some(out)
}

fn choices(q: &Question, right: &Letters) -> String {
    let share = 100.0 / right.len().max(1) as f64;
    let single = q.kind == Kind::Single;
    let mut out = format!(
        "<single>{single}</single>\n<shuffleanswers>{}</shuffleanswers>\n",
        !q.fixed
    );
    for (at, option) in q.options.iter().enumerate() {
        let fraction = match (right.has(at), single) {
            (true, _) => format!("{share:.5}")
                .trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned(),
            (false, true) => "0".to_owned(),
            (false, false) => "-100".to_owned(),
        };
        out.push_str(&html_in(
            "answer",
            &format!(" fraction=\"{fraction}\""),
            q,
            option,
        ));
    }
    out
}

fn pairs(q: &Question, targets: &[usize]) -> String {
    let mut out = String::new();
    let target = |at: usize| escaped(q.targets.get(at).map_or("", String::as_str));
    let mut sub = |option: &str, at: usize| {
        let one = html_in("subquestion", "", q, option);
        let answer = format!("<answer><text>{}</text></answer></subquestion>", target(at));
        out.push_str(&one.replace("</subquestion>", &answer));
    };
    for (option, at) in q.options.iter().zip(targets) {
        sub(option, *at);
    }
    for at in (0..q.targets.len()).filter(|at| !targets.contains(at)) {
        sub("", at);
    }
    out
}

//! The form of a question (试题表单): one for each kind, all fields plain, so that it works without script.

use axum::extract::{Multipart, Path, State as Has};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, FieldError, Id, Msg, Result, Scope};
use serde_json::{Value, json};
use web::table::Asked;
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::bank::Questions;
use crate::formats::{self, Limits};
use crate::letters::{Letters, MOST_OPTIONS, letter};
use crate::model::{Key, Kind, Question};
use crate::pages::{crumbs, kind_name, kinds};
use crate::writing::Draft;

/// Lines for options that a new form has.
const OPTIONS: usize = 6;

type Pairs = Vec<(String, String)>;

fn value<'p>(pairs: &'p Pairs, name: &str) -> &'p str {
    pairs
        .iter()
        .find(|(n, _)| n == name)
        .map_or("", |(_, v)| v.as_str())
}

/// What stands in the fields for a question.
fn fields(q: &Question) -> Pairs {
    let mut out: Pairs = Vec::new();
    let mut put = |name: &str, value: String| out.push((name.to_owned(), value));
    put("kind", q.kind.code().to_owned());
    put("stem", q.stem.clone());
    put("explanation", q.explanation.clone());
    put("points", q.points.join("；"));
    put(
        "difficulty",
        q.difficulty.map(|d| d.to_string()).unwrap_or_default(),
    );
    put("source", q.source.clone());
    put("article", q.article.clone());
    put(
        "score",
        q.score.map(formats::points_text).unwrap_or_default(),
    );
    put(
        "longest",
        q.longest.map(|n| n.to_string()).unwrap_or_default(),
    );
    put(
        "fixed",
        if q.fixed {
            "on".to_owned()
        } else {
            String::new()
        },
    );
    let order: Vec<usize> = match &q.key {
        // Things to be put in order are typed in the right one.
        Key::Order(order) => order.places().to_vec(),
        _ => (0..q.options.len()).collect(),
    };
    for (at, place) in order.iter().enumerate() {
        put(
            &format!("option{at}"),
            q.options.get(*place).cloned().unwrap_or_default(),
        );
    }
    match &q.key {
        Key::Choices(letters) => {
            for at in letters.places() {
                put(&format!("right{at}"), "on".to_owned());
            }
            put(
                "right",
                letters
                    .places()
                    .first()
                    .map(usize::to_string)
                    .unwrap_or_default(),
            );
        }
        Key::Truth(truth) => put("truth", if *truth { "T" } else { "F" }.to_owned()),
        Key::Blanks { blanks, unordered } => {
            let lines: Vec<String> = blanks.iter().map(|s| s.join(" / ")).collect();
            put("key", lines.join("\n"));
            put(
                "unordered",
                if *unordered {
                    "on".to_owned()
                } else {
                    String::new()
                },
            );
        }
        Key::Pairs(pairs) => {
            for (at, target) in pairs.iter().enumerate() {
                put(
                    &format!("target{at}"),
                    q.targets.get(*target).cloned().unwrap_or_default(),
                );
            }
            let spare = q
                .targets
                .iter()
                .enumerate()
                .filter(|(at, _)| !pairs.contains(at));
            let spare: Vec<&str> = spare.map(|(_, t)| t.as_str()).collect();
            put("spare", spare.join("\n"));
        }
        Key::Text(text) => put("key", text.clone()),
        Key::None | Key::Order(_) => {}
    }
    if q.kind == Kind::Case {
        put("parts", formats::parts_text(q));
    }
    out
}

/// The question that the fields say, on the pictures that it has already.
fn question(pairs: &Pairs, mut old: Question) -> Result<Question> {
    let get = |name: &str| value(pairs, name).trim();
    let mut errors = Vec::new();
    let kind = Kind::of_code(get("kind")).ok_or(Error::NotFound)?;
    let mut q = Question::new(kind, get("stem"));
    q.media = std::mem::take(&mut old.media);
    get("explanation").clone_into(&mut q.explanation);
    get("source").clone_into(&mut q.source);
    get("article").clone_into(&mut q.article);
    q.points = formats::points_list(get("points"));
    q.fixed = get("fixed") == "on";
    let mut number = |name: &str, message: &'static str, read: &dyn Fn(&str) -> Option<u32>| {
        let text = get(name);
        if text.is_empty() {
            return None;
        }
        let found = read(text);
        if found.is_none() {
            errors.push(FieldError {
                field: name.to_owned(),
                message: Msg {
                    key: message,
                    args: Vec::new(),
                },
            });
        }
        found
    };
    q.difficulty = number("difficulty", "question-difficulty", &|t| t.parse().ok())
        .and_then(|d| u8::try_from(d).ok());
    q.score = number("score", "question-score-unread", &formats::points_of);
    q.longest = number("longest", "question-longest", &|t| t.parse().ok());
    let mut places = Vec::new();
    for at in 0..MOST_OPTIONS {
        let text = get(&format!("option{at}"));
        if !text.is_empty() {
            places.push(at);
            q.options.push(text.to_owned());
        }
    }
    // An empty line between options is no option; letters follow what is there.
    let ticked = |at: usize| match kind {
        Kind::Single => get("right") == at.to_string(),
        _ => get(&format!("right{at}")) == "on",
    };
    q.key = match kind {
        Kind::Single | Kind::Multiple | Kind::Indefinite => {
            let right = places
                .iter()
                .enumerate()
                .filter(|(_, at)| ticked(**at))
                .map(|(n, _)| n);
            Letters::new(right).map_or(Key::None, Key::Choices)
        }
        Kind::Judgement => match get("truth") {
            "T" => Key::Truth(true),
            "F" => Key::Truth(false),
            _ => Key::None,
        },
        Kind::FillIn => {
            let lines = get("key").lines().map(str::trim).filter(|l| !l.is_empty());
            let synonyms = |line: &str| {
                line.split(['/', '／'])
                    .map(|t| t.trim().to_owned())
                    .collect()
            };
            Key::Blanks {
                blanks: lines.map(synonyms).collect(),
                unordered: get("unordered") == "on",
            }
        }
        Kind::Ordering => Key::Order(Letters::first(q.options.len())),
        Kind::Matching => {
            let mut pairs = Vec::new();
            for at in &places {
                let target = get(&format!("target{at}")).to_owned();
                let known = q.targets.iter().position(|t| *t == target);
                pairs.push(known.unwrap_or_else(|| {
                    q.targets.push(target);
                    q.targets.len() - 1
                }));
            }
            let spare = get("spare")
                .lines()
                .map(str::trim)
                .filter(|l| !l.is_empty());
            q.targets.extend(spare.map(str::to_owned));
            Key::Pairs(pairs)
        }
        Kind::Short | Kind::Essay | Kind::Upload => match get("key") {
            "" => Key::None,
            text => Key::Text(text.to_owned()),
        },
        Kind::Case => {
            match formats::parts_of(get("parts")) {
                Ok(parts) => q.parts = parts,
                Err(message) => errors.push(FieldError {
                    field: "parts".into(),
                    message,
                }),
            }
            Key::None
        }
    };
    Error::if_any(errors)?;
    Ok(q)
}

/// Faults at the fields of the form.
fn placed(errors: Vec<FieldError>) -> Error {
    let errors = errors.into_iter().map(|e| {
        let mut steps = e.field.split('.');
        let field = match (steps.next(), steps.next()) {
            (Some("options"), Some(at)) => format!("option{at}"),
            (Some("options"), None) => "option0".to_owned(),
            (Some("targets"), _) => "target0".to_owned(),
            (Some(name), _) => name.to_owned(),
            (None, _) => String::new(),
        };
        FieldError { field, ..e }
    });
    Error::Invalid(errors.collect())
}

async fn context(
    s: &Questions,
    shell: &Shell,
    scope: &Scope,
    pairs: &Pairs,
    form: Form,
) -> Result<Value> {
    let kind = Kind::of_code(value(pairs, "kind")).ok_or(Error::NotFound)?;
    let banks: Vec<_> = s
        .banks(scope)
        .await?
        .into_iter()
        .map(|b| (b.id.to_string(), b.name))
        .collect();
    let used = (0..MOST_OPTIONS).filter(|at| !value(pairs, &format!("option{at}")).is_empty());
    let lines = used
        .max()
        .map_or(0, |at| at + 2)
        .clamp(OPTIONS, MOST_OPTIONS);
    let letters: Vec<String> = (0..lines).map(|at| letter(at).to_string()).collect();
    Ok(json!({
        "form": form, "kind": kind.code(), "kind_name": kind_name(shell, kind), "kinds": kinds(shell), "banks": banks,
        "letters": letters, "known": !value(pairs, "before").is_empty(), "crumbs": crumbs(shell),
        "choice": kind.is_choice(), "person": kind.needs_person(),
    }))
}

fn filled(pairs: &Pairs) -> Form {
    let mut form = Form::default();
    for (name, value) in pairs {
        form = form.with(name, value);
    }
    form
}

pub(crate) async fn new_form(
    Has(s): Has<Questions>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let kind = asked
        .get("kind")
        .and_then(Kind::of_code)
        .unwrap_or(Kind::Single);
    let mut pairs = fields(&Question::new(kind, ""));
    pairs.push(("id".into(), shell.env().new_id::<Id>().to_string()));
    pairs.push((
        "bank".into(),
        asked.get("bank").unwrap_or_default().to_owned(),
    ));
    let form = filled(&pairs);
    let context = context(&s, &shell, &access.scope, &pairs, form).await?;
    shell.page("questions/form.html", context)
}

pub(crate) async fn edit_form(
    Has(s): Has<Questions>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let opened = s.open(id, &access.scope, actor).await?;
    let newest = opened.versions.first().ok_or(Error::NotFound)?;
    let mut pairs = fields(&newest.question);
    pairs.push(("id".into(), id.to_string()));
    pairs.push(("bank".into(), opened.bank.id.to_string()));
    pairs.push(("before".into(), opened.head.version.to_string()));
    // What is wrong stands at its fields at once.
    let faults = newest.question.check();
    let mut form = filled(&pairs);
    if !faults.is_empty() {
        form = form.reject(&shell, placed(faults))?;
    }
    let context = context(&s, &shell, &access.scope, &pairs, form).await?;
    shell.page("questions/form.html", context)
}

pub(crate) async fn keep(
    Has(s): Has<Questions>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    mut posted: Multipart,
) -> Result<Response, Failure> {
    let (files, pairs) = s
        .attachments
        .parts(access.principal.account, &mut posted)
        .await?;
    let id: Id = value(&pairs, "id").parse().map_err(|_| Error::NotFound)?;
    let mut found = Vec::new();
    for (_, text) in &pairs {
        secrecy.look(text, &mut found);
    }
    if secrecy.asks(&found) && files.is_empty() {
        return secrecy.ask(&found, &pairs, false);
    }
    secrecy.keep(&found).await?;
    let before: Option<i64> = value(&pairs, "before").parse().ok();
    let kept = async {
        let bank: Id = value(&pairs, "bank")
            .parse()
            .map_err(|_| Error::field("bank", Msg::new("question-bank-choose")))?;
        let old = match before {
            Some(_) => s
                .open(id, &access.scope, actor.clone())
                .await?
                .versions
                .into_iter()
                .next(),
            None => None,
        };
        let old = old.map_or_else(|| Question::new(Kind::Short, ""), |v| v.question);
        let mut q = question(&pairs, old)?;
        for file in &files {
            let bytes = s.attachments.held(file).await?;
            let put = formats::add_picture(&mut q, &file.name, &bytes, Limits::default().picture);
            let number =
                put.ok_or_else(|| Error::field("picture", Msg::new("question-picture-unread")))?;
            let mark = format!("![](#{number})");
            if !q.stem.contains(&mark) {
                q.stem.push_str(&mark);
            }
        }
        let draft = Draft {
            id,
            bank,
            before,
            question: &q,
            note: value(&pairs, "note"),
        };
        s.write(&draft, &access.scope, actor.clone()).await
    };
    match kept.await {
        Ok(()) => {
            s.attachments.release(&files).await;
            shell.done(&format!("/questions/{id}"), "question-kept")
        }
        Err(error) => {
            let error = match error {
                Error::Invalid(errors) => placed(errors),
                other => other,
            };
            let form = filled(&pairs).reject(&shell, error)?;
            let context = context(&s, &shell, &access.scope, &pairs, form).await?;
            shell.refused("questions/form.html", context)
        }
    }
}

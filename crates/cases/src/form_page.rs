//! The form by which a case is raised, and the short one for what is mended on the spot (即知即改).

use std::collections::BTreeMap;

use axum::extract::{Multipart, Query, State as Shared};
use axum::response::Response;
use desk::{Typed, Waiting};
use kernel::{Error, Id, Msg, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::kind::{FieldType, Kind};
use crate::model::{Eyes, Raise, Reporter};
use crate::pages::{actor_of, crumbs};
use crate::service::{Cases, LONGEST, TITLE};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    kind: String,
    quick: String,
}

fn kind_of<'s>(s: &'s Cases, code: &str, quick: bool) -> Result<&'s Kind> {
    let fits = |k: &&Kind| !quick || k.quick;
    let named = s.kinds.get(code).filter(fits);
    named
        .or_else(|| s.kinds.iter().find(fits))
        .ok_or(Error::NotFound)
}

/// The sort of field in which a value is given.
pub(crate) fn input_of(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Text => "text",
        FieldType::Number => "number",
        FieldType::Date => "date",
        FieldType::YesNo => "select",
    }
}

/// What can be chosen, where it is a choice.
pub(crate) fn options_of(shell: &Shell, kind: FieldType) -> Vec<(&'static str, String)> {
    match kind {
        FieldType::YesNo => [("", "cases-none"), ("yes", "cases-yes"), ("no", "cases-no")]
            .map(|(code, key)| (code, shell.t(key)))
            .into(),
        _ => Vec::new(),
    }
}

async fn context(
    s: &Cases,
    shell: &Shell,
    access: &Access,
    (kind, quick): (&Kind, bool),
    mut form: Form,
    waiting: &[Waiting],
) -> Result<Value> {
    let lang = shell.lang().code();
    let fits = |k: &&Kind| !quick || k.quick;
    let kinds: Vec<(&str, &str)> = s
        .kinds
        .iter()
        .filter(fits)
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    let none = [("".to_owned(), shell.t("cases-none"))];
    let values = |list: &[crate::Choice]| {
        let list = list
            .iter()
            .map(|c| (c.code.clone(), c.name.get(lang).to_owned()));
        none.iter().cloned().chain(list).collect::<Vec<_>>()
    };
    let severities = kind.severities.iter().map(|v| {
        let key = if v.working {
            "cases-severity-working"
        } else {
            "cases-severity-days"
        };
        (
            v.code.clone(),
            shell.t_with(
                key,
                &[("name", v.name.get(lang)), ("days", &v.days.to_string())],
            ),
        )
    });
    let fields = kind.fields.iter().filter(|f| !f.after).map(|f| {
        json!({ "name": format!("v-{}", f.code), "label": f.name.get(lang), "input": input_of(f.kind), "required": f.required,
            "options": options_of(shell, f.kind) })
    });
    let today = s.env.today();
    let units = s.organization.units(&access.scope).await?;
    let from: Vec<(String, String)> = units
        .iter()
        .filter(|u| u.stands(today))
        .take(200)
        .map(|u| (u.code.clone(), u.name.clone()))
        .collect();
    if !form.values.contains_key("id") {
        form = form.with("id", s.env.new_id::<Id>());
        form = form.with(
            "severity",
            kind.severities.last().map_or("", |v| v.code.as_str()),
        );
    }
    // What may recur is shown where it is asked about.
    let mut similar = Vec::new();
    if form.errors.contains_key("recurs")
        && let Ok(unit) = s
            .organization
            .unit_picked(
                "unit",
                form.values.get("unit").map_or("", String::as_str),
                &access.scope,
            )
            .await
    {
        let mut tx = s.db.read().await?;
        let clause = form.values.get("clause").map_or("", String::as_str);
        for m in s.similar(&mut tx, kind, unit.id, clause).await? {
            similar.push(json!({ "href": m.href(), "title": format!("{} {}", m.number, m.title), "day": kernel::format_date(m.raised_on) }));
        }
    }
    Ok(json!({
        "form": form, "kinds": kinds, "kind": kind.code, "kind_name": kind.name.get(lang), "quick": quick,
        "may_quick": kind.quick, "severities": severities.collect::<Vec<_>>(), "areas": values(&kind.areas),
        "sources": values(&kind.sources), "clauses": values(&kind.clauses), "fields": fields.collect::<Vec<_>>(),
        "from": from, "similar": similar, "most": LONGEST, "title_most": TITLE,
        "waiting": waiting.iter().map(|x| json!({ "value": x.text(), "name": x.name })).collect::<Vec<_>>(),
        "crumbs": crumbs(shell),
    }))
}

pub(crate) async fn form(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    let quick = wanted.quick == "1";
    let kind = kind_of(&s, &wanted.kind, quick)?;
    let context = context(&s, &shell, &access, (kind, quick), Form::default(), &[]).await?;
    shell.page("cases/form.html", context)
}

async fn raise_of(
    s: &Cases,
    access: &Access,
    kind: &Kind,
    typed: &Typed,
    files: &[Waiting],
) -> Result<Raise> {
    let scope = Cases::named_in(access, None);
    let from = s
        .organization
        .unit_picked("from", typed.get("from"), &access.scope)
        .await?;
    let unit = s
        .organization
        .unit_picked("unit", typed.get("unit"), &scope)
        .await?;
    let reporter = typed.get("reporter").trim();
    if reporter.chars().count() > 50 || typed.get("contact").chars().count() > 100 {
        return Err(Error::field("reporter", Msg::new("cases-field-wrong")));
    }
    let reporter = (!reporter.is_empty()).then(|| Reporter {
        name: reporter.to_owned(),
        contact: typed.get("contact").trim().to_owned(),
        confidential: typed.get("confidential") == "on",
    });
    let values: BTreeMap<String, String> = kind
        .fields
        .iter()
        .map(|f| {
            (
                f.code.clone(),
                typed.get(&format!("v-{}", f.code)).trim().to_owned(),
            )
        })
        .filter(|(_, v)| !v.is_empty())
        .collect();
    let fixed = match typed.get("quick") {
        "1" => Some((
            typed.get("fixed").to_owned(),
            s.kept(files, typed.get("of")).await?,
        )),
        _ => None,
    };
    let supervisor = s
        .person("supervisor", typed.get("supervisor"), &scope)
        .await?;
    Ok(Raise {
        id: typed.get("id").parse().map_err(|_| Error::NotFound)?,
        kind: kind.code.clone(),
        title: typed.get("title").to_owned(),
        detail: typed.get("detail").to_owned(),
        severity: typed.get("severity").to_owned(),
        area: typed.get("area").to_owned(),
        source: typed.get("source").to_owned(),
        clause: typed.get("clause").to_owned(),
        values,
        unit: unit.id,
        from: from.id,
        owner: s.person("owner", typed.get("owner"), &scope).await?,
        co: s.people("co", typed.get("co"), &scope).await?,
        supervisor,
        reporter,
        origin: None,
        key: None,
        recurs: match typed.get("recurs") {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        },
        fixed,
    })
}

pub(crate) async fn keep(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    mut secrecy: Secrecy,
    parts: Multipart,
) -> Result<Response, Failure> {
    let (typed, files, asked) = s.attachments.typed(&access, &mut secrecy, parts).await?;
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let quick = typed.get("quick") == "1";
    let kind = kind_of(&s, typed.get("kind"), quick)?;
    let done = match raise_of(&s, &access, kind, &typed, &files).await {
        Ok(raise) => {
            s.raise(&raise, &Eyes::from(&access), &actor_of(&access))
                .await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(id) => {
            s.attachments.release(&files).await;
            shell.done(&format!("/cases/{id}"), "cases-done-raised")
        }
        Err(error) => {
            let form = typed.form().reject(&shell, error)?;
            let context = context(&s, &shell, &access, (kind, quick), form, &files).await?;
            shell.refused("cases/form.html", context)
        }
    }
}

//! What the page of an activity shows beyond its roster: parts, agenda, fields, series, the two of a talk, the facts
//! that count it, and how it was corrected.

use std::collections::BTreeMap;

use kernel::{PersonId, Result};
use serde_json::{Value, json};
use web::{Access, Shell};

use crate::kind::FieldKind;
use crate::store::details as rows;
use crate::{Activities, Activity, Evidence, Role, View};

/// Adds it to the context of the page.
pub(crate) async fn add(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    a: &Activity,
    may_record: bool,
    page: &mut Value,
) -> Result<()> {
    let lang = shell.lang().code();
    let kind = s.kinds.get(&a.kind);
    let (roles, agenda, series) = s.details(a).await?;
    let pair = a.pair.iter().flat_map(|p| [p.person, p.other]);
    let people: Vec<PersonId> = roles.iter().map(|r| r.person).chain(pair).collect();
    let names = s.organization.person_names(&people).await?;
    let name = |p: &PersonId| names.get(p).map_or("—", String::as_str);
    let role_name = |code: &str| {
        let role = kind.and_then(|k| k.role(code));
        role.map_or(code, |r| r.name.get(lang)).to_owned()
    };
    let mut held: Vec<(String, Vec<&str>)> = Vec::new();
    for role in &roles {
        let label = role_name(&role.role);
        match held.iter_mut().find(|(l, _)| *l == label) {
            Some((_, people)) => people.push(name(&role.person)),
            None => held.push((label, vec![name(&role.person)])),
        }
    }
    let held: Vec<Value> = held
        .iter()
        .map(|(label, people)| json!({ "label": label, "people": people }))
        .collect();
    let item_name = |code: &str| {
        let item = s.kinds.item(code);
        item.map_or(code, |i| i.name.get(lang)).to_owned()
    };
    let agenda: Vec<Value> = agenda
        .iter()
        .map(|i| json!({ "label": item_name(&i.code), "title": i.title }))
        .collect();
    let fields: Vec<(&str, &str)> = kind.map_or_else(Vec::new, |k| {
        let fields = k.fields.iter();
        fields
            .filter_map(|f| {
                let text = a.fields.get(&f.code)?;
                let choice = f.values.iter().find(|v| v.code == *text);
                let choice = choice.filter(|_| f.kind == FieldKind::Choice);
                Some((
                    f.name.get(lang),
                    choice.map_or(text.as_str(), |v| v.name.get(lang)),
                ))
            })
            .collect()
    });
    let mut tx = s.db.read().await?;
    let siblings = match a.session {
        Some(at) => rows::siblings(&mut tx, at.series, &View::from(access)).await?,
        None => Vec::new(),
    };
    let place = |a: &Activity| {
        a.session.map(|at| {
            let (issue, session) = (at.issue.to_string(), at.session.to_string());
            shell.t_with("series-place", &[("issue", &issue), ("session", &session)])
        })
    };
    let siblings: Vec<Value> = siblings
        .iter()
        .map(|o| {
            json!({ "here": o.id == a.id, "place": place(o), "title": o.title, "date": kernel::format_date(o.date),
                "href": format!("/activities/{}", o.id) })
        })
        .collect();
    let mut facts: BTreeMap<(String, String), i64> = BTreeMap::new();
    for fact in s.ledger.standing(&mut tx, a.id.0).await? {
        let what = match fact.kind.as_str() {
            "attendance" => fact.role.clone().unwrap_or_default(),
            "resolution" | "reflection" => fact.role.clone().unwrap_or_default(),
            "agenda" => fact.category.clone().unwrap_or_default(),
            _ => String::new(),
        };
        *facts.entry((fact.kind, what)).or_default() += 1;
    }
    let facts: Vec<(String, i64)> = facts
        .into_iter()
        .map(|((kind, what), n)| {
            let label = shell.t(&format!("fact-{kind}"));
            let what = match (kind.as_str(), Role::from_code(&what)) {
                (_, Some(role)) => shell.t(&format!("role-{}", role.code())),
                ("attendance", None) => role_name(&what),
                ("reflection", None) if !what.is_empty() => {
                    shell.t(&format!("reflection-state-{what}"))
                }
                ("resolution", None) => shell.t(&format!("votes-{what}")),
                _ => item_name(&what),
            };
            let label = match what.is_empty() {
                true => label,
                false => format!("{label} · {what}"),
            };
            (label, n)
        })
        .collect();
    let zone = s.env.zone();
    let versions: Vec<Value> = rows::versions(&mut tx, a.id)
        .await?
        .iter()
        .map(|v| {
            let who = v.name.as_deref().unwrap_or("—");
            json!({ "title": shell.t_with("activity-amended-by", &[("who", who)]), "quote": v.reason, "state": "done",
                "at": v.at.minute_text(zone) })
        })
        .collect();
    drop(tx);
    let of = match (a.body, a.audience) {
        (Some(body), _) => s
            .organization
            .body(body, &access.scope)
            .await
            .ok()
            .map(|b| b.0.name),
        (_, Some(audience)) => s
            .organization
            .audience(audience, &access.scope)
            .await
            .ok()
            .map(|x| x.name),
        _ => None,
    };
    let asks =
        kind.is_some_and(|k| !k.roles.is_empty() || !k.agenda.is_empty() || !k.fields.is_empty());
    let files = s.files(a.id, View::from(access).taking_part()).await?;
    let needs = kind.is_some_and(|k| k.evidence == Evidence::Required);
    page["evidence_missing"] = json!(needs && files.is_empty() && a.reversed_at.is_none());
    page["files"] = files
        .iter()
        .map(|f| {
            json!({ "id": f.id, "href": format!("/activities/{}/files/{}", a.id, f.id), "name": f.name, "later": f.later,
                "size": format!("{:.1} KiB", f.size as f64 / 1024.0), "dated": kernel::format_date(f.dated),
                "at": f.at.minute_text(zone), "sha256": f.sha256 })
        })
        .collect();
    page["may_file"] = json!(may_record && s.keeper.is_some());
    page["kinds"] = json!(crate::evidence::KINDS.map(|k| format!(".{k}")).join(","));
    page["held"] = json!(held);
    page["agenda"] = json!(agenda);
    page["fields"] = json!(fields);
    page["siblings"] = json!(siblings);
    page["facts"] = json!(facts);
    page["versions"] = json!(versions);
    page["of"] = json!(of);
    page["may_amend"] = json!(may_record && asks);
    page["pair"] = match a.pair {
        Some(p) => json!({ "person": name(&p.person), "other": name(&p.other) }),
        None => Value::Null,
    };
    page["session"] = match a.session {
        Some(at) => {
            json!({ "id": at.series, "name": series, "issue": at.issue, "session": at.session })
        }
        None => Value::Null,
    };
    Ok(())
}

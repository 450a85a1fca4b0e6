//! What is typed into the fields that a kind asks for, and these fields as a template needs them.

use std::collections::{BTreeMap, HashMap};

use kernel::{Date, Error, FieldError, Id, Msg, PersonId, Result};
use serde_json::{Value, json};
use web::Form;

use crate::details::{Details, Item, MOST_ITEMS, Pair, Session};
use crate::kind::FieldKind;
use crate::{Activities, ActivityKind, RosterOf, store};

/// The fields of a form as they came.
pub(crate) struct Typed(pub(crate) Vec<(String, String)>);

/// Empty lines offered below an agenda.
const SPARE_ITEMS: usize = 3;

impl Typed {
    /// What one holds, trimmed; empty when it did not come.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, v)| v.trim())
    }

    /// The agenda without its empty lines.
    pub(crate) fn agenda(&self) -> Vec<Item> {
        let line = |n| Item {
            code: self.get(&format!("agenda-{n}")).to_owned(),
            title: self.get(&format!("agenda-title-{n}")).to_owned(),
        };
        let lines = (0..=MOST_ITEMS).map(line);
        lines
            .filter(|i| !i.code.is_empty() || !i.title.is_empty())
            .collect()
    }

    fn role_names(kind: &ActivityKind) -> Vec<(&str, String)> {
        let names = kind
            .roles
            .iter()
            .flat_map(|r| (0..r.most).map(|n| (r.code.as_str(), format!("role-{}-{n}", r.code))));
        names.collect()
    }

    /// What was entered, people found by their staff numbers; what cannot be read is named.
    pub(crate) async fn details(
        &self,
        s: &Activities,
        kind: &ActivityKind,
        date: Date,
        errors: &mut Vec<FieldError>,
    ) -> Result<Details> {
        let roles = Self::role_names(kind);
        let mut numbers: Vec<String> = roles.iter().map(|(_, n)| self.get(n).to_owned()).collect();
        numbers.extend(["pair-person", "pair-other"].map(|n| self.get(n).to_owned()));
        numbers.retain(|n| !n.is_empty());
        let known: HashMap<String, PersonId> = match numbers.is_empty() {
            true => HashMap::new(),
            false => store::people_by_staff_no(&mut s.db.read().await?, &numbers, date)
                .await?
                .into_iter()
                .map(|(number, person, _)| (number, person))
                .collect(),
        };
        let mut wrong = |field: &str, message| {
            errors.push(FieldError {
                field: field.into(),
                message,
            })
        };
        let mut person = |name: &str| {
            let number = self.get(name);
            let found = known.get(number).copied();
            if found.is_none() && !number.is_empty() {
                wrong(name, Msg::new("observer-unknown").with("number", number));
            }
            found
        };
        let mut details = Details {
            agenda: self.agenda(),
            ..Details::default()
        };
        for (code, name) in &roles {
            details
                .roles
                .extend(person(name).map(|p| ((*code).to_owned(), p)));
        }
        if kind.pair {
            details.pair = match (person("pair-person"), person("pair-other")) {
                (Some(person), Some(other)) => Some(Pair { person, other }),
                _ => None,
            };
        }
        for field in &kind.fields {
            let text = self.get(&format!("field-{}", field.code));
            details.fields.insert(field.code.clone(), text.to_owned());
        }
        details.plan = match self.get("plan") {
            "" => None,
            id => Some(id.parse().map_err(|_| Error::NotFound)?),
        };
        details.overrule = self.get("overrule") == "on";
        for (name, value) in &self.0 {
            let Some(person) = name.strip_prefix("minutes-") else {
                continue;
            };
            let person: PersonId = person.parse().map_err(|_| Error::NotFound)?;
            // What is no number is refused with the number that it became.
            details.minutes.insert(person, value.parse().unwrap_or(0));
        }
        details.of = match self.get("of") {
            "" => None,
            id => Some(id.parse().map_err(|_| Error::NotFound)?),
        };
        if kind.series {
            let number = |name: &str| self.get(name).parse::<i64>().unwrap_or(0);
            details.session = Some(Session {
                series: self.get("series").to_owned(),
                issue: number("issue"),
                session: number("session"),
            });
        }
        Ok(details)
    }

    /// A form that keeps what was typed.
    pub(crate) fn form(&self, kind: &ActivityKind) -> Form {
        let mut form = Form::default();
        for (name, value) in &self.0 {
            if !name.starts_with("part-") && !name.starts_with("agenda-") {
                form = form.with(name, value);
            }
        }
        with_agenda(form, kind, &self.agenda())
    }
}

/// A form with the lines of an agenda.
pub(crate) fn with_agenda(mut form: Form, kind: &ActivityKind, agenda: &[Item]) -> Form {
    if kind.agenda.is_empty() {
        return form;
    }
    for (n, item) in agenda.iter().enumerate() {
        form = form
            .with(&format!("agenda-{n}"), &item.code)
            .with(&format!("agenda-title-{n}"), &item.title);
    }
    let lines = (agenda.len() + SPARE_ITEMS).min(MOST_ITEMS);
    form.with("agenda-lines", lines)
}

/// A form with people in their parts, by staff number.
pub(crate) fn with_roles(
    mut form: Form,
    roles: &[(String, PersonId)],
    numbers: &HashMap<PersonId, String>,
) -> Form {
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    for (role, person) in roles {
        let n = used.entry(role).or_default();
        if let Some(number) = numbers.get(person) {
            form = form.with(&format!("role-{role}-{n}"), number);
            *n += 1;
        }
    }
    form
}

/// The fields of a kind as a template needs them.
pub(crate) fn shape(s: &Activities, kind: &ActivityKind, lang: &str, form: &Form) -> Value {
    let roles: Vec<Value> = kind
        .roles
        .iter()
        .map(|r| {
            let names: Vec<String> = (0..r.most)
                .map(|n| format!("role-{}-{n}", r.code))
                .collect();
            json!({ "label": r.name.get(lang), "names": names, "required": r.required })
        })
        .collect();
    let items: Vec<(&str, &str)> = kind
        .agenda
        .iter()
        .filter_map(|code| s.kinds.item(code))
        .map(|i| (i.code.as_str(), i.name.get(lang)))
        .collect();
    let required: Vec<&str> = kind
        .agenda_required
        .iter()
        .filter_map(|code| s.kinds.item(code))
        .map(|i| i.name.get(lang))
        .collect();
    let lines = form.values.get("agenda-lines");
    let lines: usize = lines.and_then(|n| n.parse().ok()).unwrap_or(0);
    let fields: Vec<Value> = kind
        .fields
        .iter()
        .map(|f| {
            let (input, mode, most) = match f.kind {
                FieldKind::Text => ("text", "", 200),
                FieldKind::Long => ("textarea", "", 4_000),
                FieldKind::Number => ("text", "decimal", 15),
                FieldKind::Date => ("date", "", 0),
                FieldKind::Choice => ("select", "", 0),
            };
            let mut options = vec![("", "—")];
            options.extend(
                f.values
                    .iter()
                    .map(|v| (v.code.as_str(), v.name.get(lang))),
            );
            json!({ "name": format!("field-{}", f.code), "label": f.name.get(lang), "kind": input, "mode": mode,
                "most": most, "required": f.required, "options": options })
        })
        .collect();
    let roster = match kind.roster {
        _ if kind.pair => "pair",
        RosterOf::Unit => "unit",
        RosterOf::Audience => "audience",
        RosterOf::Body => "body",
        RosterOf::Open => "open",
    };
    let basis = [kind.document.as_ref(), kind.article.as_ref()];
    let basis: Vec<&str> = basis.into_iter().flatten().map(|n| n.get(lang)).collect();
    json!({ "roles": roles, "items": items, "lines": lines, "agenda_required": required, "fields": fields,
        "roster": roster, "series": kind.series, "confidential": kind.confidential.is_some(), "basis": basis.join(" ") })
}

/// The staff numbers of people.
pub(crate) async fn numbers(
    s: &Activities,
    people: &[PersonId],
    date: Date,
) -> Result<HashMap<PersonId, String>> {
    let lines = store::details::lines(&mut s.db.read().await?, people, date).await?;
    Ok(lines.into_iter().map(|l| (l.person, l.staff_no)).collect())
}

/// Bodies or audiences that can be expected for a kind: those of the organising unit first.
pub(crate) async fn groups_of(
    s: &Activities,
    kind: &ActivityKind,
    unit: kernel::UnitId,
    date: Date,
    scope: &kernel::Scope,
) -> Result<Vec<(Id, String)>> {
    if kind.pair {
        return Ok(Vec::new());
    }
    let mut found: Vec<(bool, Id, String)> = match kind.roster {
        RosterOf::Body => {
            let mut bodies = s.organization.bodies(scope).await?;
            bodies.retain(|b| {
                (kind.bodies.is_empty() || kind.bodies.contains(&b.kind))
                    && b.from <= date
                    && b.to.is_none_or(|to| date <= to)
            });
            bodies
                .into_iter()
                .map(|b| (b.unit != unit, b.id, b.name))
                .collect()
        }
        RosterOf::Audience => {
            let audiences = s.organization.audiences(scope).await?;
            audiences
                .into_iter()
                .map(|a| (a.unit != unit, a.id, a.name))
                .collect()
        }
        _ => Vec::new(),
    };
    found.sort_by(|a, b| (a.0, &a.2).cmp(&(b.0, &b.2)));
    Ok(found.into_iter().map(|(_, id, name)| (id, name)).collect())
}

//! Pages of checklists: all of them, one with its versions, two versions side by side, a draft.

use std::collections::HashMap;

use axum::Form as Body;
use axum::extract::{Path, Query, State as With};
use axum::response::Response;
use commons::forms::{Base, Item, Stricter};
use identity::Actor;
use kernel::{AccountId, Error, Id, Msg, Result, Scope, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::{Tag, Tone};
use web::{Access, Failure, Form, Shell};

use crate::drafting::{Change, Edit, TypedItem, compare, decimal, evidence_of, thousandths};
use crate::forms::{Begin, DraftState, Version};
use crate::kind::write_file;
use crate::service::Inspections;
use crate::store;
use crate::view::{KINDS, crumbs, full, item_view, kind_code, sections_view};
use crate::{PLAN, REVIEW};

/// Where checklists are listed.
pub(crate) const PLACE: &str = "/checklists";

pub(crate) fn href(code: &str) -> String {
    format!("{PLACE}/{code}")
}

fn scope_of(access: &Access, permission: &str) -> Scope {
    let scope = access.principal.scope(permission);
    scope.cloned().unwrap_or_else(Scope::nothing)
}

pub(crate) async fn unit_options(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    organization::unit_options(&s.organization, &shell, &access, pairs).await
}

fn draft_tag(shell: &Shell, state: DraftState) -> Tag {
    Tag {
        text: shell.t(&format!("checklist-state-{}", state.code())),
        tone: match state {
            DraftState::Open => Tone::Plain,
            DraftState::Proposed => Tone::Brand,
            DraftState::Used => Tone::Ok,
            DraftState::Dropped => Tone::Bad,
        },
        icon: None,
    }
}

pub(crate) async fn list(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    asked: web::table::Asked,
) -> Result<Response, Failure> {
    let (lang, today) = (shell.lang().code(), s.env.today());
    let all = s.versions(&access.scope).await?;
    let (plans, reviews) = (scope_of(&access, PLAN), scope_of(&access, REVIEW));
    let mut tx = s.db.read().await?;
    let drafts = store::forms::drafts(&mut tx, &[&plans, &reviews]).await?;
    let q = asked.get("q").unwrap_or_default().to_lowercase();
    let mut units: Vec<UnitId> = all.values().filter_map(|v| v[0].unit).collect();
    units.extend(drafts.iter().map(|d| d.unit));
    let names = s.organization.names(&units).await?;
    let mut rows = Vec::new();
    for versions in all.values() {
        let now = versions.iter().find(|v| v.from <= today);
        let next = &versions[0];
        let shown = now.unwrap_or(next);
        if !shown.name.get(lang).to_lowercase().contains(&q) {
            continue;
        }
        let form = s.form(&mut tx, &shown.code, shown.version).await?;
        rows.push(json!({
            "href": href(&shown.code), "name": shown.name.get(lang), "version": shown.version,
            "from": kernel::format_date(shown.from), "items": form.items().count(), "points": full(&form),
            "unit": shown.unit.map(|u| names.get(&u).cloned().unwrap_or_default()), "plus": shown.extends.is_some(),
            "next": (next.version != shown.version).then(|| kernel::format_date(next.from)),
            "waits": now.is_none(),
        }));
    }
    let drafts = drafts.iter().map(|d| {
        json!({ "href": format!("{PLACE}/drafts/{}", d.id), "name": d.template.name.get(lang),
            "unit": names.get(&d.unit), "tag": draft_tag(&shell, d.state), "returned": !d.returned.is_empty() })
    });
    let drafts: Vec<Value> = drafts.collect();
    drop(tx);
    shell.page(
        "inspections/checklists.html",
        json!({ "rows": rows, "drafts": drafts, "q": asked.get("q").unwrap_or_default(), "may_plan": !plans.is_empty() }),
    )
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Which {
    version: Option<i64>,
    from: Option<i64>,
    to: Option<i64>,
}

/// The versions of a form and the one that is asked for: else the one that holds, else the next.
async fn which(
    s: &Inspections,
    access: &Access,
    code: &str,
    version: Option<i64>,
) -> Result<(Vec<Version>, Version)> {
    let versions = s.versions_of(code, &access.scope).await?;
    let today = s.env.today();
    let found = match version {
        Some(n) => versions.iter().find(|v| v.version == n),
        None => versions
            .iter()
            .find(|v| v.from <= today)
            .or(versions.first()),
    };
    let found = found.cloned().ok_or(Error::NotFound)?;
    Ok((versions, found))
}

/// Names of accounts, as their people are called.
async fn accounts(s: &Inspections, ids: &[AccountId]) -> Result<HashMap<AccountId, String>> {
    store::account_names(&mut s.db.read().await?, ids).await
}

pub(crate) async fn show(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    Path(code): Path<String>,
    Query(q): Query<Which>,
) -> Result<Response, Failure> {
    let lang = shell.lang().code();
    let (versions, shown) = which(&s, &access, &code, q.version).await?;
    let mut tx = s.db.read().await?;
    let form = s.form(&mut tx, &code, shown.version).await?;
    let template = s.template(&mut tx, &code, shown.version).await?;
    let origins = s.origins(&mut tx, &form, lang).await?;
    drop(tx);
    let basis = template.and_then(|t| t.basis.as_ref().map(|b| b.get(lang).to_owned()));
    let ids: Vec<AccountId> = versions
        .iter()
        .filter_map(|v| v.by)
        .flat_map(|(a, b)| [a, b])
        .collect();
    let people = accounts(&s, &ids).await?;
    let name = |id: &AccountId| people.get(id).cloned().unwrap_or_else(|| "—".into());
    let history: Vec<Value> = versions
        .iter()
        .map(|v| {
            json!({ "n": v.version, "from": kernel::format_date(v.from), "note": v.note, "current": v.version == shown.version,
                "href": format!("{}?version={}", href(&code), v.version), "at": v.at.minute_text(s.env.zone()),
                "by": v.by.map(|(a, b)| (name(&a), name(&b))),
                "compare": (v.version > 1).then(|| format!("{}/compare?from={}&to={}", href(&code), v.version - 1, v.version)) })
        })
        .collect();
    let unit = match shown.unit {
        Some(unit) => s.organization.names(&[unit]).await?.remove(&unit),
        None => None,
    };
    let plans = scope_of(&access, PLAN);
    let own = match shown.unit {
        Some(unit) => s.organization.reaches(&plans, unit).await?,
        None => false,
    };
    shell.page(
        "inspections/checklist.html",
        json!({
            "crumbs": crumbs(&shell, "checklists-menu", PLACE), "name": shown.name.get(lang), "code": code,
            "version": shown.version, "from": kernel::format_date(shown.from), "basis": basis, "unit": unit,
            "pack": shown.pack, "sections": sections_view(&shell, &form, &s.words, &origins), "full": full(&form),
            "count": form.items().count(), "history": history, "file": format!("{}/file?version={}", href(&code), shown.version),
            "plus": (!plans.is_empty()).then(|| format!("{PLACE}/new?plus={code}&version={}", shown.version)),
            "next": own.then(|| format!("{PLACE}/new?next={code}")),
        }),
    )
}

pub(crate) async fn file(
    With(s): With<Inspections>,
    access: Access,
    actor: Actor,
    Path(code): Path<String>,
    Query(q): Query<Which>,
) -> Result<Response, Failure> {
    let (_, shown) = which(&s, &access, &code, q.version).await?;
    let mut tx = s.db.read().await?;
    let template = s.template(&mut tx, &code, shown.version).await?;
    drop(tx);
    let template = template.ok_or(Error::NotFound)?;
    let text = write_file(&template, shown.version, shown.from)?;
    s.took(&actor, ("checklist", format!("{code}/{}", shown.version)))
        .await?;
    let name = format!("{}-{}.toml", shown.name.zh, shown.version);
    Ok(web::attachment("text/plain; charset=utf-8", &name, text))
}

pub(crate) async fn compared(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    Path(code): Path<String>,
    Query(q): Query<Which>,
) -> Result<Response, Failure> {
    let lang = shell.lang().code();
    let (_, old) = which(&s, &access, &code, q.from).await?;
    let (_, new) = which(&s, &access, &code, q.to).await?;
    let mut tx = s.db.read().await?;
    let before = s.form(&mut tx, &code, old.version).await?;
    let after = s.form(&mut tx, &code, new.version).await?;
    let (from, to) = (
        s.origins(&mut tx, &before, lang).await?,
        s.origins(&mut tx, &after, lang).await?,
    );
    drop(tx);
    let rows: Vec<Value> = compare(&before, &after)
        .into_iter()
        .map(|(change, a, b)| {
            let key = match change {
                Change::Added => "added",
                Change::Removed => "removed",
                Change::Changed => "changed",
            };
            let old = a.map(|i| item_view(&shell, &before, i, &s.words, &from));
            let new = b.map(|i| item_view(&shell, &after, i, &s.words, &to));
            json!({ "what": shell.t(&format!("checklist-change-{key}")), "old": old, "new": new })
        })
        .collect();
    shell.page(
        "inspections/compare.html",
        json!({ "crumbs": crumbs(&shell, "checklists-menu", PLACE), "name": new.name.get(lang), "href": href(&code),
            "old": old.version, "new": new.version, "rows": rows }),
    )
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewQuery {
    plus: String,
    next: String,
    version: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewTyped {
    id: String,
    unit: String,
    way: String,
    name: String,
    plus: String,
    version: i64,
    next: String,
    file: String,
}

async fn new_context(s: &Inspections, shell: &Shell, access: &Access, form: Form) -> Result<Value> {
    let lang = shell.lang().code();
    let value = |name: &str| form.values.get(name).cloned().unwrap_or_default();
    let (plus, next) = (value("plus"), value("next"));
    let mut about = None;
    if let Some(code) = [&plus, &next].into_iter().find(|c| !c.is_empty()) {
        let versions = s.versions_of(code, &scope_of(access, crate::READ)).await?;
        about = versions.first().map(|v| v.name.get(lang).to_owned());
    }
    Ok(
        json!({ "form": form, "crumbs": crumbs(shell, "checklists-menu", PLACE), "plus": plus, "next": next, "about": about }),
    )
}

pub(crate) async fn new_form(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    Query(q): Query<NewQuery>,
) -> Result<Response, Failure> {
    let mut form = Form::default()
        .with("id", s.env.new_id::<Id>())
        .with("plus", &q.plus)
        .with("next", &q.next)
        .with("version", q.version)
        .with("way", "own");
    if let Some(person) = access.principal.person
        && let Some(own) = s.organization.unit_of(person, s.env.today()).await?
        && s.organization.reaches(&access.scope, own).await?
    {
        form = form.with("unit", s.organization.unit(own, &access.scope).await?.code);
    }
    let context = new_context(&s, &shell, &access, form).await?;
    shell.page("inspections/checklist-new.html", context)
}

pub(crate) async fn begin(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(t): Body<NewTyped>,
) -> Result<Response, Failure> {
    let id: Id = t.id.parse().map_err(|_| Error::NotFound)?;
    let from = if !t.plus.is_empty() {
        Begin::Plus(Base {
            form: t.plus.clone(),
            version: t.version,
        })
    } else if !t.next.is_empty() {
        Begin::Next(t.next.clone())
    } else if t.way == "file" {
        Begin::File(t.file.clone())
    } else {
        Begin::Own(t.name.clone())
    };
    let done = async {
        let unit = s
            .organization
            .unit_picked("unit", &t.unit, &access.scope)
            .await?;
        // What one may begin from is what one may see; whose draft it is, where one plans.
        s.begin(id, &from, unit.id, &access.scope, &actor).await
    };
    match done.await {
        Ok(id) => shell.redirect(&format!("{PLACE}/drafts/{id}")),
        Err(e) => {
            let form = Form::default()
                .with("id", &t.id)
                .with("unit", &t.unit)
                .with("way", &t.way)
                .with("name", &t.name)
                .with("plus", &t.plus)
                .with("next", &t.next)
                .with("version", t.version)
                .with("file", &t.file)
                .reject(&shell, e)?;
            let context = new_context(&s, &shell, &access, form).await?;
            shell.refused("inspections/checklist-new.html", context)
        }
    }
}

/// Where a draft is seen: by those who plan and by those who look over.
async fn draft_scope(s: &Inspections, access: &Access, id: Id) -> Result<Scope> {
    for permission in [PLAN, REVIEW] {
        let scope = scope_of(access, permission);
        let mut tx = s.db.read().await?;
        match store::forms::draft(&mut tx, id, &scope).await {
            Ok(_) => return Ok(scope),
            Err(Error::NotFound) => {}
            Err(e) => return Err(e),
        }
    }
    Err(Error::NotFound)
}

async fn draft_context(
    s: &Inspections,
    shell: &Shell,
    access: &Access,
    id: Id,
    form: Form,
) -> Result<Value> {
    let lang = shell.lang().code();
    let scope = draft_scope(s, access, id).await?;
    let (draft, resolved, base) = s.draft(id, &scope).await?;
    let (plans, reviews) = (scope_of(access, PLAN), scope_of(access, REVIEW));
    let edits = s.organization.reaches(&plans, draft.unit).await?;
    let decides = s.organization.reaches(&reviews, draft.unit).await?;
    let own = draft.writers.contains(&access.principal.account);
    let open = edits && draft.state == DraftState::Open;
    let mut tx = s.db.read().await?;
    let (mut sections, mut origins) = (Vec::new(), HashMap::new());
    // A draft with mistakes still shows what it inherits.
    let shown = resolved.as_ref().ok().or(base.as_deref());
    if let Some(f) = shown {
        origins = s.origins(&mut tx, f, lang).await?;
        if let Some(base) = &base {
            let name = s.template(&mut tx, &base.code, base.version).await?;
            let name = name.map_or_else(String::new, |t| t.name.get(lang).to_owned());
            origins.insert(base.code.clone(), name);
        }
        sections = sections_view(shell, f, &s.words, &origins);
    }
    let upper = match &base {
        Some(base) => store::forms::versions(&mut tx, Some(&base.code)).await?,
        None => Vec::new(),
    };
    drop(tx);
    for section in &mut sections {
        for item in section["items"].as_array_mut().into_iter().flatten() {
            let code = item["code"].as_str().unwrap_or_default().to_owned();
            let rule = draft.template.stricter.iter().find(|r| r.item == code);
            let own = draft
                .template
                .sections
                .iter()
                .any(|s| s.items.iter().any(|i| i.code == code));
            let known = shown.and_then(|f| f.item(&code));
            item["own"] = json!(own);
            item["rule"] = json!(rule.map(|r| rule_view(r, known)));
            item["bounded"] = json!(known.map_or("", |i| kind_code(&i.kind)));
        }
    }
    let options = |words: &[(String, commons::packs::Name)]| {
        let mut list = vec![(String::new(), shell.t("inspection-choose"))];
        list.extend(
            words
                .iter()
                .map(|(c, n)| (c.clone(), n.get(lang).to_owned())),
        );
        list
    };
    let mut titles = vec![(String::new(), shell.t("checklist-section-new"))];
    titles.extend(
        shown
            .into_iter()
            .flat_map(|f| &f.sections)
            .map(|s| (s.code.clone(), s.title.get(lang).to_owned())),
    );
    let kinds = KINDS.map(|k| (k, shell.t(&format!("inspection-kind-{k}"))));
    let evidence = ["free", "when-deficient", "always"]
        .map(|e| (e, shell.t(&format!("inspection-evidence-{e}"))));
    let names = s.organization.names(&[draft.unit]).await?;
    let people = accounts(s, &draft.writers).await?;
    let writers: Vec<&String> = draft.writers.iter().filter_map(|a| people.get(a)).collect();
    let mut form = form;
    for (field, text) in [
        ("name", draft.template.name.zh.clone()),
        (
            "basis",
            draft
                .template
                .basis
                .as_ref()
                .map_or_else(String::new, |b| b.zh.clone()),
        ),
        ("from", kernel::format_date(draft.from)),
        ("kind", "check".to_owned()),
    ] {
        form.values.entry(field.to_owned()).or_insert(text);
    }
    let mistakes: Vec<String> = match &resolved {
        Err(mistakes) => mistakes.iter().map(|m| shell.text(&m.reason)).collect(),
        Ok(_) => Vec::new(),
    };
    let newer = upper
        .first()
        .filter(|v| base.as_ref().is_some_and(|b| v.version > b.version));
    Ok(json!({
        "href": format!("{PLACE}/drafts/{id}"), "crumbs": crumbs(shell, "checklists-menu", PLACE), "form": form,
        "name": draft.template.name.get(lang), "unit": names.get(&draft.unit), "tag": draft_tag(shell, draft.state),
        "seq": draft.seq, "open": open, "sections": sections, "titles": titles, "kinds": kinds, "evidence": evidence,
        "severities": options(&s.words.severities), "areas": options(&s.words.areas), "mistakes": mistakes,
        "returned": draft.returned, "note": draft.note, "from": kernel::format_date(draft.from), "writers": writers,
        "base": base.as_ref().map(|b| json!({ "name": origins.get(&b.code), "version": b.version,
            "href": format!("{}?version={}", href(&b.code), b.version) })),
        "newer": newer.filter(|_| open).map(|v| v.version), "points": shown.and_then(full),
        "may_recall": edits && draft.state == DraftState::Proposed,
        "may_decide": decides && !own && draft.state == DraftState::Proposed, "own": own && decides,
        "waits": draft.state == DraftState::Proposed,
        "used": (draft.state == DraftState::Used).then(|| href(&draft.template.code)),
    }))
}

/// A stricter rule as its small form shows it.
fn rule_view(rule: &Stricter, item: Option<&Item>) -> Value {
    let scored = item.is_some_and(|i| kind_code(&i.kind) == "score");
    let number = |n: i64| if scored { decimal(n) } else { n.to_string() };
    json!({ "required": rule.required, "evidence": crate::view::evidence_code(rule.evidence),
        "at_least": rule.at_least.map(number), "at_most": rule.at_most.map(number) })
}

pub(crate) async fn draft(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let context = draft_context(&s, &shell, &access, id, Form::default()).await?;
    shell.page("inspections/draft.html", context)
}

/// What the forms of a draft's page send.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Typed {
    act: String,
    seq: i64,
    name: String,
    basis: String,
    section: String,
    title: String,
    text: String,
    kind: String,
    points: String,
    at_least: String,
    at_most: String,
    options: String,
    evidence: String,
    severity: String,
    area: String,
    clause: String,
    optional: String,
    required: String,
    item: String,
    version: i64,
    from: String,
    note: String,
    reason: String,
}

impl Typed {
    fn edit(&self) -> Result<Edit> {
        let wrong = |field: &str| Error::field(field, Msg::new("inspection-number-wrong"));
        Ok(match self.act.as_str() {
            "head" => Edit::Head {
                name: self.name.clone(),
                basis: self.basis.clone(),
            },
            "add" => {
                let typed = TypedItem {
                    text: self.text.clone(),
                    kind: self.kind.clone(),
                    points: self.points.clone(),
                    at_least: self.at_least.clone(),
                    at_most: self.at_most.clone(),
                    options: self.options.clone(),
                    evidence: self.evidence.clone(),
                    severity: self.severity.clone(),
                    field: self.area.clone(),
                    clause: self.clause.clone(),
                    optional: self.optional == "on",
                };
                Edit::Add {
                    section: self.section.clone(),
                    title: self.title.clone(),
                    item: Box::new(typed.item()?),
                }
            }
            "drop" => Edit::Drop {
                item: self.item.clone(),
            },
            "tighten" => {
                let bound = |field: &str, text: &str| match text.trim() {
                    "" => Ok(None),
                    // Points are kept in thousandths, counts as they are.
                    text if self.kind == "score" => {
                        thousandths(text).map(Some).ok_or_else(|| wrong(field))
                    }
                    text => text.parse().map(Some).map_err(|_| wrong(field)),
                };
                Edit::Tighten(Stricter {
                    item: self.item.clone(),
                    required: self.required == "on",
                    evidence: evidence_of(&self.evidence),
                    at_least: bound("item", &self.at_least)?,
                    at_most: bound("item", &self.at_most)?,
                })
            }
            "rebase" => Edit::Rebase(self.version),
            _ => return Err(Error::NotFound),
        })
    }

    fn form(&self) -> Form {
        let mut form = Form::default();
        for (name, text) in [
            ("section", &self.section),
            ("title", &self.title),
            ("text", &self.text),
            ("kind", &self.kind),
            ("points", &self.points),
            ("at-least", &self.at_least),
            ("at-most", &self.at_most),
            ("options", &self.options),
            ("severity", &self.severity),
            ("area", &self.area),
            ("clause", &self.clause),
            ("note", &self.note),
            ("from", &self.from),
            ("reason", &self.reason),
            ("name", &self.name),
            ("basis", &self.basis),
        ] {
            if !text.is_empty() {
                form = form.with(name, text);
            }
        }
        form
    }
}

async fn refused(
    s: &Inspections,
    shell: &Shell,
    access: &Access,
    id: Id,
    t: &Typed,
    error: Error,
) -> Result<Response, Failure> {
    let form = t.form().reject(shell, error)?;
    let context = draft_context(s, shell, access, id, form).await?;
    shell.refused("inspections/draft.html", context)
}

pub(crate) async fn change(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(t): Body<Typed>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let (scope, at) = (&access.scope, format!("{PLACE}/drafts/{id}"));
    let done = match t.act.as_str() {
        "propose" => {
            let day = kernel::parse_date(&t.from)
                .ok_or_else(|| Error::field("from", Msg::new("inspection-day-wrong")));
            let done = match day {
                Ok(day) => s.propose(id, t.seq, (day, &t.note), scope, &actor).await,
                Err(e) => Err(e),
            };
            done.map(|()| "checklist-proposed-done")
        }
        "recall" | "discard" => {
            let done = s.withdraw_draft(id, t.seq, t.act == "discard", scope, &actor);
            done.await.map(|()| "checklist-saved-done")
        }
        _ => {
            let done = async { s.edit(id, t.seq, &t.edit()?, scope, &actor).await };
            done.await.map(|()| "checklist-saved-done")
        }
    };
    match done {
        Ok(_) if t.act == "discard" => shell.done(PLACE, "checklist-dropped-done"),
        Ok(key) => shell.done(&at, key),
        Err(e) => refused(&s, &shell, &access, id, &t, e).await,
    }
}

pub(crate) async fn decide(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(t): Body<Typed>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let refusal = (t.act == "return").then_some(t.reason.as_str());
    let done = s
        .decide_draft(id, t.seq, refusal, &access.scope, &actor)
        .await;
    match done {
        Ok(version) => {
            let key = match version {
                Some(_) => "checklist-used-done",
                None => "checklist-returned-done",
            };
            shell.done(&format!("{PLACE}/drafts/{id}"), key)
        }
        Err(e) => refused(&s, &shell, &access, id, &t, e).await,
    }
}

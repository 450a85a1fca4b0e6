//! Pages of registers: all of them with this year's numbers; the routes of the whole feature.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use kernel::{PersonId, Result, UnitId};
use serde_json::{Value, json};
use web::view::{Crumb, Tag, Tone};
use web::{Access, Failure, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::model::{Content, Entry, State as Standing};
use crate::register::{Kind, Register};
use crate::service::RegisterBook;
use crate::{
    READ, REVERSE, REVIEW, WRITE, entry_page, form_page, import_page, list_page, review_page,
};
use desk::FORM;

/// What the crate brings to the house.
pub fn module(book: RegisterBook) -> Module {
    let source = crate::searching::Source(book.clone());
    let [read, write, review] = [READ, WRITE, REVIEW].map(Policy::Permission);
    let one = "/registers/{code}/entries/{id}";
    let routes = Routes::new()
        .get("/registers", read, overview)
        .get("/registers/unit-options", read, form_page::unit_options)
        .get("/registers/review", review, review_page::list)
        .post("/registers/review", review, review_page::decide)
        .get("/registers/{code}", read, list_page::list)
        .get("/registers/{code}/export.xlsx", read, list_page::xlsx)
        .get("/registers/{code}/export.csv", read, list_page::csv)
        .get("/registers/{code}/new", write, form_page::new_form)
        .get("/registers/{code}/declare", write, form_page::declare_form)
        .get(
            "/registers/{code}/unit-options",
            write,
            form_page::unit_options,
        )
        .post("/registers/{code}/entries", write, form_page::record)
        .get(one, read, entry_page::show)
        .post(one, write, form_page::correct)
        .get(
            "/registers/{code}/entries/{id}/edit",
            write,
            form_page::edit_form,
        )
        .post_up_to(
            "/registers/{code}/entries/{id}/evidence",
            write,
            FORM,
            entry_page::attach,
        )
        .get(
            "/registers/{code}/entries/{id}/evidence/{sha256}",
            read,
            entry_page::evidence,
        )
        .post(
            "/registers/{code}/entries/{id}/closing",
            write,
            entry_page::close,
        )
        .post(
            "/registers/{code}/entries/{id}/reopening",
            write,
            entry_page::reopen,
        )
        .post(
            "/registers/{code}/entries/{id}/recheck",
            write,
            entry_page::recheck,
        )
        .post(
            "/registers/{code}/entries/{id}/reversal",
            Policy::Permission(REVERSE),
            entry_page::reverse,
        )
        .get("/registers/{code}/import", write, import_page::start)
        .get(
            "/registers/{code}/import/template.xlsx",
            write,
            import_page::template,
        )
        .post_up_to(
            "/registers/{code}/import",
            write,
            FORM,
            import_page::preview,
        )
        .post(
            "/registers/{code}/import/publish",
            write,
            import_page::publish,
        )
        .merge(crate::api::routes())
        .with_state(book);
    Module {
        name: "registers",
        search: vec![std::sync::Arc::new(source)],
        routes,
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 25,
            label_key: "menu-registers",
            href: "/registers",
            icon: "stack-2",
            permission: Some(READ),
        }],
        messages: vec![
            (
                web::Lang::Zh,
                include_str!("../locales/zh-CN/registers.ftl"),
            ),
            (web::Lang::En, include_str!("../locales/en/registers.ftl")),
        ],
        templates: vec![
            (
                "registers/overview.html",
                include_str!("../templates/overview.html"),
            ),
            (
                "registers/list.html",
                include_str!("../templates/list.html"),
            ),
            (
                "registers/form.html",
                include_str!("../templates/form.html"),
            ),
            (
                "registers/show.html",
                include_str!("../templates/show.html"),
            ),
            (
                "registers/review.html",
                include_str!("../templates/review.html"),
            ),
            (
                "registers/reviewed.html",
                include_str!("../templates/reviewed.html"),
            ),
            (
                "registers/import.html",
                include_str!("../templates/import.html"),
            ),
            (
                "registers/preview.html",
                include_str!("../templates/preview.html"),
            ),
        ],
        samples: crate::samples::all(),
        openapi: Some(crate::api::openapi()),
        ..Module::default()
    }
}

impl RegisterBook {
    /// Codes and names of the units that values of entries name, by what is kept.
    pub(crate) async fn unit_codes<'c>(
        &self,
        register: &Register,
        contents: impl IntoIterator<Item = &'c Content>,
    ) -> Result<HashMap<String, (String, String)>> {
        let fields: Vec<&str> = register
            .fields
            .iter()
            .filter(|f| f.kind == Kind::Unit)
            .map(|f| f.code.as_str())
            .collect();
        if fields.is_empty() {
            return Ok(HashMap::new());
        }
        let values = contents
            .into_iter()
            .flat_map(|c| fields.iter().filter_map(|f| c.values.get(*f)));
        let ids: Vec<UnitId> = values.filter_map(|v| v.parse().ok()).collect();
        // Rows that a scope let through name what they name.
        let units = self
            .organization
            .units_by_id(&ids, &kernel::Scope::All)
            .await?;
        let units = units.into_iter();
        Ok(units
            .map(|u| (u.id.to_string(), (u.code, u.name)))
            .collect())
    }

    /// Staff numbers and names of the people whom entries name.
    pub(crate) async fn people_of<'c>(
        &self,
        contents: impl IntoIterator<Item = &'c Content>,
    ) -> Result<HashMap<PersonId, (String, String)>> {
        let people = contents.into_iter().flat_map(|c| &c.people);
        let mut ids: Vec<PersonId> = people.map(|p| p.person).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        crate::store::people(&mut self.db.read().await?, &ids).await
    }
}

pub(crate) fn crumbs(shell: &Shell) -> Vec<Crumb> {
    vec![Crumb {
        label: shell.t("menu-registers"),
        href: "/registers".into(),
    }]
}

fn tag(text: String, tone: Tone) -> Tag {
    Tag {
        text,
        tone,
        icon: None,
    }
}

/// How far an entry is, in words with colours.
pub(crate) fn tags(shell: &Shell, e: &Entry) -> Vec<Tag> {
    let (key, tone) = match e.state {
        Standing::Proposed if e.has_pending() => ("register-state-corrected", Tone::Brand),
        Standing::Proposed => ("register-state-proposed", Tone::Brand),
        Standing::Returned => ("register-state-returned", Tone::Bad),
        Standing::Accepted => ("register-state-accepted", Tone::Ok),
        Standing::Reversed => ("register-state-reversed", Tone::Bad),
    };
    let mut tags = vec![tag(shell.t(key), tone)];
    if e.content.declared.is_some() {
        tags.push(tag(shell.t("declared"), Tone::Plain));
    }
    if e.late {
        tags.push(tag(shell.t("register-late"), Tone::Warn));
    }
    tags
}

async fn overview(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let numbers = s.numbers(&access.scope).await?;
    let lang = shell.lang().code();
    let categories: Vec<String> = {
        let units = s.organization.units(&access.scope).await?;
        let mut all: Vec<String> = units.into_iter().map(|u| u.category).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let may_write = access.principal.scope(WRITE).is_some();
    let mut groups: Vec<(String, Vec<Value>)> = Vec::new();
    for register in s.registers.iter() {
        let n = numbers.get(&register.code).copied().unwrap_or_default();
        let used = n.entries + n.waiting + n.open + n.due > 0;
        if !used && !categories.iter().any(|c| register.is_for(c)) {
            continue;
        }
        let href = format!("/registers/{}", register.code);
        let row = json!({
            "name": register.name.get(lang), "href": href, "unit": register.unit.get(lang),
            "note": register.note.as_ref().map(|n| n.get(lang)),
            "entries": n.entries, "waiting": n.waiting,
            "open": register.closes.then_some(n.open), "due": register.review_every.map(|_| n.due),
            "new": may_write.then(|| format!("{href}/new")),
        });
        let group = register.group.get(lang);
        match groups.iter_mut().find(|(name, _)| name == group) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((group.to_owned(), vec![row])),
        }
    }
    let waiting: i64 = numbers.values().map(|n| n.waiting).sum();
    let may_review = access.principal.scope(REVIEW).is_some();
    shell.page(
        "registers/overview.html",
        json!({ "groups": groups, "year": s.env.today().year(), "waiting": waiting, "may_review": may_review }),
    )
}

//! Pages of hours: routes of the whole feature, and what several pages share.

use std::collections::HashMap;

use kernel::{PersonId, Result, Scope, UnitId};
use serde_json::{Value, json};
use web::view::{Crumb, Tag, Tone};
use web::{Access, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::model::{People, Record, Stage, print};
use crate::rules::{HourRules, Requirement};
use crate::service::Hours;
use crate::standing::{Standing, State};
use crate::{
    READ, RECORD, REVIEW, form_page, import_page, list_page, record_page, review_page, sheet_page,
};
use desk::FORM;

/// What the crate brings to the house.
pub fn module(hours: Hours) -> Module {
    let [read, record, review] = [READ, RECORD, REVIEW].map(Policy::Permission);
    let own = Policy::SignedIn;
    let routes = Routes::new()
        .get("/hours", read, list_page::list)
        .get("/hours/export.xlsx", read, list_page::xlsx)
        .get("/hours/export.csv", read, list_page::csv)
        .get("/hours/unit-options", read, list_page::unit_options)
        .get("/hours/requirements", own, list_page::requirements)
        .get("/hours/mine", own, sheet_page::mine)
        .get("/hours/mine/export.xlsx", own, sheet_page::my_xlsx)
        .get("/hours/mine/export.csv", own, sheet_page::my_csv)
        .get("/hours/people/{id}", read, sheet_page::person)
        .get("/hours/people/{id}/export.xlsx", read, sheet_page::xlsx)
        .get("/hours/people/{id}/export.csv", read, sheet_page::csv)
        .get("/hours/records/new", own, form_page::new_form)
        .post("/hours/records", own, form_page::enter)
        .get("/hours/records/{id}", own, record_page::show)
        .post("/hours/records/{id}", own, form_page::correct)
        .get("/hours/records/{id}/edit", own, form_page::edit_form)
        .post("/hours/records/{id}/reversal", own, record_page::reverse)
        .get("/hours/records/{id}/files/{sha256}", own, record_page::file)
        .get("/hours/review", review, review_page::list)
        .post("/hours/review", review, review_page::decide)
        .get("/hours/import", record, import_page::start)
        .get("/hours/import/template.xlsx", record, import_page::template)
        .post_up_to("/hours/import", record, FORM, import_page::preview)
        .post("/hours/import/publish", record, import_page::publish)
        .merge(crate::api::routes())
        .with_state(hours);
    Module {
        name: "hours",
        search: Vec::new(),
        routes,
        menu: vec![
            MenuEntry {
                group: MenuGroup::Work,
                order: 26,
                label_key: "menu-hours",
                href: "/hours",
                icon: "school",
                permission: Some(READ),
            },
            MenuEntry {
                group: MenuGroup::Work,
                order: 27,
                label_key: "menu-hours-mine",
                href: "/hours/mine",
                icon: "clock",
                permission: None,
            },
        ],
        messages: vec![
            (web::Lang::Zh, include_str!("../locales/zh-CN/hours.ftl")),
            (web::Lang::En, include_str!("../locales/en/hours.ftl")),
        ],
        templates: vec![
            ("hours/list.html", include_str!("../templates/list.html")),
            (
                "hours/requirements.html",
                include_str!("../templates/requirements.html"),
            ),
            ("hours/sheet.html", include_str!("../templates/sheet.html")),
            ("hours/form.html", include_str!("../templates/form.html")),
            (
                "hours/record.html",
                include_str!("../templates/record.html"),
            ),
            (
                "hours/review.html",
                include_str!("../templates/review.html"),
            ),
            (
                "hours/reviewed.html",
                include_str!("../templates/reviewed.html"),
            ),
            (
                "hours/import.html",
                include_str!("../templates/import.html"),
            ),
            (
                "hours/preview.html",
                include_str!("../templates/preview.html"),
            ),
        ],
        samples: crate::samples::all(),
        openapi: Some(crate::api::openapi()),
        ..Module::default()
    }
}

/// Where a permission is held, on routes that ask for none.
pub(crate) fn held(access: &Access, permission: &str) -> Scope {
    let scope = access.principal.scope(permission);
    scope.cloned().unwrap_or_else(Scope::nothing)
}

/// The first crumb: the list for those who may see it, else one's own sheet.
pub(crate) fn crumbs(shell: &Shell, access: &Access) -> Vec<Crumb> {
    let (key, href) = match access.principal.scope(READ) {
        Some(_) => ("menu-hours", "/hours"),
        None => ("menu-hours-mine", "/hours/mine"),
    };
    vec![Crumb {
        label: shell.t(key),
        href: href.into(),
    }]
}

pub(crate) fn state_tag(shell: &Shell, state: State) -> Tag {
    let tone = match state {
        State::Missed | State::Lost => Tone::Bad,
        State::AtRisk => Tone::Warn,
        State::OnTrack => Tone::Plain,
        State::Met => Tone::Ok,
    };
    Tag {
        text: shell.t(&format!("hours-state-{}", state.code())),
        tone,
        icon: None,
    }
}

/// How far a record is, in words with colours; too much leave is said too.
pub(crate) fn stage_tags(shell: &Shell, rules: &HourRules, r: &Record) -> Vec<Tag> {
    let tone = match r.stage {
        Stage::Proposed => Tone::Brand,
        Stage::Accepted => Tone::Ok,
        Stage::Returned | Stage::Reversed => Tone::Bad,
    };
    let tag = |key: &str, tone| Tag {
        text: shell.t(key),
        tone,
        icon: None,
    };
    let mut tags = vec![tag(&format!("hours-stage-{}", r.stage.code()), tone)];
    if r.entry.declared {
        tags.push(tag("declared", Tone::Plain));
    }
    if let Some(class) = r.entry.class
        && rules
            .too_much_leave(r.entry.to, class, r.entry.leave)
            .is_some()
    {
        tags.push(tag("hours-leave-flag", Tone::Bad));
    }
    tags
}

/// A requirement for a page.
pub(crate) fn said(requirement: &Requirement, lang: &str) -> Value {
    let basis = &requirement.basis;
    json!({
        "code": requirement.code, "name": requirement.name.get(lang), "document": basis.document.get(lang),
        "article": basis.article.get(lang), "url": basis.url, "confidence": basis.confidence.code(),
        "off": requirement.off,
    })
}

/// A standing for a page; `href` leads to the rows behind its numbers.
pub(crate) fn standing_json(shell: &Shell, r: &Requirement, s: &Standing, href: &str) -> Value {
    let lang = shell.lang().code();
    let date = kernel::format_date;
    let parts: Vec<Value> = s
        .parts
        .iter()
        .map(|p| {
            let known = r.versions.iter().flat_map(|v| &v.parts).find(|k| k.code == p.code);
            json!({
                "name": known.map_or(p.code.as_str(), |k| k.name.get(lang)),
                "href": format!("{href}&part={}", p.code), "has": print(p.has), "missing": (p.missing > 0).then(|| print(p.missing)),
                "hours": p.hours.map(print), "days": p.days.map(print), "share": p.share,
            })
        })
        .collect();
    json!({
        "requirement": said(r, lang), "from": date(s.span.period.from), "to": date(s.span.period.to),
        "hours": s.hours.map(print), "days": s.days.map(print), "has": print(s.has), "has_days": print(s.has_days),
        "missing": print(s.missing), "reachable": s.reachable.map(print), "href": href, "parts": parts,
        "bound": (s.bound.0 < s.bound.1).then(|| json!([s.bound.0, s.bound.1])), "tag": state_tag(shell, s.state),
    })
}

impl Hours {
    /// Staff numbers and names of people, and names of units.
    pub(crate) async fn names(
        &self,
        people: &[PersonId],
        units: &[UnitId],
    ) -> Result<(People, HashMap<UnitId, String>)> {
        let people = crate::store::people(&mut self.db.read().await?, people).await?;
        Ok((people, self.organization.names(units).await?))
    }

    pub(crate) fn way_name(&self, code: &str, lang: &str) -> String {
        let way = self.rules.way(code);
        way.map_or(code, |w| w.name.get(lang)).to_owned()
    }

    pub(crate) fn content_name(&self, code: Option<&str>, lang: &str) -> String {
        let content = code.and_then(|c| self.rules.content(c));
        content.map_or_else(String::new, |c| c.name.get(lang).to_owned())
    }
}

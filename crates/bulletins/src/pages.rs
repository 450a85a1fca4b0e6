//! What the crate brings to the house: routes, menu, texts, templates.

use std::sync::Arc;

use desk::FORM;
use web::view::{Crumb, Tag, Tone};
use web::{Access, Lang, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::model::{Bulletin, State};
use crate::service::{Bulletins, Sight};
use crate::{READ, REVIEW, WRITE, form_page, list_page, show_page};

/// Pages, API and search of bulletins.
pub fn module(bulletins: Bulletins) -> Module {
    let source = crate::searching::Source(bulletins.clone());
    let [read, write, review] = [READ, WRITE, REVIEW].map(Policy::Permission);
    let routes = Routes::new()
        .get("/bulletins", read, list_page::list)
        .get("/bulletins/list.xlsx", read, list_page::export)
        .get("/bulletins/unit-options", read, list_page::unit_options)
        .get("/bulletins/new", write, form_page::new_form)
        .get(
            "/bulletins/new/unit-options",
            write,
            list_page::unit_options,
        )
        .post_up_to("/bulletins", write, FORM, form_page::write)
        .get("/bulletins/{id}", read, show_page::show)
        .get("/bulletins/{id}/bulletin.docx", read, show_page::docx)
        .get(
            "/bulletins/{id}/pictures/{sha256}",
            read,
            show_page::picture,
        )
        .get("/bulletins/{id}/edit", write, form_page::edit_form)
        .post_up_to("/bulletins/{id}", write, FORM, form_page::change)
        .post("/bulletins/{id}/turn", write, show_page::turn)
        .post("/bulletins/{id}/review", review, show_page::decide)
        .post("/bulletins/{id}/withdrawal", review, show_page::withdraw)
        .merge(crate::api::routes())
        .with_state(bulletins);
    Module {
        name: "bulletins",
        search: vec![Arc::new(source)],
        routes,
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 28,
            label_key: "menu-bulletins",
            href: "/bulletins",
            icon: "writing",
            permission: Some(READ),
        }],
        messages: vec![
            (Lang::Zh, include_str!("../locales/zh-CN/bulletins.ftl")),
            (Lang::En, include_str!("../locales/en/bulletins.ftl")),
        ],
        templates: vec![
            (
                "bulletins/list.html",
                include_str!("../templates/list.html"),
            ),
            (
                "bulletins/form.html",
                include_str!("../templates/form.html"),
            ),
            (
                "bulletins/show.html",
                include_str!("../templates/show.html"),
            ),
        ],
        samples: crate::samples::all(),
        openapi: Some(crate::api::openapi()),
        ..Module::default()
    }
}

/// What a reader may see.
pub(crate) fn sight(access: &Access) -> Sight {
    let desk = [WRITE, REVIEW].into_iter();
    let desk = desk.filter_map(|permission| access.principal.scope(permission).cloned());
    Sight {
        read: access.scope.clone(),
        desk: desk.collect(),
    }
}

pub(crate) fn crumbs(shell: &Shell) -> Vec<Crumb> {
    vec![Crumb {
        label: shell.t("menu-bulletins"),
        href: "/bulletins".into(),
    }]
}

/// Message key of a state's name.
pub(crate) fn state_key(state: State) -> &'static str {
    match state {
        State::Draft => "bulletin-state-draft",
        State::Proposed => "bulletin-state-proposed",
        State::Returned => "bulletin-state-returned",
        State::Published => "bulletin-state-published",
        State::Withdrawn | State::Dropped => "bulletin-state-withdrawn",
    }
}

/// How far a bulletin is, in words with a colour.
pub(crate) fn tag(shell: &Shell, b: &Bulletin) -> Tag {
    let tone = match b.state {
        State::Draft => Tone::Plain,
        State::Proposed => Tone::Brand,
        State::Published => Tone::Ok,
        State::Returned | State::Withdrawn | State::Dropped => Tone::Bad,
    };
    Tag {
        text: shell.t(state_key(b.state)),
        tone,
        icon: None,
    }
}

/// `第3期`, `总第203期`; nothing before it is published.
pub(crate) fn issue_text(shell: &Shell, b: &Bulletin) -> Option<String> {
    let issue = b.issue?;
    let number = issue.number.to_string();
    let key = match issue.year {
        0 => "bulletin-issue-running",
        _ => "bulletin-issue",
    };
    Some(shell.t_with(key, &[("number", &number)]))
}

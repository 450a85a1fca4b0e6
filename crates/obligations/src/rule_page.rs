//! The text of a rule: whom it binds, what each version asks for, when it reminds.

use axum::extract::{Path, State as Ax};
use axum::response::Response;
use serde_json::{Value, json};
use web::view::Crumb;
use web::{Failure, Shell};

use crate::pages::said;
use crate::rule::{Subject as Kind, Version};
use crate::{Cadence, Change, Obligations, On};

pub(crate) async fn rule(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    Path(code): Path<String>,
) -> Result<Response, Failure> {
    let rule = s.rule(&code)?;
    let lang = shell.lang().code();
    let now = rule.version_on(s.env.today());
    let versions: Vec<Value> = rule
        .versions
        .iter()
        .rev()
        .map(|v| {
            json!({
                "from": kernel::format_date(v.from), "to": v.to.map(kernel::format_date),
                "current": now == Some(v), "rules": in_words(&shell, rule.on.as_ref(), v),
            })
        })
        .collect();
    let word = |enumerated: &str, value: &str| shell.t(&format!("{enumerated}-{value}"));
    let subject = match rule.subject {
        Kind::Unit => "unit",
        Kind::Person => "person",
        Kind::Post => "post",
        Kind::Body => "body",
        Kind::Pair => "pair",
    };
    let joiners = match rule.joiners {
        crate::Joiners::Whole => "whole",
        crate::Joiners::ProRata => "pro-rata",
        crate::Joiners::Full => "full",
    };
    shell.page(
        "obligations/rule.html",
        json!({
            "rule": said(rule, lang), "versions": versions, "categories": rule.categories,
            "timers": now.map_or_else(Vec::new, |v| crate::reminder_pages::in_words(&shell, rule, v.every)),
            "subject": word("obligation-subject", subject), "joiners": word("obligation-joiners", joiners),
            "crumbs": [Crumb { label: shell.t("menu-obligations"), href: format!("/obligations?rule={code}") }],
        }),
    )
}

/// What a version asks for, in words.
fn in_words(shell: &Shell, on: Option<&Change>, v: &Version) -> Vec<String> {
    let every = match v.every {
        Cadence::Day => "day",
        Cadence::Workday => "workday",
        Cadence::Week => "week",
        Cadence::Month => "month",
        Cadence::Quarter => "quarter",
        Cadence::Half => "half",
        Cadence::Year => "year",
        Cadence::Event => "event",
    };
    let many = |key: &str, n: i64| shell.t_with(key, &[("n", &n.to_string())]);
    let mut words = vec![shell.t(&format!("obligation-every-{every}"))];
    if let Some(change) = on {
        words.push(shell.t(match change {
            Change::Joined => "obligation-on-joined",
            Change::Appointed => "obligation-on-appointed",
            Change::Promoted(..) => "obligation-on-promoted",
            Change::Founded => "obligation-on-founded",
        }));
    }
    match v.within {
        (0, 0) => {}
        (0, days) => words.push(many("obligation-within-days", days)),
        (months, _) => words.push(many("obligation-within-months", months)),
    }
    if v.times > 0 {
        words.push(many("obligation-times", v.times));
    }
    if v.minutes > 0 {
        words.push(many("obligation-minutes", v.minutes));
    }
    let long = !matches!(v.every, Cadence::Day | Cadence::Workday | Cadence::Event);
    if long {
        let day = match v.on {
            On::Last => shell.t("obligation-on-last"),
            On::LastWorkday => shell.t("obligation-on-last-workday"),
            On::FirstWorkday => shell.t("obligation-on-first-workday"),
            On::Weekday(day) => shell.t(&format!(
                "obligation-weekday-{}",
                day.to_monday_one_offset()
            )),
            On::Day(day) => many("obligation-on-day", i64::from(day)),
            On::MonthDay(month, day) => format!("{month:02}-{day:02}"),
        };
        words.push(shell.t_with("obligation-on", &[("day", &day)]));
    }
    if let Some(at) = v.at {
        words.push(at.strftime("%H:%M").to_string());
    }
    words.push(shell.t(match v.shift {
        kernel::Shift::Stay => "obligation-shift-stay",
        kernel::Shift::Earlier => "obligation-shift-earlier",
        kernel::Shift::Later => "obligation-shift-later",
    }));
    if v.soon_days > 0 {
        words.push(many("obligation-soon", v.soon_days));
    }
    if v.grace > 0 {
        words.push(many("obligation-grace", v.grace));
    }
    words
}

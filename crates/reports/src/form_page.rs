//! Making a report, and keeping or dropping one that the clock drafted: both name what is doubtful and ask why it
//! is right.

use axum::Form as Posted;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use identity::Actor;
use kernel::{Date, Error, Msg, Period, PeriodKind, ReportId, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::view::Crumb;
use web::{Access, Failure, Form, Policy, Routes, Secrecy, Shell};

use crate::checks::Warning;
use crate::service::{Saved, Wanted};
use crate::{Reports, Template, WRITE};

/// The periods that can be chosen.
const KINDS: [(&str, PeriodKind); 5] = [
    ("week", PeriodKind::Week),
    ("month", PeriodKind::Month),
    ("quarter", PeriodKind::Quarter),
    ("half", PeriodKind::Half),
    ("year", PeriodKind::Year),
];

pub(crate) fn routes() -> Routes<Reports> {
    let write = Policy::Permission(WRITE);
    Routes::new()
        .get("/reports/new", write, form)
        .get("/reports/unit-options", write, unit_options)
        .post("/reports", write, make)
        .post("/reports/{id}/decision", write, decide)
}

/// What is doubtful, in words.
pub(crate) fn doubt_texts(shell: &Shell, doubts: &[Warning]) -> Vec<String> {
    let text = |w: &Warning| {
        let place = match w.paragraph {
            0 => shell.t("report-doubt-title"),
            n => shell.t_with("report-doubt-paragraph", &[("n", &n.to_string())]),
        };
        shell.t_with(w.doubt.key(), &[("where", &place), ("what", &w.what)])
    };
    doubts.iter().map(text).collect()
}

/// The reason, where there are doubts.
fn confirmed(doubts: &[Warning], reason: &str) -> Result<()> {
    let reason = reason.trim();
    let length = reason.chars().count();
    if !doubts.is_empty() && (!(2..=200).contains(&length) || reason.contains(char::is_control)) {
        let missing = Msg::new("report-doubt-reason-missing");
        return Err(Error::field("doubt-reason", missing));
    }
    Ok(())
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct NewReport {
    id: String,
    template: String,
    unit: String,
    period: String,
    at: String,
    level: String,
    #[serde(rename = "doubt-reason")]
    reason: String,
}

impl NewReport {
    fn pairs(&self) -> Vec<(String, String)> {
        let fields = [
            ("id", &self.id),
            ("template", &self.template),
            ("unit", &self.unit),
            ("period", &self.period),
            ("at", &self.at),
            ("level", &self.level),
            ("doubt-reason", &self.reason),
        ];
        fields.map(|(n, v)| (n.to_owned(), v.clone())).into()
    }
}

/// The units that the form offers while one types.
async fn unit_options(
    State(s): State<Reports>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    organization::unit_options(&s.organization, &shell, &access, pairs).await
}

fn form_context(s: &Reports, shell: &Shell, form: Form, doubts: &[Warning]) -> Value {
    let lang = shell.lang().code();
    let templates: Vec<_> = s
        .templates
        .iter()
        .map(|t| (t.code.as_str(), t.name.get(lang)))
        .collect();
    let kinds: Vec<_> = KINDS
        .iter()
        .map(|(k, _)| (*k, shell.t(&format!("report-period-{k}"))))
        .collect();
    json!({
        "form": form, "templates": templates, "kinds": kinds, "levels": s.levels.options(lang),
        "doubts": doubt_texts(shell, doubts),
        "crumbs": [Crumb { label: shell.t("menu-reports"), href: "/reports".into() }],
    })
}

/// What a link to the form may ask for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    template: String,
    unit: String,
    from: String,
    to: String,
}

/// The kind whose period this is, as far as it has come.
fn kind_of(period: Period) -> &'static str {
    let whole = |kind| Period::containing(kind, period.from);
    let fits = KINDS.iter().filter(|(_, kind)| {
        let whole = whole(*kind);
        whole.from == period.from && period.to <= whole.to
    });
    // A month that has not ended fits its year too: the smallest that holds it.
    fits.map(|(code, _)| *code).next().unwrap_or("year")
}

async fn form(
    State(s): State<Reports>,
    shell: Shell,
    access: Access,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    // Most reports are about the whole of what one answers for.
    let today = s.env.today();
    let tree = s.organization.unit_tree(&access.scope, today, None).await?;
    let top = tree.tops().next();
    let shown = match top {
        Some(unit) => s.indicators.shown_for(unit.id).await?,
        None => Vec::new(),
    };
    let top = top.map_or("", |unit| unit.code.as_str());
    // The first whose figures the unit has; what the clock drafts is seldom made by hand.
    let fits = |t: &&Template| {
        let has = |code: &String| shown.iter().any(|i| i.code == *code);
        t.schedule.is_none() && t.codes().iter().all(has)
    };
    let asked_for = s.template(&asked.template);
    let first = asked_for.or_else(|| s.templates.iter().find(fits));
    let first = first.or_else(|| s.templates.iter().next());
    let usual = first.and_then(|t| t.level.as_deref());
    let level = s.levels.take("", usual);
    let dates = (
        kernel::parse_date(&asked.from),
        kernel::parse_date(&asked.to),
    );
    let (period, at) = match dates {
        (Some(from), Some(to)) => (kind_of(Period { from, to }), to.min(today)),
        _ => ("year", today),
    };
    let form = Form::default()
        .with("id", s.env.new_id::<ReportId>())
        .with("template", first.map_or("", |t| t.code.as_str()))
        .with("level", level.map_or("", |l| l.code.as_str()))
        .with(
            "unit",
            if asked.unit.is_empty() {
                top
            } else {
                &asked.unit
            },
        )
        .with("period", period)
        .with("at", kernel::format_date(at));
    let context = form_context(&s, &shell, form, &[]);
    shell.page("reports/form.html", context)
}

/// The period of a kind that holds a day, as far as it has come.
fn period(kind: &str, at: &str, today: Date) -> Result<Period> {
    let at =
        kernel::parse_date(at).ok_or_else(|| Error::field("at", Msg::new("report-date-wrong")))?;
    if at > today {
        return Err(Error::field("at", Msg::new("report-in-future")));
    }
    let kind = KINDS.iter().find(|(code, _)| *code == kind);
    let (_, kind) = kind.ok_or_else(|| Error::field("period", Msg::new("report-period-wrong")))?;
    let whole = Period::containing(*kind, at);
    Ok(whole.up_to(today).unwrap_or(whole))
}

async fn drafted(s: &Reports, new: &NewReport, access: &Access, actor: &Actor) -> Result<Saved> {
    let id: ReportId = new.id.parse().map_err(|_| Error::NotFound)?;
    let period = period(&new.period, &new.at, s.env.today())?;
    if new.unit.trim().is_empty() {
        return Err(Error::field("unit", Msg::new("report-unit-missing")));
    }
    let unit = s
        .organization
        .unit_picked("unit", new.unit.trim(), &access.scope)
        .await?;
    let wanted = Wanted {
        id,
        template: new.template.clone(),
        unit: unit.id,
        period,
        level: new.level.clone(),
    };
    s.draft(&wanted, &access.scope, actor).await
}

/// Words of a report that call for a check, once figures and names stand in its sentences.
fn look(secrecy: &Secrecy, r: &Saved) -> Vec<String> {
    let mut found = Vec::new();
    let (zh, en) = &r.body.paragraphs;
    let (zh_title, en_title) = &r.body.title;
    for text in [zh_title, en_title, &r.body.unit_name] {
        secrecy.look(text, &mut found);
    }
    for paragraph in zh.iter().chain(en) {
        let text: String = paragraph.iter().map(|s| s.text.as_str()).collect();
        secrecy.look(&text, &mut found);
    }
    found
}

async fn make(
    State(s): State<Reports>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    Posted(new): Posted<NewReport>,
) -> Result<Response, Failure> {
    let mut doubts = Vec::new();
    let result = match drafted(&s, &new, &access, &actor).await {
        Ok(drafted) => {
            doubts = s.doubts(&drafted, &access.scope).await?;
            confirmed(&doubts, &new.reason).map(|()| drafted)
        }
        Err(e) => Err(e),
    };
    let result = match result {
        Ok(drafted) => {
            let found = look(&secrecy, &drafted);
            if secrecy.asks(&found) {
                return secrecy.ask(&found, &new.pairs(), false);
            }
            secrecy.keep(&found).await?;
            s.keep(&drafted, &doubts, new.reason.trim(), &actor).await
        }
        Err(e) => Err(e),
    };
    match result {
        Ok(id) => shell.done(&format!("/reports/{id}"), "report-made"),
        Err(e) => {
            let form = Form::of(&new).reject(&shell, e)?;
            let context = form_context(&s, &shell, form, &doubts);
            shell.refused("reports/form.html", context)
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Decision {
    decision: String,
    #[serde(rename = "doubt-reason")]
    reason: String,
}

async fn decide(
    State(s): State<Reports>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    Path(id): Path<String>,
    Posted(given): Posted<Decision>,
) -> Result<Response, Failure> {
    let id: ReportId = id.parse().map_err(|_| Error::NotFound)?;
    let r = s.report(id, &access.scope).await?;
    let keep = match given.decision.as_str() {
        "keep" => true,
        "drop" => false,
        _ => return Err(Error::NotFound.into()),
    };
    let doubts = match keep {
        true => s.doubts(&r, &access.scope).await?,
        false => Vec::new(),
    };
    if let Err(e) = confirmed(&doubts, &given.reason) {
        let form = Form::default().with("doubt-reason", &given.reason);
        let form = form.reject(&shell, e)?;
        let context = crate::pages::show_context(&s, &shell, &access, &r, form).await?;
        return shell.refused("reports/show.html", context);
    }
    if keep {
        let found = look(&secrecy, &r);
        if secrecy.asks(&found) {
            let pairs = [
                ("decision", &given.decision),
                ("doubt-reason", &given.reason),
            ];
            let pairs = pairs.map(|(n, v)| (n.to_owned(), v.clone()));
            return secrecy.ask(&found, &pairs, false);
        }
        secrecy.keep(&found).await?;
    }
    s.decide(
        id,
        keep,
        &doubts,
        given.reason.trim(),
        &access.scope,
        &actor,
    )
    .await?;
    match keep {
        true => shell.done(&format!("/reports/{id}"), "report-made"),
        false => shell.done("/reports?drafts=1", "report-dropped"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_offered_again_as_it_was() {
        let kind = |a: (i16, i8, i8), b: (i16, i8, i8)| {
            kind_of(Period {
                from: Date::constant(a.0, a.1, a.2),
                to: Date::constant(b.0, b.1, b.2),
            })
        };
        assert_eq!(kind((2026, 11, 9), (2026, 11, 15)), "week");
        assert_eq!(kind((2026, 10, 1), (2026, 10, 31)), "month");
        assert_eq!(kind((2026, 4, 1), (2026, 6, 30)), "quarter");
        assert_eq!(kind((2026, 1, 1), (2026, 6, 30)), "half");
        assert_eq!(kind((2026, 1, 1), (2026, 11, 20)), "year");
        let today = Date::constant(2026, 11, 20);
        assert_eq!(period("week", "2026-11-20", today).unwrap().to, today);
        assert!(period("century", "2026-11-20", today).is_err());
        assert!(period("year", "2026-11-21", today).is_err());
    }
}

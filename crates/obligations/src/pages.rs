//! Pages of obligations: how all units stand over a year, who in one unit stands how, one of them period by
//! period, the text of a rule, and what oneself owes.

use std::collections::HashMap;

use axum::extract::{Path, Query, State as Ax};
use axum::response::Response;
use kernel::{Date, Error, Id, Period, PeriodKind, Result, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table};
use web::view::{Crumb, Kpi, Pager, Tag, Tone};
use web::{Access, Failure, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use organization::Unit;

use crate::rule::Subject as Kind;
use crate::rule_page::rule;
use crate::service::{Counts, Line};
use crate::state::{Standing, State};
use crate::subjects::Subject;
use crate::{Obligations, READ, Rule};

const PAGE: usize = 50;
/// What the lists of units and of subjects can show.
pub(crate) const UNITS: [Column; 4] = [
    Column::new("name", "unit"),
    Column::new("weeks", "heat-weeks"),
    Column::new("done", "done-of-due").number(),
    Column::new("now", "this-period"),
];
pub(crate) const SUBJECTS: [Column; 4] = [
    Column::new("name", "obligation-who").sorts(),
    Column::new("weeks", "heat-weeks"),
    Column::new("done", "done-of-due").number().sorts(),
    Column::new("now", "this-period"),
];
/// Units stand as in the tree.
const BY_TREE: Order = Order {
    by: "",
    down: false,
};
const BY_NAME: Order = Order {
    by: "name",
    down: false,
};

/// What the crate brings to the house.
pub fn module(obligations: Obligations) -> Module {
    let source = std::sync::Arc::new(crate::searching::Source(obligations.clone()));
    let routes = Routes::new()
        .get("/obligations", Policy::Permission(READ), overview)
        .get("/obligations/mine", Policy::SignedIn, mine)
        .get("/obligations/{code}", Policy::Permission(READ), rule)
        .get("/obligations/{code}/{unit}", Policy::Permission(READ), unit)
        .merge(crate::excuse_pages::routes())
        .merge(crate::reminder_pages::routes())
        .merge(crate::draw_pages::routes())
        .merge(crate::inspection_pages::routes())
        .merge(crate::states_export::routes())
        .merge(crate::api::routes())
        .with_state(obligations);
    Module {
        name: "obligations",
        routes,
        menu: vec![
            MenuEntry {
                group: MenuGroup::Work,
                order: 30,
                label_key: "menu-obligations",
                href: "/obligations",
                icon: "checklist",
                permission: Some(READ),
            },
            MenuEntry {
                group: MenuGroup::Work,
                order: 31,
                label_key: "obligations-mine",
                href: "/obligations/mine",
                icon: "calendar-event",
                permission: None,
            },
            MenuEntry {
                group: MenuGroup::Work,
                order: 32,
                label_key: "excuses-title",
                href: "/obligations/excuses",
                icon: "clock",
                permission: Some(READ),
            },
            MenuEntry {
                group: MenuGroup::Work,
                order: 33,
                label_key: "reminders-title",
                href: "/obligations/reminders",
                icon: "bell",
                permission: Some(READ),
            },
            MenuEntry {
                group: MenuGroup::Work,
                order: 34,
                label_key: "packs-title",
                href: "/obligations/packs",
                icon: "stack-2",
                permission: Some(crate::PACK),
            },
        ],
        messages: vec![
            (
                web::Lang::Zh,
                include_str!("../locales/zh-CN/obligations.ftl"),
            ),
            (web::Lang::En, include_str!("../locales/en/obligations.ftl")),
        ],
        templates: vec![
            (
                "obligations/overview.html",
                include_str!("../templates/overview.html"),
            ),
            (
                "obligations/unit.html",
                include_str!("../templates/unit.html"),
            ),
            (
                "obligations/subjects.html",
                include_str!("../templates/subjects.html"),
            ),
            (
                "obligations/rule.html",
                include_str!("../templates/rule.html"),
            ),
            (
                "obligations/mine.html",
                include_str!("../templates/mine.html"),
            ),
            (
                "obligations/excuses.html",
                include_str!("../templates/excuses.html"),
            ),
            (
                "obligations/excuse.html",
                include_str!("../templates/excuse.html"),
            ),
            (
                "obligations/reminders.html",
                include_str!("../templates/reminders.html"),
            ),
            (
                "obligations/reminded.html",
                include_str!("../templates/reminded.html"),
            ),
            (
                "obligations/draws.html",
                include_str!("../templates/draws.html"),
            ),
            (
                "obligations/draw.html",
                include_str!("../templates/draw.html"),
            ),
            (
                "obligations/packs.html",
                include_str!("../templates/packs.html"),
            ),
            (
                "obligations/pack.html",
                include_str!("../templates/pack.html"),
            ),
            (
                "obligations/pack-part.html",
                include_str!("../templates/pack-part.html"),
            ),
            (
                "obligations/excuse_form.html",
                include_str!("../templates/excuse_form.html"),
            ),
        ],
        samples: [
            crate::samples::all(),
            crate::excuse_pages::samples(),
            crate::reminder_pages::samples(),
            crate::draw_pages::samples(),
            crate::inspection_pages::samples(),
        ]
        .concat(),
        openapi: Some(crate::api::openapi()),
        search: vec![source],
        ..Module::default()
    }
}

#[derive(Debug, Default, Deserialize)]
struct OverviewQuery {
    rule: Option<String>,
    year: Option<i16>,
    state: Option<String>,
    page: Option<usize>,
}

pub(crate) fn year_of(asked: Option<i16>, today: Date) -> (i16, Period) {
    let year = asked
        .filter(|y| (2000..=today.year()).contains(y))
        .unwrap_or(today.year());
    (
        year,
        Period::containing(PeriodKind::Year, Date::constant(year, 1, 1)),
    )
}

pub(crate) fn tone(state: State) -> Tone {
    match state {
        State::Done => Tone::Ok,
        State::Overdue => Tone::Bad,
        State::Soon | State::Extended => Tone::Warn,
        state if state.late() => Tone::Warn,
        _ => Tone::Plain,
    }
}

pub(crate) fn key(state: State) -> &'static str {
    match state {
        State::Done => "done",
        State::MadeUp => "made-up",
        State::DoneExtended => "done-extended",
        State::MadeUpLate => "made-up-late",
        State::Soon => "soon",
        State::Extended => "extended",
        State::Overdue => "overdue",
        State::Free => "free",
        State::Exempt => "exempt",
        State::Waived => "waived",
        State::Upcoming => "upcoming",
    }
}

/// The colour of a square: states that are alike share one, and its title says which it is.
fn shade(state: State) -> &'static str {
    match state {
        State::Done => "done",
        State::MadeUp | State::DoneExtended | State::MadeUpLate => "made-up",
        State::Soon | State::Extended => "soon",
        State::Overdue => "overdue",
        State::Free | State::Exempt | State::Waived => "exempt",
        State::Upcoming => "upcoming",
    }
}

/// The state that an address asks for; any other word asks for none.
pub(crate) fn asked(state: Option<&str>) -> Option<State> {
    let state = state?;
    State::ALL.into_iter().find(|s| key(*s) == state)
}

/// The states to choose from, and which one is chosen.
fn choices(shell: &Shell, chosen: Option<State>) -> Value {
    let text = |s: State| (key(s), state_text(shell, s));
    let list: Vec<_> = State::ALL.into_iter().map(text).collect();
    json!({ "list": list, "chosen": chosen.map(key) })
}

pub(crate) fn state_text(shell: &Shell, state: State) -> String {
    shell.t(&format!("state-{}", key(state)))
}

pub(crate) fn tag(shell: &Shell, state: State) -> Tag {
    Tag {
        text: state_text(shell, state),
        tone: tone(state),
        icon: None,
    }
}

/// The day to which a standing belongs in words: when it is due, or the last one of its window.
pub(crate) fn day_of(standing: &Standing) -> Date {
    standing
        .occurrence
        .due
        .unwrap_or(standing.occurrence.window.to)
}

fn square(shell: &Shell, standing: &Standing) -> Value {
    let state = standing.state;
    let mut label = format!(
        "{} {}",
        kernel::format_date(day_of(standing)),
        state_text(shell, state)
    );
    if let Some(extended) = standing.extended {
        let day = kernel::format_date(extended);
        label += &format!(" {}", shell.t_with("obligation-extended", &[("day", &day)]));
    }
    if let Some(done) = standing.done {
        label += &format!(" ({})", kernel::format_date(done));
    }
    json!({ "state": shade(state), "label": label })
}

/// Most pressing first: the colour of many together is that of the first that one of them has.
const WORST: [State; 11] = [
    State::Overdue,
    State::Soon,
    State::Extended,
    State::MadeUpLate,
    State::MadeUp,
    State::DoneExtended,
    State::Upcoming,
    State::Done,
    State::Waived,
    State::Exempt,
    State::Free,
];

/// The occurrences of one line as squares of a heat calendar, or of many lines window by window.
fn squares(shell: &Shell, lines: &[&Line]) -> Vec<Value> {
    if let [line] = lines {
        return line.occurrences.iter().map(|s| square(shell, s)).collect();
    }
    let mut windows: std::collections::BTreeMap<Date, (Date, Counts)> = Default::default();
    for standing in lines.iter().flat_map(|l| &l.occurrences) {
        let window = windows.entry(standing.occurrence.window.from);
        let (_, counts) = window.or_insert_with(|| (day_of(standing), Counts::default()));
        counts.add(standing.state);
    }
    let many = |(due, counts): &(Date, Counts)| {
        let worst = WORST.into_iter().find(|s| counts.of(*s) > 0);
        let done = counts.sum(State::fulfilled);
        let label = shell.t_with(
            "obligation-square",
            &[
                ("due", &kernel::format_date(*due)),
                ("done", &done.to_string()),
                ("total", &counts.total().to_string()),
                ("overdue", &counts.of(State::Overdue).to_string()),
            ],
        );
        json!({ "state": worst.map_or("upcoming", shade), "label": label })
    };
    windows.values().map(many).collect()
}

fn tally(lines: &[&Line]) -> (usize, usize) {
    let each = lines.iter().map(|l| l.tally());
    each.fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
}

/// Names and texts of a rule for a page.
pub(crate) fn said(rule: &Rule, lang: &str) -> Value {
    json!({
        "code": rule.code, "name": rule.name.get(lang),
        "document": rule.document.get(lang), "article": rule.article.get(lang), "url": rule.url,
    })
}

async fn overview(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    at: Asked,
    Query(q): Query<OverviewQuery>,
) -> Result<Response, Failure> {
    let lang = shell.lang().code();
    let today = s.env.today();
    let Some(rule) = s.chosen(q.rule.as_deref()) else {
        return shell.page(
            "obligations/overview.html",
            json!({ "rule": null, "computing": false }),
        );
    };
    let computing = || {
        shell.page(
            "obligations/overview.html",
            json!({ "rule": null, "computing": true }),
        )
    };
    let (year, period) = year_of(q.year, today);
    let mut units = s.bound(rule, &access.scope, None).await?;
    let now_day = period.to.min(today);
    let Some(counts) = s.counts(rule, &units, now_day).await? else {
        return computing();
    };
    // Only units count in which somebody is bound.
    if rule.subject != Kind::Unit {
        units.retain(|u| counts.contains_key(&u.id));
    }
    let chosen = asked(q.state.as_deref());
    let has = |u: &Unit, state| counts.get(&u.id).is_some_and(|c| c.of(state) > 0);
    let listed: Vec<&Unit> = units
        .iter()
        .filter(|u| chosen.is_none_or(|state| has(u, state)))
        .collect();
    // Past the end is the last page.
    let total = listed.len();
    let page = q.page.unwrap_or(1).clamp(1, total.div_ceil(PAGE).max(1));
    let first = (page - 1) * PAGE;
    let shown = listed.into_iter().skip(first).take(PAGE);
    let shown: Vec<Unit> = shown.cloned().collect();
    // The year of all people of a city is too much for a page: theirs is counted for the present window.
    let people = rule.subject == Kind::Person;
    let wanted = if people { &shown } else { &units };
    let subjects = s.subjects(rule, wanted, period).await?;
    let Some(lines) = s.lines(rule, subjects, period).await? else {
        return computing();
    };
    let mut all = Counts::default();
    match people {
        true => {
            for (state, n) in counts.values().flat_map(|c| &c.0) {
                *all.0.entry(*state).or_default() += n;
            }
        }
        false => {
            let states = lines.iter().flat_map(|l| &l.occurrences);
            states.for_each(|s| all.add(s.state));
        }
    }
    let mut by_unit: HashMap<UnitId, Vec<&Line>> = HashMap::new();
    for line in &lines {
        by_unit.entry(line.subject.unit).or_default().push(line);
    }
    let rows: Vec<Value> = shown
        .iter()
        .map(|u| {
            let lines = by_unit.remove(&u.id).unwrap_or_default();
            row(&shell, rule, u, &lines, counts.get(&u.id), year)
        })
        .collect();
    let href = |y: i16| format!("/obligations?rule={}&year={y}", rule.code);
    let set = |r: &crate::RuleSet| {
        let of_set = r.rules.iter().filter_map(|c| s.rules.get(c));
        let rules: Vec<Value> = of_set
            .map(|r| json!({ "href": format!("/obligations?rule={}", r.code), "name": r.name.get(lang), "here": r.code == rule.code }))
            .collect();
        json!({ "name": r.name.get(lang), "rules": rules })
    };
    let sets: Vec<Value> = s
        .rules
        .sets()
        .filter(|r| r.rules.contains(&rule.code))
        .map(set)
        .collect();
    shell.page(
        "obligations/overview.html",
        json!({
            "rule": said(rule, lang), "sets": sets, "people": rule.subject != Kind::Unit,
            "rules": s.rules.iter().map(|r| (r.code.as_str(), r.name.get(lang))).collect::<Vec<_>>(),
            "states": choices(&shell, chosen),
            "year": year, "previous": href(year - 1),
            "next": (year < today.year()).then(|| href(year + 1)),
            "starts": rule.versions.first().map(|v| v.from).filter(|from| *from > period.to).map(kernel::format_date),
            "calendar_known": s.calendar.knows_year(year),
            "kpis": kpis(&shell, &s, &all), "rows": rows, "legend": legend(&shell),
            "table": Table::new(&shell, &UNITS, &at, BY_TREE, Some("/obligations/states.csv")),
            "pager": Pager::new(total as u64, PAGE as u64, page as u64, |n| at.with("page", &n.to_string())),
        }),
    )
}

fn kpis(shell: &Shell, s: &Obligations, all: &Counts) -> Vec<Kpi> {
    let as_of = s.env.now().minute_text(s.env.zone());
    let (late, excused) = (all.sum(State::late), all.sum(State::excused));
    let (done, due) = (all.sum(State::fulfilled), all.sum(State::counts));
    let overdue = due - done;
    let kpi = |key: &str, value: usize, unit: &str| Kpi {
        label: shell.t(key),
        value: Some(value.to_string()),
        unit: shell.t(unit),
        as_of: Some(as_of.clone()),
        ..Kpi::default()
    };
    let rate = (due > 0).then(|| format!("{:.1}", done as f64 * 100.0 / due as f64));
    vec![
        Kpi {
            label: shell.t("obligation-rate"),
            value: Some(rate.unwrap_or_else(|| "–".into())),
            unit: "%".into(),
            definition: Some(shell.t_with(
                "obligation-rate-of",
                &[
                    ("done", &done.to_string()),
                    ("due", &due.to_string()),
                    ("excused", &excused.to_string()),
                ],
            )),
            as_of: Some(as_of.clone()),
            ..Kpi::default()
        },
        kpi("obligation-due", due, "times"),
        kpi("obligation-made-up", late, "times"),
        kpi("obligation-overdue", overdue, "times"),
    ]
}

fn legend(shell: &Shell) -> Vec<(&'static str, String)> {
    let mut shades: Vec<(&'static str, String)> = Vec::new();
    for state in State::ALL {
        let text = state_text(shell, state);
        match shades.iter_mut().find(|(code, _)| *code == shade(state)) {
            Some((_, texts)) => *texts += &format!(" / {text}"),
            None => shades.push((shade(state), text)),
        }
    }
    shades
}

fn row(
    shell: &Shell,
    rule: &Rule,
    unit: &Unit,
    lines: &[&Line],
    counts: Option<&Counts>,
    year: i16,
) -> Value {
    let (done, due) = tally(lines);
    let now: Vec<Tag> = WORST
        .into_iter()
        .filter_map(|state| {
            let n = counts.map_or(0, |c| c.of(state));
            let mut tag = tag(shell, state);
            if rule.subject != Kind::Unit {
                tag.text = format!("{} {n}", tag.text);
            }
            (n > 0).then_some(tag)
        })
        .collect();
    json!({
        "href": format!("/obligations/{}/{}?year={year}", rule.code, unit.id),
        "name": unit.name, "done": done, "due": due, "now": now,
        "squares": squares(shell, lines),
        "summary": summary(shell, &unit.name, (done, due)),
    })
}

fn summary(shell: &Shell, name: &str, (done, due): (usize, usize)) -> String {
    let (done, due) = (done.to_string(), due.to_string());
    shell.t_with(
        "obligation-summary",
        &[("unit", name), ("done", &done), ("due", &due)],
    )
}

#[derive(Debug, Default, Deserialize)]
struct UnitQuery {
    year: Option<i16>,
    of: Option<String>,
    state: Option<String>,
}

async fn unit(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    at: Asked,
    Path((code, unit)): Path<(String, String)>,
    Query(q): Query<UnitQuery>,
) -> Result<Response, Failure> {
    let rule = s.rule(&code)?;
    let unit: UnitId = unit.parse().map_err(|_| Error::NotFound)?;
    let unit = s.organization.unit(unit, &access.scope).await?;
    let (year, period) = year_of(q.year, s.env.today());
    let all = vec![unit.clone()];
    let mut subjects = s.subjects(rule, &all, period).await?;
    let single = matches!(rule.subject, Kind::Unit | Kind::Post);
    let which: Option<Id> = match q.of.as_deref() {
        Some(id) => Some(id.parse().map_err(|_| Error::NotFound)?),
        None => single.then_some(unit.id.0),
    };
    let crumb = |label: String, href: String| Crumb { label, href };
    let mut crumbs = vec![crumb(
        shell.t("menu-obligations"),
        format!("/obligations?rule={code}&year={year}"),
    )];
    let Some(id) = which else {
        let chosen = asked(q.state.as_deref());
        return list(&s, &shell, rule, &unit, subjects, (year, chosen, &at)).await;
    };
    subjects.retain(|subject| subject.id == id);
    s.name(rule, &mut subjects.iter_mut().collect::<Vec<_>>())
        .await?;
    // A post that nobody holds has no subject, and its page says so.
    let name = match (subjects.first(), single) {
        (_, true) => unit.name.clone(),
        (Some(subject), false) => subject.name.clone(),
        (None, false) => return Err(Error::NotFound.into()),
    };
    if !single {
        let href = format!("/obligations/{code}/{}?year={year}", unit.id);
        crumbs.push(crumb(unit.name.clone(), href));
    }
    let lines = s.lines(rule, subjects, period).await?;
    let computing = lines.is_none();
    let line = lines.and_then(|l| l.into_iter().next());
    let category = s.category(&code);
    let weeks: Vec<Value> = line
        .iter()
        .flat_map(|l| l.occurrences.iter().rev())
        .map(|standing| week(&shell, (rule, id), standing, &unit, category.as_deref()))
        .collect();
    let lines: Vec<&Line> = line.iter().collect();
    let (done, due) = tally(&lines);
    let lang = shell.lang().code();
    shell.page(
        "obligations/unit.html",
        json!({
            "unit": name, "rule": rule.name.get(lang), "document": rule.document.get(lang),
            "article": rule.article.get(lang), "year": year, "computing": computing, "weeks": weeks, "done": done, "due": due,
            "squares": squares(&shell, &lines), "rule_href": format!("/obligations/{code}"),
            "excuses": format!("/obligations/excuses?rule={code}&of={id}"),
            "draws": format!("/obligations/draws?rule={code}&unit={}", unit.id),
            "summary": summary(&shell, &name, (done, due)),
            "legend": legend(&shell),
            "may_record": access.principal.scope("activity.record").is_some(),
            "crumbs": crumbs,
        }),
    )
}

/// One period of one subject, with the way to its records or to recording it.
fn week(
    shell: &Shell,
    (rule, of): (&Rule, Id),
    standing: &Standing,
    unit: &Unit,
    category: Option<&str>,
) -> Value {
    let o = &standing.occurrence;
    let date = |date: Date| kernel::format_date(date);
    let kind = category.map(|c| format!("&kind={c}")).unwrap_or_default();
    let any = standing.so_far.n > 0;
    let rows = any.then(|| {
        let (from, to) = (date(o.window.from), date(o.window.to));
        format!(
            "/activities?unit={}&from={from}&to={to}&state=standing{kind}",
            unit.id
        )
    });
    let open = matches!(
        standing.state,
        State::Soon | State::Extended | State::Overdue
    );
    // What was done on time, what is free and what is excused leaves nothing to ask for.
    let may_ask = o.due.is_some() && !standing.state.fulfilled() && !standing.state.excused();
    let ask = may_ask.then(|| ask_href(rule, (unit.id, of), o.window.from));
    let record = category.filter(|_| open).map(|c| {
        let day = date(day_of(standing));
        format!("/activities/new?kind={c}&unit={}&date={day}", unit.id)
    });
    let at = o.at.map(|at| at.strftime(" %H:%M").to_string());
    json!({
        "from": date(o.window.from), "to": date(o.window.to), "progress": progress(shell, standing),
        "due": o.due.map(|due| date(due) + at.as_deref().unwrap_or_default()),
        "done": standing.done.map(date), "tag": tag(shell, standing.state), "state": key(standing.state),
        "rows": rows, "record": record, "ask": ask, "extended": standing.extended.map(date),
    })
}

/// Where one asks for an excuse about the period that begins on a day.
fn ask_href(rule: &Rule, (unit, of): (UnitId, Id), from: Date) -> String {
    let (code, from) = (&rule.code, kernel::format_date(from));
    format!("/obligations/excuses/new?rule={code}&unit={unit}&of={of}&from={from}")
}

/// `1 / 2 次`, `90 / 210 分钟`; nothing where once is enough.
fn progress(shell: &Shell, standing: &Standing) -> Option<String> {
    let need = standing.need;
    let part = |done: i64, of: i64, unit: &str| format!("{done} / {of} {}", shell.t(unit));
    match (need.times > 1, need.minutes > 0) {
        (_, true) => Some(part(standing.so_far.sum, need.minutes, "minutes")),
        (true, false) => Some(part(standing.so_far.n, need.times, "times")),
        (false, false) => None,
    }
}

/// Who in a unit stands how.
async fn list(
    s: &Obligations,
    shell: &Shell,
    rule: &Rule,
    unit: &Unit,
    mut subjects: Vec<Subject>,
    (year, chosen, at): (i16, Option<State>, &Asked),
) -> Result<Response, Failure> {
    let lang = shell.lang().code();
    let period = year_of(Some(year), s.env.today()).1;
    s.name(rule, &mut subjects.iter_mut().collect::<Vec<_>>())
        .await?;
    subjects.sort_by(|a, b| a.name.cmp(&b.name));
    let lines = s.lines(rule, subjects, period).await?;
    let computing = lines.is_none();
    let mut lines = lines.unwrap_or_default();
    lines.retain(|l| !l.occurrences.is_empty());
    let each: Vec<&Line> = lines.iter().collect();
    let (done, due) = tally(&each);
    if let Some(state) = chosen {
        lines.retain(|l| l.occurrences.iter().any(|s| s.state == state));
    }
    let order = Table::order(&SUBJECTS, at, BY_NAME);
    if order.by == "done" {
        // By what is missing, then by name.
        lines.sort_by_key(|l| {
            let (done, due) = l.tally();
            due - done
        });
    }
    if order.down {
        lines.reverse();
    }
    let today = s.env.today();
    let total = lines.len();
    let page = usize::try_from(at.page()).unwrap_or(1);
    let page = page.clamp(1, total.div_ceil(PAGE).max(1));
    let here = format!("/obligations/{}/{}?year={year}", rule.code, unit.id);
    let shown = lines.iter().skip((page - 1) * PAGE).take(PAGE);
    let rows: Vec<Value> = shown
        .map(|line| {
            let (done, due) = line.tally();
            let running = |s: &&Standing| s.occurrence.window.contains(today);
            let now = line.occurrences.iter().find(running);
            let now: Vec<Tag> = now.iter().map(|s| tag(shell, s.state)).collect();
            json!({
                "href": format!("{here}&of={}", line.subject.id), "name": line.subject.name,
                "done": done, "due": due, "now": now, "squares": squares(shell, &[line]),
                "summary": summary(shell, &line.subject.name, (done, due)),
            })
        })
        .collect();
    shell.page(
        "obligations/subjects.html",
        json!({
            "unit": unit.name, "rule": said(rule, lang), "year": year, "computing": computing,
            "draws": format!("/obligations/draws?rule={}&unit={}", rule.code, unit.id),
            "rows": rows, "legend": legend(shell), "done": done, "due": due,
            "action": format!("/obligations/{}/{}", rule.code, unit.id), "states": choices(shell, chosen),
            "table": Table::new(shell, &SUBJECTS, at, order, Some(&format!("/obligations/{}/{}/states.csv", rule.code, unit.id))),
            "pager": Pager::new(total as u64, PAGE as u64, page as u64, |n| at.with("page", &n.to_string())),
            "crumbs": [Crumb { label: shell.t("menu-obligations"), href: format!("/obligations?rule={}&year={year}", rule.code) }],
        }),
    )
}

/// What oneself owes: open matters first, then the year.
async fn mine(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    Query(q): Query<UnitQuery>,
) -> Result<Response, Failure> {
    let lang = shell.lang().code();
    let (year, period) = year_of(q.year, s.env.today());
    let owed = match access.principal.person {
        Some(person) => s.owed_by(person, period).await?,
        None => Vec::new(),
    };
    let rows: Vec<Value> = owed
        .iter()
        .map(|(rule, line)| {
            let (done, due) = line.tally();
            let next = line.occurrences.iter().find(|s| !s.state.fulfilled() && !s.state.excused() && s.state != State::Free);
            json!({
                "name": rule.name.get(lang), "document": rule.document.get(lang), "article": rule.article.get(lang),
                "done": done, "due": due, "squares": squares(&shell, &[line]),
                "next": next.and_then(|s| s.occurrence.due).map(kernel::format_date),
                "progress": next.and_then(|s| progress(&shell, s)),
                "ask": next.map(|s| ask_href(rule, (line.subject.unit, line.subject.id), s.occurrence.window.from)),
                "now": next.map(|s| tag(&shell, s.state)),
                "summary": summary(&shell, rule.name.get(lang), (done, due)),
            })
        })
        .collect();
    let today = s.env.today();
    shell.page(
        "obligations/mine.html",
        json!({
            "year": year, "previous": format!("/obligations/mine?year={}", year - 1),
            "next": (year < today.year()).then(|| format!("/obligations/mine?year={}", year + 1)),
            "rows": rows, "legend": legend(&shell), "nobody": access.principal.person.is_none(),
        }),
    )
}

//! The home page (工作台): what is to be done, by deadline, with one verb each.

use axum::extract::State;
use axum::response::Response;
use identity::Actor;
use jiff::ToSpan;
use kernel::{Date, Period, PeriodKind, Scope, UnitId};
use obligations::State as Standing;
use serde_json::{Value, json};
use web::view::{Tag, Tone};
use web::{Access, Failure, Lang, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::World;
use crate::rooms::Rooms;

/// Figures on the home page.
const MOST_FIGURES: usize = 6;
const MOST_TODO: usize = 12;
/// Days ahead in which milestones of projects are shown.
const AHEAD: i64 = 14;

#[derive(Clone)]
struct Home {
    world: World,
    rooms: Rooms,
}

/// The page.
pub fn module(world: &World, rooms: &Rooms) -> Module {
    let home = Home {
        world: world.clone(),
        rooms: rooms.clone(),
    };
    Module {
        name: "home",
        routes: Routes::new()
            .get("/", Policy::SignedIn, show)
            .with_state(home),
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 10,
            label_key: "home",
            href: "/",
            icon: "home",
            permission: None,
        }],
        messages: vec![
            (Lang::Zh, include_str!("../locales/zh-CN/home.ftl")),
            (Lang::En, include_str!("../locales/en/home.ftl")),
        ],
        templates: vec![("home/home.html", include_str!("../templates/home.html"))],
        samples: samples(),
        ..Module::default()
    }
}

async fn show(
    State(s): State<Home>,
    shell: Shell,
    access: Access,
    actor: Actor,
) -> Result<Response, Failure> {
    let env = &s.world.env;
    let lang = shell.lang().code();
    let today = env.today();
    let held = |permission: &str| access.principal.scope(permission).cloned();
    let mut todo: Vec<(Option<Date>, Value)> = Vec::new();
    let mut count = 0;
    // What one may record is one's own work; those who only watch see it on the calendar.
    if let (Some(scope), Some(_)) = (held(activities::RECORD), held(obligations::READ)) {
        let due = s.rooms.obligations.todo(&scope, MOST_TODO).await?;
        count += due.len();
        for t in due {
            let late = t.state == Standing::Overdue;
            let category = s.rooms.obligations.category(&t.rule);
            let date = kernel::format_date(t.due.min(today));
            let item = json!({
                "title": titled(s.rooms.obligations.rule_name(&t.rule, lang), t.who.as_deref()),
                "unit": t.unit.name,
                "due": kernel::format_date(t.due),
                "tag": deadline(&shell, t.due, late),
                "icon": "calendar-event",
                "verb": shell.t("home-go-record"),
                "href": category.map(|c| {
                    format!("/activities/new?kind={c}&unit={}&date={date}", t.unit.id)
                }),
            });
            todo.push((Some(t.due), item));
        }
    }
    let me = access.principal.person;
    // What oneself owes, whoever records it.
    for t in match me {
        Some(me) => s.rooms.obligations.todo_of(me).await?,
        None => Vec::new(),
    } {
        count += 1;
        let late = t.state == Standing::Overdue;
        let item = json!({
            "title": s.rooms.obligations.rule_name(&t.rule, lang),
            "unit": t.unit.name,
            "due": kernel::format_date(t.due),
            "tag": deadline(&shell, t.due, late),
            "icon": "calendar-event",
            "verb": shell.t("home-go-see"),
            "href": "/obligations/mine",
        });
        todo.push((Some(t.due), item));
    }
    let (waiting, first) = s
        .rooms
        .approvals
        .waiting(me, MOST_TODO as u64, lang)
        .await?;
    count += waiting as usize;
    let units: Vec<UnitId> = first.iter().map(|w| w.unit).collect();
    let names = s.world.organization.names(&units).await?;
    let undated = || Tag {
        text: shell.t("home-waiting"),
        tone: Tone::Plain,
        icon: None,
    };
    for w in first {
        let item = json!({
            "title": format!("{}：{}", shell.t(w.title), w.about),
            "unit": names.get(&w.unit),
            "due": w.due.map(kernel::format_date),
            "tag": w.due.map_or_else(undated, |due| deadline(&shell, due, due < today)),
            "icon": "ballpen",
            "verb": shell.t(w.verb),
            "href": w.href,
        });
        todo.push((w.due, item));
    }
    let eyes = requests::Eyes::from(&access);
    let (total, asked) = s.rooms.requests.waiting(&eyes, MOST_TODO as i64).await?;
    count += total as usize;
    let units: Vec<UnitId> = asked.iter().map(|r| r.home).collect();
    let names = s.world.organization.names(&units).await?;
    for r in asked {
        let due = r.case.until();
        let verb = if r.case.state.is_open() {
            "home-go-answer"
        } else {
            "home-go-see"
        };
        let item = json!({
            "title": r.title, "unit": names.get(&r.home), "due": kernel::format_date(due),
            "tag": deadline(&shell, due, due < today), "icon": "ballpen", "verb": shell.t(verb), "href": r.href(),
        });
        todo.push((Some(due), item));
    }
    let eyes = cases::Eyes::from(&access);
    let (total, owned) = s.rooms.cases.waiting(&eyes, MOST_TODO as i64).await?;
    count += total as usize;
    let units: Vec<UnitId> = owned.iter().map(|m| m.unit).collect();
    let names = s.world.organization.names(&units).await?;
    for m in owned {
        let item = json!({
            "title": format!("{} {}", m.number, m.title), "unit": names.get(&m.unit), "due": kernel::format_date(m.until),
            "tag": deadline(&shell, m.until, m.is_late(today)), "icon": "ballpen", "verb": shell.t("home-go-see"),
            "href": m.href(),
        });
        todo.push((Some(m.until), item));
    }
    let (total, looks) = s.rooms.cases.to_look_at(&eyes, MOST_TODO as i64).await?;
    count += total as usize;
    for m in looks {
        let said = [("number", m.number.as_str()), ("title", &m.title)];
        let day = m.look_on.unwrap_or(today);
        let item = json!({
            "title": shell.t_with("home-look-back", &said), "unit": null, "due": kernel::format_date(day),
            "tag": deadline(&shell, day, day < today), "icon": "ballpen", "verb": shell.t("home-go-review"), "href": m.href(),
        });
        todo.push((Some(day), item));
    }
    if let Some(person) = eyes.person {
        let wanted = s.rooms.cases.to_learn(person).await?;
        count += wanted.len();
        for a in wanted.into_iter().take(MOST_TODO) {
            let said = [
                ("name", a.remedy.name.get(shell.lang().code())),
                ("number", a.matter.number.as_str()),
            ];
            let item = json!({
                "title": shell.t_with("home-learn", &said), "unit": null, "due": kernel::format_date(a.remedy.by),
                "tag": deadline(&shell, a.remedy.by, a.remedy.by < today), "icon": "ballpen", "verb": shell.t("home-go-see"),
                "href": a.matter.href(),
            });
            todo.push((Some(a.remedy.by), item));
        }
    }
    let eyes = tasks::Eyes::from(&access);
    let (total, reports) = s.rooms.tasks.waiting(&eyes, MOST_TODO as i64).await?;
    count += total as usize;
    let units: Vec<UnitId> = reports.iter().map(|r| r.unit).collect();
    let names = s.world.organization.names(&units).await?;
    for r in reports {
        let (key, verb) = match r.state {
            tasks::ReportState::Handed => ("home-report-judge", "home-go-review"),
            _ => ("home-report-write", "home-go-record"),
        };
        let month = tasks::month_text(r.month);
        let item = json!({
            "title": shell.t_with(key, &[("month", &month)]), "unit": names.get(&r.unit), "due": kernel::format_date(r.due),
            "tag": deadline(&shell, r.due, r.due < today), "icon": "list-check", "verb": shell.t(verb), "href": r.href(),
        });
        todo.push((Some(r.due), item));
    }
    // Entries of one's own that are due soon, or were.
    if let Some(person) = me {
        let (_, own) = s.rooms.tasks.entries_of(person, MOST_TODO as i64).await?;
        let soon = today.saturating_add(jiff::Span::new().days(tasks::SOON));
        for e in own.into_iter().filter(|e| e.content.to <= soon) {
            count += 1;
            let due = e.content.to;
            let item = json!({
                "title": format!("{} {}", e.call(), e.content.text), "unit": null, "due": kernel::format_date(due),
                "tag": deadline(&shell, due, due < today), "icon": "list-check", "verb": shell.t("home-go-see"), "href": e.href(),
            });
            todo.push((Some(due), item));
        }
    }
    // Nobody answers a survey or signs for another.
    if let Some(person) = me.filter(|_| access.principal.on_behalf.is_none()) {
        let letters = s.rooms.commitments.waiting(person).await?;
        count += letters.len();
        for (l, r) in letters {
            let item = json!({
                "title": r.title, "unit": null, "due": kernel::format_date(r.due), "tag": deadline(&shell, r.due, r.due < today),
                "icon": "ballpen", "verb": shell.t("home-go-sign"), "href": l.href(),
            });
            todo.push((Some(r.due), item));
        }
        let reports = s.rooms.answering.waiting(person).await?;
        count += reports.len();
        for r in reports {
            let item = json!({
                "title": format!("{} {}", r.title, r.year), "unit": null, "due": kernel::format_date(r.due),
                "tag": deadline(&shell, r.due, r.due < today), "icon": "list-check", "verb": shell.t("home-go-write"), "href": r.href(),
            });
            todo.push((Some(r.due), item));
        }
        let open = s.rooms.campaigns.surveys_of(person).await?;
        count += open.len();
        for (c, due) in open {
            let item = json!({
                "title": shell.t_with("home-survey", &[("title", &c.content.title)]), "unit": null, "due": kernel::format_date(due),
                "tag": deadline(&shell, due, false), "icon": "ballpen", "verb": shell.t("home-go-answer"),
                "href": format!("{}/survey", c.href()),
            });
            todo.push((Some(due), item));
        }
    }
    let waits = s
        .rooms
        .matters
        .waiting(&matters::Eyes::from(&access))
        .await?;
    count += waits.len();
    let units: Vec<UnitId> = waits.iter().map(|w| w.unit).collect();
    let names = s.world.organization.names(&units).await?;
    for w in waits {
        let item = json!({
            "title": w.title, "unit": names.get(&w.unit), "due": w.due.map(kernel::format_date),
            "tag": w.due.map_or_else(undated, |due| deadline(&shell, due, due < today)), "icon": "file-text",
            "verb": shell.t(w.verb), "href": w.href,
        });
        todo.push((w.due, item));
    }
    let eyes = projects::Eyes::from(&access);
    let waits = s
        .rooms
        .projects
        .waiting(&eyes, today.saturating_add(AHEAD.days()))
        .await?;
    count += waits.len();
    let units: Vec<UnitId> = waits.iter().map(|w| w.unit).collect();
    let names = s.world.organization.names(&units).await?;
    for w in waits {
        let verb = if w.due.is_some() {
            "home-go-see"
        } else {
            "home-go-review"
        };
        let item = json!({
            "title": w.title, "unit": names.get(&w.unit), "due": w.due.map(kernel::format_date),
            "tag": w.due.map_or_else(undated, |due| deadline(&shell, due, due < today)), "icon": "flag", "verb": shell.t(verb), "href": w.href,
        });
        todo.push((w.due, item));
    }
    if let Some(scope) = held(activities::RECORD) {
        let most = MOST_TODO as i64;
        let (total, waiting) = s.rooms.activities.waiting_leaves(&scope, most).await?;
        count += total as usize;
        let units: Vec<UnitId> = waiting.iter().map(|w| w.host).collect();
        let names = s.world.organization.names(&units).await?;
        for w in waiting {
            let due = w.starts.date(env.zone());
            let said = [("name", w.name.as_str()), ("title", w.title.as_str())];
            let item = json!({
                "title": shell.t_with("home-leave", &said), "unit": names.get(&w.host),
                "due": kernel::format_date(due), "tag": deadline(&shell, due, due < today),
                "icon": "ballpen", "verb": shell.t("home-go-answer"), "href": format!("/activities/plans/{}", w.plan),
            });
            todo.push((Some(due), item));
        }
    }
    if let Some(scope) = held(activities::CONFIRM) {
        let (total, _) = s.rooms.activities.unconfirmed(&scope, &actor, 1).await?;
        if total > 0 {
            count += 1;
            let item = json!({
                "title": shell.t_with("home-confirm", &[("count", &total.to_string())]),
                "unit": null, "due": null, "tag": undated(), "icon": "clipboard-check",
                "verb": shell.t("home-go-confirm"), "href": "/activities/confirm",
            });
            todo.push((None, item));
        }
    }
    if let Some(scope) = held(registers::REVIEW) {
        let (_, total) = s.rooms.registers.waiting(&scope, &actor, 1).await?;
        if total > 0 {
            count += 1;
            let item = json!({
                "title": shell.t_with("home-review", &[("count", &total.to_string())]),
                "unit": null, "due": null, "tag": undated(), "icon": "stack-2",
                "verb": shell.t("home-go-review"), "href": "/registers/review",
            });
            todo.push((None, item));
        }
    }
    if let Some(scope) = held(bulletins::REVIEW) {
        let total = s.rooms.bulletins.waiting(&scope, &actor).await?;
        if total > 0 {
            count += 1;
            let item = json!({
                "title": shell.t_with("home-bulletins", &[("count", &total.to_string())]),
                "unit": null, "due": null, "tag": undated(), "icon": "writing",
                "verb": shell.t("home-go-review"), "href": "/bulletins?show=desk&state=proposed",
            });
            todo.push((None, item));
        }
    }
    if let Some(scope) = held(hours::REVIEW) {
        let (_, total) = s.rooms.hours.waiting(&scope, &actor, (1, 0)).await?;
        if total > 0 {
            count += 1;
            let item = json!({
                "title": shell.t_with("home-hours", &[("count", &total.to_string())]),
                "unit": null, "due": null, "tag": undated(), "icon": "school",
                "verb": shell.t("home-go-review"), "href": "/hours/review",
            });
            todo.push((None, item));
        }
    }
    // By deadline; what has none comes last.
    todo.sort_by_key(|(due, _)| due.unwrap_or(Date::MAX));
    todo.truncate(MOST_TODO);
    let overdue = todo
        .iter()
        .filter(|(due, _)| due.is_some_and(|d| d < today))
        .count();
    let todo: Vec<Value> = todo.into_iter().map(|(_, item)| item).collect();
    let mut figures: Vec<Value> = Vec::new();
    let mut unit_name = None;
    if let Some(scope @ Scope::Under(_)) = held(indicators::READ)
        && let Some(top) = s.world.organization.units(&scope).await?.into_iter().next()
    {
        let period = Period::containing(PeriodKind::Year, today).up_to(today);
        if let Some(period) = period {
            let mut reading = s.world.ledger.reading().await?;
            let mut which = s.rooms.indicators.shown_for(top.id).await?;
            which.truncate(MOST_FIGURES);
            let found = s
                .rooms
                .indicators
                .figures(&mut reading, &[top.id], period, &which, false)
                .await?;
            for (i, f) in which.iter().zip(found.get(&top.id).into_iter().flatten()) {
                figures.push(json!({
                    "label": i.name.get(lang),
                    "value": (!f.computing).then(|| i.say(f, lang)),
                    "href": format!("/indicators/{}?unit={}", i.code, top.id),
                }));
            }
        }
        unit_name = Some(top.name);
    }
    let weekday = shell.t(&format!(
        "weekday-{}",
        today.weekday().to_monday_one_offset()
    ));
    shell.page(
        "home/home.html",
        json!({
            "name": access.principal.name, "date": kernel::format_date(today), "weekday": weekday,
            "todo": todo, "count": count, "overdue": overdue, "figures": figures, "unit": unit_name,
            "may_record": held(activities::RECORD).is_some(), "may_read": held(activities::READ).is_some(),
        }),
    )
}

/// A rule, and who of the unit must do it if it is not the unit itself.
fn titled(rule: Option<String>, who: Option<&str>) -> Option<String> {
    let rule = rule?;
    Some(who.map_or(rule.clone(), |who| format!("{rule}：{who}")))
}

/// Until when, in words and colour.
fn deadline(shell: &Shell, due: Date, late: bool) -> Tag {
    let days = i64::from((due - shell.env().today()).get_days());
    Tag {
        text: when(shell, days),
        tone: if late { Tone::Bad } else { Tone::Warn },
        icon: None,
    }
}

/// `今天`, `剩 3 天`, `逾期 2 天`.
fn when(shell: &Shell, days: i64) -> String {
    match days {
        0 => shell.t("due-today"),
        d if d > 0 => shell.t_with("due-in", &[("days", &d.to_string())]),
        d => shell.t_with("due-past", &[("days", &(-d).to_string())]),
    }
}

fn samples() -> Vec<(&'static str, Value)> {
    let item = json!({ "title": "t", "unit": "u", "due": "2026-11-20", "tag": { "text": "x", "tone": "bad", "icon": null }, "icon": "calendar-event", "verb": "x", "href": "/activities/new" });
    let page = |todo: Value, figures: Value, unit: Value| {
        json!({
            "name": "n", "date": "2026-11-21", "weekday": "x", "todo": todo, "count": 1, "overdue": 1, "figures": figures, "unit": unit, "may_record": true, "may_read": true,
        })
    };
    vec![
        (
            "home/home.html",
            page(
                json!([item]),
                json!([{ "label": "x", "value": "1", "href": "/indicators/x" }, { "label": "x", "value": null, "href": "/indicators/x" }]),
                json!("u"),
            ),
        ),
        ("home/home.html", page(json!([]), json!([]), Value::Null)),
    ]
}

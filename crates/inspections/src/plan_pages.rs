//! Pages of plans: all of them, a new one, one with its teams, units, draws and progress, its day in words.

use std::collections::{BTreeMap, HashMap};

use axum::Form as Body;
use axum::extract::{Path, State as With};
use axum::response::Response;
use commons::docx::{Block, Document, write};
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use kernel::{Date, Error, Id, Msg, PersonId, Result, Scope, UnitId};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::view::{Tag, Tone};
use web::{Access, Failure, Form, Shell};

use crate::PLAN;
use crate::kind::Mode;
use crate::model::{NewPlan, Plan, PlanState, Reach, Repeats, TaskState};
use crate::planning::{Whole, href, sight, task_href};
use crate::preparing::NewTeam;
use crate::service::{Eyes, Inspections};
use crate::store;
use crate::store::plans::Filter;
use crate::view::{crumbs, percent};

/// Where plans are listed.
pub(crate) const PLACE: &str = "/inspections";
const SHEET: &str = "/inspections/list.xlsx";
const PAGE: i64 = 50;
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// What the list can show.
pub(crate) const COLUMNS: [Column; 8] = [
    Column::new("title", "inspection-title").sorts(),
    Column::new("kind", "inspection-kind"),
    Column::new("host", "inspection-host"),
    Column::new("opens", "inspection-opens").sorts(),
    Column::new("until", "inspection-until").sorts(),
    Column::new("done", "inspection-done").number(),
    Column::new("findings", "inspection-findings").number(),
    Column::new("state", "inspection-state"),
];
const USUAL: Order = Order {
    by: "opens",
    down: true,
};

pub(crate) type Pairs = Vec<(String, String)>;

pub(crate) fn value<'p>(pairs: &'p Pairs, name: &str) -> &'p str {
    let found = pairs.iter().find(|(n, _)| n == name);
    found.map_or("", |(_, v)| v.as_str())
}

pub(crate) fn plan_tag(shell: &Shell, state: PlanState) -> Tag {
    Tag {
        text: shell.t(&format!("inspection-plan-{}", state.code())),
        tone: match state {
            PlanState::Preparing => Tone::Plain,
            PlanState::Running => Tone::Brand,
            PlanState::Ended => Tone::Ok,
            PlanState::Withdrawn => Tone::Bad,
        },
        icon: None,
    }
}

pub(crate) fn task_tag(shell: &Shell, state: TaskState, late: bool) -> Tag {
    let tone = match state {
        TaskState::Open if late => Tone::Bad,
        TaskState::Preparing => Tone::Plain,
        TaskState::Open => Tone::Warn,
        TaskState::HandedIn => Tone::Brand,
        TaskState::Passed => Tone::Ok,
        TaskState::Withdrawn => Tone::Plain,
    };
    let code = match (state, late) {
        (TaskState::Open, true) => "late",
        _ => state.code(),
    };
    Tag {
        text: shell.t(&format!("inspection-task-{code}")),
        tone,
        icon: None,
    }
}

fn filter(asked: &Asked) -> Filter {
    Filter {
        text: asked.get("q").unwrap_or_default().to_owned(),
        kind: asked.get("kind").map(str::to_owned),
        state: asked.get("state").and_then(PlanState::from_code),
        year: asked.get("year").and_then(|y| y.parse().ok()),
    }
}

fn kind_name<'s>(s: &'s Inspections, code: &'s str, lang: &str) -> &'s str {
    s.checklists.kind(code).map_or(code, |k| k.name.get(lang))
}

/// The cells of a row, in the order of the columns.
fn cells(
    s: &Inspections,
    shell: &Shell,
    p: &Plan,
    hosts: &HashMap<UnitId, String>,
    progress: &HashMap<Id, (i64, i64, i64)>,
) -> [String; 8] {
    let (given, done, findings) = progress.get(&p.id).copied().unwrap_or_default();
    [
        p.title.clone(),
        kind_name(s, &p.kind, shell.lang().code()).to_owned(),
        hosts.get(&p.host).cloned().unwrap_or_default(),
        kernel::format_date(p.opens),
        kernel::format_date(p.until),
        format!("{done}/{given}"),
        findings.to_string(),
        shell.t(&format!("inspection-plan-{}", p.state.code())),
    ]
}

pub(crate) async fn found(
    s: &Inspections,
    eyes: &Eyes,
    f: &Filter,
    order: Order,
    window: Window,
) -> Result<(
    Vec<Plan>,
    i64,
    HashMap<UnitId, String>,
    HashMap<Id, (i64, i64, i64)>,
)> {
    let mut tx = s.db.read().await?;
    let (plans, total) = store::plans::list(&mut tx, sight(eyes), f, order, window).await?;
    let ids: Vec<Id> = plans.iter().map(|p| p.id).collect();
    let progress = store::plans::progress(&mut tx, &ids).await?;
    drop(tx);
    let hosts: Vec<UnitId> = plans.iter().map(|p| p.host).collect();
    Ok((plans, total, s.organization.names(&hosts).await?, progress))
}

pub(crate) async fn list(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (lang, eyes, f) = (shell.lang().code(), Eyes::from(&access), filter(&asked));
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let (plans, total, hosts, progress) = found(&s, &eyes, &f, order, asked.window(PAGE)).await?;
    let rows: Vec<Value> = plans
        .iter()
        .map(|p| {
            let [title, kind, host, opens, until, done, findings, _] =
                cells(&s, &shell, p, &hosts, &progress);
            json!({ "href": href(p.id), "title": title, "kind": kind, "host": host, "opens": opens, "until": until,
                "done": done, "findings": findings, "tag": plan_tag(&shell, p.state), "round": (p.round > 1).then_some(p.round) })
        })
        .collect();
    let mut chips = Vec::new();
    if let Some(q) = asked.get("q") {
        chips.push(asked.chip("q", q));
    }
    if let Some(kind) = &f.kind {
        chips.push(asked.chip("kind", kind_name(&s, kind, lang)));
    }
    if let Some(state) = f.state {
        chips.push(asked.chip(
            "state",
            shell.t(&format!("inspection-plan-{}", state.code())),
        ));
    }
    if let Some(year) = f.year {
        chips.push(asked.chip("year", year.to_string()));
    }
    let kinds: Vec<(&str, &str)> = s
        .checklists
        .kinds()
        .iter()
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    let states =
        PlanState::ALL.map(|x| (x.code(), shell.t(&format!("inspection-plan-{}", x.code()))));
    let year = s.env.today().year();
    let years: Vec<i16> = (-1..6).map(|n| year - n).collect();
    shell.page(
        "inspections/list.html",
        json!({
            "rows": rows, "chips": chips, "q": f.text, "kinds": kinds, "kind": f.kind, "states": states,
            "state": f.state.map(PlanState::code), "years": years, "year": f.year,
            "table": Table::new(&shell, &COLUMNS, &asked, order, Some(SHEET)), "pager": asked.pager(total, PAGE),
            "clear": PLACE, "may_plan": access.principal.scope(PLAN).is_some(),
        }),
    )
}

pub(crate) async fn export(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let (eyes, f) = (Eyes::from(&access), filter(&asked));
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let (plans, total, hosts, progress) = found(&s, &eyes, &f, order, Window::EXPORT).await?;
    Window::fits(total)?;
    identity::tell_list(&s.db, &s.env, &actor, "inspections", plans.len()).await?;
    let header = COLUMNS.map(|c| shell.t(c.label_key));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = plans.iter().map(|p| {
        cells(&s, &shell, p, &hosts, &progress)
            .map(Cell::Text)
            .to_vec()
    });
    let name = shell.t("inspections-menu");
    let bytes = xlsx(&name, &header, rows)?;
    let name = format!("{name}-{}.xlsx", kernel::format_date(s.env.today()));
    Ok(web::attachment(web::XLSX, &name, bytes))
}

async fn new_context(s: &Inspections, shell: &Shell, access: &Access, form: Form) -> Result<Value> {
    let lang = shell.lang().code();
    let kinds = s.checklists.kinds().iter();
    let kinds: Vec<(&str, &str)> = kinds.map(|k| (k.code.as_str(), k.name.get(lang))).collect();
    let all = s.versions(&access.scope).await?;
    // What does not hold yet may hold on the first day.
    let mut forms = vec![(String::new(), shell.t("inspection-choose"))];
    forms.extend(
        all.iter()
            .map(|(code, v)| (code.clone(), v[0].name.get(lang).to_owned())),
    );
    let repeats = Repeats::ALL.map(|r| {
        (
            r.code(),
            shell.t(&format!("inspection-repeats-{}", r.code())),
        )
    });
    let reaches =
        Reach::ALL.map(|r| (r.code(), shell.t(&format!("inspection-reach-{}", r.code()))));
    let categories = s.organization.categories(&access.scope).await?;
    let bodies = s.body_kinds.iter();
    let bodies: Vec<(&str, &str)> = bodies
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    Ok(
        json!({ "form": form, "crumbs": crumbs(shell, "inspections-menu", PLACE), "kinds": kinds, "forms": forms,
        "repeats": repeats, "reaches": reaches, "categories": categories, "bodies": bodies }),
    )
}

pub(crate) async fn new_form(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let today = kernel::format_date(s.env.today());
    let mut form = Form::default()
        .with("id", s.env.new_id::<Id>())
        .with("opens", &today)
        .with("until", &today)
        .with("reach", "below");
    if let Some(person) = access.principal.person
        && let Some(own) = s.organization.unit_of(person, s.env.today()).await?
        && s.organization.reaches(&access.scope, own).await?
    {
        let code = s.organization.unit(own, &access.scope).await?.code;
        form = form.with("host", &code).with("under", &code);
    }
    let context = new_context(&s, &shell, &access, form).await?;
    shell.page("inspections/plan-new.html", context)
}

fn day(pairs: &Pairs, field: &str) -> Result<Date> {
    kernel::parse_date(value(pairs, field))
        .ok_or_else(|| Error::field(field, Msg::new("inspection-day-wrong")))
}

pub(crate) async fn plan(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(pairs): Body<Pairs>,
) -> Result<Response, Failure> {
    let id: Id = value(&pairs, "id").parse().map_err(|_| Error::NotFound)?;
    let done = async {
        let pick = |field| {
            s.organization
                .unit_picked(field, value(&pairs, field), &access.scope)
        };
        let host = pick("host").await?;
        let under = pick("under").await?;
        let categories = pairs
            .iter()
            .filter(|(n, v)| n == "category" && !v.is_empty());
        let new = NewPlan {
            id,
            kind: value(&pairs, "kind").to_owned(),
            host: host.id,
            form: value(&pairs, "form").to_owned(),
            title: value(&pairs, "title").to_owned(),
            basis: value(&pairs, "basis").to_owned(),
            opens: day(&pairs, "opens")?,
            until: day(&pairs, "until")?,
            repeats: Repeats::from_code(value(&pairs, "repeats")).unwrap_or_default(),
            under: under.id,
            reach: Reach::from_code(value(&pairs, "reach")).unwrap_or(Reach::Below),
            categories: categories.map(|(_, v)| v.clone()).collect(),
            bodies: pairs
                .iter()
                .filter(|(n, v)| n == "body" && !v.is_empty())
                .map(|(_, v)| v.clone())
                .collect(),
        };
        s.plan(&new, &access.scope, &actor).await
    };
    match done.await {
        Ok(id) => shell.done(&href(id), "inspection-planned-done"),
        Err(e) => {
            let mut form = Form::default();
            for (name, text) in pairs.iter().filter(|(n, _)| n != "category" && n != "body") {
                form = form.with(name, text);
            }
            let form = form.reject(&shell, e)?;
            let context = new_context(&s, &shell, &access, form).await?;
            shell.refused("inspections/plan-new.html", context)
        }
    }
}

/// How a plan goes on in words and numbers (日报), from its tasks as they are on a day.
fn daily(shell: &Shell, w: &Whole, units: &HashMap<UnitId, String>, today: Date) -> Vec<String> {
    let standing = || w.tasks.iter().filter(|t| t.state != TaskState::Withdrawn);
    let (all, done) = (
        standing().count(),
        standing().filter(|t| t.state.is_done()).count(),
    );
    let on_day: Vec<_> = standing().filter(|t| t.done_on == Some(today)).collect();
    let findings: i64 = standing().map(|t| t.findings).sum();
    let late = standing()
        .filter(|t| t.state == TaskState::Open && t.until < today)
        .count();
    let share = if all == 0 {
        0
    } else {
        done as i64 * 1_000 / all as i64
    };
    let (all, done) = (all.to_string(), done.to_string());
    let (findings, late_n) = (findings.to_string(), late.to_string());
    let (date, share) = (kernel::format_date(today), percent(share));
    let said = [
        ("day", date.as_str()),
        ("title", &w.plan.title),
        ("all", &all),
        ("done", &done),
        ("share", &share),
        ("findings", &findings),
    ];
    let mut text = vec![shell.t_with("inspection-daily-sum", &said)];
    match on_day.is_empty() {
        true => text.push(shell.t("inspection-daily-none")),
        false => {
            let names: Vec<&str> = on_day
                .iter()
                .filter_map(|t| units.get(&t.unit).map(String::as_str))
                .collect();
            let found: i64 = on_day.iter().map(|t| t.findings).sum();
            let (n, found) = (on_day.len().to_string(), found.to_string());
            let names = names.join(&shell.t("inspection-list-comma"));
            let said = [("n", n.as_str()), ("units", &names), ("findings", &found)];
            text.push(shell.t_with("inspection-daily-today", &said));
        }
    }
    for team in &w.teams {
        let own = || standing().filter(|t| t.team == Some(team.id));
        let (all, done) = (own().count(), own().filter(|t| t.state.is_done()).count());
        let found: i64 = own().map(|t| t.findings).sum();
        let (all, done, found) = (all.to_string(), done.to_string(), found.to_string());
        let name = match team.region.as_str() {
            "" => team.name.clone(),
            region => format!("{}（{region}）", team.name),
        };
        let said = [
            ("team", name.as_str()),
            ("all", &all),
            ("done", &done),
            ("findings", &found),
        ];
        text.push(shell.t_with("inspection-daily-team", &said));
    }
    if late > 0 {
        text.push(shell.t_with("inspection-daily-late", &[("n", &late_n)]));
    }
    text
}

async fn context(
    s: &Inspections,
    shell: &Shell,
    access: &Access,
    id: Id,
    form: Form,
) -> Result<Value> {
    let (lang, today, eyes) = (shell.lang().code(), s.env.today(), Eyes::from(access));
    let w = s.whole(id, &eyes).await?;
    let p = &w.plan;
    let plans = s.organization.reaches(&eyes.plans, p.host).await?;
    let preparing = plans && p.state == PlanState::Preparing;
    let mut units = w.units();
    units.push(p.host);
    let names = s.organization.names(&units).await?;
    let mut people: Vec<PersonId> = w.teams.iter().flat_map(|t| t.members.clone()).collect();
    people.extend(w.recusals.iter().map(|(_, person, _)| *person));
    let people = s.organization.person_names(&people).await?;
    let mode = s
        .checklists
        .kind(&p.kind)
        .map_or(Mode::Inspection, |k| k.mode);
    let name = |id: &UnitId| names.get(id).cloned().unwrap_or_default();
    let person = |id: &PersonId| people.get(id).cloned().unwrap_or_default();
    let mut tx = s.db.read().await?;
    let template = s.template(&mut tx, &p.form.0, p.form.1).await?;
    drop(tx);
    let seen = s.tasks_seen(&w, &eyes).await?;
    let tasks: Vec<Value> = seen
        .iter()
        .enumerate()
        .map(|(at, t)| {
            let late = t.until < today;
            let first = at == 0 || seen[at - 1].unit != t.unit;
            let team = w.team(t.team);
            let barred = team.is_some_and(|g| g.members.iter().any(|x| w.barred.contains(&(t.unit, *x))));
            json!({ "href": task_href(t.id), "id": t.id, "unit_id": t.unit, "unit": name(&t.unit), "object": t.object,
                "team": team.map(|g| g.name.clone()), "team_id": t.team, "until": kernel::format_date(t.until),
                "tag": task_tag(shell, t.state, late), "share": t.share.map(percent),
                "findings": t.state.is_done().then_some(t.findings), "done": t.state.is_done(), "barred": barred,
                "first": first, "leg": t.leg, "body": t.body.is_some() })
        })
        .collect();
    let counted = |team: Option<Id>| {
        let own = || seen.iter().filter(|t| team.is_none() || t.team == team);
        let own = || own().filter(|t| t.state != TaskState::Withdrawn);
        let (all, done) = (own().count(), own().filter(|t| t.state.is_done()).count());
        json!({ "all": all, "done": done, "findings": own().map(|t| t.findings).sum::<i64>(),
            "percent": (done * 100).checked_div(all).unwrap_or(0) })
    };
    let teams: Vec<Value> = w
        .teams
        .iter()
        .map(|t| {
            let members: Vec<String> = t.members.iter().map(person).collect();
            json!({ "id": t.id, "name": t.name, "region": t.region, "members": members, "progress": counted(Some(t.id)),
                "window": t.window.map(|(a, b)| [kernel::format_date(a), kernel::format_date(b)]) })
        })
        .collect();
    let own_team = w
        .teams
        .iter()
        .find(|t| eyes.person.is_some_and(|me| t.members.contains(&me)));
    let own_units = w.units().into_iter().filter(|unit| {
        own_team.is_some_and(|team| {
            w.tasks
                .iter()
                .any(|t| t.unit == *unit && t.team == Some(team.id))
        })
    });
    let own_units: Vec<(UnitId, String)> = own_units.map(|u| (u, name(&u))).collect();
    // Why somebody does not look at a unit is for them and for whoever plans.
    let recusals: Vec<Value> = w
        .recusals
        .iter()
        .filter(|(_, who, _)| plans || eyes.person == Some(*who))
        .map(|(unit, who, reason)| json!({ "unit": name(unit), "person": person(who), "reason": reason }))
        .collect();
    let draws: Vec<Value> = w
        .draws
        .iter()
        .map(|d| {
            json!({ "unit": name(&d.unit), "files": d.numbers.len(), "picked": d.picked, "size": d.head.1, "root": d.head.2,
                "at": d.at.minute_text(s.env.zone()), "seed": d.seed_text(p.id) })
        })
        .collect();
    let open_units: Vec<(UnitId, String)> = w
        .tasks
        .iter()
        .filter(|t| t.object.is_empty() && t.body.is_none())
        .map(|t| (t.unit, name(&t.unit)))
        .collect();
    let day = if w.plan.state == PlanState::Running || w.plan.state == PlanState::Ended {
        daily(shell, &w, &names, today)
    } else {
        Vec::new()
    };
    let form = if form.values.contains_key("team-id") {
        form
    } else {
        form.with("team-id", s.env.new_id::<Id>())
    };
    Ok(json!({
        "href": href(id), "crumbs": crumbs(shell, "inspections-menu", PLACE), "form": form, "title": p.title,
        "kind": kind_name(s, &p.kind, lang), "mode": mode, "tag": plan_tag(shell, p.state), "seq": p.seq, "basis": p.basis,
        "host": name(&p.host), "opens": kernel::format_date(p.opens), "until": kernel::format_date(p.until),
        "repeats": shell.t(&format!("inspection-repeats-{}", p.repeats.code())), "round": p.round,
        "checklist": template.map(|t| t.name.get(lang).to_owned()), "checklist_version": p.form.1,
        "checklist_href": format!("/checklists/{}?version={}", p.form.0, p.form.1),
        "preparing": preparing, "running": plans && p.state == PlanState::Running, "tasks": tasks, "teams": teams,
        "progress": counted(None), "recusals": recusals, "draws": draws, "open_units": open_units, "own_units": own_units,
        "bodies": w.tasks.iter().any(|t| t.body.is_some()), "routed": w.tasks.iter().any(|t| t.leg.is_some()),
        "daily": if plans { day } else { Vec::new() }, "plans": plans,
        "results": seen.iter().any(|t| t.state.is_done()).then(|| format!("{}/results", href(id))),
    }))
}

pub(crate) async fn show(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let context = context(&s, &shell, &access, id, Form::default()).await?;
    shell.page("inspections/plan.html", context)
}

fn window(pairs: &Pairs) -> Result<Option<(Date, Date)>> {
    match (value(pairs, "team-opens"), value(pairs, "team-until")) {
        ("", "") => Ok(None),
        _ => Ok(Some((day(pairs, "team-opens")?, day(pairs, "team-until")?))),
    }
}

/// What is done to a plan by whoever plans.
async fn done(
    s: &Inspections,
    id: Id,
    pairs: &Pairs,
    scope: &Scope,
    actor: &Actor,
) -> Result<&'static str> {
    let seq: i64 = value(pairs, "seq").parse().map_err(|_| Error::NotFound)?;
    let at = (id, seq);
    match value(pairs, "act") {
        "team" => {
            let members = value(pairs, "members");
            let cut = [',', '，', '、', ' ', '\n', '\r', ';', '；'];
            let members = members.split(cut).filter(|m| !m.trim().is_empty());
            let team = NewTeam {
                id: value(pairs, "team-id").parse().ok(),
                name: value(pairs, "name").to_owned(),
                region: value(pairs, "region").to_owned(),
                window: window(pairs)?,
                members: members.map(|m| m.trim().to_owned()).collect(),
            };
            s.add_team(at, &team, scope, actor).await?;
        }
        "drop-team" => {
            let team = value(pairs, "team").parse().map_err(|_| Error::NotFound)?;
            s.drop_team(at, team, scope, actor).await?;
        }
        "spread" => {
            let left = s.spread(at, scope, actor).await?;
            if left > 0 {
                return Ok("inspection-spread-left-done");
            }
        }
        "assign" => {
            let wanted: BTreeMap<UnitId, Option<Id>> = pairs
                .iter()
                .filter_map(|(n, v)| {
                    Some((n.strip_prefix("team-of-")?.parse().ok()?, v.parse().ok()))
                })
                .collect();
            s.assign(at, &wanted, scope, actor).await?;
        }
        "drop-units" => {
            let units = pairs.iter().filter(|(n, _)| n == "unit");
            let units: Vec<UnitId> = units.filter_map(|(_, v)| v.parse().ok()).collect();
            s.drop_units(at, &units, scope, actor).await?;
        }
        "route" => {
            let mut legs: BTreeMap<UnitId, Option<i64>> = BTreeMap::new();
            for (name, text) in pairs {
                let unit = name.strip_prefix("leg-").and_then(|u| u.parse().ok());
                let leg = match text.trim() {
                    "" => None,
                    // What is no number is refused with the number that it is not.
                    text => Some(text.parse().unwrap_or_default()),
                };
                legs.extend(unit.map(|unit| (unit, leg)));
            }
            s.route(at, &legs, scope, actor).await?;
        }
        "draw" => {
            let unit = value(pairs, "draw-unit")
                .parse()
                .map_err(|_| Error::NotFound)?;
            let numbers: Vec<String> = value(pairs, "numbers").lines().map(str::to_owned).collect();
            let wrong = |_| Error::field("n", Msg::new("inspection-draw-n").with("most", 100));
            let n = value(pairs, "n").trim().parse().map_err(wrong)?;
            s.draw_files(at, unit, (&numbers, n), scope, actor).await?;
        }
        "start" => {
            s.start(at, scope, actor).await?;
            return Ok("inspection-started-done");
        }
        act @ ("end" | "withdraw") => {
            let to = match act {
                "end" => PlanState::Ended,
                _ => PlanState::Withdrawn,
            };
            s.finish(at, to, value(pairs, "reason"), scope, actor)
                .await?;
        }
        _ => return Err(Error::NotFound),
    }
    Ok("inspection-saved-done")
}

pub(crate) async fn act(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Pairs>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    match done(&s, id, &pairs, &access.scope, &actor).await {
        Ok(key) => shell.done(&href(id), key),
        Err(e) => {
            let mut form = Form::default();
            for (name, text) in &pairs {
                form = form.with(name, text);
            }
            let form = form.reject(&shell, e)?;
            let context = context(&s, &shell, &access, id, form).await?;
            shell.refused("inspections/plan.html", context)
        }
    }
}

/// Somebody does not look at a unit.
pub(crate) async fn recuse(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Pairs>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let eyes = Eyes::from(&access);
    let unit = value(&pairs, "recuse-unit")
        .parse()
        .map_err(|_| Error::NotFound)?;
    let person = match value(&pairs, "person") {
        "" => eyes.person.ok_or(Error::NotFound)?,
        text => text.parse().map_err(|_| Error::NotFound)?,
    };
    let reason = value(&pairs, "reason");
    match s.recuse(id, (unit, person), reason, &eyes, &actor).await {
        Ok(()) => shell.done(&href(id), "inspection-recused-done"),
        Err(e) => {
            let form = Form::default().with("reason", reason).reject(&shell, e)?;
            let context = context(&s, &shell, &access, id, form).await?;
            shell.refused("inspections/plan.html", context)
        }
    }
}

/// The day in words, as a document.
pub(crate) async fn report(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let w = s.whole(id, &Eyes::from(&access)).await?;
    if !s.organization.reaches(&access.scope, w.plan.host).await? {
        return Err(Error::NotFound.into());
    }
    let today = s.env.today();
    let names = s.organization.names(&w.units()).await?;
    let text = daily(&shell, &w, &names, today);
    let title = shell.t_with("inspection-daily-title", &[("title", &w.plan.title)]);
    let document = Document {
        title: title.clone(),
        blocks: text.into_iter().map(Block::text).collect(),
        ..Document::default()
    };
    let bytes = write(&document)?;
    s.took(&actor, ("inspection-plan", id.to_string())).await?;
    let name = format!("{title}-{}.docx", kernel::format_date(today));
    Ok(web::attachment(DOCX, &name, bytes))
}

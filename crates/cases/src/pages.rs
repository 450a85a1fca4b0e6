//! Pages: one case with its timeline and what the reader may do now.

use axum::extract::{Multipart, Path, State as Shared};
use axum::response::Response;
use desk::{Typed, Waiting, day_of, id_of, paragraphs};
use identity::Actor;
use kernel::{Date, Error, Id, Msg, PersonId, Result, Scope, UnitId, format_date};
use serde_json::{Value, json};
use web::view::{Crumb, Tag, Tone};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::case::{Act, Case, End, Event, Evidence, Measure, Pending};
use crate::form_page::{input_of, options_of};
use crate::kind::{FieldType, Kind, Stage, Verb};
use crate::model::{Eyes, Matter};
use crate::service::{Ask, Cases, LONGEST, Said, Whole};
use crate::store;
use crate::{exposing, papers};

/// Days before the due day from which a case is marked.
const SOON: i64 = 3;

/// Who acts: a route that only asks for signing in does not know for whom.
pub(crate) fn actor_of(access: &Access) -> Actor {
    Actor {
        account: Some(access.principal.account),
        on_behalf: access.principal.on_behalf.as_ref().map(|of| of.account),
        address: access.address.clone(),
    }
}

pub(crate) fn crumbs(shell: &Shell) -> Vec<Crumb> {
    vec![Crumb {
        label: shell.t("cases-menu"),
        href: "/cases".into(),
    }]
}

/// A state in words.
pub(crate) fn tag(kind: &Kind, state: &str, lang: &str) -> Tag {
    let rule = kind.state(state);
    let (tone, icon) = match (kind.stage(state), rule.and_then(|s| s.end)) {
        (_, Some(End::Solved)) => (Tone::Ok, Some("check")),
        (_, Some(_)) => (Tone::Plain, None),
        (Stage::Point, _) => (Tone::Warn, None),
        (Stage::Check, _) => (Tone::Brand, Some("eye")),
        _ => (Tone::Brand, None),
    };
    Tag {
        text: rule.map_or(state, |s| s.name.get(lang)).to_owned(),
        tone,
        icon,
    }
}

/// How a case stands to its day, in words and colour.
pub(crate) fn due_tag(shell: &Shell, m: &Matter, today: Date) -> Tag {
    let left = (m.until - today).get_days();
    let (key, tone, days) = match m.end {
        Some(_) => ("cases-due-ended", Tone::Plain, 0),
        None if left < 0 => ("cases-due-late", Tone::Bad, -left),
        None if i64::from(left) <= SOON => ("cases-due-soon", Tone::Warn, left),
        None => ("cases-due-left", Tone::Plain, left),
    };
    Tag {
        text: shell.t_with(key, &[("days", &days.to_string())]),
        tone,
        icon: (tone == Tone::Bad).then_some("alert-triangle"),
    }
}

fn line(shell: &Shell, s: &Cases, e: &Event, w: &Whole, name: Option<&String>) -> Value {
    let day = match &e.act {
        Act::Raised { due, .. } => Some(*due),
        Act::TimeWanted { until, .. } | Act::TimeGiven { until } | Act::Reopened { until } => {
            Some(*until)
        }
        Act::MeasureDone { on, .. } | Act::Declared { on } => Some(*on),
        Act::RemedyAsked { remedy } => Some(remedy.by),
        _ => None,
    };
    let day = day.map(format_date).unwrap_or_default();
    let no = match &e.act {
        Act::MeasureDone { no, .. } | Act::LookDue { no, .. } => no.to_string(),
        Act::Planned { measures, .. } => measures.len().to_string(),
        Act::Reminded { step } | Act::Escalated { step } => step.clone(),
        Act::RemedyAsked { remedy } => remedy.name.get(shell.lang().code()).to_owned(),
        Act::RemedyDropped { no } => no.to_string(),
        Act::PaperIssued { name, number, .. } => {
            format!("{}（{number}）", name.get(shell.lang().code()))
        }
        _ => String::new(),
    };
    let end = match &e.act {
        Act::EndWanted { end, .. } | Act::EndGiven { end } => {
            shell.t(&format!("cases-end-{}", end.code()))
        }
        _ => String::new(),
    };
    let key = format!("cases-event-{}", e.act.code());
    let text = shell.t_with(&key, &[("day", &day), ("no", &no), ("end", &end)]);
    let state = match &e.act {
        Act::Rejected
        | Act::Refused
        | Act::NotGiven
        | Act::Escalated { .. }
        | Act::Urged
        | Act::Exposed
        | Act::Reopened { .. } => "bad",
        Act::Reminded { .. }
        | Act::TimeWanted { .. }
        | Act::EndWanted { .. }
        | Act::LookDue { .. } => "now",
        _ => "ok",
    };
    let files = e.files.iter().map(|f| {
        json!({ "name": f.name, "sha256": f.sha256, "size": format!("{:.1} KiB", f.size as f64 / 1024.0),
            "of": f.of.map(format_date) })
    });
    let moved = w
        .kind
        .state(&e.state)
        .map(|k| k.name.get(shell.lang().code()).to_owned());
    json!({ "state": state, "who": name, "text": text, "at": e.at.minute_text(s.env.zone()),
        "quote": paragraphs(&e.text), "files": files.collect::<Vec<_>>(), "stands": moved })
}

/// The steps of the loop, as far as the case is.
fn steps(shell: &Shell, w: &Whole) -> Vec<Value> {
    let now = w.matter.stage;
    let used = |stage: &Stage| w.kind.states.iter().any(|s| s.stage == *stage);
    let step = |stage: Stage| {
        let state = match stage {
            _ if now == Stage::Closed && w.matter.end != Some(End::Solved) && stage == now => "bad",
            _ if now == Stage::Closed || stage < now => "done",
            _ if stage == now => "now",
            _ => "wait",
        };
        json!({ "label": shell.t(&format!("cases-stage-{}", stage.code())), "state": state,
            "note": shell.t(&format!("cases-stage-note-{}", stage.code())) })
    };
    Stage::ALL.into_iter().filter(used).map(step).collect()
}

pub(crate) async fn page(
    s: &Cases,
    shell: &Shell,
    w: &Whole,
    mut form: Form,
    waiting: &[Waiting],
) -> Result<Value> {
    let lang = shell.lang().code();
    let (today, m, case, kind) = (s.env.today(), &w.matter, &w.case, &w.kind);
    let mut people: Vec<PersonId> = w.events.iter().filter_map(|e| e.person).collect();
    people.extend(
        case.owners()
            .chain(m.supervisor)
            .chain(case.measures.iter().map(|x| x.owner)),
    );
    let people = s.organization.person_names(&people).await?;
    let mut units = vec![m.unit, m.from];
    units.extend(case.look.map(|(_, unit)| unit));
    let units = s.organization.names(&units).await?;
    let name = |id: Option<PersonId>| id.and_then(|id| people.get(&id));
    let can =
        |verb: &Verb| case.can(kind, &w.hand, *verb) && (!verb.is_asked() || s.approvals.is_some());
    let verbs: Vec<Value> = Verb::ALL
        .iter()
        .filter(|v| can(v) && **v != Verb::Measure)
        .map(|v| json!({ "code": v.code(), "label": shell.t(&format!("cases-verb-{}", v.code())) }))
        .collect();
    let judged = kind.stage(&m.state) == Stage::Check && !can(&Verb::Accept);
    let why = judged.then(|| case.may_judge(&w.hand).err()).flatten();
    let why = match why {
        Some(Error::Conflict(message)) if w.hand.sides.contains(&crate::Side::Supervisor) => {
            Some(shell.text(&message))
        }
        _ => None,
    };
    let measures = case.measures.iter().map(|x| {
        json!({ "no": x.no, "text": x.text, "owner": people.get(&x.owner), "due": format_date(x.due),
            "done": x.done.map(format_date), "late": x.done.is_none() && m.end.is_none() && x.due < today })
    });
    let fields = kind.fields.iter().filter_map(|f| {
        let value = m.values.get(&f.code).filter(|v| !v.is_empty())?;
        let value = match (f.kind, value.as_str()) {
            (FieldType::YesNo, "yes") => shell.t("cases-yes"),
            (FieldType::YesNo, _) => shell.t("cases-no"),
            _ => value.clone(),
        };
        Some(json!([f.name.get(lang), value]))
    });
    let asked = kind.asked().map(|f| {
        json!({ "name": format!("v-{}", f.code), "label": f.name.get(lang), "input": input_of(f.kind),
            "options": options_of(shell, f.kind), "value": m.values.get(&f.code) })
    });
    let spent = case.spent.iter().filter_map(|(state, micros)| {
        let hours = micros / (3_600 * kernel::Timestamp::SECOND);
        let name = kind.state(state)?.name.get(lang);
        Some(json!([
            name,
            shell.t_with(
                "cases-spent",
                &[
                    ("days", &(hours / 24).to_string()),
                    ("hours", &(hours % 24).to_string())
                ]
            )
        ]))
    });
    let links = w.links.iter().map(|(way, to_it, other)| {
        let key = if *to_it { format!("cases-link-{way}-by") } else { format!("cases-link-{way}") };
        json!({ "how": shell.t(&key), "href": other.href(), "title": format!("{} {}", other.number, other.title) })
    });
    let pending = case.pending.map(|p| match p {
        Pending::Time(day) => shell.t_with("cases-pending-time", &[("day", &format_date(day))]),
        Pending::End(end) => shell.t_with(
            "cases-pending-end",
            &[("end", &shell.t(&format!("cases-end-{}", end.code())))],
        ),
    });
    form.values
        .entry("seen".into())
        .or_insert(m.version.to_string());
    let named = |list: Vec<&String>| list.into_iter().cloned().collect::<Vec<_>>().join("、");
    let co = named(case.co.iter().filter_map(|p| people.get(p)).collect());
    Ok(json!({
        "id": m.id, "number": m.number, "title": m.title, "detail": paragraphs(&m.detail), "tag": tag(kind, &m.state, lang),
        "due_tag": due_tag(shell, m, today), "kind": kind.name.get(lang), "severity": kind.severity_name(&m.severity, lang),
        "area": kind.area_name(&m.area, lang), "source": kind.source_name(&m.source, lang),
        "clause": kind.clause_name(&m.clause, lang), "unit": units.get(&m.unit), "from": units.get(&m.from),
        "owner": name(case.owner), "co": co, "supervisor": name(m.supervisor), "raised": format_date(m.raised_on),
        "due": format_date(m.due), "until": (m.until != m.due).then(|| format_date(m.until)),
        "closed": m.closed_on.map(format_date), "extensions": m.extensions, "refusals": case.refusals,
        "reopenings": m.reopenings, "recurred": m.recurred, "declared": m.declared,
        "look": case.look.map(|(no, unit)| shell.t_with("cases-look", &[("no", &no.to_string()), ("unit", units.get(&unit).map_or("", String::as_str))])),
        "look_on": m.look_on.map(format_date), "origin": m.origin.as_ref().map(|o| json!({ "title": o.title, "href": o.href })),
        "cause": paragraphs(&case.cause), "measures": measures.collect::<Vec<_>>(), "done": case.done(),
        "fields": fields.collect::<Vec<_>>(), "spent": spent.collect::<Vec<_>>(), "links": links.collect::<Vec<_>>(),
        "asked": asked.collect::<Vec<_>>(), "pending": pending, "steps": steps(shell, w), "remedies": s.remedies_shown(shell, w).await?,
        "events": w.events.iter().rev().map(|e| line(shell, s, e, w, name(e.person))).collect::<Vec<_>>(),
        "form": form, "verbs": verbs, "may_measure": can(&Verb::Measure), "why": why, "most": LONGEST, "today": format_date(today),
        "waiting": waiting.iter().map(|x| json!({ "value": x.text(), "name": x.name })).collect::<Vec<_>>(),
        "reporter": w.reporter.as_ref().map(|r| r.as_ref().map_or(json!(false), |r| json!({ "name": r.name, "contact": r.contact }))),
        "papers": papers::offered(s, w, lang), "may_trace": !w.hand.sides.is_empty(),
        "exposure": exposing::shown(s, w).await?,
        "shown": Value::Null, "crumbs": crumbs(shell),
    }))
}

pub(crate) async fn show(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.case(id_of(&id)?, &Eyes::from(&access)).await?;
    let context = page(&s, &shell, &w, Form::default(), &[]).await?;
    shell.page("cases/show.html", context)
}

/// The page with what was wrong.
pub(crate) async fn refused(
    s: &Cases,
    shell: &Shell,
    access: &Access,
    id: Id,
    (form, waiting): (Form, &[Waiting]),
    error: Error,
) -> Result<Response, Failure> {
    // What was decided meanwhile is told on the page that shows it.
    let error = match error {
        Error::Conflict(message) => Error::field("act", message),
        other => other,
    };
    let mut form = form.reject(shell, error)?;
    let w = s.case(id, &Eyes::from(access)).await?;
    form.values.remove("seen");
    let context = page(s, shell, &w, form, waiting).await?;
    shell.refused("cases/show.html", context)
}

/// Who told of it in confidence, on purpose: the page shows it once, and that is written down.
pub(crate) async fn reporter(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    let shown = s.show_reporter(id, &eyes, &actor_of(&access)).await?;
    let w = s.case(id, &eyes).await?;
    let mut context = page(&s, &shell, &w, Form::default(), &[]).await?;
    context["shown"] = json!({ "name": shown.name, "contact": shown.contact });
    shell.page("cases/show.html", context)
}

impl Cases {
    /// People by their staff numbers, within a scope.
    ///
    /// # Errors
    /// `Invalid` for the field.
    pub(crate) async fn people(
        &self,
        field: &str,
        text: &str,
        scope: &Scope,
    ) -> Result<Vec<PersonId>> {
        let numbers: Vec<&str> = text
            .split(|c: char| c.is_whitespace() || "、,，;；".contains(c))
            .filter(|n| !n.is_empty())
            .collect();
        let mut found = Vec::new();
        for no in numbers.into_iter().take(50) {
            let picked = self.organization.person_picked(field, no, scope).await?;
            let Some(person) = picked else { continue };
            if !found.contains(&person) {
                found.push(person);
            }
        }
        Ok(found)
    }

    /// One person by staff number; empty: nobody.
    pub(crate) async fn person(
        &self,
        field: &str,
        text: &str,
        scope: &Scope,
    ) -> Result<Option<PersonId>> {
        Ok(self.people(field, text, scope).await?.into_iter().next())
    }

    /// Measures as they are typed: one a line, what, who (staff number) and until when, between bars; who is left out is the
    /// owner, no day is that of the case.
    async fn measures(&self, text: &str, case: &Case, scope: &Scope) -> Result<Vec<Measure>> {
        let mut measures = Vec::new();
        for (n, line) in text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .enumerate()
        {
            let parts: Vec<&str> = line.split(['|', '｜', '\t']).map(str::trim).collect();
            let at = |key| Error::field("measures", Msg::new(key).with("line", n + 1));
            let (who, until) = (
                parts.get(1).copied().unwrap_or(""),
                parts.get(2).copied().unwrap_or(""),
            );
            let owner = match who {
                "" => case.owner.ok_or_else(|| at("cases-measure-who"))?,
                no => {
                    let found = self.people("measures", no, scope).await?;
                    found
                        .first()
                        .copied()
                        .ok_or_else(|| at("cases-measure-who"))?
                }
            };
            let due = match until {
                "" => case.until(),
                text => kernel::parse_date(text).ok_or_else(|| at("cases-measure-day"))?,
            };
            measures.push(Measure {
                no: 0,
                text: parts[0].to_owned(),
                owner,
                due,
                done: None,
            });
        }
        Ok(measures)
    }

    /// Where those may be who are named: where one raises or supervises, where one may look, and the unit of the case.
    pub(crate) fn named_in(access: &Access, unit: Option<UnitId>) -> Scope {
        let eyes = Eyes::from(access);
        let unit = Scope::Under(unit.into_iter().collect());
        let own = [eyes.raises, eyes.supervises, eyes.handles];
        let own = own.iter().fold(unit, Scope::or);
        requests::reach(access, &own)
    }
}

/// What a verb and its form come to: an act, or something to be asked of others.
enum Meant {
    Act(Act),
    Ask(Ask),
}

async fn meant(s: &Cases, access: &Access, w: &Whole, verb: Verb, typed: &Typed) -> Result<Meant> {
    let scope = Cases::named_in(access, Some(w.matter.unit));
    let act = match verb {
        Verb::Assign => {
            let unit = match typed.get("unit").trim() {
                "" => w.matter.unit,
                text => s.organization.unit_picked("unit", text, &scope).await?.id,
            };
            Act::Assigned {
                unit,
                owner: s.person("owner", typed.get("owner"), &scope).await?,
                co: s.people("co", typed.get("co"), &scope).await?,
                supervisor: s
                    .person("supervisor", typed.get("supervisor"), &scope)
                    .await?
                    .or(w.matter.supervisor),
            }
        }
        Verb::Reject => Act::Rejected,
        Verb::Plan => Act::Planned {
            cause: typed.get("cause").trim().to_owned(),
            measures: s.measures(typed.get("measures"), &w.case, &scope).await?,
        },
        Verb::Report => Act::Reported,
        Verb::Measure => Act::MeasureDone {
            no: typed.get("no").parse().map_err(|_| Error::NotFound)?,
            on: day_of("day", typed.get("day"))?,
        },
        Verb::Submit => Act::Submitted,
        Verb::Accept => Act::Accepted,
        Verb::Refuse => Act::Refused,
        Verb::MoreTime => return Ok(Meant::Ask(Ask::Time(day_of("day", typed.get("day"))?))),
        Verb::Transfer => return Ok(Meant::Ask(Ask::End(End::Transferred))),
        Verb::Explain => return Ok(Meant::Ask(Ask::End(End::Explained))),
        Verb::Duplicate => {
            let unknown = || Error::field("of", Msg::new("cases-duplicate-unknown"));
            let mut tx = s.db.read().await?;
            let of = store::list::by_number(&mut tx, typed.get("of").trim()).await?;
            Act::Duplicate {
                of: of.ok_or_else(unknown)?,
            }
        }
        Verb::Urge => Act::Urged,
        Verb::Hold => Act::Held,
        Verb::Reopen => Act::Reopened {
            until: day_of("day", typed.get("day"))?,
        },
        Verb::Evaluate => {
            let value = |f: &crate::Field| {
                let value = typed.get(&format!("v-{}", f.code)).trim().to_owned();
                (!value.is_empty()).then(|| (f.code.clone(), value))
            };
            Act::Evaluated {
                values: w.kind.asked().filter_map(value).collect(),
            }
        }
    };
    Ok(Meant::Act(act))
}

impl Cases {
    /// Files that were sent with a form, kept, with the day of what they show.
    pub(crate) async fn kept(&self, waiting: &[Waiting], of: &str) -> Result<Vec<Evidence>> {
        let of = match of.trim() {
            "" => None,
            text => Some(day_of("of", text)?),
        };
        let kept = self.attachments.keep(waiting).await?;
        let evidence = kept.into_iter().map(|f| Evidence {
            name: f.name,
            sha256: f.sha256,
            size: f.size,
            of,
        });
        Ok(evidence.collect())
    }
}

async fn said(s: &Cases, typed: &Typed, files: &[Waiting]) -> Result<Said> {
    Ok(Said {
        seen: Some(typed.get("seen").parse().unwrap_or(-1)),
        text: typed.get("text").to_owned(),
        files: s.kept(files, typed.get("of")).await?,
    })
}

pub(crate) async fn act(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    mut secrecy: Secrecy,
    Path((id, word)): Path<(String, String)>,
    parts: Multipart,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    let verb = Verb::from_code(&word).ok_or(Error::NotFound)?;
    // Whoever may not see it sends no files.
    let w = s.case(id, &eyes).await?;
    let (typed, files, asked) = s.attachments.typed(&access, &mut secrecy, parts).await?;
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let done = async {
        match meant(&s, &access, &w, verb, &typed).await? {
            Meant::Act(act) => {
                let said = said(&s, &typed, &files).await?;
                s.act(id, &act, &said, &eyes, &actor_of(&access)).await
            }
            Meant::Ask(ask) => {
                let said = said(&s, &typed, &files).await?;
                s.ask(id, ask, &said, &eyes, &approvals::By::of(&access)?)
                    .await
            }
        }
    };
    match done.await {
        Ok(()) => {
            s.attachments.release(&files).await;
            shell.done(&format!("/cases/{id}"), "cases-done")
        }
        Err(error) => {
            let form = typed.form().with("verb", verb.code());
            refused(&s, &shell, &access, id, (form, &files), error).await
        }
    }
}

pub(crate) async fn comment(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    mut secrecy: Secrecy,
    Path(id): Path<String>,
    parts: Multipart,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    let w = s.case(id, &eyes).await?;
    let (typed, files, asked) = s.attachments.typed(&access, &mut secrecy, parts).await?;
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let done = async {
        let scope = Cases::named_in(&access, Some(w.matter.unit));
        let named = s.people("named", typed.get("named"), &scope).await?;
        let said = Said {
            seen: None,
            ..said(&s, &typed, &files).await?
        };
        s.comment(id, &said, &named, &eyes, &actor_of(&access))
            .await
    };
    match done.await {
        Ok(()) => {
            s.attachments.release(&files).await;
            shell.done(&format!("/cases/{id}"), "cases-done-comment")
        }
        Err(error) => refused(&s, &shell, &access, id, (typed.form(), &files), error).await,
    }
}

pub(crate) async fn file(
    Shared(s): Shared<Cases>,
    access: Access,
    Path((id, sha256)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let w = s.case(id_of(&id)?, &Eyes::from(&access)).await?;
    let mut files = w.events.iter().flat_map(|e| &e.files);
    let found = files.find(|f| f.sha256 == sha256).ok_or(Error::NotFound)?;
    let attached = desk::Attached {
        name: found.name.clone(),
        sha256: found.sha256.clone(),
        size: found.size,
    };
    Ok(s.attachments.download(&attached).await?)
}

/// The people that a field offers while one types.
pub(crate) async fn people_options(
    Shared(s): Shared<Cases>,
    shell: Shell,
    mut access: Access,
    axum::extract::Query(pairs): axum::extract::Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let typed = pairs.into_iter().next().map_or_else(String::new, |p| p.1);
    // Several are named one after the other: the last is being typed.
    let last = typed
        .rsplit(['、', ',', '，', ' '])
        .next()
        .unwrap_or_default();
    access.scope = Cases::named_in(&access, None);
    let last = vec![(String::new(), last.to_owned())];
    organization::people_options(&s.organization, &shell, &access, last).await
}

pub(crate) async fn unit_options(
    Shared(s): Shared<Cases>,
    shell: Shell,
    mut access: Access,
    axum::extract::Query(pairs): axum::extract::Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    access.scope = Cases::named_in(&access, None);
    organization::unit_options(&s.organization, &shell, &access, pairs).await
}

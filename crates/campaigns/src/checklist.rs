//! The checklist of a campaign (检查清单): versions with the day from which each holds; a unit's score of itself, the score
//! of somebody else, what differs, what the unit objects to.

use commons::forms::{self, Answer, Answers, Form, Item, Kind, Section, Template, Value};
use commons::packs::Name;
use db::Tx;
use identity::Actor;
use kernel::{Date, Error, FieldError, Id, Msg, PersonId, Result, Timestamp, UnitId};
use organization::{Organization, finding};
use serde_json::json;

use crate::model::{Campaign, Eyes, REASON, Side, State, reason_of, tidy, unfit};
use crate::service::{Campaigns, moved_on};
use crate::store::{self, scores};

/// Campaigns above one another whose checklists are handed down.
const DEEPEST: usize = 5;

/// A version of a checklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) n: i64,
    pub(crate) effective: Date,
    pub(crate) sections: Vec<Section>,
    pub(crate) reason: String,
    pub(crate) name: Option<String>,
    pub(crate) at: Timestamp,
}

/// A score, with the items as they were then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scored {
    /// The unit.
    pub unit: UnitId,
    /// Its number on its side, from 1.
    pub n: i64,
    /// The items.
    pub sections: Vec<Section>,
    /// Points by item, with what was said.
    pub marks: Answers,
    /// Points reached, thousandths.
    pub points: i64,
    /// Points that could be reached.
    pub full: i64,
    /// The part that was reached, of 100 points, in thousandths.
    pub share: i64,
    /// Who.
    pub person: Option<PersonId>,
    /// When.
    pub at: Timestamp,
}

/// What a unit objects to (异议).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objected {
    /// The number of the score.
    pub n: i64,
    /// What was said.
    pub said: String,
    /// Who.
    pub person: Option<PersonId>,
    /// When.
    pub at: Timestamp,
    /// Whether the score stays.
    pub upheld: Option<bool>,
    /// The answer.
    pub answer: Option<String>,
    /// Who answered.
    pub answered_by: Option<PersonId>,
    /// When.
    pub answered_at: Option<Timestamp>,
}

/// An item with what both sides gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The item.
    pub item: Item,
    /// Points of the unit itself, thousandths.
    pub own: Option<i64>,
    /// Points of the inspection.
    pub inspection: Option<i64>,
    /// What the inspection said.
    pub note: String,
}

impl Marked {
    /// Whether the two differ by more than so many points.
    pub fn differs(&self, explain: i64) -> bool {
        let both = self.own.zip(self.inspection);
        both.is_some_and(|(a, b)| (a - b).abs() > explain * 1_000)
    }
}

fn points(answers: &Answers, code: &str) -> Option<i64> {
    match answers.get(code)?.value {
        Value::Number(n) => Some(n),
        _ => None,
    }
}

/// Both scores side by side, item by item of the later one.
pub(crate) fn compared(own: Option<&Scored>, inspection: Option<&Scored>) -> Vec<Marked> {
    let Some(shown) = inspection.or(own) else {
        return Vec::new();
    };
    let items = shown.sections.iter().flat_map(|s| &s.items);
    let marked = |item: &Item| {
        let note = inspection.and_then(|s| s.marks.get(&item.code));
        Marked {
            own: own.and_then(|s| points(&s.marks, &item.code)),
            inspection: inspection.and_then(|s| points(&s.marks, &item.code)),
            note: note.map_or(String::new(), |a| a.note.clone()),
            item: item.clone(),
        }
    };
    items.map(marked).collect()
}

/// A number of points as it is typed: at most three decimals.
pub(crate) fn typed_points(text: &str) -> Option<i64> {
    let (whole, rest) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if whole.is_empty() || whole.len() > 6 || rest.len() > 3 {
        return None;
    }
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(rest) {
        return None;
    }
    let rest = format!("{rest:0<3}");
    Some(whole.parse::<i64>().ok()? * 1_000 + rest.parse::<i64>().ok()?)
}

/// A checklist as it is typed: a line an item, text, points and where it comes from between bars; a line that begins with
/// `#` heads those below it. What has the text of an item that was there keeps its code.
///
/// # Errors
/// `Invalid` for `items`, with the line.
pub(crate) fn read_items(text: &str, before: &[Section], taken: &[String]) -> Result<Vec<Section>> {
    let known: Vec<&Item> = before.iter().flat_map(|s| &s.items).collect();
    let mut used: Vec<String> = known.iter().map(|i| i.code.clone()).collect();
    used.extend(taken.iter().cloned());
    let name = |text: &str| Name {
        zh: text.to_owned(),
        en: text.to_owned(),
    };
    let (mut sections, mut seen): (Vec<Section>, Vec<String>) = (Vec::new(), Vec::new());
    let lines = text.lines().map(str::trim).enumerate();
    for (n, line) in lines.filter(|(_, l)| !l.is_empty()) {
        let wrong = |key| Error::field("items", Msg::new(key).with("line", n + 1));
        if let Some(title) = line.strip_prefix('#') {
            let title = title.trim();
            if title.is_empty() || unfit(title, 100) {
                return Err(wrong("campaigns-item-title"));
            }
            let old = before.iter().find(|s| s.title.zh == title);
            sections.push(Section {
                code: old.map_or_else(|| format!("s{}", sections.len() + 1), |s| s.code.clone()),
                title: old.map_or_else(|| name(title), |s| s.title.clone()),
                items: Vec::new(),
            });
            continue;
        }
        let parts: Vec<&str> = line.split(['|', '｜', '\t']).map(str::trim).collect();
        let worth = parts.get(1).copied().unwrap_or("");
        let points = typed_points(worth).filter(|p| (1..=1_000_000).contains(p));
        let points = points.ok_or_else(|| wrong("campaigns-item-points"))?;
        let text = parts[0];
        if text.chars().count() < 2 || unfit(text, 500) || seen.iter().any(|t| t == text) {
            return Err(wrong("campaigns-item-text"));
        }
        seen.push(text.to_owned());
        let old = known.iter().find(|i| i.text.zh == text);
        let code = match old {
            Some(item) => item.code.clone(),
            None => {
                let free = (1..).map(|n| format!("i{n}")).find(|c| !used.contains(c));
                free.unwrap_or_default()
            }
        };
        used.push(code.clone());
        let source = parts.get(2).copied().filter(|s| !s.is_empty());
        let item = Item {
            code,
            text: old.map_or_else(|| name(text), |i| i.text.clone()),
            kind: Kind::Score { at_least: None },
            required: true,
            points,
            evidence: forms::Evidence::Free,
            clause: source.map(name),
            field: String::new(),
            severity: String::new(),
        };
        match sections.last_mut() {
            Some(section) => section.items.push(item),
            None => sections.push(Section {
                code: "s0".to_owned(),
                title: name("—"),
                items: vec![item],
            }),
        }
    }
    // Two headings of one code would be one.
    for n in 0..sections.len() {
        if sections[..n].iter().any(|s| s.code == sections[n].code) {
            sections[n].code = format!("t{n}");
        }
    }
    sections.retain(|s| !s.items.is_empty());
    match sections.is_empty() {
        true => Err(Error::field("items", Msg::new("campaigns-items-missing"))),
        false => Ok(sections),
    }
}

/// A checklist as it would be typed.
pub(crate) fn written(sections: &[Section], lang: &str) -> String {
    let mut lines = Vec::new();
    for section in sections {
        if section.code != "s0" {
            lines.push(format!("# {}", section.title.get(lang)));
        }
        for item in &section.items {
            let clause = item.clause.as_ref().map_or("", |c| c.get(lang));
            let points = crate::model::Solid(item.points);
            lines.push(format!("{} | {points} | {clause}", item.text.get(lang)));
        }
    }
    lines.join("\n")
}

/// The version that holds on a day; before the first one that one.
pub(crate) fn on(lists: &[Listed], day: Date) -> Option<&Listed> {
    lists
        .iter()
        .find(|l| l.effective <= day)
        .or_else(|| lists.last())
}

impl Campaigns {
    /// The checklist on a day as a form: what campaigns above hand down first, unchanged, then its own.
    pub(crate) async fn form_on(
        &self,
        tx: &mut Tx,
        c: &Campaign,
        day: Date,
    ) -> Result<Option<Form>> {
        let mut layers: Vec<Vec<Section>> = Vec::new();
        let mut at = Some((c.id, c.parent));
        while let Some((id, parent)) = at.filter(|_| layers.len() < DEEPEST) {
            let lists = scores::lists(tx, id).await?;
            if let Some(list) = on(&lists, day) {
                layers.push(list.sections.clone());
            }
            at = match parent {
                Some(parent) => store::one(tx, parent).await?.map(|c| (c.id, c.parent)),
                None => None,
            };
        }
        let mut sections: Vec<Section> = Vec::new();
        for (depth, layer) in layers.into_iter().rev().enumerate() {
            for (n, mut section) in layer.into_iter().enumerate() {
                // What stands above stays as it is: an item with the same text is the same.
                let texts: Vec<String> = sections
                    .iter()
                    .flat_map(|s| &s.items)
                    .map(|i| i.text.zh.clone())
                    .collect();
                section.items.retain(|i| !texts.contains(&i.text.zh));
                for item in &mut section.items {
                    if depth > 0 {
                        item.code = format!("l{depth}-{}", item.code);
                    }
                }
                match sections.iter_mut().find(|s| s.title.zh == section.title.zh) {
                    Some(known) => known.items.extend(section.items),
                    None => {
                        section.code = format!("p{depth}-{n}");
                        sections.push(section);
                    }
                }
            }
        }
        sections.retain(|s| !s.items.is_empty());
        if sections.is_empty() {
            return Ok(None);
        }
        let name = Name {
            zh: c.content.title.clone(),
            en: c.content.title.clone(),
        };
        let template = Template {
            code: "checklist".to_owned(),
            name,
            extends: None,
            basis: None,
            sections,
            stricter: Vec::new(),
            smallest_group: 1,
        };
        let wrong = |_| Error::internal("a checklist that is no form");
        forms::resolve(&template, 1, &|_| None)
            .map(Some)
            .map_err(wrong)
    }

    /// Writes another version of a campaign's own checklist, which holds from a day on.
    ///
    /// # Errors
    /// `Invalid` for `items`, `effective` and, where there was one, `reason`; `Conflict` when the campaign is over.
    pub(crate) async fn write_list(
        &self,
        id: Id,
        text: &str,
        effective: Date,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let (mut c, _) = self.planned(tx, id, None, eyes).await?;
            if !matches!(c.state, State::Planned | State::Running) {
                return Err(Error::Conflict(Msg::new("campaigns-over")));
            }
            let lists = scores::lists(tx, id).await?;
            let reason = reason_of(reason, !lists.is_empty())?;
            // What is past was scored by what held then.
            let latest = lists.first().map(|l| l.effective);
            let today = self.env.today();
            let early = c.state == State::Running && effective < today;
            if early || latest.is_some_and(|day| effective < day) || effective > c.content.to {
                let message = Msg::new("campaigns-effective-wrong");
                return Err(Error::field("effective", message));
            }
            let before = lists.first().map_or(&[][..], |l| l.sections.as_slice());
            let sections = read_items(text, before, &[])?;
            let listed = Listed {
                n: lists.first().map_or(1, |l| l.n + 1),
                effective,
                sections,
                reason: reason.clone(),
                name: None,
                at: self.env.now(),
            };
            scores::put_list(tx, id, &listed, actor.into(), self.env.now()).await?;
            let body = json!({ "n": listed.n, "effective": kernel::format_date(effective) });
            self.happened(tx, &mut c, "checklist", body, &reason, actor)
                .await
        })
    }

    /// Keeps a score. Nobody inspects a unit to which they belong, or which they scored for itself; where the two differ by
    /// more than the kind allows, the inspection says why.
    ///
    /// # Errors
    /// `Invalid` per item (`p-code`, `n-code`); `Conflict` for who may not judge, or while the campaign is not running.
    pub async fn score(
        &self,
        (id, unit, side): (Id, UnitId, Side),
        marks: &Answers,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<Scored> {
        let refuse = |key| Err(Error::Conflict(Msg::new(key)));
        let today = self.env.today();
        db::transaction!(self.db, |tx| {
            store::seen(tx, id, eyes).await?;
            let mut c = store::hold(tx, id).await?.ok_or(Error::NotFound)?;
            let kind = self.rule(tx, &c.rule).await?;
            let units = store::parts::units(tx, id).await?;
            let scope = match side {
                Side::Own => &eyes.reports,
                Side::Inspection => &eyes.scores,
            };
            let takes = units.iter().any(|t| t.unit == unit && t.joined);
            if !takes || !Self::within(tx, scope, unit).await? {
                return Err(Error::NotFound);
            }
            if !matches!(c.state, State::Running | State::Closing) {
                return refuse("campaigns-not-running");
            }
            let form = self.form_on(tx, &c, today).await?;
            let form = form.ok_or_else(|| Error::Conflict(Msg::new("campaigns-no-checklist")))?;
            let own = scores::scores(tx, id, unit, Side::Own).await?;
            let inspected = scores::scores(tx, id, unit, Side::Inspection).await?;
            let objected = scores::objections(tx, id, unit).await?;
            match side {
                Side::Own if !inspected.is_empty() => return refuse("campaigns-inspected-before"),
                Side::Own => {}
                Side::Inspection => {
                    let person = eyes.person;
                    let me = person
                        .ok_or_else(|| Error::Conflict(Msg::new("campaigns-judge-person")))?;
                    let homes = Organization::units_on(tx, &[(me, today)]).await?;
                    let home = homes.get(&(me, today)).copied();
                    let paths = finding::paths(tx, &home.into_iter().collect::<Vec<_>>()).await?;
                    let inside = |path: &Vec<UnitId>| path.contains(&unit);
                    if home.and_then(|h| paths.get(&h)).is_some_and(inside) {
                        return refuse("campaigns-judge-own");
                    }
                    if own.iter().any(|s| s.person == Some(me)) {
                        return refuse("campaigns-judge-scorer");
                    }
                    // A score that stands is changed only because an objection was found right.
                    if let Some(last) = inspected.first() {
                        let answered = objected.iter().find(|o| o.n == last.n);
                        if answered.is_none_or(|o| o.upheld != Some(false)) {
                            return refuse("campaigns-score-stands");
                        }
                    }
                }
            }
            let mut errors: Vec<FieldError> = forms::check(&form, marks, true)
                .into_iter()
                .map(|f| FieldError {
                    field: format!("p-{}", f.item),
                    message: f.message,
                })
                .collect();
            if let (Side::Inspection, Some(own)) = (side, own.first()) {
                for item in form.items() {
                    let (a, b) = (points(&own.marks, &item.code), points(marks, &item.code));
                    let note = marks.get(&item.code).map_or("", |a| a.note.trim());
                    let far = a
                        .zip(b)
                        .is_some_and(|(a, b)| (a - b).abs() > kind.explain * 1_000);
                    if far && note.is_empty() {
                        let message = Msg::new("campaigns-difference").with("points", kind.explain);
                        errors.push(FieldError {
                            field: format!("n-{}", item.code),
                            message,
                        });
                    }
                }
            }
            Error::if_any(errors)?;
            let reached = forms::score(&form, marks);
            let scored = Scored {
                unit,
                n: match side {
                    Side::Own => own.first().map_or(1, |s| s.n + 1),
                    Side::Inspection => inspected.first().map_or(1, |s| s.n + 1),
                },
                sections: form.sections.clone(),
                marks: marks.clone(),
                points: reached.points,
                full: reached.full,
                share: match reached.full {
                    0 => 0,
                    full => reached.points * 100_000 / full,
                },
                person: eyes.person,
                at: self.env.now(),
            };
            if !scores::put_score(tx, id, side, &scored, actor.into()).await? {
                return Err(moved_on());
            }
            let body =
                json!({ "unit": unit, "side": side.code(), "n": scored.n, "share": scored.share });
            self.happened(tx, &mut c, "scored", body, "", actor).await?;
            if side == Side::Inspection {
                let once = format!("scored-{unit}-{}", scored.n);
                self.tell(tx, &c, &[unit], "campaigns-notice-scored", &once)
                    .await?;
            }
            Ok(scored)
        })
    }

    /// Objects to the last inspection of a unit.
    ///
    /// # Errors
    /// `Invalid` for `said`; `Conflict` when there is none, or somebody objected to it before.
    pub async fn object(
        &self,
        (id, unit): (Id, UnitId),
        said: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let said = said_of("said", said)?;
        db::transaction!(self.db, |tx| {
            store::seen(tx, id, eyes).await?;
            let mut c = store::hold(tx, id).await?.ok_or(Error::NotFound)?;
            if !Self::within(tx, &eyes.reports, unit).await? {
                return Err(Error::NotFound);
            }
            let inspected = scores::scores(tx, id, unit, Side::Inspection).await?;
            let last = inspected.first().filter(|_| c.state.is_open());
            let last = last.ok_or_else(moved_on)?;
            let objected = Objected {
                n: last.n,
                said: said.clone(),
                person: eyes.person,
                at: self.env.now(),
                upheld: None,
                answer: None,
                answered_by: None,
                answered_at: None,
            };
            if !scores::put_objection(tx, id, unit, &objected).await? {
                return Err(Error::Conflict(Msg::new("campaigns-objected-before")));
            }
            let body = json!({ "unit": unit, "n": last.n });
            self.happened(tx, &mut c, "objected", body, "", actor)
                .await?;
            let people = last.person.into_iter().collect::<Vec<_>>();
            let once = format!("objected-{unit}-{}", last.n);
            self.say(
                tx,
                &c,
                &people,
                Msg::new("campaigns-notice-objected"),
                &once,
            )
            .await
        })
    }

    /// Answers an objection: the score stays, or somebody inspects again. Nobody answers for a score of their own.
    ///
    /// # Errors
    /// `Invalid` for `answer`; `Conflict` for who gave the score, belongs to the unit or objected, and when it was answered.
    pub async fn answer(
        &self,
        (id, unit, n): (Id, UnitId, i64),
        (upheld, answer): (bool, &str),
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let answer = said_of("answer", answer)?;
        let today = self.env.today();
        db::transaction!(self.db, |tx| {
            store::seen(tx, id, eyes).await?;
            let mut c = store::hold(tx, id).await?.ok_or(Error::NotFound)?;
            if !Self::within(tx, &eyes.scores, unit).await? {
                return Err(Error::NotFound);
            }
            let refuse = |key| Error::Conflict(Msg::new(key));
            let me = eyes
                .person
                .ok_or_else(|| refuse("campaigns-judge-person"))?;
            let inspected = scores::scores(tx, id, unit, Side::Inspection).await?;
            let judged = inspected.iter().find(|s| s.n == n).ok_or(Error::NotFound)?;
            let objections = scores::objections(tx, id, unit).await?;
            let objected = objections
                .iter()
                .find(|o| o.n == n)
                .ok_or(Error::NotFound)?;
            let home = Organization::units_on(tx, &[(me, today)]).await?;
            let home: Vec<UnitId> = home.into_values().collect();
            let paths = finding::paths(tx, &home).await?;
            let inside = paths.values().any(|path| path.contains(&unit));
            if judged.person == Some(me) || objected.person == Some(me) || inside {
                return Err(refuse("campaigns-answer-own"));
            }
            let (key, now) = ((id, unit, n), self.env.now());
            if !scores::answer_objection(tx, key, (upheld, &answer), me, now).await? {
                return Err(moved_on());
            }
            let body = json!({ "unit": unit, "n": n, "upheld": upheld });
            self.happened(tx, &mut c, "answered", body, &answer, actor)
                .await?;
            let once = format!("answered-{unit}-{n}");
            self.tell(tx, &c, &[unit], "campaigns-notice-answered", &once)
                .await
        })
    }
}

fn said_of(field: &str, text: &str) -> Result<String> {
    if text.trim().is_empty() || unfit(text, REASON * 4) {
        let message = Msg::new("campaigns-said-wrong").with("most", REASON * 4);
        return Err(Error::field(field, message));
    }
    Ok(tidy(text))
}

/// Points of a form's items as answers.
pub(crate) fn mark(points: i64, note: &str) -> Answer {
    Answer {
        value: Value::Number(points),
        note: tidy(note),
        files: Vec::new(),
    }
}

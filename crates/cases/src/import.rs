//! Old ledgers taken in (历史台账导入): every row is checked before anything is written; what is right is written in one step.
//! What a ledger says is closed is taken as declared, never as accepted by anybody here.

use std::collections::{BTreeMap, HashMap, HashSet};

use commons::sheets::{date, squeeze};
use desk::Waiting;
use identity::Actor;
use kernel::{Error, FieldError, Id, Msg, PersonId, Result, Scope};
use organization::{Unit, finding};
use serde_json::json;

use crate::case::{Act, Case, End, Event};
use crate::evaluating::yes_or_no;
use crate::kind::{FieldType, Kind, Stage};
use crate::model::{Eyes, Matter, Reporter};
use crate::searching;
use crate::service::{Cases, TITLE, unfit};
use crate::sheet::{MOST_ROWS, Row, rows};
use crate::store;

/// A row that can be taken in.
pub(crate) struct Fine {
    pub(crate) row: u32,
    pub(crate) matter: Matter,
    pub(crate) unit: String,
    kind: Kind,
    /// Who told of it.
    reporter: Option<Reporter>,
}

/// What a sheet comes to.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) fine: Vec<Fine>,
    /// What is wrong, at its cells.
    pub(crate) faults: Vec<FieldError>,
    /// Rows with something wrong.
    pub(crate) faulty: usize,
}

const ENDS: [(End, [&str; 4]); 3] = [
    (End::Solved, ["已解决", "已销号", "已整改", "solved"]),
    (End::Transferred, ["移交", "已移交", "转办", "transferred"]),
    (End::Explained, ["说明情况", "已说明", "说明", "explained"]),
];

fn end_of(text: &str) -> Option<End> {
    let wanted = squeeze(text);
    let found = ENDS
        .iter()
        .find(|(e, names)| e.code() == text || names.iter().any(|n| squeeze(n) == wanted));
    found.map(|(end, _)| *end)
}

fn kind_named<'k>(s: &'k Cases, text: &str) -> Option<&'k Kind> {
    let wanted = squeeze(text);
    let fits = |k: &&Kind| {
        k.code == text || squeeze(&k.name.zh) == wanted || squeeze(&k.name.en) == wanted
    };
    match text {
        "" => s.kinds.iter().next(),
        _ => s.kinds.iter().find(fits),
    }
}

impl Cases {
    /// Reads a sheet and says what it comes to; writes nothing.
    ///
    /// # Errors
    /// `Invalid` on `file` when it is no table, lacks a column or is too long.
    pub(crate) async fn plan(&self, sheet: &Waiting, eyes: &Eyes, scope: &Scope) -> Result<Plan> {
        let bytes = self.attachments.held(sheet).await?;
        let rows = rows(&sheet.name, &bytes, &self.kinds)?;
        if rows.is_empty() || rows.len() > MOST_ROWS {
            return Err(Error::field(
                "file",
                Msg::new("cases-import-rows").with("most", MOST_ROWS),
            ));
        }
        let units = self.organization.units(scope).await?;
        // By code, or by a name that only one of them has.
        let mut named: HashMap<&str, Option<&Unit>> = HashMap::new();
        for u in &units {
            named
                .entry(u.name.as_str())
                .and_modify(|known| *known = None)
                .or_insert(Some(u));
        }
        let mut units: HashMap<&str, &Unit> = units.iter().map(|u| (u.code.as_str(), u)).collect();
        for (name, unit) in named {
            if let (Some(unit), false) = (unit, units.contains_key(name)) {
                units.insert(name, unit);
            }
        }
        let people = self.people_of(&rows).await?;
        let numbers: Vec<String> = rows
            .iter()
            .map(|r| r.get("number").to_owned())
            .filter(|n| !n.is_empty())
            .collect();
        let mut seen: HashSet<String> = HashSet::new();
        let mut tx = self.db.read().await?;
        for part in numbers.chunks(500) {
            seen.extend(store::list::known_numbers(&mut tx, part).await?);
        }
        drop(tx);
        let mut plan = Plan::default();
        for row in &rows {
            let mut wrong = Vec::new();
            let made = self.row(row, (&units, &people), &mut seen, eyes, &mut wrong);
            match made {
                Some(fine) if wrong.is_empty() => plan.fine.push(fine),
                _ => plan.faulty += 1,
            }
            plan.faults.extend(wrong);
        }
        Ok(plan)
    }

    /// The people whom rows name, by staff number.
    async fn people_of(&self, rows: &[Row]) -> Result<HashMap<String, PersonId>> {
        let wanted: HashSet<&str> = rows
            .iter()
            .flat_map(|r| [r.get("owner"), r.get("supervisor")])
            .collect();
        let (mut tx, today) = (self.db.read().await?, self.env.today());
        let mut found = HashMap::new();
        // Each number once, however many rows name it.
        for no in wanted.into_iter().filter(|no| !no.is_empty()) {
            if let Some(person) = finding::serving(&mut tx, no, today).await? {
                found.insert(no.to_owned(), person);
            }
        }
        Ok(found)
    }

    fn row(
        &self,
        row: &Row,
        (units, people): (&HashMap<&str, &Unit>, &HashMap<String, PersonId>),
        seen: &mut HashSet<String>,
        eyes: &Eyes,
        wrong: &mut Vec<FieldError>,
    ) -> Option<Fine> {
        let today = self.env.today();
        let mut tell = |key: &str, message: Msg| wrong.push(row.wrong(key, message));
        let title = row.get("title");
        if !(2..=TITLE).contains(&title.chars().count()) || title.contains(char::is_control) {
            tell("title", Msg::new("cases-title-wrong").with("most", TITLE));
        }
        if unfit(row.get("detail")) {
            tell(
                "detail",
                Msg::new("cases-text-wrong").with("most", crate::service::LONGEST),
            );
        }
        let kind = kind_named(self, row.get("kind"));
        if kind.is_none() {
            tell("kind", Msg::new("cases-choice-missing"));
        }
        let unit = units.get(row.get("unit")).copied();
        let from = match row.get("from") {
            "" => unit,
            code => units.get(code).copied(),
        };
        for (key, found) in [("unit", unit), ("from", from)] {
            if found.is_none() {
                tell(key, Msg::new("cases-unit-unknown"));
            }
        }
        let mut person = |key: &str| match row.get(key) {
            "" => None,
            no => {
                let found = people.get(no).copied();
                if found.is_none() {
                    tell(key, Msg::new("cases-person-unknown").with("no", no));
                }
                found
            }
        };
        let (owner, supervisor) = (person("owner"), person("supervisor"));
        let mut on = |key: &str| match date(row.get(key)) {
            Ok(day) => day,
            Err(message) => {
                tell(key, message);
                None
            }
        };
        let (raised, due, closed) = (on("raised"), on("due"), on("closed"));
        if raised.is_none_or(|day| day > today) && !row.get("raised").is_empty() {
            tell("raised", Msg::new("cases-day-future"));
        }
        for (key, day) in [("raised", raised), ("due", due)] {
            if day.is_none() && row.get(key).is_empty() {
                tell(key, Msg::new("cases-day-wrong"));
            }
        }
        if let (Some(raised), Some(due)) = (raised, due)
            && due < raised
        {
            tell("due", Msg::new("cases-due-before"));
        }
        let end = match row.get("end") {
            "" => closed.map(|_| End::Solved),
            text => {
                let end = end_of(text);
                if end.is_none() {
                    tell("end", Msg::new("cases-choice-missing"));
                }
                end
            }
        };
        if end.is_some() != closed.is_some()
            || closed.is_some_and(|day| day > today || Some(day) < raised)
        {
            tell("closed", Msg::new("cases-closed-wrong"));
        }
        let number = row.get("number").to_owned();
        if !number.is_empty() && (number.chars().count() > 40 || !seen.insert(number.clone())) {
            tell("number", Msg::new("cases-number-taken"));
        }
        let kind = kind?;
        let mut values = BTreeMap::new();
        for field in &kind.fields {
            let key = format!("v-{}", field.code);
            let value = match field.kind {
                FieldType::YesNo => yes_or_no(row.get(&key)),
                _ => row.get(&key).to_owned(),
            };
            if field.after && !value.is_empty() && end.is_none() {
                tell(&key, Msg::new("cases-field-after"));
            }
            if let Some(message) = self.check_field(field, &value) {
                tell(&key, message);
            }
            if !value.is_empty() {
                values.insert(field.code.clone(), value);
            }
        }
        let reporter = Reporter {
            name: row.get("reporter").to_owned(),
            contact: row.get("contact").to_owned(),
            // What nobody spoke about is not told on.
            confidential: !matches!(row.get("confidential"), "否" | "不保密" | "no" | "No"),
        };
        for (key, text, most) in [
            ("reporter", &reporter.name, 50),
            ("contact", &reporter.contact, 100),
        ] {
            if text.chars().count() > most || text.contains(char::is_control) {
                tell(key, Msg::new("cases-text-wrong").with("most", most));
            }
        }
        let reporter = (!reporter.name.is_empty()).then_some(reporter);
        let mut code = |key: &str, list: &[crate::Choice]| match row.get(key) {
            "" => String::new(),
            text => Self::code_of(list, text).unwrap_or_else(|| {
                tell(key, Msg::new("cases-choice-missing"));
                String::new()
            }),
        };
        let (area, source) = (code("area", &kind.areas), code("source", &kind.sources));
        let clause = code("clause", &kind.clauses);
        let severities: Vec<crate::Choice> = kind
            .severities
            .iter()
            .map(|v| crate::Choice {
                code: v.code.clone(),
                name: v.name.clone(),
            })
            .collect();
        let severity = match row.get("severity") {
            "" => kind
                .severities
                .last()
                .map_or(String::new(), |v| v.code.clone()),
            _ => code("severity", &severities),
        };
        let (unit, from, raised, due) = (unit?, from?, raised?, due?);
        let state = match end {
            Some(end) => kind.states.iter().find(|s| s.end == Some(end))?,
            None => &kind.states[0],
        };
        let now = self.env.now();
        let matter = Matter {
            id: self.env.new_id(),
            number,
            kind: kind.code.clone(),
            rule: String::new(),
            title: title.to_owned(),
            detail: row.get("detail").to_owned(),
            severity,
            area,
            source,
            clause,
            values,
            unit: unit.id,
            from: from.id,
            raiser: Some(eyes.account),
            owner,
            supervisor,
            state: state.code.clone(),
            stage: state.stage,
            end,
            due,
            until: due,
            raised_on: raised,
            closed_on: closed,
            measures: 0,
            done: 0,
            extensions: 0,
            reopenings: 0,
            recurred: 0,
            look_on: None,
            looking: false,
            next_on: None,
            declared: true,
            confidential: reporter.as_ref().is_some_and(|r| r.confidential),
            origin: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        Some(Fine {
            row: row.number,
            matter,
            unit: unit.name.clone(),
            kind: kind.clone(),
            reporter,
        })
    }

    /// Writes what a plan found right, in one step or not at all; gives how many cases there are.
    pub(crate) async fn publish(
        &self,
        id: Id,
        name: &str,
        plan: &Plan,
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<usize> {
        if plan.fine.is_empty() {
            return Err(Error::field("file", Msg::new("cases-import-nothing")));
        }
        db::transaction!(self.db, |tx| {
            for fine in &plan.fine {
                let kind = &fine.kind;
                let mut m = fine.matter.clone();
                Self::settle(kind, &mut m);
                m.rule = commons::packs::hash_of(kind)?;
                store::put_rule(tx, &m.rule, kind).await?;
                if m.number.is_empty() {
                    let year = m.raised_on.year();
                    m.number =
                        kind.number_of(year, store::next_number(tx, &kind.code, year).await?);
                }
                let events = self.declared(&m, kind, eyes, actor);
                let mut case = Case::of(kind, &events)?;
                // Who the ledger says it was, also of what is closed.
                (case.owner, case.supervisor) = (m.owner, m.supervisor);
                m.version = events.len() as i64;
                if m.end.is_none() {
                    m.next_on = self.next_rung(kind, m.until, self.env.today());
                }
                if !store::insert(tx, &m, None).await? {
                    return Err(Error::field("file", Msg::new("cases-number-taken")));
                }
                for event in &events {
                    store::note(tx, m.id, event).await?;
                }
                store::put_parts(tx, m.id, &case, eyes.me).await?;
                if let Some(reporter) = &fine.reporter {
                    self.keep_reporter(tx, m.id, reporter).await?;
                }
                searching::index(tx, kind, &m).await?;
                self.write_raised(tx, &m, actor.account).await?;
                if let Some(end) = m.end {
                    self.write_ended(tx, &m, end, actor.account).await?;
                    self.write_evaluated(tx, &m, kind, actor.account).await?;
                }
            }
            let detail = json!({ "file": name, "rows": plan.fine.len() });
            self.audit(tx, actor, "case.imported", id, detail).await?;
            Ok(plan.fine.len())
        })
    }

    /// The events of a row of an old ledger.
    fn declared(&self, m: &Matter, kind: &Kind, eyes: &Eyes, actor: &Actor) -> Vec<Event> {
        let event = |seq: i64, act: Act, state: &str| Event {
            seq,
            act,
            state: state.to_owned(),
            account: actor.account,
            person: eyes.me,
            text: String::new(),
            files: Vec::new(),
            at: self.env.now(),
        };
        let raised = Act::Raised {
            due: m.due,
            unit: m.unit,
        };
        let first = &kind.states[0].code;
        let mut events = vec![event(1, raised, first)];
        if let Some(on) = m.closed_on {
            events.push(event(2, Act::Declared { on }, &m.state));
            let told = |f: &crate::Field| Some((f.code.clone(), m.values.get(&f.code)?.clone()));
            let values: BTreeMap<String, String> = kind.asked().filter_map(told).collect();
            if !values.is_empty() {
                events.push(event(3, Act::Evaluated { values }, &m.state));
            }
            return events;
        }
        if let Some(owner) = m.owner {
            let assigned = Act::Assigned {
                unit: m.unit,
                owner: Some(owner),
                co: Vec::new(),
                supervisor: m.supervisor,
            };
            let to = kind
                .moves_from(crate::Verb::Assign, first)
                .and_then(|x| x.to.clone());
            events.push(event(2, assigned, to.as_deref().unwrap_or(first)));
        }
        events
    }

    /// Where an open row of an old ledger stands after it was taken in.
    fn settle(kind: &Kind, m: &mut Matter) {
        if m.end.is_none()
            && m.owner.is_some()
            && let Some(to) = kind
                .moves_from(crate::Verb::Assign, &m.state)
                .and_then(|x| x.to.clone())
        {
            m.stage = kind.state(&to).map_or(Stage::Point, |s| s.stage);
            m.state = to;
        }
    }
}

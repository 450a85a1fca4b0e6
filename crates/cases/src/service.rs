//! Assigning, mending, accepting, opening again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use approvals::{Approvals, Deputies, Nobody};
use commons::packs::Kept;
use commons::rates::Rates;
use commons::sheets::squeeze;
use db::{Db, Tx};
use desk::Attachments;
use identity::Actor;
use jiff::ToSpan;
use kernel::{Calendar, Date, Env, Error, Id, Msg, PersonId, Result, Scope, UnitId};
use ledger::{Ledger, Sources};
use notices::Notices;
use organization::{Organization, finding};
use serde_json::json;
use web::table::{Order, Window};

use crate::approving::{self, CLOSING, EXTENSION};
use crate::case::{Act, Case, End, Event, Evidence, Hand, Measure};
use crate::kind::{CaseKinds, Kind, Side, Stage, Verb};
use crate::model::{Eyes, Filter, Matter, Part, Reporter, Tab, Task};
use crate::searching;
use crate::store;
use crate::tracing::CAUSED;

/// Longest text.
pub(crate) const LONGEST: usize = 4_000;
/// Longest line that says what is wrong.
pub(crate) const TITLE: usize = 120;
/// Measures, people and files of one case.
pub(crate) const MANY: usize = 30;
/// How far ahead a day may lie.
const AHEAD: i64 = 1_100;

/// What is said with an act.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The version that was looked at; none: whatever it is.
    pub seen: Option<i64>,
    /// In words.
    pub text: String,
    /// Files that show it.
    pub files: Vec<Evidence>,
}

/// What is asked of those who approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// More time.
    Time(Date),
    /// An end other than solved.
    End(End),
}

/// A case with all that there is to know.
#[derive(Debug, Clone)]
pub struct Whole {
    /// As lists have it.
    pub matter: Matter,
    /// As the rules see it.
    pub case: Case,
    /// What happened.
    pub events: Vec<Event>,
    /// Its kind, as it was when it began.
    pub kind: Arc<Kind>,
    /// How the reader stands to it.
    pub hand: Hand,
    /// Cases tied to it: how, whether they point to it, which.
    pub links: Vec<(String, bool, Matter)>,
    /// Who told of it: whether there is somebody, and who, as far as the reader may know.
    pub reporter: Option<Option<Reporter>>,
}

/// Cases; cheap to clone.
#[derive(Clone)]
pub struct Cases {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) notices: Notices,
    pub(crate) kinds: Arc<CaseKinds>,
    pub(crate) calendar: Arc<Calendar>,
    pub(crate) attachments: Attachments,
    pub(crate) sources: Sources,
    pub(crate) rates: Option<Arc<dyn Rates>>,
    pub(crate) approvals: Option<Approvals>,
    pub(crate) vault: Option<crypt::Vault>,
    deputies: Arc<dyn Deputies>,
    rules: Kept<Kind>,
}

/// Whether a text is too long or has characters that none should have.
pub(crate) fn unfit(text: &str) -> bool {
    text.chars().count() > LONGEST
        || text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

pub(crate) fn tidy(text: &str) -> String {
    text.trim().replace("\r\n", "\n")
}

impl Cases {
    /// Cases in a database; nobody acts for anybody, and nothing can be approved yet.
    pub fn new(
        (db, env): (Db, Env),
        ledger: Ledger,
        organization: Organization,
        notices: Notices,
        (kinds, calendar): (CaseKinds, Calendar),
        attachments: Attachments,
    ) -> Self {
        Self {
            db,
            env,
            ledger,
            organization,
            notices,
            kinds: kinds.into(),
            calendar: calendar.into(),
            attachments,
            sources: Sources::default(),
            rates: None,
            approvals: None,
            vault: None,
            deputies: Arc::new(Nobody),
            rules: Kept::default(),
        }
    }

    /// The same, in which more time and other ends can be asked for. The approvals must know the two kinds
    /// ([`crate::Decision`]).
    pub fn with_approvals(mut self, approvals: Approvals) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// The same, whose board shows rates worked out by these.
    pub fn with_rates(mut self, rates: Arc<dyn Rates>) -> Self {
        self.rates = Some(rates);
        self
    }

    /// The same, which knows where records are shown that meet what was asked for.
    pub fn with_sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// The same, in which these act for others.
    pub fn with_deputies(mut self, deputies: impl Deputies + 'static) -> Self {
        self.deputies = Arc::new(deputies);
        self
    }

    /// The kinds that there are now.
    pub fn kinds(&self) -> &Arc<CaseKinds> {
        &self.kinds
    }

    /// Kinds as cases keep them, by hash.
    pub(crate) async fn rules(
        &self,
        tx: &mut Tx,
        hashes: impl IntoIterator<Item = &str>,
    ) -> Result<HashMap<String, Arc<Kind>>> {
        let (mut found, missing) = self.rules.of(hashes);
        if !missing.is_empty() {
            let read = store::rules(tx, &missing).await?;
            self.rules.learn(&mut found, read);
        }
        Ok(found)
    }

    pub(crate) async fn rule(&self, tx: &mut Tx, hash: &str) -> Result<Arc<Kind>> {
        let mut found = self.rules(tx, [hash]).await?;
        let missing = || Error::internal("a case without its kind");
        found.remove(hash).ok_or_else(missing)
    }

    pub(crate) fn event(
        &self,
        seq: i64,
        act: Act,
        state: &str,
        actor: &Actor,
        person: Option<PersonId>,
    ) -> Event {
        Event {
            seq,
            act,
            state: state.to_owned(),
            account: actor.account,
            person,
            text: String::new(),
            files: Vec::new(),
            at: self.env.now(),
        }
    }

    /// Brings the row of a case to what its events come to.
    pub(crate) fn project(&self, m: &mut Matter, kind: &Kind, case: &Case) {
        let today = self.env.today();
        let moved = m.until != case.until() || (m.end.is_some() && case.end.is_none());
        (m.unit, m.owner) = (case.unit, case.owner);
        m.supervisor = case.supervisor.or(m.supervisor);
        m.state.clone_from(&case.state);
        (m.stage, m.end, m.until) = (case.stage(kind), case.end, case.until());
        (m.measures, m.done) = (case.measures.len() as i64, case.done() as i64);
        (m.extensions, m.reopenings) = (case.extensions, case.reopenings);
        m.looking = case.look.is_some();
        for field in kind.asked() {
            m.values.remove(&field.code);
        }
        m.values.extend(case.evaluated.clone());
        m.closed_on = case.end.map(|_| m.closed_on.unwrap_or(today));
        let look = kind.look_back.get(case.looked as usize);
        let look = look.filter(|_| case.end == Some(End::Solved) && case.look.is_none());
        m.look_on = look
            .zip(case.accepted)
            .map(|(when, at)| when.0.day(at.date(self.env.zone()), &self.calendar));
        if m.end.is_some() {
            m.next_on = None;
        } else if moved {
            m.next_on = self.next_rung(kind, m.until, today);
        }
        m.updated_at = self.env.now();
    }

    /// The first day after one on which a rung of the ladder is reached.
    pub(crate) fn next_rung(&self, kind: &Kind, until: Date, after: Date) -> Option<Date> {
        let days = kind
            .ladder
            .iter()
            .map(|r| r.at.0.day(until, &self.calendar));
        days.filter(|day| *day > after).min()
    }

    /// How somebody stands to a case.
    pub(crate) async fn hand(
        &self,
        tx: &mut Tx,
        m: &Matter,
        case: &Case,
        eyes: &Eyes,
    ) -> Result<Hand> {
        let today = self.env.today();
        let paths = finding::paths(tx, &[m.unit, m.from]).await?;
        let reached =
            |scope: &Scope, unit| paths.get(&unit).is_some_and(|path| scope.reaches(path));
        let mut sides = BTreeSet::new();
        let me = eyes.person;
        if m.raiser == Some(eyes.account) || me.is_some() && me == case.raiser {
            sides.insert(Side::Raiser);
        }
        let mends = |person: PersonId| {
            case.owners().any(|p| p == person) || case.measures.iter().any(|x| x.owner == person)
        };
        if me.is_some_and(mends) || reached(&eyes.handles, m.unit) {
            sides.insert(Side::Owner);
        }
        let named = me.is_some() && (me == m.supervisor);
        if named || reached(&eyes.supervises, m.unit) {
            sides.insert(Side::Supervisor);
        }
        let (mut stands_for, mut below) = (Vec::new(), false);
        if let Some(person) = eyes.me {
            stands_for = self.deputies.acts_for(tx, person, today).await?;
            let unit = Organization::units_on(tx, &[(person, today)]).await?;
            if let Some(unit) = unit.get(&(person, today)).filter(|u| **u != m.unit) {
                let path = finding::paths(tx, &[*unit]).await?;
                below = path.get(unit).is_some_and(|path| path.contains(&m.unit));
            }
        }
        if let Some(account) = eyes.on_behalf {
            stands_for.extend(store::person_of(tx, account).await?);
        }
        Ok(Hand {
            person: eyes.me,
            sides,
            stands_for,
            below,
        })
    }

    fn check_said(&self, said: &Said) -> Result<()> {
        if unfit(&said.text) {
            let message = Msg::new("cases-text-wrong").with("most", LONGEST);
            return Err(Error::field("text", message));
        }
        if said.files.len() > MANY {
            return Err(Error::field(
                "file",
                Msg::new("cases-many").with("most", MANY),
            ));
        }
        let today = self.env.today();
        if said
            .files
            .iter()
            .any(|f| f.of.is_some_and(|day| day > today))
        {
            return Err(Error::field("of", Msg::new("cases-day-future")));
        }
        Ok(())
    }

    /// Takes a case to act on it, and what there is to know.
    pub(crate) async fn held(&self, tx: &mut Tx, id: Id) -> Result<(Matter, Case, Arc<Kind>)> {
        if !store::hold(tx, id).await? {
            return Err(Error::NotFound);
        }
        let matter = store::one(tx, id).await?.ok_or(Error::NotFound)?;
        let kind = self.rule(tx, &matter.rule).await?;
        let events = store::events(tx, id).await?;
        let case = Case::of(&kind, &events)?;
        Ok((matter, case, kind))
    }

    fn check_act(&self, m: &Matter, case: &Case, act: &Act) -> Result<()> {
        let far = self.env.today().saturating_add(AHEAD.days());
        let (Act::TimeWanted { until: day, .. } | Act::Reopened { until: day }) = act else {
            if let Act::Planned { measures, cause } = act {
                let wrong = |m: &Measure| m.text.trim().chars().count() < 2 || unfit(&m.text);
                if unfit(cause) {
                    return Err(Error::field(
                        "cause",
                        Msg::new("cases-text-wrong").with("most", LONGEST),
                    ));
                }
                if measures.len() + case.done() > MANY || measures.iter().any(wrong) {
                    return Err(Error::field(
                        "measures",
                        Msg::new("cases-measure-wrong").with("most", MANY),
                    ));
                }
                if measures.iter().any(|x| x.due > far) {
                    return Err(Error::field(
                        "measures",
                        Msg::new("cases-day-far").with("days", AHEAD),
                    ));
                }
            }
            if let Act::Evaluated { values } = act {
                let kind = self.kinds.get(&m.kind);
                let field = |code: &String| kind.and_then(|k| k.asked().find(|f| f.code == *code));
                for (code, value) in values {
                    if let Some(message) = field(code).and_then(|f| self.check_field(f, value)) {
                        return Err(Error::field(format!("v-{code}"), message));
                    }
                }
            }
            if matches!(act, Act::Duplicate { of } if *of == m.id) {
                return Err(Error::field("of", Msg::new("cases-duplicate-self")));
            }
            return Ok(());
        };
        if *day > far {
            return Err(Error::field(
                "day",
                Msg::new("cases-day-far").with("days", AHEAD),
            ));
        }
        Ok(())
    }

    /// Does something to a case.
    ///
    /// # Errors
    /// `Invalid` per field; `Forbidden` for another side; `Conflict` when it stands otherwise by now or they may not;
    /// `NotFound` when one may not see it.
    pub async fn act(
        &self,
        id: Id,
        act: &Act,
        said: &Said,
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        db::transaction!(self.db, |tx| self
            .act_in(tx, id, act, said, eyes, actor)
            .await)
    }

    /// The same in the transaction of whoever does.
    ///
    /// # Errors
    /// As [`Cases::act`].
    pub async fn act_in(
        &self,
        tx: &mut Tx,
        id: Id,
        act: &Act,
        said: &Said,
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        self.check_said(said)?;
        if act.verb().is_none_or(Verb::is_asked) {
            return Err(Error::internal("not an act of its own"));
        }
        store::seen(tx, id, eyes).await?.ok_or(Error::NotFound)?;
        let (mut matter, mut case, kind) = self.held(tx, id).await?;
        let hand = self.hand(tx, &matter, &case, eyes).await?;
        let mut act = act.clone();
        if let Act::Planned { measures, .. } = &mut act {
            let last = case.measures.iter().map(|m| m.no).max().unwrap_or(0);
            for (n, m) in measures.iter_mut().enumerate() {
                m.no = last + 1 + n as i64;
            }
        }
        self.check_act(&matter, &case, &act)?;
        if let Act::Duplicate { of } = act {
            let gone = || Error::field("of", Msg::new("cases-duplicate-unknown"));
            store::seen(tx, of, eyes).await?.ok_or_else(gone)?;
        }
        if said.seen.is_some_and(|seen| seen != matter.version) {
            return Err(Error::Conflict(Msg::new("cases-moved-on")));
        }
        let today = self.env.today();
        let state = case.decide(&kind, &hand, &act, (&said.text, said.files.len()), today)?;
        if matches!(act, Act::Accepted) {
            let open = self.unmet(tx, id, &case).await?;
            if !open.is_empty() {
                let message = Msg::new("cases-remedy-open").with("count", open.len());
                return Err(Error::Conflict(message));
            }
        }
        self.happen(
            tx,
            (&mut matter, &mut case, &kind),
            act,
            &state,
            said,
            (actor, hand.person),
        )
        .await
    }

    /// Lets something happen to a case that is held: event, row, parts, facts, trail, notices.
    pub(crate) async fn happen(
        &self,
        tx: &mut Tx,
        (m, case, kind): (&mut Matter, &mut Case, &Kind),
        act: Act,
        state: &str,
        said: &Said,
        (actor, person): (&Actor, Option<PersonId>),
    ) -> Result<()> {
        let before = m.clone();
        let mut event = self.event(m.version + 1, act, state, actor, person);
        (event.text, event.files) = (tidy(&said.text), said.files.clone());
        let raiser = case.raiser;
        let ended = case.end;
        case.apply(kind, &event);
        self.project(m, kind, case);
        store::save(tx, &before, m).await?;
        m.version += 1;
        store::note(tx, m.id, &event).await?;
        let parts = matches!(
            event.act,
            Act::Assigned { .. }
                | Act::Planned { .. }
                | Act::MeasureDone { .. }
                | Act::Reopened { .. }
        );
        if parts || ended != case.end {
            let mut shown = case.clone();
            shown.supervisor = m.supervisor;
            store::put_parts(tx, m.id, &shown, raiser).await?;
        }
        let asked = matches!(
            event.act,
            Act::RemedyAsked { .. } | Act::RemedyDropped { .. }
        );
        if asked || ended != case.end && !case.remedies.is_empty() {
            store::remedies::put(tx, m.id, case).await?;
        }
        if before.unit != m.unit {
            searching::index(tx, kind, m).await?;
        }
        match &event.act {
            Act::Duplicate { of } => store::link(tx, m.id, "duplicate", *of).await?,
            Act::CausedBy { of } => store::link(tx, m.id, CAUSED, *of).await?,
            Act::Reopened { .. } => self.take_back_end(tx, m, actor.account).await?,
            Act::Held => self.write_held(tx, m, true, actor.account).await?,
            Act::Evaluated { .. } => self.write_evaluated(tx, m, kind, actor.account).await?,
            _ => {}
        }
        if let (None, Some(end)) = (ended, case.end) {
            self.come_off(tx, case, m.id).await?;
            self.write_ended(tx, m, end, actor.account).await?;
        }
        let action = match &event.act {
            Act::Reopened { .. } => "case.reopened",
            _ if ended.is_none() && case.end.is_some() => "case.closed",
            _ => "case.acted",
        };
        let detail =
            json!({ "act": event.act.code(), "number": m.number, "files": event.files.len() });
        self.audit(tx, actor, action, m.id, detail).await?;
        self.tell(tx, m, case, &event).await
    }

    /// Asks those who approve for more time or another end, in one transaction with the approval.
    ///
    /// # Errors
    /// As [`Cases::act`]; `Conflict` when nobody is there who could approve.
    pub async fn ask(
        &self,
        id: Id,
        ask: Ask,
        said: &Said,
        eyes: &Eyes,
        by: &approvals::By,
    ) -> Result<()> {
        self.check_said(said)?;
        let approvals = self
            .approvals
            .as_ref()
            .ok_or_else(|| Error::internal("no approvals"))?;
        let actor = approving::actor(by);
        db::transaction!(self.db, |tx| {
            store::seen(tx, id, eyes).await?.ok_or(Error::NotFound)?;
            let (mut matter, mut case, kind) = self.held(tx, id).await?;
            let hand = self.hand(tx, &matter, &case, eyes).await?;
            let approval: Id = self.env.new_id();
            let (act, code) = match ask {
                Ask::Time(until) => (Act::TimeWanted { until, approval }, EXTENSION),
                Ask::End(end) => (Act::EndWanted { end, approval }, CLOSING),
            };
            self.check_act(&matter, &case, &act)?;
            if said.seen.is_some_and(|seen| seen != matter.version) {
                return Err(Error::Conflict(Msg::new("cases-moved-on")));
            }
            let today = self.env.today();
            let state = case.decide(&kind, &hand, &act, (&said.text, said.files.len()), today)?;
            let new = approvals::New {
                id: approval,
                kind: code,
                unit: matter.unit,
                subject: matter.owner,
                payload: approving::payload(&matter, ask, &said.text),
            };
            self.happen(
                tx,
                (&mut matter, &mut case, &kind),
                act,
                &state,
                said,
                (&actor, hand.person),
            )
            .await?;
            approvals.start_in(tx, &new, by).await.map(|_| ())
        })
    }

    /// Says something about a case; those who are named are told and see it from then on.
    ///
    /// # Errors
    /// As [`Cases::act`].
    pub async fn comment(
        &self,
        id: Id,
        said: &Said,
        named: &[PersonId],
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        self.check_said(said)?;
        if said.text.trim().is_empty() {
            return Err(Error::field("text", Msg::new("cases-text-missing")));
        }
        if named.len() > MANY {
            return Err(Error::field(
                "named",
                Msg::new("cases-many").with("most", MANY),
            ));
        }
        db::transaction!(self.db, |tx| {
            store::seen(tx, id, eyes).await?.ok_or(Error::NotFound)?;
            let (mut matter, mut case, kind) = self.held(tx, id).await?;
            let act = Act::Commented {
                named: named.to_vec(),
            };
            let parts: Vec<_> = named.iter().map(|p| (*p, Part::Named)).collect();
            store::name_parts(tx, id, &parts).await?;
            let state = case.state.clone();
            self.happen(
                tx,
                (&mut matter, &mut case, &kind),
                act,
                &state,
                said,
                (actor, eyes.me),
            )
            .await
        })
    }

    pub(crate) async fn audit(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &'static str,
        id: Id,
        detail: serde_json::Value,
    ) -> Result<()> {
        let entry = actor.audit(action, ("case", id), detail);
        identity::record(tx, &self.env, &entry).await
    }

    /// A case with all there is to know; what one may not see does not exist. Looking changes nothing.
    pub async fn case(&self, id: Id, eyes: &Eyes) -> Result<Whole> {
        let mut tx = self.db.read().await?;
        let matter = store::seen(&mut tx, id, eyes)
            .await?
            .ok_or(Error::NotFound)?;
        let kind = self.rule(&mut tx, &matter.rule).await?;
        let events = store::events(&mut tx, id).await?;
        let case = Case::of(&kind, &events)?;
        let hand = self.hand(&mut tx, &matter, &case, eyes).await?;
        let links = store::links(&mut tx, id).await?;
        let mut visible = Vec::new();
        for (way, to_it, other) in links {
            if store::seen(&mut tx, other.id, eyes).await?.is_some() {
                visible.push((way, to_it, other));
            }
        }
        // Nothing is opened for a page that does not show it.
        let reporter = match matter.confidential {
            true => store::reporter(&mut tx, id).await?.map(|t| t.reporter),
            false => self.reporter_of(&mut tx, id).await?,
        };
        // What was told in confidence is shown on purpose only (`show_reporter`).
        let reporter = reporter.map(|r| (!r.confidential).then_some(r));
        Ok(Whole {
            matter,
            case,
            events,
            kind,
            hand,
            links: visible,
            reporter,
        })
    }

    /// Who told of a case in confidence, for those who may know; that somebody asked is written down.
    ///
    /// # Errors
    /// `NotFound` when one may not see the case, or may not know.
    pub async fn show_reporter(&self, id: Id, eyes: &Eyes, actor: &Actor) -> Result<Reporter> {
        db::transaction!(self.db, |tx| {
            let matter = store::seen(tx, id, eyes).await?.ok_or(Error::NotFound)?;
            let paths = finding::paths(tx, &[matter.from]).await?;
            let may = paths
                .get(&matter.from)
                .is_some_and(|path| eyes.reporters.reaches(path));
            if !may && matter.raiser != Some(eyes.account) {
                return Err(Error::NotFound);
            }
            let reporter = self.reporter_of(tx, id).await?.ok_or(Error::NotFound)?;
            let detail = json!({ "number": matter.number });
            self.audit(tx, actor, "case.reporter-shown", id, detail)
                .await?;
            Ok(reporter)
        })
    }

    /// A page of cases, and how many there are in all.
    pub async fn list(
        &self,
        tab: Tab,
        filter: &Filter,
        eyes: &Eyes,
        order: Order,
        window: Window,
    ) -> Result<(i64, Vec<Matter>)> {
        let mut tx = self.db.read().await?;
        store::list::list(&mut tx, tab, filter, eyes, order, window).await
    }

    /// What waits for somebody, by day: cases they own. For the home page.
    pub async fn waiting(&self, eyes: &Eyes, most: i64) -> Result<(i64, Vec<Matter>)> {
        let order = Order {
            by: "due",
            down: false,
        };
        self.list(
            Tab::Owned,
            &Filter::default(),
            eyes,
            order,
            Window::new(1, most),
        )
        .await
    }

    /// Look backs that wait for somebody who supervises. For the home page.
    pub async fn to_look_at(&self, eyes: &Eyes, most: i64) -> Result<(i64, Vec<Matter>)> {
        let order = Order {
            by: "due",
            down: false,
        };
        let filter = Filter {
            looking: true,
            ..Filter::default()
        };
        let window = Window::new(1, most);
        self.list(Tab::Supervised, &filter, eyes, order, window)
            .await
    }

    /// Measures that are not done, by day: of a person, or of units.
    pub async fn tasks(
        &self,
        person: Option<PersonId>,
        eyes: &Eyes,
        unit: Option<UnitId>,
        window: Window,
    ) -> Result<(i64, Vec<Task>)> {
        let mut tx = self.db.read().await?;
        store::list::tasks(&mut tx, (&eyes.reads, unit), person, window).await
    }

    /// How many cases units own, by stage.
    pub async fn counts(&self, eyes: &Eyes, filter: &Filter) -> Result<Vec<(Stage, i64)>> {
        store::list::counts(&mut self.db.read().await?, &eyes.reads, filter).await
    }

    /// The code of a value of a vocabulary, by code or name in either language.
    pub(crate) fn code_of(list: &[crate::Choice], text: &str) -> Option<String> {
        let wanted = squeeze(text);
        let fits = |c: &&crate::Choice| {
            c.code == text.trim() || squeeze(&c.name.zh) == wanted || squeeze(&c.name.en) == wanted
        };
        list.iter().find(fits).map(|c| c.code.clone())
    }
}

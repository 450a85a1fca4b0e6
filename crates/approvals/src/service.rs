//! Asking, deciding, applying.

use std::collections::BTreeMap;
use std::sync::Arc;

use db::{Db, Tx, transaction};
use kernel::{Calendar, Env, Error, Id, Msg, PersonId, Result, Scope, UnitId};
use notices::{Notice, Notices, Reader, term};
use serde_json::{Value, json};
use web::table::{Order, Window};

use crate::case::{Act, Case, Next, State};
use crate::hooks::{Deed, Deputies, Directory, Kind, Nobody, Signers, Trail};
use crate::model::{Approval, Asked, By, Event, New, Outcome, Tab, Waiting, hash_of};
use crate::route::{At, Routes, Step, Who};
use crate::store::{self, Eyes, Note};
use crate::time::plus_workdays;

/// What stands where a text was erased: the same in every language.
pub(crate) const ERASED: &str = "***";
/// Longest reason.
pub(crate) const LONGEST: usize = 500;

/// The approval engine; cheap to clone.
#[derive(Clone)]
pub struct Approvals {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) routes: Arc<Routes>,
    pub(crate) calendar: Arc<Calendar>,
    pub(crate) notices: Notices,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) signers: Arc<dyn Signers>,
    pub(crate) trail: Arc<dyn Trail>,
    pub(crate) deputies: Arc<dyn Deputies>,
    pub(crate) kinds: Arc<BTreeMap<&'static str, Arc<dyn Kind>>>,
}

impl Approvals {
    /// Approvals in a database, along these routes; nobody acts for anybody, and nothing can be asked for yet.
    pub fn new(
        (db, env, notices): (Db, Env, Notices),
        (routes, calendar): (Routes, Calendar),
        directory: impl Directory + 'static,
        signers: impl Signers + 'static,
        trail: impl Trail + 'static,
    ) -> Self {
        Self {
            db,
            env,
            routes: routes.into(),
            calendar: calendar.into(),
            notices,
            directory: Arc::new(directory),
            signers: Arc::new(signers),
            trail: Arc::new(trail),
            deputies: Arc::new(Nobody),
            kinds: Arc::default(),
        }
    }

    /// The same, in which this can be asked for too.
    pub fn with_kind(mut self, kind: impl Kind + 'static) -> Self {
        Arc::make_mut(&mut self.kinds).insert(kind.code(), Arc::new(kind));
        self
    }

    /// The same, in which these act for others.
    pub fn with_deputies(mut self, deputies: impl Deputies + 'static) -> Self {
        self.deputies = Arc::new(deputies);
        self
    }

    /// Whether a kind can be asked for: it is registered and has a route today.
    pub fn offers(&self, kind: &str) -> bool {
        self.kinds.contains_key(kind) && self.routes.on(kind, self.env.today()).is_some()
    }

    pub(crate) fn kind(&self, code: &str) -> Result<&Arc<dyn Kind>> {
        let missing = || Error::internal(format!("no kind of approval {code}"));
        self.kinds.get(code).ok_or_else(missing)
    }

    /// Asks for something: the people of the first step are told.
    ///
    /// # Errors
    /// `Conflict` when no route leads there, or a step of it has nobody.
    pub async fn start(&self, new: &New, by: &By) -> Result<Id> {
        transaction!(self.db, |tx| self.start_in(tx, new, by).await)
    }

    /// The same in the transaction of the feature whose record it is about.
    ///
    /// # Errors
    /// As [`Approvals::start`].
    pub async fn start_in(&self, tx: &mut Tx, new: &New, by: &By) -> Result<Id> {
        let now = self.env.now();
        let kind = self.kind(new.kind)?;
        let route = self.routes.on(new.kind, self.env.today());
        let no_route =
            || Error::Conflict(Msg::new("approvals-no-route").with("kind", term(kind.title())));
        let route = route.ok_or_else(no_route)?.clone();
        let payload = new.payload.to_string();
        let mut a = Approval {
            id: new.id,
            kind: new.kind.to_owned(),
            unit: new.unit,
            payload: new.payload.clone(),
            hash: hash_of(new.id, 1, &payload),
            intact: true,
            case: Case::new(by.person, new.subject, route),
            at_unit: new.unit,
            due: None,
            erased_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        if let Some(known) = store::one(tx, new.id).await? {
            let same = known.case.applicant == by.person && known.payload == new.payload;
            let twice = || Error::Conflict(Msg::new("approvals-id-taken"));
            return if same { Ok(new.id) } else { Err(twice()) };
        }
        self.check_steps(tx, &a).await?;
        self.begin(tx, &mut a).await?;
        if !store::insert(tx, &a).await? {
            return Err(Error::Retry("the approval was sent twice".into()));
        }
        store::put_round(tx, a.id, 1, &payload, now).await?;
        store::put_tasks(tx, &a).await?;
        self.sent(tx, &a, by).await?;
        Ok(new.id)
    }

    /// Sends what was returned again, mended: a new round, the old ones stay as they were.
    pub async fn resubmit(&self, id: Id, payload: &Value, by: &By) -> Result<()> {
        let (now, text) = (self.env.now(), payload.to_string());
        transaction!(self.db, |tx| {
            store::hold(tx, id).await?;
            let mut a = self.mine(tx, id, by).await?;
            a.case.resubmit(by.person)?;
            a.payload = payload.clone();
            self.check_steps(tx, &a).await?;
            self.begin(tx, &mut a).await?;
            a.updated_at = now;
            store::put_round(tx, id, a.case.round, &text, now).await?;
            store::save(tx, &a).await?;
            self.sent(tx, &a, by).await
        })
    }

    /// An approval of one's own, to be mended or looked at again.
    pub async fn own(&self, id: Id, by: &By) -> Result<Approval> {
        self.mine(&mut self.db.read().await?, id, by).await
    }

    async fn mine(&self, tx: &mut Tx, id: Id, by: &By) -> Result<Approval> {
        let found = store::one(tx, id).await?;
        let own = found.filter(|a| a.case.applicant == by.person);
        own.ok_or(Error::NotFound)
    }

    async fn sent(&self, tx: &mut Tx, a: &Approval, by: &By) -> Result<()> {
        let note = Note {
            act: "sent",
            by: Some(by),
            ..Note::default()
        };
        store::note(tx, a, (a.case.round, 0), &note, self.env.now()).await?;
        self.tell(tx, a, Some(by), "approval.sent", json!({ "kind": a.kind }))
            .await?;
        self.call(tx, a, "turn").await
    }

    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        a: &Approval,
        by: Option<&By>,
        action: &'static str,
        detail: Value,
    ) -> Result<()> {
        let deed = Deed {
            by: by.cloned(),
            action,
            approval: a.id.to_string(),
            detail,
        };
        self.trail.record(tx, deed).await
    }

    /// Whom a step means, and in which unit they were found: units are tried upwards from `from`.
    async fn people(
        &self,
        tx: &mut Tx,
        a: &Approval,
        step: &Step,
        barred: &std::collections::HashSet<PersonId>,
        above: Option<UnitId>,
    ) -> Result<(UnitId, Vec<PersonId>)> {
        let mut path = self.directory.path(tx, a.unit).await?;
        if let Some(above) = above {
            path.truncate(path.iter().position(|u| *u == above).unwrap_or(0));
        } else if step.at == At::Above {
            path.pop();
        }
        path.reverse();
        if above.is_none() && step.at == At::Unit {
            path.truncate(1);
        }
        // These are the same wherever one looks.
        if matches!(step.who, Who::Person(_) | Who::Body(_)) {
            path.truncate(usize::from(above.is_none()));
        }
        let today = self.env.today();
        for unit in path {
            let mut found = self.directory.who(tx, &step.who, unit, today).await?;
            found.retain(|p| !barred.contains(p));
            if !found.is_empty() {
                return Ok((unit, found));
            }
        }
        Ok((a.unit, Vec::new()))
    }

    /// Those to whom a step that is late passes on: the same, further up.
    pub(crate) async fn superiors(
        &self,
        tx: &mut Tx,
        a: &Approval,
    ) -> Result<(UnitId, Vec<PersonId>)> {
        let Some(step) = a.case.rule() else {
            return Ok((a.at_unit, Vec::new()));
        };
        self.people(tx, a, step, &a.case.barred(), Some(a.at_unit))
            .await
    }

    /// Whether every step of the route has somebody, so that nothing is sent that would get stuck.
    async fn check_steps(&self, tx: &mut Tx, a: &Approval) -> Result<()> {
        let barred = a.case.barred();
        for step in &a.case.route.steps {
            if self.people(tx, a, step, &barred, None).await?.1.is_empty() {
                let message = Msg::new("approvals-nobody").with("step", &step.name.zh);
                return Err(Error::Conflict(message));
            }
        }
        Ok(())
    }

    async fn begin(&self, tx: &mut Tx, a: &mut Approval) -> Result<()> {
        let step = a.case.rule().cloned();
        let step = step.ok_or_else(|| Error::internal("a route without this step"))?;
        let barred = a.case.barred();
        let (unit, people) = self.people(tx, a, &step, &barred, None).await?;
        a.case.begin(&people)?;
        a.at_unit = unit;
        a.due = self.due(&step);
        Ok(())
    }

    pub(crate) fn due(&self, step: &Step) -> Option<kernel::Date> {
        let days = step.days?;
        Some(plus_workdays(&self.calendar, self.env.today(), days))
    }

    /// Tells those whose turn it is.
    pub(crate) async fn call(&self, tx: &mut Tx, a: &Approval, why: &str) -> Result<()> {
        let to: Vec<Reader> = a.case.waiting().map(Reader::Person).collect();
        let (key, dedupe) = match why {
            "turn" => (
                "approvals-notice-turn",
                Some(format!("{}-{}-{}", a.id, a.case.round, a.case.step)),
            ),
            "overdue" => (
                "approvals-notice-overdue",
                Some(format!("{}-late-{}", a.id, self.env.today())),
            ),
            _ => ("approvals-notice-reminder", None),
        };
        self.say(tx, a, &to, key, dedupe).await
    }

    async fn say(
        &self,
        tx: &mut Tx,
        a: &Approval,
        to: &[Reader],
        key: &'static str,
        dedupe: Option<String>,
    ) -> Result<()> {
        let message = Msg::new(key).with("kind", term(self.kind(&a.kind)?.title()));
        // Who decides hears whose it is; who asked knows.
        let others = to.iter().any(|r| *r != Reader::Person(a.case.applicant));
        let message = match others {
            true => message.with("who", self.directory.name(tx, a.case.applicant).await?),
            false => message,
        };
        let notice = Notice {
            message,
            href: format!("/approvals/{}", a.id),
            about: ("approval", a.id.to_string()),
            dedupe,
            confidential: false,
        };
        self.notices.send(tx, to, &notice).await
    }

    /// The person who looks and those they act for.
    pub(crate) async fn people_of(
        &self,
        tx: &mut Tx,
        me: Option<PersonId>,
    ) -> Result<Vec<PersonId>> {
        let Some(me) = me else {
            return Ok(Vec::new());
        };
        let mut people = vec![me];
        people.extend(self.deputies.acts_for(tx, me, self.env.today()).await?);
        Ok(people)
    }

    /// An approval with all that happened, and as whom the reader may decide now; what one may not see does not
    /// exist.
    pub async fn approval(
        &self,
        id: Id,
        me: Option<PersonId>,
        scope: &Scope,
    ) -> Result<(Approval, Vec<Event>, Option<PersonId>)> {
        let mut tx = self.db.read().await?;
        let people = self.people_of(&mut tx, me).await?;
        let eyes = Eyes {
            people: &people,
            scope,
            directory: &*self.directory,
        };
        let a = store::seen(&mut tx, id, &eyes)
            .await?
            .ok_or(Error::NotFound)?;
        let turn = me.and_then(|me| a.case.turn(me, &people[1..]));
        let events = store::events(&mut tx, id).await?;
        Ok((a, events, turn))
    }

    /// A page of approvals, and how many there are in all.
    pub async fn list(
        &self,
        tab: Tab,
        filter: (&str, Option<State>),
        me: Option<PersonId>,
        scope: &Scope,
        (page, size): (u64, u64),
    ) -> Result<(i64, Vec<Approval>)> {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let window = Window::new(number(page), number(size));
        self.list_in(tab, filter, me, scope, None, window).await
    }

    /// The same in an order; past the end is the last page.
    pub async fn list_in(
        &self,
        tab: Tab,
        filter: (&str, Option<State>),
        me: Option<PersonId>,
        scope: &Scope,
        order: Option<Order>,
        window: Window,
    ) -> Result<(i64, Vec<Approval>)> {
        let mut tx = self.db.read().await?;
        let people = self.people_of(&mut tx, me).await?;
        let eyes = Eyes {
            people: &people,
            scope,
            directory: &*self.directory,
        };
        store::list(&mut tx, tab, filter, &eyes, order, window).await
    }

    /// Writes down that a list left the program.
    pub(crate) async fn tell_list(&self, by: By, tab: Tab, rows: usize) -> Result<()> {
        let deed = Deed {
            by: Some(by),
            action: "approval.exported",
            approval: String::new(),
            detail: json!({ "tab": tab.code(), "rows": rows }),
        };
        db::transaction!(self.db, |tx| self.trail.record(tx, deed.clone()).await)
    }

    /// What waits for somebody: how many, and the first of them by due day. For the home page.
    pub async fn waiting(
        &self,
        me: Option<PersonId>,
        most: u64,
        lang: &str,
    ) -> Result<(i64, Vec<Waiting>)> {
        let scope = Scope::nothing();
        let (total, found) = self
            .list(Tab::Waiting, ("", None), me, &scope, (1, most))
            .await?;
        let about = self.summaries(&found, lang).await?;
        let mut list = Vec::new();
        for (a, summary) in found.iter().zip(about) {
            list.push(Waiting {
                id: a.id,
                title: self.kind(&a.kind)?.title(),
                about: summary.about,
                unit: a.unit,
                due: a.due,
                href: format!("/approvals/{}", a.id),
                verb: "approvals-verb",
            });
        }
        Ok((total, list))
    }

    /// How approvals read, in their order; each kind is asked once.
    pub(crate) async fn summaries(
        &self,
        list: &[Approval],
        lang: &str,
    ) -> Result<Vec<crate::Summary>> {
        // What was erased says nothing any more.
        let blank = |a: &Approval| crate::Summary {
            about: a.erased_at.map_or(String::new(), |_| ERASED.to_owned()),
            ..crate::Summary::default()
        };
        let mut all: Vec<crate::Summary> = list.iter().map(blank).collect();
        for (code, kind) in self.kinds.iter() {
            let said = |n: &usize| list[*n].kind == *code && list[*n].erased_at.is_none();
            let places: Vec<usize> = (0..list.len()).filter(said).collect();
            if places.is_empty() {
                continue;
            }
            let these: Vec<Approval> = places.iter().map(|n| list[*n].clone()).collect();
            let said = kind.summaries(&these, lang).await?;
            for (place, summary) in places.into_iter().zip(said) {
                all[place] = summary;
            }
        }
        Ok(all)
    }

    /// Erases what approvals about a person say, in the transaction that erases the person: contents, reasons, why
    /// something could not be done. Who decided what when stays, with the hashes that were signed. Gives the
    /// approvals, for the audit trail of whoever erases.
    ///
    /// # Errors
    /// `Conflict` while one of them is not decided.
    pub async fn erase_about(&self, tx: &mut Tx, person: PersonId) -> Result<Vec<Id>> {
        let found = store::about(tx, person).await?;
        let open = found.iter().filter(|(_, ended)| !ended).count();
        if open > 0 {
            let message = Msg::new("approvals-erase-open").with("count", open);
            return Err(Error::Conflict(message));
        }
        let ids: Vec<Id> = found.into_iter().map(|(id, _)| id).collect();
        store::erase(tx, &ids, ERASED, self.env.now()).await?;
        Ok(ids)
    }

    /// Does something to an approval.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` when it is not one's turn, or others decided meanwhile; `NotFound` when
    /// one may not see it.
    pub async fn act(&self, id: Id, asked: &Asked, by: &By, scope: &Scope) -> Result<Outcome> {
        let reason = check_reason(&asked.reason, matches!(&*asked.act, "return" | "refuse"))?;
        let signs = self.check_password(id, asked, by, scope).await?;
        let mut problem: Option<Msg> = None;
        let done = transaction!(self.db, |tx| {
            problem = None;
            store::hold(tx, id).await?;
            let people = self.people_of(tx, Some(by.person)).await?;
            let eyes = Eyes {
                people: &people,
                scope,
                directory: &*self.directory,
            };
            let mut a = store::seen(tx, id, &eyes).await?.ok_or(Error::NotFound)?;
            let at = (a.case.round, a.case.step);
            let looked_at = asked.seen == (at.0, i64::try_from(at.1).unwrap_or(-1));
            let steers = matches!(&*asked.act, "withdraw" | "remind");
            if a.case.state != State::Open && !(steers && a.case.state == State::Returned) {
                return Err(Error::Conflict(Msg::new("approvals-not-open")));
            }
            if !steers && !looked_at {
                return Err(Error::Conflict(Msg::new("approvals-moved-on")));
            }
            let other = self.other(tx, asked).await?;
            let act = read_act(asked, other)?;
            let of = a.case.turn(by.person, &people[1..]).unwrap_or(by.person);
            let told: Vec<PersonId> = a.case.waiting().collect();
            let next = a.case.act(by.person, of, act)?;
            if next == Next::Step {
                self.begin(tx, &mut a).await?;
            }
            if next == Next::Apply {
                a.case.applied();
            }
            if next == Next::Ended || next == Next::Apply {
                a.due = None;
            }
            a.updated_at = self.env.now();
            store::save(tx, &a).await?;
            let word = words(act);
            let note = Note {
                act: word.0,
                by: Some(by),
                acted_for: (of != by.person).then_some(of),
                other,
                reason: &reason,
                problem: None,
                signed: (signs && act == Act::Agree).then(|| a.hash.clone()),
            };
            store::note(tx, &a, at, &note, a.updated_at).await?;
            let detail = json!({
                "kind": a.kind, "round": at.0, "step": at.1 + 1, "signed": note.signed,
                "acted_for": note.acted_for,
            });
            self.tell(tx, &a, Some(by), word.1, detail).await?;
            self.settle(tx, &a, next, &told).await?;
            self.inform(tx, &a, act, next, &told).await?;
            match next {
                Next::Apply => {
                    if let Err(e) = self.apply(tx, &a, by).await {
                        problem = reason_of(&e);
                        return Err(e);
                    }
                }
                Next::Ended if a.case.state.is_final() => {
                    self.kind(&a.kind)?.dropped(tx, &a).await?;
                }
                _ => {}
            }
            Ok(Outcome::Done(a.case.state))
        });
        match (done, problem) {
            (Err(_), Some(problem)) => {
                self.note_problem(id, &problem, by).await?;
                Ok(Outcome::NotApplied(problem))
            }
            (done, _) => done,
        }
    }

    async fn apply(&self, tx: &mut Tx, a: &Approval, by: &By) -> Result<()> {
        if !a.intact {
            return Err(Error::Conflict(Msg::new("approvals-not-intact")));
        }
        self.kind(&a.kind)?.apply(tx, a, by).await?;
        let note = Note {
            act: "applied",
            ..Note::default()
        };
        store::note(tx, a, (a.case.round, a.case.step), &note, a.updated_at).await?;
        self.tell(
            tx,
            a,
            Some(by),
            "approval.applied",
            json!({ "kind": a.kind }),
        )
        .await
    }

    /// What the last agreement would have done was undone with it; why is written down, and it stays open.
    async fn note_problem(&self, id: Id, problem: &Msg, by: &By) -> Result<()> {
        transaction!(self.db, |tx| {
            store::hold(tx, id).await?;
            let mut a = store::one(tx, id).await?.ok_or(Error::NotFound)?;
            a.updated_at = self.env.now();
            store::save(tx, &a).await?;
            let note = Note {
                act: "not-applied",
                by: Some(by),
                problem: Some(problem),
                ..Note::default()
            };
            let at = (a.case.round, a.case.step);
            store::note(tx, &a, at, &note, a.updated_at).await?;
            let detail = json!({ "kind": a.kind, "reason": problem.key });
            self.tell(tx, &a, Some(by), "approval.not-applied", detail)
                .await?;
            let to = [Reader::Person(a.case.applicant)];
            self.say(tx, &a, &to, "approvals-notice-not-applied", None)
                .await
        })
    }

    /// Whether agreeing is a signature here; then the password must be right.
    async fn check_password(&self, id: Id, asked: &Asked, by: &By, scope: &Scope) -> Result<bool> {
        if asked.act != "agree" {
            return Ok(false);
        }
        let (a, _, _) = self.approval(id, Some(by.person), scope).await?;
        // The step that was looked at; if it is another one by now, nothing is signed below.
        let rule = usize::try_from(asked.seen.1)
            .ok()
            .and_then(|n| a.case.route.steps.get(n));
        if !rule.is_some_and(|rule| rule.signature) {
            return Ok(false);
        }
        if asked.password.is_empty() {
            return Err(Error::field("password", Msg::new("approvals-password")));
        }
        self.signers.confirm(by, &asked.password).await?;
        Ok(true)
    }

    async fn other(&self, tx: &mut Tx, asked: &Asked) -> Result<Option<PersonId>> {
        if !matches!(&*asked.act, "delegate" | "add") {
            return Ok(None);
        }
        let staff_no = asked.other.trim();
        let found = self
            .directory
            .by_staff_no(tx, staff_no, self.env.today())
            .await?;
        let unknown = || {
            Error::field(
                "other",
                Msg::new("approvals-other-unknown").with("staff_no", staff_no),
            )
        };
        found.ok_or_else(unknown).map(Some)
    }

    /// What called those whose turn it no longer is counts as read.
    async fn settle(
        &self,
        tx: &mut Tx,
        a: &Approval,
        next: Next,
        before: &[PersonId],
    ) -> Result<()> {
        let still: Vec<PersonId> = match next {
            Next::Step => Vec::new(),
            _ => a.case.waiting().collect(),
        };
        let done = before.iter().filter(|person| !still.contains(person));
        let done: Vec<Reader> = done.copied().map(Reader::Person).collect();
        self.notices
            .settle(tx, &done, ("approval", &a.id.to_string()))
            .await
    }

    /// Who hears of it.
    async fn inform(
        &self,
        tx: &mut Tx,
        a: &Approval,
        act: Act,
        next: Next,
        before: &[PersonId],
    ) -> Result<()> {
        let applicant = [Reader::Person(a.case.applicant)];
        let waited: Vec<Reader> = before.iter().copied().map(Reader::Person).collect();
        match (act, next) {
            (Act::Agree, Next::Step) => self.call(tx, a, "turn").await,
            (Act::Agree, Next::Apply) => {
                self.say(tx, a, &applicant, "approvals-notice-applied", None)
                    .await
            }
            (Act::Return, _) => {
                self.say(tx, a, &applicant, "approvals-notice-returned", None)
                    .await
            }
            (Act::Refuse, _) => {
                self.say(tx, a, &applicant, "approvals-notice-refused", None)
                    .await
            }
            (Act::Delegate(to) | Act::Add(to), _) => {
                let to = [Reader::Person(to)];
                self.say(tx, a, &to, "approvals-notice-turn", None).await
            }
            (Act::Withdraw, _) => {
                self.say(tx, a, &waited, "approvals-notice-withdrawn", None)
                    .await
            }
            (Act::Remind, _) => self.call(tx, a, "remind").await,
            _ => Ok(()),
        }
    }
}

/// Event and action of an act.
fn words(act: Act) -> (&'static str, &'static str) {
    match act {
        Act::Agree => ("agreed", "approval.agreed"),
        Act::Return => ("returned", "approval.returned"),
        Act::Refuse => ("refused", "approval.refused"),
        Act::Delegate(_) => ("delegated", "approval.delegated"),
        Act::Add(_) => ("added", "approval.countersigner-added"),
        Act::Withdraw => ("withdrawn", "approval.withdrawn"),
        Act::Remind => ("reminded", "approval.reminded"),
    }
}

fn read_act(asked: &Asked, other: Option<PersonId>) -> Result<Act> {
    Ok(match (&*asked.act, other) {
        ("agree", _) => Act::Agree,
        ("return", _) => Act::Return,
        ("refuse", _) => Act::Refuse,
        ("withdraw", _) => Act::Withdraw,
        ("remind", _) => Act::Remind,
        ("delegate", Some(to)) => Act::Delegate(to),
        ("add", Some(to)) => Act::Add(to),
        _ => return Err(Error::NotFound),
    })
}

/// A reason as it is kept: lines, no other control characters, not too long.
fn check_reason(text: &str, needed: bool) -> Result<String> {
    let text = text.replace("\r\n", "\n").trim().to_owned();
    let wrong = if needed && text.is_empty() {
        Some(Msg::new("approvals-reason-missing"))
    } else if text.chars().count() > LONGEST {
        Some(Msg::new("approvals-reason-long").with("longest", LONGEST))
    } else if text.chars().any(|c| c.is_control() && c != '\n') {
        Some(Msg::new("approvals-reason-characters"))
    } else {
        None
    };
    wrong.map_or(Ok(text), |message| Err(Error::field("reason", message)))
}

/// What a rule said against it; nothing when something else went wrong.
fn reason_of(error: &Error) -> Option<Msg> {
    match error {
        Error::Invalid(fields) => fields.first().map(|f| f.message.clone()),
        Error::Conflict(message) => Some(message.clone()),
        Error::NotFound | Error::Forbidden => Some(Msg::new("approvals-object-gone")),
        _ => None,
    }
}

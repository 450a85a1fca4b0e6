//! Asking, answering, confirming.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use commons::deadlines::Step;
use db::{Db, Tx};
use desk::Attachments;
use identity::{Actor, Held, Identity};
use jiff::ToSpan;
use kernel::{
    AccountId, Calendar, Date, Env, Error, FieldError, Id, Msg, PersonId, Result, Scope, UnitId,
};
use notices::{Notice, Notices, Reader};
use organization::{Organization, finding};
use serde_json::json;
use web::Access;
use web::table::{Order, Window};

use crate::case::{Act, Case, Hand, State};
use crate::kind::RequestKinds;
use crate::model::{Ask, Due, Event, Owner, Request, Said, Tab};
use crate::store::{self, Filter};
use crate::{ANSWER, ASK};

/// Longest text of an act, and of what is asked for.
pub(crate) const LONGEST: usize = 2_000;
/// Longest line that says what is wanted.
pub(crate) const TITLE: usize = 100;
/// How far ahead a day may lie.
const AHEAD: i64 = 800;

/// Who looks, and where they may ask and answer for units.
#[derive(Debug, Clone)]
pub struct Eyes {
    /// The account.
    pub account: AccountId,
    /// Its person, where they act for themselves.
    pub person: Option<PersonId>,
    /// Where they may ask.
    pub asks: Scope,
    /// Where they may answer.
    pub answers: Scope,
}

impl From<&Access> for Eyes {
    fn from(access: &Access) -> Self {
        let principal = &access.principal;
        let held = |permission| {
            let scope = principal.scope(permission).cloned();
            scope.unwrap_or_else(Scope::nothing)
        };
        Self {
            account: principal.account,
            // Who acts for another sees nothing of what concerns that one's person.
            person: principal.person.filter(|_| principal.on_behalf.is_none()),
            asks: held(ASK),
            answers: held(ANSWER),
        }
    }
}

/// Requests; cheap to clone.
#[derive(Clone)]
pub struct Requests {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) organization: Organization,
    pub(crate) notices: Notices,
    pub(crate) kinds: Arc<RequestKinds>,
    pub(crate) calendar: Arc<Calendar>,
    pub(crate) attachments: Attachments,
    owners: Arc<BTreeMap<&'static str, Arc<dyn Owner>>>,
}

impl Requests {
    /// Requests in a database; every kind is answered by hand.
    pub fn new(
        (db, env): (Db, Env),
        organization: Organization,
        notices: Notices,
        (kinds, calendar): (RequestKinds, Calendar),
        attachments: Attachments,
    ) -> Self {
        Self {
            db,
            env,
            organization,
            notices,
            kinds: kinds.into(),
            calendar: calendar.into(),
            attachments,
            owners: Arc::default(),
        }
    }

    /// The same, in which a feature answers a kind itself.
    pub fn with_owner(mut self, owner: impl Owner + 'static) -> Self {
        Arc::make_mut(&mut self.owners).insert(owner.kind(), Arc::new(owner));
        self
    }

    /// The feature that answers a kind itself.
    pub(crate) fn owner(&self, kind: &str) -> Option<&Arc<dyn Owner>> {
        self.owners.get(kind)
    }

    /// The kinds that there are.
    pub fn kinds(&self) -> &RequestKinds {
        &self.kinds
    }

    /// The day that is meant.
    pub fn due_day(&self, due: Due) -> Date {
        match due {
            Due::On(day) => day,
            Due::In { days, working } => {
                Step { days, working }.day(self.env.today(), &self.calendar)
            }
        }
    }

    fn check(&self, ask: &Ask, errors: &mut Vec<FieldError>) -> Date {
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.into(),
                message,
            })
        };
        if self.kinds.get(&ask.kind).is_none() {
            wrong("kind", Msg::new("requests-kind-missing"));
        }
        let title = ask.title.trim();
        if !(2..=TITLE).contains(&title.chars().count()) || title.contains(char::is_control) {
            wrong("title", Msg::new("requests-title").with("most", TITLE));
        }
        if unfit(&ask.detail) {
            wrong("detail", Msg::new("requests-text").with("most", LONGEST));
        }
        if ask.unit.is_none() && ask.person.is_none() {
            wrong("unit", Msg::new("requests-nobody"));
        }
        let (today, due) = (self.env.today(), self.due_day(ask.due));
        if matches!(ask.due, Due::In { days, .. } if !(1..=366).contains(&days))
            || !(today..=today.saturating_add(AHEAD.days())).contains(&due)
        {
            wrong("due", Msg::new("requests-due").with("days", AHEAD));
        }
        due
    }

    /// Asks for something in the transaction of whoever does; the same id is asked for once. Whether those who are
    /// named may be asked is the caller's to know.
    ///
    /// # Errors
    /// `Invalid` for `kind`, `title`, `detail`, `unit` and `due`; `Conflict` when the id stands for something else.
    pub async fn ask(&self, tx: &mut Tx, ask: &Ask, actor: &Actor) -> Result<Id> {
        let by = actor.account.ok_or(Error::Forbidden)?;
        if let Some(known) = store::one(tx, ask.id).await? {
            let same = known.asked_by == by && known.title == ask.title.trim();
            let taken = || Error::Conflict(Msg::new("requests-id-taken"));
            return same.then_some(ask.id).ok_or_else(taken);
        }
        let mut errors = Vec::new();
        let due = self.check(ask, &mut errors);
        let (today, now) = (self.env.today(), self.env.now());
        let home = match (ask.unit, ask.person) {
            (Some(unit), _) => Some(unit),
            (None, Some(person)) => Organization::units_on(tx, &[(person, today)])
                .await?
                .remove(&(person, today)),
            (None, None) => None,
        };
        if home.is_none() && errors.iter().all(|e| e.field != "unit") {
            errors.push(FieldError {
                field: "unit".into(),
                message: Msg::new("requests-nobody"),
            });
        }
        Error::if_any(errors)?;
        let home = home.ok_or_else(|| Error::internal("a checked unit"))?;
        let request = Request {
            id: ask.id,
            kind: ask.kind.clone(),
            title: ask.title.trim().to_owned(),
            detail: ask.detail.trim().replace("\r\n", "\n"),
            unit: ask.unit,
            person: ask.person,
            home,
            from: ask.from,
            asked_by: by,
            asked_person: store::person_of(tx, by).await?,
            source: ask.source.clone(),
            case: Case::new(due),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        if !store::insert(tx, &request).await? {
            return Err(Error::Retry("a request was sent twice".into()));
        }
        search::index(tx, crate::searching::KIND, request.id, home, &request.title).await?;
        let event = self.event(
            "asked",
            actor,
            request.asked_person,
            &Said::default(),
            Some(due),
        );
        store::note(tx, request.id, &event).await?;
        let detail = json!({ "kind": request.kind, "unit": home, "due": kernel::format_date(due) });
        self.audit(tx, actor, "request.asked", request.id, detail)
            .await?;
        let to = self.asked_of(tx, &request).await?;
        self.say(tx, &request, &to, "requests-notice-asked", None)
            .await?;
        if let Some(owner) = self.owner(&request.kind) {
            owner.changed(tx, &request, "asked").await?;
        }
        Ok(request.id)
    }

    /// Asks for something by itself.
    ///
    /// # Errors
    /// As [`Requests::ask`]; `NotFound` when one may not ask for that unit.
    pub async fn ask_now(&self, ask: &Ask, eyes: &Eyes, actor: &Actor) -> Result<Id> {
        self.organization.unit(ask.from, &eyes.asks).await?;
        db::transaction!(self.db, |tx| self.ask(tx, ask, actor).await)
    }

    fn event(
        &self,
        act: &str,
        actor: &Actor,
        person: Option<PersonId>,
        said: &Said,
        day: Option<Date>,
    ) -> Event {
        Event {
            seq: 0,
            act: act.to_owned(),
            account: actor.account,
            person,
            day,
            text: said.text.trim().replace("\r\n", "\n"),
            files: said.files.clone(),
            refs: said.refs.clone(),
            at: self.env.now(),
        }
    }

    async fn audit(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &'static str,
        id: Id,
        detail: serde_json::Value,
    ) -> Result<()> {
        let entry = actor.audit(action, ("request", id), detail);
        identity::record(tx, &self.env, &entry).await
    }

    /// The people of whom it is asked: the person named, else those who may answer for the nearest unit that has such.
    pub(crate) async fn asked_of(&self, tx: &mut Tx, r: &Request) -> Result<Vec<Reader>> {
        if let Some(person) = r.person {
            return Ok(vec![Reader::Person(person)]);
        }
        let path = finding::paths(tx, &[r.home]).await?.remove(&r.home);
        for unit in path.unwrap_or_default().into_iter().rev() {
            let held = Held::Permission(ANSWER);
            let found = Identity::holders(tx, held, unit, self.env.today()).await?;
            if !found.is_empty() {
                return Ok(found.into_iter().map(Reader::Person).collect());
            }
        }
        Ok(Vec::new())
    }

    /// Who asked, as a reader of notices.
    pub(crate) fn asker(r: &Request) -> Vec<Reader> {
        vec![
            r.asked_person
                .map_or(Reader::Account(r.asked_by), Reader::Person),
        ]
    }

    pub(crate) async fn say(
        &self,
        tx: &mut Tx,
        r: &Request,
        to: &[Reader],
        key: &'static str,
        dedupe: Option<String>,
    ) -> Result<()> {
        let message = Msg::new(key)
            .with("title", &r.title)
            .with("due", kernel::format_date(r.case.until()));
        let notice = Notice {
            message,
            href: r.href(),
            about: ("request", r.id.to_string()),
            dedupe,
            confidential: false,
        };
        self.notices.send(tx, to, &notice).await
    }

    /// On which side somebody stands.
    pub(crate) async fn hand(&self, tx: &mut Tx, r: &Request, eyes: &Eyes) -> Result<Hand> {
        let paths = finding::paths(tx, &[r.home, r.from]).await?;
        let reached =
            |scope: &Scope, unit: UnitId| paths.get(&unit).is_some_and(|path| scope.reaches(path));
        let me = eyes.person.is_some();
        Ok(Hand {
            account: eyes.account,
            asks: r.asked_by == eyes.account
                || me && r.asked_person == eyes.person
                || reached(&eyes.asks, r.from),
            answers: me && r.person == eyes.person || reached(&eyes.answers, r.home),
        })
    }

    /// Does something to a request.
    ///
    /// # Errors
    /// `Invalid` per field; `Forbidden` for the other side; `Conflict` when it stands otherwise by now; `NotFound`
    /// when one may not see it.
    pub async fn act(
        &self,
        id: Id,
        act: Act,
        said: &Said,
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<State> {
        check_said(act, said)?;
        db::transaction!(self.db, |tx| {
            if !store::hold(tx, id).await? {
                return Err(Error::NotFound);
            }
            let mut r = store::seen(tx, id, eyes).await?.ok_or(Error::NotFound)?;
            if act == Act::Answer && self.owner(&r.kind).is_some() {
                return Err(Error::Conflict(Msg::new("requests-answered-there")));
            }
            let hand = self.hand(tx, &r, eyes).await?;
            self.done(tx, &mut r, act, said, hand, actor).await?;
            Ok(r.case.state)
        })
    }

    /// Does something in the transaction of the feature that owns it, or whose record it belongs to.
    ///
    /// # Errors
    /// `Conflict` when it stands otherwise; `NotFound`.
    pub async fn act_in(
        &self,
        tx: &mut Tx,
        id: Id,
        act: Act,
        said: &Said,
        actor: &Actor,
    ) -> Result<()> {
        // What a feature answers stands in its own record.
        if act != Act::Answer {
            check_said(act, said)?;
        }
        if !store::hold(tx, id).await? {
            return Err(Error::NotFound);
        }
        let mut r = store::one(tx, id).await?.ok_or(Error::NotFound)?;
        let hand = Hand {
            account: actor.account.ok_or(Error::Forbidden)?,
            asks: true,
            answers: true,
        };
        self.done(tx, &mut r, act, said, hand, actor).await
    }

    async fn done(
        &self,
        tx: &mut Tx,
        r: &mut Request,
        act: Act,
        said: &Said,
        hand: Hand,
        actor: &Actor,
    ) -> Result<()> {
        if said.seen.is_some_and(|seen| seen != r.version) {
            return Err(Error::Conflict(Msg::new("requests-moved-on")));
        }
        if let Act::WantTime(day) = act
            && day > self.env.today().saturating_add(AHEAD.days())
        {
            return Err(Error::field(
                "day",
                Msg::new("requests-due").with("days", AHEAD),
            ));
        }
        let asked = r.case.wanted;
        r.case.act(hand, act)?;
        r.updated_at = self.env.now();
        store::save(tx, r).await?;
        r.version += 1;
        let day = match act {
            Act::WantTime(day) => Some(day),
            Act::GiveTime | Act::RefuseTime => asked,
            _ => None,
        };
        let person = store::person_of(tx, hand.account).await?;
        let event = self.event(act.code(), actor, person, said, day);
        store::note(tx, r.id, &event).await?;
        let action = match act {
            Act::Accept => "request.accepted",
            Act::Decline => "request.declined",
            Act::Answer => "request.answered",
            Act::WantTime(_) => "request.time-wanted",
            Act::GiveTime => "request.time-given",
            Act::RefuseTime => "request.time-refused",
            Act::Confirm => "request.confirmed",
            Act::SendBack => "request.sent-back",
            Act::Withdraw => "request.withdrawn",
        };
        let detail = json!({ "kind": r.kind, "files": said.files.len() });
        self.audit(tx, actor, action, r.id, detail).await?;
        let to = self.asked_of(tx, r).await?;
        if !r.case.state.is_open() {
            self.notices
                .settle(tx, &to, ("request", &r.id.to_string()))
                .await?;
        }
        let (to, key) = match act {
            Act::Accept => (Self::asker(r), "requests-notice-accepted"),
            Act::Decline => (Self::asker(r), "requests-notice-declined"),
            Act::Answer => (Self::asker(r), "requests-notice-answered"),
            Act::WantTime(_) => (Self::asker(r), "requests-notice-time-wanted"),
            Act::GiveTime => (to, "requests-notice-time-given"),
            Act::RefuseTime => (to, "requests-notice-time-refused"),
            Act::Confirm => (to, "requests-notice-confirmed"),
            Act::SendBack => (to, "requests-notice-sent-back"),
            Act::Withdraw => (to, "requests-notice-withdrawn"),
        };
        // Nobody is told of what they did themselves.
        let others: Vec<Reader> = to
            .into_iter()
            .filter(|reader| match reader {
                Reader::Person(to) => person != Some(*to),
                Reader::Account(to) => *to != hand.account,
            })
            .collect();
        self.say(tx, r, &others, key, None).await?;
        if let Some(owner) = self.owner(&r.kind) {
            owner.changed(tx, r, act.code()).await?;
        }
        Ok(())
    }

    /// A request with all that happened and the side on which the reader stands; what one may not see does not exist.
    pub async fn request(&self, id: Id, eyes: &Eyes) -> Result<(Request, Vec<Event>, Hand)> {
        let mut tx = self.db.read().await?;
        let r = store::seen(&mut tx, id, eyes)
            .await?
            .ok_or(Error::NotFound)?;
        let events = store::events(&mut tx, id).await?;
        let hand = self.hand(&mut tx, &r, eyes).await?;
        Ok((r, events, hand))
    }

    /// How a request stands, for the feature that asked.
    pub async fn state(&self, tx: &mut Tx, id: Id) -> Result<Option<State>> {
        Ok(store::one(tx, id).await?.map(|r| r.case.state))
    }

    /// What was asked because of records of a kind, in the order in which it was; whoever shows them knows who may
    /// see them.
    pub async fn of_source(&self, tx: &mut Tx, kind: &str, ids: &[Id]) -> Result<Vec<Request>> {
        store::of_sources(tx, kind, ids).await
    }

    /// What was answered last to each of these.
    pub async fn answers(&self, tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
        store::answers(tx, ids).await
    }

    /// Withdraws what records of a kind asked for and nobody answered yet: they hold no longer. Gives how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn withdraw_of(
        &self,
        tx: &mut Tx,
        (kind, source): (&str, Id),
        reason: &str,
        actor: &Actor,
    ) -> Result<usize> {
        let said = Said {
            text: reason.to_owned(),
            ..Said::default()
        };
        let mut count = 0;
        for r in store::of_sources(tx, kind, &[source]).await? {
            // Who answers meanwhile is first or second, and what was answered stays.
            store::hold(tx, r.id).await?;
            let now = store::one(tx, r.id).await?;
            if now.is_some_and(|r| r.case.state.is_open()) {
                self.act_in(tx, r.id, Act::Withdraw, &said, actor).await?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// A page of requests, and how many there are in all.
    pub(crate) async fn list(
        &self,
        tab: Tab,
        filter: &Filter,
        eyes: &Eyes,
        order: Order,
        window: Window,
    ) -> Result<(i64, Vec<Request>)> {
        store::list(&mut self.db.read().await?, tab, filter, eyes, order, window).await
    }

    /// What waits for somebody: how many, and the first of them by day. For the home page.
    pub async fn waiting(&self, eyes: &Eyes, most: i64) -> Result<(i64, Vec<Request>)> {
        let order = Order {
            by: "due",
            down: false,
        };
        let window = Window::new(1, most);
        self.list(Tab::Todo, &Filter::default(), eyes, order, window)
            .await
    }
}

/// Whether a text is too long or has characters that none should have.
pub(crate) fn unfit(text: &str) -> bool {
    text.chars().count() > LONGEST
        || text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

fn check_said(act: Act, said: &Said) -> Result<()> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, message: Msg| {
        errors.push(FieldError {
            field: field.into(),
            message,
        })
    };
    if act.needs_reason() && said.text.trim().chars().count() < 2 {
        let key = match act {
            Act::Answer => "requests-answer-missing",
            _ => "requests-reason-missing",
        };
        wrong("text", Msg::new(key));
    } else if unfit(&said.text) {
        wrong("text", Msg::new("requests-text").with("most", LONGEST));
    }
    let fits = |r: &crate::Ref| web::is_local_path(&r.href) && r.title.chars().count() <= TITLE;
    if !said.refs.iter().all(fits) || said.refs.len() > 20 {
        wrong("ref", Msg::new("requests-ref"));
    }
    if said.files.len() > 20 {
        wrong("file", Msg::new("requests-files").with("most", 20));
    }
    Error::if_any(errors)
}

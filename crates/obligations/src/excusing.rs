//! Asking for an excuse, deciding on it by somebody else, taking it back. Rows stay; what happened is kept with who,
//! when and why.

use std::collections::{HashMap, HashSet};

use db::Tx;
use identity::{Actor, Held, Identity};
use jiff::ToSpan;
use kernel::{
    AccountId, Date, Error, FieldError, Id, Msg, Period, PeriodKind, PersonId, Result, Scope,
    Timestamp, UnitId,
};
use notices::{Notice, Reader};
use organization::{End, TieQuery, finding};
use serde_json::json;
use web::table::{Order, Window};

use crate::excuse::ExcuseKind;
use crate::rule::Subject as Kind;
use crate::state::{Occurrence, Standing, State};
use crate::subjects::{self, Subject};
use crate::{EXCUSE, Obligations, Rule, store};

/// The longest text of a reason.
pub(crate) const REASON: usize = 500;
/// The longest name of a document, and the longest path of a record.
pub(crate) const LINE: usize = 200;
/// More time than this is another rule.
const LONGEST: i64 = 366;

/// How far one has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExcuseState {
    /// Somebody has to decide (待决定).
    Asked,
    /// It holds (已同意).
    Granted,
    /// It was refused (不同意).
    Refused,
    /// It was taken back (已撤回).
    Withdrawn,
}

impl ExcuseState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Asked, Self::Granted, Self::Refused, Self::Withdrawn];

    /// As tables and addresses have it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// From a table or an address.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// What was asked for (申请).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excuse {
    /// Id.
    pub id: Id,
    /// Code of the rule.
    pub rule: String,
    /// Whom it is about.
    pub subject: Id,
    /// The unit under which they were then.
    pub unit: UnitId,
    /// What.
    pub kind: ExcuseKind,
    /// First day: of the first period.
    pub from: Date,
    /// Last day; none: from then on.
    pub to: Option<Date>,
    /// Until when there is more time, or when it was made up.
    pub day: Option<Date>,
    /// Why.
    pub reason: String,
    /// What it rests on; may be empty.
    pub document: String,
    /// Path of the record of what was made up; may be empty.
    pub record: String,
    /// How far it has come.
    pub state: ExcuseState,
    /// By which account.
    pub asked_by: AccountId,
    /// In whose place.
    pub asked_for: Option<AccountId>,
    /// When.
    pub asked_at: Timestamp,
}

/// What happened to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// What it became.
    pub state: ExcuseState,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub note: String,
    /// By whom; none when there is no such account any more.
    pub name: Option<String>,
    /// In whose place.
    pub on_behalf: Option<String>,
}

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct NewExcuse {
    /// Code of the rule.
    pub rule: String,
    /// The unit under which the subject is.
    pub unit: UnitId,
    /// Whom it is about.
    pub subject: Id,
    /// What.
    pub kind: ExcuseKind,
    /// A day of the first period.
    pub from: Date,
    /// A day of the last one; none: of an exemption from then on, of anything else the same one.
    pub to: Option<Date>,
    /// Until when there is to be more time, or when it was made up.
    pub day: Option<Date>,
    /// Why.
    pub reason: String,
    /// What it rests on.
    pub document: String,
    /// Path of the record of what was made up.
    pub record: String,
}

/// What a list of them asks for.
#[derive(Debug, Clone, Default)]
pub struct ExcuseFilter {
    /// Of this rule.
    pub rule: Option<String>,
    /// Of this kind.
    pub kind: Option<ExcuseKind>,
    /// In this state.
    pub state: Option<ExcuseState>,
    /// Under this unit.
    pub unit: Option<UnitId>,
    /// About this subject.
    pub subject: Option<Id>,
}

/// Who asks, and what they may see: a part of the house, and themselves.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Where they may see obligations.
    pub scope: Option<&'a Scope>,
    /// Who they are.
    pub person: Option<PersonId>,
}

fn wrong(field: &str, key: &'static str) -> FieldError {
    FieldError {
        field: field.into(),
        message: Msg::new(key),
    }
}

fn missing(text: &str, most: usize) -> bool {
    text.trim().is_empty() || text.chars().count() > most
}

impl Obligations {
    /// Whom a rule binds under this id in the year of a day, if the asker may see them.
    pub(crate) async fn bound_one(
        &self,
        rule: &Rule,
        (unit, id): (UnitId, Id),
        from: Date,
        asker: Asker<'_>,
    ) -> Result<Subject> {
        let year = Period::containing(PeriodKind::Year, from);
        let found = match rule.subject {
            Kind::Person => {
                let meant = self.bound(rule, &Scope::All, None).await?;
                subjects::of_person(&self.db, rule, PersonId(id), &meant, year).await?
            }
            _ => {
                let mut units = self.bound(rule, &Scope::All, None).await?;
                units.retain(|u| u.id == unit);
                let all = self.subjects(rule, &units, year).await?;
                all.into_iter().find(|s| s.id == id)
            }
        };
        let mut found = found.ok_or(Error::NotFound)?;
        let own = rule.subject == Kind::Person && asker.person == Some(PersonId(id));
        let seen = match asker.scope {
            _ if own => true,
            Some(scope) => self.organization.reaches(scope, found.unit).await?,
            None => false,
        };
        if !seen {
            return Err(Error::NotFound);
        }
        self.name(rule, &mut [&mut found]).await?;
        Ok(found)
    }

    /// The period of a rule that holds a day.
    pub(crate) fn window_of(&self, rule: &Rule, day: Date) -> Option<Occurrence> {
        match rule.follows() {
            true => crate::after(rule, &self.calendar, day),
            false => self.window_on(rule, day).filter(|o| o.window.contains(day)),
        }
    }

    /// How somebody stands with the periods that begin in a stretch.
    pub(crate) async fn standings(
        &self,
        rule: &Rule,
        subject: Subject,
        period: Period,
    ) -> Result<Vec<Standing>> {
        let lines = self.lines(rule, vec![subject], period).await?;
        let lines = lines.ok_or(Error::Busy { retry_after: 5 })?;
        Ok(lines.into_iter().flat_map(|l| l.occurrences).collect())
    }

    /// Asks for an excuse; somebody else decides.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the asker may not see the subject, or the rule does not bind it.
    pub async fn ask(
        &self,
        new: &NewExcuse,
        asker: Asker<'_>,
        actor: impl Into<Actor>,
    ) -> Result<Id> {
        let actor = actor.into();
        let by = actor.account.ok_or(Error::Forbidden)?;
        let rule = self.rule(&new.rule)?;
        let of = (new.unit, new.subject);
        let subject = self.bound_one(rule, of, new.from, asker).await?;
        let (unit, name) = (subject.unit, subject.name.clone());
        let people = subject.people(rule.subject);
        let period = self.checked(rule, new, subject).await?;
        let excuse = Excuse {
            id: self.env.new_id(),
            rule: rule.code.clone(),
            subject: new.subject,
            unit,
            kind: new.kind,
            from: period.from,
            to: (period.to != Date::MAX).then_some(period.to),
            day: new.day.filter(|_| new.kind.has_day()),
            reason: new.reason.trim().to_owned(),
            document: new.document.trim().to_owned(),
            record: new.record.trim().to_owned(),
            state: ExcuseState::Asked,
            asked_by: by,
            asked_for: actor.on_behalf,
            asked_at: self.env.now(),
        };
        db::transaction!(self.db, |tx| {
            if !store::ask(tx, &excuse).await? {
                return Err(Error::field("from", Msg::new("excuse-asked-already")));
            }
            let entry = actor.audit(
                "excuse.asked",
                ("obligation-excuse", excuse.id),
                json!({ "rule": excuse.rule, "kind": excuse.kind.code(), "from": kernel::format_date(excuse.from) }),
            );
            identity::record(tx, &self.env, &entry).await?;
            self.tell_deciders(tx, rule, &excuse, &name, &people).await
        })?;
        Ok(excuse.id)
    }

    /// The days of the periods that are meant, or what is wrong with what was typed.
    async fn checked(&self, rule: &Rule, new: &NewExcuse, subject: Subject) -> Result<Period> {
        let mut errors = Vec::new();
        if missing(&new.reason, REASON) {
            errors.push(wrong("reason", "excuse-reason-missing"));
        }
        let rests = matches!(new.kind, ExcuseKind::Exempt | ExcuseKind::Waived);
        if new.document.chars().count() > LINE || (rests && new.document.trim().is_empty()) {
            errors.push(wrong("document", "excuse-document-missing"));
        }
        let record = new.record.trim();
        if !record.is_empty() && (record.len() > LINE || !web::is_local_path(record)) {
            errors.push(wrong("record", "excuse-record-wrong"));
        }
        let several = !new.kind.has_day();
        let first = self.window_of(rule, new.from);
        let Some(first) = first else {
            errors.push(wrong("from", "excuse-period-none"));
            return Err(Error::Invalid(errors));
        };
        let last = match (several, new.to, new.kind) {
            (true, Some(day), _) if rule.follows() => Some(day),
            (true, Some(day), _) => self.window_of(rule, day).map(|o| o.window.to),
            (true, None, ExcuseKind::Exempt) => Some(Date::MAX),
            _ => Some(first.window.to),
        };
        let last = last.filter(|last| *last >= first.window.from);
        let Some(last) = last else {
            errors.push(wrong("to", "excuse-to-wrong"));
            return Err(Error::Invalid(errors));
        };
        let days = Period {
            from: first.window.from,
            // Only what begins in it is meant: a window that follows an event may be one day.
            to: match (several, rule.follows()) {
                (false, true) => first.window.from,
                _ => last,
            },
        };
        // What begins later than in a year is not looked at one by one.
        let near = Period {
            from: days.from,
            to: days.to.min(days.from.saturating_add(LONGEST.days())),
        };
        let stands = self.standings(rule, subject, near).await?;
        errors.extend(self.fits(new, &stands));
        Error::if_any(errors)?;
        Ok(days)
    }

    /// What is wrong with an excuse for those who stand so.
    fn fits(&self, new: &NewExcuse, stands: &[Standing]) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let open = |s: &&Standing| s.occurrence.until.is_some();
        let first = stands.iter().find(open);
        match (new.kind, first) {
            (ExcuseKind::Exempt, _) => {}
            (_, None) => errors.push(wrong("from", "excuse-period-none")),
            (ExcuseKind::Waived, _) => {
                let owes = |s: &Standing| s.state != State::Done && !s.state.excused();
                if !stands.iter().any(owes) {
                    errors.push(wrong("from", "excuse-period-settled"));
                }
            }
            (ExcuseKind::Extended, Some(s)) => {
                let before = s.extended.or(s.occurrence.until);
                let most = s.occurrence.due.map(|d| d.saturating_add(LONGEST.days()));
                if s.state.fulfilled() || s.state.excused() {
                    errors.push(wrong("from", "excuse-period-settled"));
                } else if new.day.is_none_or(|d| Some(d) <= before || Some(d) > most) {
                    errors.push(wrong("day", "excuse-day-until"));
                }
            }
            (ExcuseKind::MadeUp, Some(s)) => {
                if !matches!(s.state, State::Overdue | State::Extended) {
                    errors.push(wrong("from", "excuse-period-not-missed"));
                } else if new
                    .day
                    .is_none_or(|d| Some(d) <= s.occurrence.until || d > self.env.today())
                {
                    errors.push(wrong("day", "excuse-day-made-up"));
                }
            }
        }
        errors
    }

    /// Grants or refuses. Never by who asked, or in whose place, nor by those it is about, whichever of their
    /// accounts they use.
    ///
    /// # Errors
    /// `Invalid` for the note; `NotFound` out of scope; `Conflict` for those who may not, and when somebody decided.
    pub async fn decide(
        &self,
        id: Id,
        grant: bool,
        note: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let actor = actor.into();
        let by = actor.account.ok_or(Error::Forbidden)?;
        let excuse = self.excuse_within(id, scope).await?;
        if note.chars().count() > REASON || (!grant && note.trim().is_empty()) {
            return Err(Error::field("note", Msg::new("excuse-note-missing")));
        }
        let about = self.people_of(&excuse).await?;
        let to = match grant {
            true => ExcuseState::Granted,
            false => ExcuseState::Refused,
        };
        let action = match grant {
            true => "excuse.granted",
            false => "excuse.refused",
        };
        let name = self.names_of(std::slice::from_ref(&excuse)).await?;
        let name = name.get(&excuse.subject).cloned().unwrap_or_default();
        db::transaction!(self.db, |tx| {
            let deciding = accounts_and_people(tx, [actor.account, actor.on_behalf]).await?;
            let mut barred =
                accounts_and_people(tx, [Some(excuse.asked_by), excuse.asked_for]).await?;
            barred.extend(about.iter().map(|p| p.0));
            if !deciding.is_disjoint(&barred) {
                return Err(Error::Conflict(Msg::new("excuse-own")));
            }
            let steps = (ExcuseState::Asked, to);
            let who = (by, actor.on_behalf);
            if !store::step(tx, id, steps, who, note.trim(), self.env.now()).await? {
                return Err(Error::Conflict(Msg::new("excuse-decided")));
            }
            let detail = json!({ "rule": excuse.rule, "kind": excuse.kind.code() });
            let entry = actor.audit(action, ("obligation-excuse", id), detail);
            identity::record(tx, &self.env, &entry).await?;
            self.tell_asker(tx, &excuse, &name, grant).await
        })
    }

    /// Takes one back: who asked while it waits, and whoever may decide.
    ///
    /// # Errors
    /// `Invalid` for the reason; `NotFound` for those who may not; `Conflict` when it does not hold any more.
    pub async fn withdraw(
        &self,
        id: Id,
        reason: &str,
        scope: Option<&Scope>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let actor = actor.into();
        let by = actor.account.ok_or(Error::Forbidden)?;
        let excuse = self.any_excuse(id).await?;
        let own = [Some(excuse.asked_by), excuse.asked_for].contains(&Some(by))
            && excuse.state == ExcuseState::Asked;
        let may = match scope {
            _ if own => true,
            Some(scope) => self.organization.reaches(scope, excuse.unit).await?,
            None => false,
        };
        if !may {
            return Err(Error::NotFound);
        }
        if missing(reason, REASON) {
            return Err(Error::field("reason", Msg::new("excuse-reason-missing")));
        }
        if !matches!(excuse.state, ExcuseState::Asked | ExcuseState::Granted) {
            return Err(Error::Conflict(Msg::new("excuse-decided")));
        }
        db::transaction!(self.db, |tx| {
            let steps = (excuse.state, ExcuseState::Withdrawn);
            let who = (by, actor.on_behalf);
            if !store::step(tx, id, steps, who, reason.trim(), self.env.now()).await? {
                return Err(Error::Conflict(Msg::new("excuse-decided")));
            }
            let detail = json!({ "rule": excuse.rule, "kind": excuse.kind.code() });
            let entry = actor.audit("excuse.withdrawn", ("obligation-excuse", id), detail);
            identity::record(tx, &self.env, &entry).await
        })
    }

    /// A page of them in a scope, and how many there are.
    pub async fn excuses(
        &self,
        filter: &ExcuseFilter,
        scope: &Scope,
        order: Order,
        window: Window,
    ) -> Result<(Vec<Excuse>, i64)> {
        store::list(&mut self.db.read().await?, filter, scope, order, window).await
    }

    /// How many wait for a decision in a scope.
    pub async fn excuses_waiting(&self, scope: &Scope) -> Result<i64> {
        store::waiting(&mut self.db.read().await?, scope).await
    }

    async fn any_excuse(&self, id: Id) -> Result<Excuse> {
        let found = store::one(&mut self.db.read().await?, id).await?;
        found.ok_or(Error::NotFound)
    }

    async fn excuse_within(&self, id: Id, scope: &Scope) -> Result<Excuse> {
        let excuse = self.any_excuse(id).await?;
        match self.organization.reaches(scope, excuse.unit).await? {
            true => Ok(excuse),
            false => Err(Error::NotFound),
        }
    }

    /// One of them with what happened to it, for who may see its unit, whom it is about and who asked.
    ///
    /// # Errors
    /// `NotFound` for anybody else.
    pub async fn excuse(
        &self,
        id: Id,
        asker: Asker<'_>,
        account: AccountId,
    ) -> Result<(Excuse, Vec<Act>)> {
        let excuse = self.any_excuse(id).await?;
        let by = [Some(excuse.asked_by), excuse.asked_for].contains(&Some(account));
        let person = asker.person.map(|p| p.0) == Some(excuse.subject);
        let seen = match asker.scope {
            _ if by || person => true,
            Some(scope) => self.organization.reaches(scope, excuse.unit).await?,
            None => false,
        };
        if !seen {
            return Err(Error::NotFound);
        }
        let acts = store::acts(&mut self.db.read().await?, id).await?;
        Ok((excuse, acts))
    }

    /// The people whom one is about; of a post those who hold it in its periods.
    async fn people_of(&self, excuse: &Excuse) -> Result<Vec<PersonId>> {
        let Ok(rule) = self.rule(&excuse.rule) else {
            return Ok(Vec::new());
        };
        let everywhere = Asker {
            scope: Some(&Scope::All),
            person: None,
        };
        let of = (excuse.unit, excuse.subject);
        match self.bound_one(rule, of, excuse.from, everywhere).await {
            Ok(subject) => Ok(subject.people(rule.subject)),
            // Nobody is bound any more: the person themselves, if it is one.
            Err(Error::NotFound) if rule.subject == Kind::Person => {
                Ok(vec![PersonId(excuse.subject)])
            }
            Err(Error::NotFound) => Ok(Vec::new()),
            Err(e) => Err(e),
        }
    }

    /// The names of those whom they are about.
    pub async fn names_of(&self, excuses: &[Excuse]) -> Result<HashMap<Id, String>> {
        let all = excuses.iter().map(|e| (e.rule.as_str(), e.subject));
        self.names(&all.collect::<Vec<_>>()).await
    }

    /// The names of subjects, each with the rule that binds it.
    pub(crate) async fn names(&self, subjects: &[(&str, Id)]) -> Result<HashMap<Id, String>> {
        let kind = |rule: &str| self.rules.get(rule).map(|r| r.subject);
        let of = |wanted: &[Kind]| -> Vec<Id> {
            let some = subjects
                .iter()
                .filter(|(rule, _)| kind(rule).is_some_and(|k| wanted.contains(&k)));
            some.map(|(_, id)| *id).collect()
        };
        let people: Vec<PersonId> = of(&[Kind::Person]).into_iter().map(PersonId).collect();
        let units: Vec<UnitId> = of(&[Kind::Unit, Kind::Post])
            .into_iter()
            .map(UnitId)
            .collect();
        let mut names: HashMap<Id, String> = HashMap::new();
        let found = self.organization.person_names(&people).await?;
        names.extend(found.into_iter().map(|(id, name)| (id.0, name)));
        let found = self.organization.names(&units).await?;
        names.extend(found.into_iter().map(|(id, name)| (id.0, name)));
        if !of(&[Kind::Body]).is_empty() {
            let bodies = self.organization.bodies(&Scope::All).await?;
            names.extend(bodies.into_iter().map(|b| (b.id, b.name)));
        }
        if !of(&[Kind::Pair]).is_empty() {
            let all = TieQuery::default();
            for tie in self.organization.ties(&all, &Scope::All).await? {
                if let End::Person(other) = tie.end {
                    let name = format!("{} – {}", tie.name, tie.end_name);
                    names.insert(ledger::pair(tie.person, other), name);
                }
            }
        }
        Ok(names)
    }

    /// Tells those who may decide on the nearest unit that has somebody.
    async fn tell_deciders(
        &self,
        tx: &mut Tx,
        rule: &Rule,
        excuse: &Excuse,
        name: &str,
        about: &[PersonId],
    ) -> Result<()> {
        let Some(notices) = &self.notices else {
            return Ok(());
        };
        let mut own = accounts_and_people(tx, [Some(excuse.asked_by), excuse.asked_for]).await?;
        own.extend(about.iter().map(|p| p.0));
        let mut paths = finding::paths(tx, &[excuse.unit]).await?;
        let path = paths.remove(&excuse.unit).unwrap_or_default();
        for unit in path.into_iter().rev() {
            let held = Held::Permission(EXCUSE);
            let mut found = Identity::holders(tx, held, unit, self.env.today()).await?;
            found.retain(|p| !own.contains(&p.0));
            if !found.is_empty() {
                let readers: Vec<Reader> = found.into_iter().map(Reader::Person).collect();
                let message = Msg::new("notice-excuse-asked")
                    .with("who", name)
                    .with("rule", rule.name.get("zh-CN"));
                return notices.send(tx, &readers, &notice(excuse, message)).await;
            }
        }
        Ok(())
    }

    async fn tell_asker(
        &self,
        tx: &mut Tx,
        excuse: &Excuse,
        name: &str,
        grant: bool,
    ) -> Result<()> {
        let Some(notices) = &self.notices else {
            return Ok(());
        };
        let key = match grant {
            true => "notice-excuse-granted",
            false => "notice-excuse-refused",
        };
        let rule = self.rule_name(&excuse.rule, "zh-CN").unwrap_or_default();
        let message = Msg::new(key).with("who", name).with("rule", rule);
        let person = Identity::person_of(tx, excuse.asked_by).await?;
        let reader = person.map_or(Reader::Account(excuse.asked_by), Reader::Person);
        notices.send(tx, &[reader], &notice(excuse, message)).await
    }
}

/// Where one is shown.
pub(crate) fn href(id: Id) -> String {
    format!("/obligations/excuses/{id}")
}

fn notice(excuse: &Excuse, message: Msg) -> Notice {
    Notice {
        message,
        href: href(excuse.id),
        about: ("obligation-excuse", excuse.id.to_string()),
        dedupe: None,
        confidential: false,
    }
}

/// These accounts and the people they belong to.
async fn accounts_and_people(tx: &mut Tx, accounts: [Option<AccountId>; 2]) -> Result<HashSet<Id>> {
    let mut all = HashSet::new();
    for account in accounts.into_iter().flatten() {
        all.insert(account.0);
        let person = Identity::person_of(tx, account).await?;
        all.extend(person.map(|p| p.0));
    }
    Ok(all)
}

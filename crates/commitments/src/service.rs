//! Letters given out, signed, countersigned, replaced; who has not signed is reminded.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use db::{Db, Tx};
use identity::{Actor, Identity};
use jiff::ToSpan;
use kernel::{Env, Error, FactId, FieldError, Id, Msg, PersonId, Result, Scope, UnitId};
use ledger::{Fact, Ledger, PlaceId};
use notices::{Notice, Notices, Reader};
use organization::{Organization, RosterQuery, finding};
use serde_json::json;
use sha2::{Digest, Sha256};
use web::table::Window;

use crate::kind::{LetterKind, LetterKinds};
use crate::model::{Letter, NewRound, Round, RoundState, Whom};
use crate::store;

/// One a letter that is whole: person, other = the superior, category = kind.
pub(crate) const PLEDGE: &str = "pledge";
/// Longest title, and longest field.
pub(crate) const TITLE: usize = 120;
const FIELD: usize = 500;
/// Days before the last day on which people are reminded.
const BEFORE: i64 = 3;
const PIECE: i64 = 2_000;

/// Commitments; cheap to clone.
#[derive(Clone)]
pub struct Commitments {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) notices: Notices,
    identity: Identity,
    pub(crate) kinds: Arc<LetterKinds>,
}

pub(crate) fn conflict(key: &'static str) -> Error {
    Error::Conflict(Msg::new(key))
}

impl Commitments {
    /// Commitments in a database.
    pub fn new(
        (db, env): (Db, Env),
        ledger: Ledger,
        organization: Organization,
        notices: Notices,
        identity: Identity,
        kinds: LetterKinds,
    ) -> Self {
        Self {
            db,
            env,
            ledger,
            organization,
            notices,
            identity,
            kinds: kinds.into(),
        }
    }

    /// Whom a round means, with their units and superiors.
    async fn meant(
        &self,
        whom: &Whom,
        unit: UnitId,
        scope: &Scope,
    ) -> Result<Vec<(PersonId, UnitId, Option<PersonId>)>> {
        let today = self.env.today();
        let mut found = Vec::new();
        match whom {
            Whom::All => {
                let mut page = 1;
                loop {
                    let query = RosterQuery::new(unit, today, true);
                    let window = Window::new(page, PIECE);
                    let (total, people) =
                        self.organization.roster_page(&query, scope, window).await?;
                    found.extend(people.into_iter().map(|p| (p.person, p.unit, None)));
                    if page * PIECE >= total {
                        break;
                    }
                    page += 1;
                }
            }
            Whom::Audience(id) => {
                let rule = self.organization.audience(*id, scope).await?.rule;
                let mut at = 0;
                loop {
                    let page = self
                        .organization
                        .audience_page(&rule, today, scope, PIECE, at);
                    let (total, people) = page.await?;
                    found.extend(people.into_iter().map(|p| (p.person, p.unit, None)));
                    at += PIECE;
                    if at >= total {
                        break;
                    }
                }
            }
            Whom::Heads => {
                let under = self.organization.units_under(unit).await?;
                let units = self.organization.units_by_id(&under, scope).await?;
                let mut tx = self.db.read().await?;
                let mut heads: HashMap<UnitId, Vec<PersonId>> = HashMap::new();
                for u in units.iter().filter(|u| u.stands(today)) {
                    heads.insert(u.id, finding::in_charge(&mut tx, u.id, today).await?);
                }
                for u in &units {
                    let above = u.parent.and_then(|p| heads.get(&p)).and_then(|h| h.first());
                    for person in heads.get(&u.id).into_iter().flatten() {
                        if let Some(superior) = above.filter(|s| *s != person) {
                            found.push((*person, u.id, Some(*superior)));
                        }
                    }
                }
            }
        }
        Ok(found)
    }

    /// Gives letters out; sent twice with the same id it is done once. What it replaces stays, and takes no more signatures.
    ///
    /// # Errors
    /// `Invalid` per field, also when it means nobody; `NotFound` when the unit is out of scope; `Conflict` when what it
    /// replaces is not open.
    pub async fn issue(&self, new: &NewRound, scope: &Scope, actor: &Actor) -> Result<Id> {
        let unknown = || Error::field("kind", Msg::new("commitments-kind-unknown"));
        let kind = self.kinds.get(&new.kind).ok_or_else(unknown)?;
        self.organization.unit(new.unit, scope).await?;
        let today = self.env.today();
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        let title = new.title.trim();
        let length = title.chars().count();
        if !(2..=TITLE).contains(&length) || title.chars().any(char::is_control) {
            wrong(
                "title",
                Msg::new("commitments-title-wrong").with("most", TITLE),
            );
        }
        if new.due < today {
            wrong("due", Msg::new("commitments-due-past"));
        }
        if kind.pairs != (new.whom == Whom::Heads) {
            wrong("whom", Msg::new("commitments-whom-pairs"));
        }
        Error::if_any(errors)?;
        let people = self.meant(&new.whom, new.unit, scope).await?;
        if people.is_empty() {
            return Err(Error::field("whom", Msg::new("commitments-nobody")));
        }
        let body = serde_json::to_vec(kind).map_err(Error::internal)?;
        let round = Round {
            id: new.id,
            kind: kind.code.clone(),
            rule: hex::encode(Sha256::digest(body)),
            unit: new.unit,
            title: title.to_owned(),
            due: new.due,
            issued_on: today,
            state: RoundState::Open,
            replaces: new.replaces,
            named: 0,
            signed: 0,
        };
        db::transaction!(self.db, |tx| {
            store::put_rule(tx, &round.rule, kind).await?;
            if !store::insert(tx, &round, actor.account, self.env.now()).await? {
                return store::one(tx, new.id, scope).await.map(|r| r.id);
            }
            if let Some(old) = new.replaces {
                let before = store::one(tx, old, scope).await?;
                let same = before.kind == round.kind && before.unit == round.unit;
                if !same || !store::turn(tx, old, RoundState::Replaced).await? {
                    return Err(conflict("commitments-not-open"));
                }
            }
            let letter = |(person, unit, superior): &(PersonId, UnitId, Option<PersonId>)| Letter {
                id: self.env.new_id(),
                round: round.id,
                person: *person,
                unit: *unit,
                superior: *superior,
                given: BTreeMap::new(),
                hash: None,
                signed_at: None,
                counter_hash: None,
                countersigned_at: None,
            };
            let letters: Vec<Letter> = people.iter().map(letter).collect();
            store::give(tx, &letters).await?;
            self.record(tx, actor, "commitment.issued", round.id, letters.len())
                .await?;
            let to: Vec<PersonId> = people.iter().map(|(p, ..)| *p).collect();
            self.tell(tx, &round, &to, "commitments-notice-sign", "sign")
                .await?;
            Ok(round.id)
        })
    }

    async fn record(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &'static str,
        id: Id,
        letters: usize,
    ) -> Result<()> {
        let entry = actor.audit(action, ("commitment", id), json!({ "letters": letters }));
        identity::record(tx, &self.env, &entry).await
    }

    async fn tell(
        &self,
        tx: &mut Tx,
        round: &Round,
        to: &[PersonId],
        key: &'static str,
        once: &str,
    ) -> Result<()> {
        let to: Vec<Reader> = to.iter().copied().map(Reader::Person).collect();
        let notice = Notice {
            message: Msg::new(key)
                .with("title", &round.title)
                .with("due", kernel::format_date(round.due)),
            href: "/commitments".to_owned(),
            about: ("commitment", round.id.to_string()),
            dedupe: Some(format!("commitment-{}-{once}", round.id)),
            confidential: false,
        };
        self.notices.send(tx, &to, &notice).await
    }

    /// Closes a round: what is signed stays, nothing more is signed.
    ///
    /// # Errors
    /// `NotFound` out of scope; `Conflict` when it is not open.
    pub async fn close(&self, id: Id, scope: &Scope, actor: &Actor) -> Result<()> {
        db::transaction!(self.db, |tx| {
            store::one(tx, id, scope).await?;
            match store::turn(tx, id, RoundState::Closed).await? {
                true => self.record(tx, actor, "commitment.closed", id, 0).await,
                false => Err(conflict("commitments-not-open")),
            }
        })
    }

    /// Reminds those for whom letters of a round wait, each once a day; gives how many.
    ///
    /// # Errors
    /// `NotFound` out of scope; `Conflict` when it is not open.
    pub async fn urge(&self, id: Id, scope: &Scope, actor: &Actor) -> Result<usize> {
        db::transaction!(self.db, |tx| {
            let round = store::one(tx, id, scope).await?;
            if round.state != RoundState::Open {
                return Err(conflict("commitments-not-open"));
            }
            let people = store::waits_for(tx, id).await?;
            let once = format!("urge-{}", kernel::format_date(self.env.today()));
            self.tell(tx, &round, &people, "commitments-notice-urge", &once)
                .await?;
            self.record(tx, actor, "commitment.urged", id, people.len())
                .await?;
            Ok(people.len())
        })
    }

    /// Reminds before the last day and on the day after it, each once; gives how many rounds. For a job of every morning.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remind(&self) -> Result<usize> {
        let today = self.env.today();
        let by = today.saturating_add(BEFORE.days());
        let due = store::due(&mut self.db.read().await?, by).await?;
        for round in &due {
            let (key, once) = match round.due < today {
                true => ("commitments-notice-late", "late"),
                false => ("commitments-notice-urge", "soon"),
            };
            db::transaction!(self.db, |tx| {
                let people = store::waits_for(tx, round.id).await?;
                self.tell(tx, round, &people, key, once).await
            })?;
        }
        Ok(due.len())
    }

    /// A letter for one of the two who sign it, or for who may look at its unit's round; what one may not see does not exist.
    pub async fn letter(
        &self,
        id: Id,
        me: Option<PersonId>,
        scope: &Scope,
    ) -> Result<(Letter, Round, LetterKind)> {
        let mut tx = self.db.read().await?;
        let (letter, round) = store::letter_of(&mut tx, id).await?;
        let mine = me.is_some() && (me == Some(letter.person) || me == letter.superior);
        if !mine && !store::within(&mut tx, scope, round.unit).await? {
            return Err(Error::NotFound);
        }
        let kind = store::rule(&mut tx, &round.rule).await?;
        Ok((letter, round, kind))
    }

    /// Signs one's own letter, or countersigns that of a subordinate. Nobody signs for another; the password is asked for once
    /// more.
    ///
    /// # Errors
    /// `Invalid` for `password` and fields; `NotFound` for somebody else's; `Conflict` when it was signed before, the round is
    /// not open, or the subordinate has not signed.
    pub async fn sign(
        &self,
        id: Id,
        me: PersonId,
        given: &BTreeMap<String, String>,
        password: &str,
        actor: &Actor,
    ) -> Result<()> {
        self.ledger.admit()?;
        let (letter, _, kind) = self.letter(id, Some(me), &Scope::nothing()).await?;
        if letter.person == me {
            let wrong = kind.fields.iter().filter_map(|f| {
                let text = given.get(&f.code).map_or("", |t| t.trim());
                let message = match text.chars().count() {
                    0 if f.required => Msg::new("commitments-field-missing"),
                    n if n > FIELD => Msg::new("commitments-field-long").with("most", FIELD),
                    _ => return None,
                };
                Some(FieldError {
                    field: format!("v-{}", f.code),
                    message,
                })
            });
            Error::if_any(wrong.collect())?;
        }
        self.identity.confirm(actor, password).await?;
        db::transaction!(self.db, |tx| {
            let (mut letter, round) = store::letter_of(tx, id).await?;
            if round.state != RoundState::Open {
                return Err(conflict("commitments-not-open"));
            }
            let now = self.env.now();
            let action = match letter.person == me {
                true => {
                    let filled = |f: &crate::Field| {
                        let text = given.get(&f.code)?.trim().to_owned();
                        (!text.is_empty()).then(|| (f.code.clone(), text))
                    };
                    letter.given = kind.fields.iter().filter_map(filled).collect();
                    letter.hash = Some(letter.hashed(&round, &kind.text.zh, now));
                    letter.signed_at = Some(now);
                    if !store::sign(tx, &letter).await? {
                        return Err(conflict("commitments-signed-before"));
                    }
                    "commitment.signed"
                }
                false => {
                    letter.counter_hash = Some(letter.counter_hashed(now));
                    letter.countersigned_at = Some(now);
                    if !store::countersign(tx, &letter).await? {
                        return Err(conflict("commitments-not-signed"));
                    }
                    "commitment.countersigned"
                }
            };
            let hash = letter.counter_hash.as_ref().or(letter.hash.as_ref());
            let entry = actor.audit(action, ("commitment-letter", id), json!({ "hash": hash }));
            identity::record(tx, &self.env, &entry).await?;
            if letter.is_whole() {
                return self.pledged(tx, &letter, &round, actor).await;
            }
            let superior: Vec<PersonId> = letter.superior.into_iter().collect();
            let once = format!("counter-{id}");
            self.tell(tx, &round, &superior, "commitments-notice-counter", &once)
                .await
        })
    }

    async fn pledged(&self, tx: &mut Tx, l: &Letter, round: &Round, actor: &Actor) -> Result<()> {
        let today = self.env.today();
        let wanted = [(l.unit, today), (round.unit, today)];
        let paths = self.organization.paths_on(tx, &wanted).await?;
        let mut places = Vec::new();
        for key in wanted {
            let path = paths.get(&key).ok_or(Error::NotFound)?;
            places.push(self.ledger.place(tx, path).await?);
        }
        let [unit, host]: [PlaceId; 2] = [places[0], places[1]];
        let id: FactId = self.env.new_id();
        let mut fact = Fact::new(id, PLEDGE, host, today, l.id, "form", self.env.now());
        fact.category = Some(round.kind.clone());
        fact.unit = Some(unit);
        (fact.person, fact.other) = (Some(l.person), l.superior);
        fact.recorded_by = actor.account;
        self.ledger.append(tx, &[fact]).await
    }

    /// Letters that wait for a person: for the home page.
    pub async fn waiting(&self, person: PersonId) -> Result<Vec<(Letter, Round)>> {
        let all = self.own(person).await?;
        let waits = |(l, r): &(Letter, Round)| {
            r.state == RoundState::Open
                && ((l.person == person && l.signed_at.is_none())
                    || (l.superior == Some(person) && l.signed_at.is_some() && !l.is_whole()))
        };
        Ok(all.into_iter().filter(waits).collect())
    }

    /// The letters of a person, those that are not whole first.
    pub async fn own(&self, person: PersonId) -> Result<Vec<(Letter, Round)>> {
        let mut tx = self.db.read().await?;
        let letters = store::of_person(&mut tx, person, 200).await?;
        let ids: Vec<Id> = letters.iter().map(|l| l.round).collect();
        let rounds = store::rounds_of(&mut tx, &ids).await?;
        let with = |l: Letter| {
            let round = rounds.get(&l.round)?.clone();
            Some((l, round))
        };
        Ok(letters.into_iter().filter_map(with).collect())
    }

    /// A page of rounds of units in a scope.
    pub async fn rounds(&self, scope: &Scope, window: Window) -> Result<(i64, Vec<Round>)> {
        store::rounds(&mut self.db.read().await?, scope, window).await
    }

    /// A round with a page of its letters.
    pub async fn round(
        &self,
        id: Id,
        whole: Option<bool>,
        scope: &Scope,
        window: Window,
    ) -> Result<(Round, i64, Vec<Letter>)> {
        let mut tx = self.db.read().await?;
        let round = store::one(&mut tx, id, scope).await?;
        let (total, letters) = store::letters(&mut tx, id, whole, window).await?;
        Ok((round, total, letters))
    }
}

//! Units in a campaign: named by list, category, subtree or audience; taking part or not, with the reason; how far each is.

use std::collections::BTreeSet;

use db::Tx;
use desk::Waiting;
use identity::{Actor, Held, Identity};
use kernel::{Error, Id, Msg, PersonId, Result, UnitId};
use notices::{Notice, Reader};
use organization::finding;
use serde_json::json;

use crate::REPORT;
use crate::model::{Campaign, Eyes, REASON, State, Taking, reason_of, tidy, unfit};
use crate::service::Campaigns;
use crate::store::{self, parts};

/// Units of one campaign.
const MOST: usize = 2_000;

impl Campaigns {
    /// Names units: they take part from now on, and hear of it once units are told.
    ///
    /// # Errors
    /// `Invalid` for `units` when there are none or too many, or one may not be named; `Conflict` when it is over.
    pub async fn name_units(
        &self,
        id: Id,
        units: &[UnitId],
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<usize> {
        let wanted: BTreeSet<UnitId> = units.iter().copied().collect();
        db::transaction!(self.db, |tx| {
            let (mut c, _) = self.planned(tx, id, None, eyes).await?;
            self.still_open(&c)?;
            let known: BTreeSet<UnitId> =
                parts::units(tx, id).await?.iter().map(|t| t.unit).collect();
            let new: Vec<UnitId> = wanted.difference(&known).copied().collect();
            if wanted.is_empty() || known.len() + new.len() > MOST {
                let message = Msg::new("campaigns-units-wrong").with("most", MOST);
                return Err(Error::field("units", message));
            }
            let paths = finding::paths(tx, &new).await?;
            let reached = |unit: &UnitId| {
                let path = paths.get(unit);
                path.is_some_and(|p| eyes.plans.reaches(p) || eyes.reads.reaches(p))
            };
            if !new.iter().all(reached) {
                return Err(Error::field("units", Msg::new("campaigns-units-unknown")));
            }
            if new.is_empty() {
                return Ok(0);
            }
            parts::add_units(tx, id, &new, self.env.today()).await?;
            (c.joined, c.absent) = parts::count_units(tx, id).await?;
            let body = json!({ "units": new.len() });
            self.happened(tx, &mut c, "named", body, "", actor).await?;
            if c.told {
                self.tell(tx, &c, &new, "campaigns-notice-named", "named")
                    .await?;
            }
            Ok(new.len())
        })
    }

    /// Says that a unit does not take part, and why, or that it does after all.
    ///
    /// # Errors
    /// `Invalid` for `reason`; `NotFound` when it is not named; `Conflict` when the campaign is over.
    pub async fn set_taking(
        &self,
        id: Id,
        unit: UnitId,
        joined: bool,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let reason = reason_of(reason, !joined)?;
        db::transaction!(self.db, |tx| {
            let (mut c, _) = self.planned(tx, id, None, eyes).await?;
            self.still_open(&c)?;
            let units = parts::units(tx, id).await?;
            let known = units
                .iter()
                .find(|t| t.unit == unit)
                .ok_or(Error::NotFound)?;
            if known.joined == joined && known.reason == reason {
                return Ok(());
            }
            let taking = Taking {
                unit,
                joined,
                reason: reason.clone(),
                since: self.env.today(),
            };
            parts::put_unit(tx, id, &taking).await?;
            (c.joined, c.absent) = parts::count_units(tx, id).await?;
            let act = if joined { "joined" } else { "absent" };
            let body = json!({ "unit": unit });
            self.happened(tx, &mut c, act, body, &reason, actor).await
        })
    }

    /// Takes a unit off the list while nobody was told of it.
    ///
    /// # Errors
    /// `Conflict` when units were told: then it does not take part, with a reason.
    pub async fn unname(&self, id: Id, unit: UnitId, (eyes, actor): (&Eyes, &Actor)) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let (mut c, _) = self.planned(tx, id, None, eyes).await?;
            if c.told || c.state != State::Planned {
                return Err(Error::Conflict(Msg::new("campaigns-units-told")));
            }
            if !parts::drop_unit(tx, id, unit).await? {
                return Err(Error::NotFound);
            }
            (c.joined, c.absent) = parts::count_units(tx, id).await?;
            let body = json!({ "unit": unit });
            self.happened(tx, &mut c, "unnamed", body, "", actor).await
        })
    }

    fn still_open(&self, c: &Campaign) -> Result<()> {
        match c.state.is_open() {
            true => Ok(()),
            false => Err(Error::Conflict(Msg::new("campaigns-over"))),
        }
    }

    /// Reports how far a unit is.
    ///
    /// # Errors
    /// `Invalid` for `percent` or `said`; `NotFound` when it does not take part or is out of scope; `Conflict` when the
    /// campaign is not running.
    pub(crate) async fn report(
        &self,
        (id, unit): (Id, UnitId),
        (percent, said): (i64, &str),
        files: &[Waiting],
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        if !(0..=100).contains(&percent) {
            return Err(Error::field("percent", Msg::new("campaigns-percent-wrong")));
        }
        if unfit(said, REASON * 4) || said.trim().is_empty() {
            let message = Msg::new("campaigns-said-wrong").with("most", REASON * 4);
            return Err(Error::field("said", message));
        }
        let files = self.attachments.keep(files).await?;
        db::transaction!(self.db, |tx| {
            store::seen(tx, id, eyes).await?;
            let mut c = store::hold(tx, id).await?.ok_or(Error::NotFound)?;
            let units = parts::units(tx, id).await?;
            let takes = units.iter().any(|t| t.unit == unit && t.joined);
            if !takes || !Self::within(tx, &eyes.reports, unit).await? {
                return Err(Error::NotFound);
            }
            if !matches!(c.state, State::Running | State::Closing) {
                return Err(Error::Conflict(Msg::new("campaigns-not-running")));
            }
            let last = parts::last_reports(tx, id).await?;
            let report = parts::Report {
                unit,
                seq: last.get(&unit).map_or(1, |r| r.seq + 1),
                percent,
                said: tidy(said),
                files: files.clone(),
                person: eyes.person,
                at: self.env.now(),
            };
            if !parts::put_report(tx, id, &report, actor.account).await? {
                return Err(Error::Retry("another report came first".into()));
            }
            let body = json!({ "unit": unit, "percent": percent });
            self.happened(tx, &mut c, "reported", body, "", actor).await
        })
    }

    /// Tells the units that take part.
    pub(crate) async fn tell_units(
        &self,
        tx: &mut Tx,
        c: &Campaign,
        key: &'static str,
    ) -> Result<()> {
        let units = parts::units(tx, c.id).await?;
        let joined: Vec<UnitId> = units.iter().filter(|t| t.joined).map(|t| t.unit).collect();
        let once = format!("{key}-{}", c.version);
        self.tell(tx, c, &joined, key, &once).await
    }

    /// Those who report for units, or for the nearest unit above that has somebody; each unit of the chain is asked once.
    pub(crate) async fn reporters(&self, tx: &mut Tx, units: &[UnitId]) -> Result<Vec<PersonId>> {
        let paths = finding::paths(tx, units).await?;
        let mut asked: std::collections::HashMap<UnitId, Vec<PersonId>> = Default::default();
        let mut found: Vec<PersonId> = Vec::new();
        for unit in units {
            for at in paths.get(unit).into_iter().flatten().rev() {
                if !asked.contains_key(at) {
                    let held = Held::Permission(REPORT);
                    let people = Identity::holders(tx, held, *at, self.env.today()).await?;
                    asked.insert(*at, people);
                }
                let people = &asked[at];
                if !people.is_empty() {
                    found.extend(people);
                    break;
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Tells those who report for units; each of them once for the same thing.
    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        c: &Campaign,
        units: &[UnitId],
        key: &'static str,
        once: &str,
    ) -> Result<()> {
        let people = self.reporters(tx, units).await?;
        self.say(tx, c, &people, Msg::new(key), once).await
    }

    /// Tells people of a campaign, each once for the same thing.
    pub(crate) async fn say(
        &self,
        tx: &mut Tx,
        c: &Campaign,
        people: &[PersonId],
        message: Msg,
        once: &str,
    ) -> Result<()> {
        let to: Vec<Reader> = people.iter().copied().map(Reader::Person).collect();
        let notice = Notice {
            message: message.with("title", &c.content.title),
            href: c.href(),
            about: ("campaign", c.id.to_string()),
            dedupe: Some(format!("campaign-{}-{once}", c.id)),
            confidential: false,
        };
        self.notices.send(tx, &to, &notice).await
    }
}

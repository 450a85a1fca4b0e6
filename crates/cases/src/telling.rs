//! Who is told of what happens to a case (通知).

use db::Tx;
use kernel::{Msg, PersonId, Result, UnitId};
use notices::{Notice, Reader};
use organization::finding;

use crate::case::{Act, Case, Event};
use crate::model::{Matter, href};
use crate::service::Cases;

impl Cases {
    /// Tells those whom it concerns of what happened.
    pub(crate) async fn tell(&self, tx: &mut Tx, m: &Matter, case: &Case, e: &Event) -> Result<()> {
        let owners = self.owners_of(tx, m, case).await?;
        let above = self.supervisors_of(tx, m, case).await?;
        let raiser: Vec<Reader> = case.raiser.map(Reader::Person).into_iter().collect();
        let (to, key) = match &e.act {
            Act::Assigned { .. } => (owners, "cases-notice-assigned"),
            Act::Rejected => (raiser, "cases-notice-rejected"),
            Act::Planned { measures, .. } => {
                let doers = measures.iter().map(|x| Reader::Person(x.owner));
                let doers: Vec<Reader> = above.into_iter().chain(doers).collect();
                (doers, "cases-notice-planned")
            }
            Act::Reported | Act::MeasureDone { .. } => (above, "cases-notice-reported"),
            Act::Submitted => (above, "cases-notice-submitted"),
            Act::Accepted => ([owners, raiser].concat(), "cases-notice-accepted"),
            Act::Refused => (owners, "cases-notice-refused"),
            Act::TimeGiven { .. } => (owners, "cases-notice-time-given"),
            Act::EndGiven { .. } => ([owners, raiser].concat(), "cases-notice-end-given"),
            Act::NotGiven => (owners, "cases-notice-not-given"),
            Act::Duplicate { .. } => ([owners, raiser].concat(), "cases-notice-duplicate"),
            Act::Urged => (owners, "cases-notice-urged"),
            Act::LookDue { unit, .. } if m.supervisor.is_none() => {
                let found = self.holders(tx, crate::SUPERVISE, *unit).await?;
                (found, "cases-notice-look")
            }
            Act::LookDue { .. } => (above, "cases-notice-look"),
            Act::Held => (owners, "cases-notice-held"),
            Act::Reopened { .. } => (owners, "cases-notice-reopened"),
            Act::RemedyAsked { remedy } => {
                (vec![Reader::Person(remedy.person)], "cases-notice-remedy")
            }
            Act::PaperIssued { answer, .. } => match answer {
                true => ([above, raiser].concat(), "cases-notice-paper"),
                false => (owners, "cases-notice-paper"),
            },
            Act::Exposed => (owners, "cases-notice-exposed"),
            Act::Commented { named } => {
                let named = named.iter().copied().map(Reader::Person);
                (named.collect(), "cases-notice-named")
            }
            _ => return Ok(()),
        };
        self.say(tx, m, &to, key, e.person).await
    }

    /// The people who mend it: owner and co-owners, else those who handle for the unit or the nearest above it.
    pub(crate) async fn owners_of(
        &self,
        tx: &mut Tx,
        m: &Matter,
        case: &Case,
    ) -> Result<Vec<Reader>> {
        let named: Vec<Reader> = case.owners().map(Reader::Person).collect();
        match named.is_empty() {
            true => self.holders(tx, crate::HANDLE, m.unit).await,
            false => Ok(named),
        }
    }

    /// The people who check it: the supervisor, else those who supervise the unit or the nearest above it.
    pub(crate) async fn supervisors_of(
        &self,
        tx: &mut Tx,
        m: &Matter,
        case: &Case,
    ) -> Result<Vec<Reader>> {
        let barred =
            |reader: &Reader| matches!(reader, Reader::Person(p) if case.doers.contains(p));
        if let Some(person) = m.supervisor.filter(|p| !case.doers.contains(p)) {
            return Ok(vec![Reader::Person(person)]);
        }
        let mut found = self.holders(tx, crate::SUPERVISE, m.unit).await?;
        found.retain(|r| !barred(r));
        Ok(found)
    }

    pub(crate) async fn holders(
        &self,
        tx: &mut Tx,
        permission: &str,
        unit: UnitId,
    ) -> Result<Vec<Reader>> {
        let path = finding::paths(tx, &[unit]).await?.remove(&unit);
        for unit in path.unwrap_or_default().into_iter().rev() {
            let held = identity::Held::Permission(permission);
            let found = identity::Identity::holders(tx, held, unit, self.env.today()).await?;
            if !found.is_empty() {
                return Ok(found.into_iter().map(Reader::Person).collect());
            }
        }
        Ok(Vec::new())
    }

    /// Tells people of a case; nobody hears of what they did themselves.
    pub(crate) async fn say(
        &self,
        tx: &mut Tx,
        m: &Matter,
        to: &[Reader],
        key: &'static str,
        but: Option<PersonId>,
    ) -> Result<()> {
        let mut others: Vec<Reader> = Vec::new();
        for reader in to {
            if but.map(Reader::Person) != Some(*reader) && !others.contains(reader) {
                others.push(*reader);
            }
        }
        self.notices.send(tx, &others, &notice(m, key)).await
    }
}

/// What is said of a case.
pub(crate) fn notice(m: &Matter, key: &'static str) -> Notice {
    let message = Msg::new(key)
        .with("number", &m.number)
        .with("title", &m.title)
        .with("due", kernel::format_date(m.until));
    Notice {
        message,
        href: href(m.id),
        about: ("case", m.id.to_string()),
        dedupe: None,
        confidential: m.confidential,
    }
}

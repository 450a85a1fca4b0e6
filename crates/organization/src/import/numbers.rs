//! Identity numbers that an import states: whose they are already, and which are new.

use std::collections::{BTreeMap, HashMap, HashSet};

use base64::prelude::{BASE64_STANDARD as BASE64, Engine};
use commons::identifiers::ResidentId;
use crypt::Keys;
use db::Tx;
use kernel::{Error, FieldError, Id, Msg, PersonId, Result, UnitId};

use super::{Change, ChangeKind, Decision, Ground, PeoplePlan};
use crate::numbers::{FIELD, no_vault};
use crate::service::Organization;
use crate::sheet::{At, Head, ID_NUMBER};
use crate::store::{self, Known, Staged};

/// A stated identity number.
pub(crate) struct Stated {
    pub staff_no: At<String>,
    pub number: At<ResidentId>,
}

/// Where a number was stated before in the same import: staff number and cell.
pub(crate) type Seen = HashMap<[u8; 16], (String, String)>;

/// Who is known by a staff number, and where they are counted.
pub(crate) type Own = HashMap<String, (PersonId, String, Vec<UnitId>)>;

/// Those of the known people who are meant by staff numbers.
pub(crate) fn own(known: &Known) -> Own {
    let of = known.iter().map(|(staff_no, (person, assignments))| {
        let units = assignments.iter().filter(|a| a.primary).map(|a| a.unit);
        let own = (person.id, person.name.clone(), units.collect());
        (staff_no.clone(), own)
    });
    of.collect()
}

/// Adds to a plan the numbers that are new. Gives new staff numbers whose identity number somebody in reach
/// has already: the same person, as far as can be told.
#[expect(clippy::too_many_arguments, reason = "one step of a plan")]
pub(crate) async fn plan_numbers(
    org: &Organization,
    tx: &mut Tx,
    stated: &[Stated],
    own: &Own,
    decisions: &HashMap<String, Decision>,
    ground: &Ground,
    seen: &mut Seen,
    plan: &mut PeoplePlan,
    errors: &mut Vec<FieldError>,
) -> Result<BTreeMap<String, PersonId>> {
    let mut twins = BTreeMap::new();
    if stated.is_empty() {
        return Ok(twins);
    }
    let vault = org.vault()?;
    let mut said: BTreeMap<&str, (&Stated, [u8; 16])> = BTreeMap::new();
    for one in stated {
        let blind = vault.index(FIELD, one.number.value.as_str());
        let before = said.insert(&one.staff_no.value, (one, blind));
        if let Some((other, _)) = before.filter(|(_, b)| *b != blind) {
            let message = Msg::new("organization-value-twice").with("other", &other.number.at);
            errors.push(one.number.error(message));
        }
    }
    let blinds: Vec<[u8; 16]> = said.values().map(|(_, blind)| *blind).collect();
    let held = store::holders(tx, &blinds).await?;
    let holders: Vec<PersonId> = held.values().copied().collect();
    let served = store::units_of(tx, &holders, org.env.today()).await?;
    let in_reach = |unit: &UnitId| ground.reach.as_ref().is_none_or(|r| r.contains(unit));
    let changed: HashSet<String> = plan.changes.iter().map(|c| c.code.clone()).collect();
    let new: HashMap<String, PersonId> = plan
        .people
        .iter()
        .filter(|p| plan.is_new(p.id))
        .map(|p| (p.staff_no.clone(), p.id))
        .collect();
    for (staff_no, (one, blind)) in said {
        let known = own.get(staff_no);
        let id = known.map(|(id, ..)| *id).or(new.get(staff_no).copied());
        // Rows that are left out or wrong are said elsewhere.
        let Some(id) = id.filter(|_| decisions.get(staff_no) != Some(&Decision::Out)) else {
            continue;
        };
        if let Some((_, at)) = seen.get(&blind).filter(|(other, _)| other != staff_no) {
            let message = Msg::new("identity-number-twice").with("other", at);
            errors.push(one.number.error(message));
            continue;
        }
        seen.insert(blind, (staff_no.to_owned(), one.number.at.clone()));
        match held.get(&blind[..]) {
            Some(holder) if *holder == id => continue,
            Some(holder) => {
                let near = served.get(holder).is_some_and(in_reach);
                if near && known.is_none() && !decisions.contains_key(staff_no) {
                    twins.insert(staff_no.to_owned(), *holder);
                } else {
                    let message = Msg::new("identity-number-taken-elsewhere");
                    errors.push(one.number.error(message));
                }
                continue;
            }
            None => {}
        }
        if let Some((_, name, units)) = known.filter(|_| !changed.contains(staff_no)) {
            if ground.reach.is_some() && !units.iter().any(in_reach) {
                let message = Msg::new("organization-person-outside").with("staff_no", staff_no);
                errors.push(one.staff_no.error(message));
                continue;
            }
            plan.unchanged = plan.unchanged.saturating_sub(1);
            plan.changes.push(Change {
                kind: ChangeKind::PersonIdentified,
                code: staff_no.to_owned(),
                name: name.clone(),
            });
        }
        plan.numbers.push((id, one.number.value.clone()));
    }
    Ok(twins)
}

/// The place of the column with identity numbers among the texts of a head.
fn place(head: &Head) -> Option<usize> {
    head.columns.iter().position(|(key, _)| key == ID_NUMBER)
}

/// Whether any sheet has a column with identity numbers.
pub(super) fn any(heads: &[Head]) -> bool {
    heads.iter().any(|head| place(head).is_some())
}

/// Seals the identity numbers of rows that are staged, with a key of the import.
///
/// # Errors
/// `Unavailable` when there is a number and no key.
pub(super) fn seal(keys: Option<&Keys>, id: Id, heads: &[Head], rows: &mut [Staged]) -> Result<()> {
    for row in rows {
        let place = heads.get(row.head as usize).and_then(place);
        let Some(text) = place.and_then(|p| row.texts.get_mut(p)) else {
            continue;
        };
        if !text.is_empty() {
            let keys = keys.ok_or_else(no_vault)?;
            *text = BASE64.encode(keys.seal(id, FIELD, text)?);
        }
    }
    Ok(())
}

/// Opens the identity number among the texts of a staged row.
pub(super) fn open(keys: &Keys, id: Id, head: &Head, texts: &mut [String]) -> Result<()> {
    let Some(text) = place(head).and_then(|p| texts.get_mut(p)) else {
        return Ok(());
    };
    if !text.is_empty() {
        let sealed = BASE64.decode(&*text).map_err(Error::internal)?;
        let opened = keys.open(id, FIELD, &sealed)?;
        opened.text().unwrap_or_default().clone_into(text);
    }
    Ok(())
}

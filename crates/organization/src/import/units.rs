//! What the rows of units come to.

use std::collections::{HashMap, HashSet};

use kernel::{Env, FieldError, Msg, Scope, UnitId};

use super::{Change, ChangeKind, UnitRow, check_days};
use crate::model::{Tree, Unit};
use crate::units::taken;

/// The units on which people are placed: as they are when the import is done.
pub(crate) struct Ground {
    pub after: Tree,
    pub ids: HashMap<String, UnitId>,
    /// Codes that have a row of their own, right or wrong.
    pub named: HashSet<String>,
    /// The units the importer may fill; none: all.
    pub reach: Option<HashSet<UnitId>>,
}

/// What happens to units.
pub(crate) struct UnitPlan {
    pub ground: Ground,
    pub units: Vec<Unit>,
    pub changes: Vec<Change>,
    pub unchanged: usize,
}

/// Units by code, those of the sheet first; a new unit gets its id here.
pub(crate) fn plan_units(
    rows: &[UnitRow],
    unread: &[String],
    before: &Tree,
    scope: &Scope,
    env: &Env,
    errors: &mut Vec<FieldError>,
) -> UnitPlan {
    let mut reach = before.reach(scope);
    let mut after = before.clone();
    let (mut units, mut changes, mut unchanged) = (Vec::new(), Vec::new(), 0);
    let wrong_before = errors.len();
    let mut ids: HashMap<&str, UnitId> = before.iter().map(|u| (u.code.as_str(), u.id)).collect();
    let mut stated: HashMap<&str, &UnitRow> = HashMap::new();
    for row in rows {
        let code = row.code.value.as_str();
        if let Some(first) = stated.get(code) {
            let message = Msg::new("organization-code-twice")
                .with("code", code)
                .with("other", &first.code.at);
            errors.push(row.code.error(message));
            continue;
        }
        stated.insert(code, row);
        ids.entry(code).or_insert_with(|| {
            let id: UnitId = env.new_id();
            // Who may place a unit may fill it; whether it may be placed is checked below.
            reach.iter_mut().for_each(|r| {
                r.insert(id);
            });
            id
        });
    }
    let allowed = |id: UnitId| reach.as_ref().is_none_or(|r| r.contains(&id));
    for (place, row) in (1_i64..).zip(rows) {
        let code = row.code.value.as_str();
        if !std::ptr::eq(stated[code], row) {
            continue;
        }
        let old = before.get(ids[code]);
        let parent = match row.parent.value.as_str() {
            "" => None,
            above => match ids.get(above) {
                Some(id) => Some(*id),
                None => {
                    if !unread.iter().any(|code| code == above) {
                        let message = Msg::new("organization-unit-unknown").with("code", above);
                        errors.push(row.parent.error(message));
                    }
                    continue;
                }
            },
        };
        let from = row
            .from
            .or(old.map(|u| u.from))
            .unwrap_or_else(|| env.today());
        errors.extend(check_days(from, &row.to).err());
        let unit = Unit {
            id: ids[code],
            parent,
            code: code.to_owned(),
            name: row.name.value.clone(),
            category: row.category.value.clone(),
            sort: row.sort.or(old.map(|u| u.sort)).unwrap_or(place),
            from,
            to: row.to.value,
            credit_code: row
                .credit_code
                .value
                .clone()
                .or(old.map(|u| u.credit_code.clone()))
                .unwrap_or_default(),
        };
        if old == Some(&unit) {
            unchanged += 1;
            continue;
        }
        let moved = old.is_none_or(|u| u.parent != parent);
        if old.is_some_and(|u| !allowed(u.id)) {
            let message = Msg::new("organization-outside").with("code", code);
            errors.push(row.code.error(message));
        } else if moved && !parent.map_or(reach.is_none(), allowed) {
            let message = match parent {
                Some(_) => Msg::new("organization-outside").with("code", &row.parent.value),
                None => Msg::new("organization-no-top-unit"),
            };
            errors.push(row.parent.error(message));
        }
        let kind = match old {
            None => ChangeKind::UnitAdded,
            Some(_) if moved => ChangeKind::UnitMoved,
            Some(_) => ChangeKind::UnitChanged,
        };
        changes.push(Change {
            kind,
            code: unit.code.clone(),
            name: unit.name.clone(),
        });
        after.put(unit.clone());
        units.push(unit);
    }
    if errors.len() == wrong_before {
        for unit in units.iter().filter(|unit| after.path(unit.id).is_none()) {
            let message = Msg::new("organization-cycle").with("name", &unit.name);
            errors.push(stated[unit.code.as_str()].parent.error(message));
        }
    }
    let mut coded: HashMap<&str, Vec<&Unit>> = HashMap::new();
    let today = env.today();
    for unit in after
        .iter()
        .filter(|u| !u.credit_code.is_empty() && u.stands(today))
    {
        coded.entry(&unit.credit_code).or_default().push(unit);
    }
    for unit in units.iter().filter(|u| u.stands(today)) {
        let holders = coded.get(unit.credit_code.as_str()).into_iter().flatten();
        // Of two rows the later one is named.
        let place = |u: &Unit| units.iter().position(|other| other.id == u.id);
        let other = holders
            .copied()
            .find(|other| other.id != unit.id && place(other) < place(unit));
        if let Some(other) = other {
            let message = taken(&unit.credit_code, other, reach.as_ref());
            errors.push(stated[unit.code.as_str()].credit_code.error(message));
        }
    }
    let named = stated.keys().map(|code| (*code).to_owned());
    let named = named.chain(unread.iter().cloned()).collect();
    let ids = after.iter().map(|u| (u.code.clone(), u.id)).collect();
    UnitPlan {
        ground: Ground {
            after,
            ids,
            named,
            reach,
        },
        units,
        changes,
        unchanged,
    }
}

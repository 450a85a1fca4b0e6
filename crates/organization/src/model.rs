//! Units, people, assignments, and the rules about them. No input or output.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::ToSpan;
use kernel::{Date, Id, PersonId, Scope, UnitId};
use serde::{Deserialize, Serialize};

/// A unit (单位): an agency, a division, a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Id.
    pub id: UnitId,
    /// The unit above; none for the top.
    pub parent: Option<UnitId>,
    /// Code (单位编码), unique.
    pub code: String,
    /// Name.
    pub name: String,
    /// Kind of unit in the agency's own words (类别).
    pub category: String,
    /// Place among its siblings.
    pub sort: i64,
    /// First day.
    pub from: Date,
    /// Last day; none while it stands.
    pub to: Option<Date>,
    /// Unified social credit code (统一社会信用代码); empty when none is recorded.
    pub credit_code: String,
}

/// A person (人员).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Id.
    pub id: PersonId,
    /// Staff number (工号), unique.
    pub staff_no: String,
    /// Name.
    pub name: String,
}

impl Person {
    /// What one may type to find them: staff number, name and pinyin initials, in small letters, a line each so
    /// that no word reaches from one into the next.
    pub(crate) fn words(&self) -> String {
        let (number, name) = (self.staff_no.to_lowercase(), self.name.to_lowercase());
        format!("{number}\n{name}\n{}", initials(&self.name))
    }
}

/// How somebody serves beside their own unit (任职方式).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nature {
    /// In a post of theirs.
    #[default]
    Ordinary,
    /// Lent to another unit (借调).
    Secondment,
    /// In a post elsewhere for training (挂职).
    Attachment,
}

impl Nature {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Ordinary, Self::Secondment, Self::Attachment];

    /// Its code, by which it is stored; empty for an ordinary one.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ordinary => "",
            Self::Secondment => "secondment",
            Self::Attachment => "attachment",
        }
    }

    /// The one with a code; what is not known is ordinary.
    pub fn from_code(code: &str) -> Self {
        let found = Self::ALL.into_iter().find(|n| n.code() == code);
        found.unwrap_or_default()
    }
}

/// An assignment (任职): a person belongs to a unit from one day to another, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Id.
    pub id: Id,
    /// The unit.
    pub unit: UnitId,
    /// Post (职务); may be empty.
    pub post: String,
    /// First day.
    pub from: Date,
    /// Last day; none while it lasts.
    pub to: Option<Date>,
    /// Whether this is where the person is counted (主职). At most one on any day.
    pub primary: bool,
    /// How somebody serves there who is not counted there.
    pub nature: Nature,
}

impl Assignment {
    /// Whether it holds on a day.
    pub fn covers(&self, date: Date) -> bool {
        self.from <= date && self.to.is_none_or(|to| date <= to)
    }
}

/// A line of a roster (名册).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterEntry {
    /// The person.
    pub person: PersonId,
    /// Staff number.
    pub staff_no: String,
    /// Name.
    pub name: String,
    /// The unit on that day.
    pub unit: UnitId,
    /// Its name today.
    pub unit_name: String,
    /// Post; may be empty.
    pub post: String,
}

/// All units as they stand below each other today.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    units: HashMap<UnitId, Unit>,
}

impl Tree {
    /// The tree of these units.
    pub fn new(units: impl IntoIterator<Item = Unit>) -> Self {
        let units = units.into_iter().map(|u| (u.id, u)).collect();
        Self { units }
    }

    /// A unit.
    pub fn get(&self, id: UnitId) -> Option<&Unit> {
        self.units.get(&id)
    }

    /// A unit by its code.
    pub fn by_code(&self, code: &str) -> Option<&Unit> {
        self.units.values().find(|u| u.code == code)
    }

    /// Adds or replaces a unit.
    pub fn put(&mut self, unit: Unit) {
        self.units.insert(unit.id, unit);
    }

    /// Every unit, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Unit> {
        self.units.values()
    }

    /// The units from the top down to this one, itself included; `None` when it lies on a circle or
    /// hangs on a unit that does not exist.
    pub fn path(&self, id: UnitId) -> Option<Vec<UnitId>> {
        let mut path = vec![id];
        let mut at = self.units.get(&id)?;
        while let Some(parent) = at.parent {
            if path.len() > self.units.len() {
                return None;
            }
            path.push(parent);
            at = self.units.get(&parent)?;
        }
        path.reverse();
        Some(path)
    }

    /// The units a scope reaches; `None`: all.
    pub fn reach(&self, scope: &Scope) -> Option<HashSet<UnitId>> {
        let Scope::Under(roots) = scope else {
            return None;
        };
        let within = |u: &&Unit| {
            let path = self.path(u.id).unwrap_or_default();
            path.iter().any(|p| roots.contains(p))
        };
        Some(self.units.values().filter(within).map(|u| u.id).collect())
    }
}

/// A sheet states an assignment that another one stands against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    /// First day of the other one.
    pub other_from: Date,
}

/// Lays a stated assignment over what is known of a person and gives what is then known.
///
/// * The same start: the known one is corrected.
/// * The same unit and post already hold on that day: nothing changes.
/// * Another primary one holds on that day: it ends the day before.
/// * No end is stated: it lasts until the next one begins.
///
/// `new.id` is used when a new assignment begins. Laying the same again changes nothing.
pub fn lay(known: &[Assignment], new: Assignment) -> Result<Vec<Assignment>, Overlap> {
    let mut list = known.to_vec();
    // Primary ones exclude each other; a second post only excludes itself in the same unit.
    let rival = |a: &Assignment| a.primary == new.primary && (new.primary || a.unit == new.unit);
    let next = list.iter().filter(|a| rival(a) && a.from > new.from);
    let next = next.map(|a| a.from).min();
    let to = match (new.to, next) {
        (Some(to), Some(next)) if to >= next => return Err(Overlap { other_from: next }),
        (None, Some(next)) => Some(next.saturating_sub(1.day())),
        (to, _) => to,
    };
    if let Some(same) = list.iter_mut().find(|a| rival(a) && a.from == new.from) {
        (same.unit, same.post, same.to) = (new.unit, new.post, to);
        same.nature = new.nature;
        return Ok(list);
    }
    if let Some(held) = list.iter_mut().find(|a| rival(a) && a.covers(new.from)) {
        if (held.unit, &held.post, held.nature) == (new.unit, &new.post, new.nature) {
            held.to = to;
            return Ok(list);
        }
        held.to = Some(new.from.saturating_sub(1.day()));
    }
    list.push(Assignment { to, ..new });
    Ok(list)
}

/// The first letters of a name's pinyin and of its Latin words, for searching: 王小明 → wxm.
pub fn initials(name: &str) -> String {
    use pinyin::ToPinyin;
    let mut out = String::new();
    let mut word = false;
    for (c, sound) in name.chars().zip(name.to_pinyin()) {
        match sound {
            Some(sound) => out.extend(sound.plain().chars().next()),
            None if c.is_alphanumeric() && c.is_ascii() && !word => {
                out.push(c.to_ascii_lowercase());
            }
            None => {}
        }
        word = c.is_ascii_alphanumeric();
    }
    out
}

/// Units whose path differs between two trees, with their new paths.
pub(crate) fn changed_paths(before: &Tree, after: &Tree) -> Vec<(UnitId, Vec<UnitId>)> {
    // In order, so that two nodes take row locks in the same order.
    let ids: BTreeSet<UnitId> = after.iter().map(|u| u.id).collect();
    ids.into_iter()
        .filter_map(|id| {
            let path = after.path(id)?;
            (before.path(id).as_ref() != Some(&path)).then_some((id, path))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(n: i16) -> Date {
        Date::constant(2026, 1, 1).saturating_add(i64::from(n).days())
    }

    fn id(n: u8) -> Id {
        Id([n; 16])
    }

    fn post(n: u8, unit: u8, from: i16, to: Option<i16>) -> Assignment {
        Assignment {
            id: id(n),
            unit: UnitId(id(unit)),
            post: String::new(),
            from: day(from),
            to: to.map(day),
            primary: true,
            nature: Default::default(),
        }
    }

    #[test]
    fn a_move_ends_the_old_assignment_the_day_before() {
        let known = lay(&[], post(1, 1, 0, None)).unwrap();
        let moved = lay(&known, post(2, 2, 31, None)).unwrap();
        assert_eq!(moved, [post(1, 1, 0, Some(30)), post(2, 2, 31, None)]);
        assert_eq!(
            lay(&moved, post(3, 1, 0, None)).unwrap(),
            moved,
            "an old list changes nothing"
        );
        let stay = lay(&known, post(4, 1, 9, None)).unwrap();
        assert_eq!(stay, known, "already there");
        let clash = lay(&moved, post(5, 3, 10, Some(31)));
        assert_eq!(
            clash,
            Err(Overlap {
                other_from: day(31)
            })
        );
    }

    #[test]
    fn a_second_post_stands_beside_the_first() {
        let known = lay(&[], post(1, 1, 0, None)).unwrap();
        let second = Assignment {
            primary: false,
            ..post(2, 2, 5, None)
        };
        let both = lay(&known, second.clone()).unwrap();
        assert_eq!(both, [known[0].clone(), second.clone()]);
        assert_eq!(lay(&both, second).unwrap(), both);
    }

    #[test]
    fn initials_are_those_people_type() {
        assert_eq!(initials("王小明"), "wxm");
        assert_eq!(initials("澜州市司法局 Office 2"), "lzssfjo2");
        assert_eq!(initials(""), "");
    }

    proptest! {
        #[test]
        fn primary_assignments_never_overlap_and_laying_again_changes_nothing(
            stated in proptest::collection::vec((1u8..4, 0i16..40, proptest::option::of(0i16..20)), 1..12)
        ) {
            let mut known = Vec::new();
            for (n, (unit, from, length)) in (10u8..).zip(stated) {
                let new = post(n, unit, from, length.map(|l| from + l));
                let Ok(next) = lay(&known, new.clone()) else { continue };
                prop_assert!(next.iter().any(|a| a.covers(new.from) && a.unit == new.unit));
                let again = lay(&next, Assignment { id: id(200), ..new });
                prop_assert_eq!(again.as_ref(), Ok(&next));
                known = next;
            }
            for n in -1..80 {
                let holding = known.iter().filter(|a| a.covers(day(n))).count();
                prop_assert!(holding <= 1);
            }
            for a in &known {
                prop_assert!(a.to.is_none_or(|to| a.from <= to));
            }
        }

        #[test]
        fn a_tree_knows_its_circles(parents in proptest::collection::vec(0usize..12, 1..12)) {
            let unit = |n: usize, parent: Option<usize>| Unit {
                id: UnitId(id(n as u8)),
                parent: parent.map(|p| UnitId(id(p as u8))),
                code: n.to_string(),
                name: n.to_string(),
                category: String::new(),
                sort: 0,
                from: day(0),
                to: None,
                credit_code: String::new(),
            };
            let count = parents.len();
            let tree = Tree::new((0..=count).map(|n| unit(n, (n > 0).then(|| parents[n - 1] % (count + 1)))));
            for n in 0..=count {
                // Followed naively for long enough, a path without a circle has reached the top.
                let mut at = n;
                for _ in 0..=count {
                    at = if at == 0 { 0 } else { parents[at - 1] % (count + 1) };
                }
                let path = tree.path(UnitId(id(n as u8)));
                prop_assert_eq!(path.is_some(), at == 0);
                if let Some(path) = path {
                    prop_assert_eq!(path[0], UnitId(id(0)));
                    prop_assert_eq!(*path.last().unwrap(), UnitId(id(n as u8)));
                }
            }
        }
    }
}

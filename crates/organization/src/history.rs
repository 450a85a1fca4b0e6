//! What units were called and where they stood on a day. No input or output.

use std::collections::{BTreeSet, HashMap};

use kernel::{Date, UnitId};

/// What holds of a unit from a day on, until the next state begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// First day.
    pub from: Date,
    /// The unit above; none for the top.
    pub parent: Option<UnitId>,
    /// Name.
    pub name: String,
    /// Kind of unit (类别).
    pub category: String,
}

/// The states of all units (沿革). Before its first day a unit counts where it began, so that what is
/// entered about earlier days still finds its place.
#[derive(Debug, Clone, Default)]
pub struct History {
    states: HashMap<UnitId, Vec<State>>,
}

impl History {
    /// The history of these states, each unit's in order of time.
    pub(crate) fn new(states: impl IntoIterator<Item = (UnitId, State)>) -> Self {
        let mut history = Self::default();
        for (unit, state) in states {
            history.states.entry(unit).or_default().push(state);
        }
        for list in history.states.values_mut() {
            list.sort_by_key(|s| s.from);
        }
        history
    }

    /// All states of a unit, in order of time.
    pub fn of(&self, unit: UnitId) -> &[State] {
        self.states.get(&unit).map_or(&[], Vec::as_slice)
    }

    /// The state of a unit on a day.
    pub fn on(&self, unit: UnitId, date: Date) -> Option<&State> {
        let list = self.of(unit);
        let after = list.partition_point(|s| s.from <= date);
        list.get(after.saturating_sub(1))
    }

    /// The units from the top down to this one on a day, itself included; `None` when it lies on a circle or
    /// hangs on a unit that does not exist.
    pub fn path(&self, unit: UnitId, date: Date) -> Option<Vec<UnitId>> {
        let mut path = vec![unit];
        let mut at = self.on(unit, date)?;
        while let Some(parent) = at.parent {
            if path.len() > self.states.len() {
                return None;
            }
            path.push(parent);
            at = self.on(parent, date)?;
        }
        path.reverse();
        Some(path)
    }

    /// Lays a state over what is known: it holds from its day until the next one that is known.
    pub fn lay(&mut self, unit: UnitId, state: State) {
        let list = self.states.entry(unit).or_default();
        match list.binary_search_by_key(&state.from, |s| s.from) {
            Ok(at) => list[at] = state,
            Err(at) => list.insert(at, state),
        }
    }

    /// Whether a unit stands in a circle on any day from this one on.
    pub fn circles(&self, unit: UnitId, from: Date) -> bool {
        // Paths only change on days on which some state begins.
        let begins = self.states.values().flatten().map(|s| s.from);
        let days: BTreeSet<Date> = begins.filter(|d| *d > from).chain([from]).collect();
        days.into_iter().any(|day| self.path(unit, day).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;
    use kernel::Id;
    use proptest::prelude::*;

    fn day(n: i16) -> Date {
        Date::constant(2026, 1, 1).saturating_add(i64::from(n).days())
    }

    fn unit(n: u8) -> UnitId {
        UnitId(Id([n; 16]))
    }

    fn state(from: i16, parent: Option<u8>) -> State {
        State {
            from: day(from),
            parent: parent.map(unit),
            name: from.to_string(),
            category: String::new(),
        }
    }

    #[test]
    fn a_unit_stands_where_it_stood_on_that_day() {
        let mut history = History::new([
            (unit(0), state(0, None)),
            (unit(1), state(0, Some(0))),
            (unit(2), state(0, Some(0))),
            (unit(3), state(0, Some(1))),
        ]);
        history.lay(unit(3), state(10, Some(2)));
        assert_eq!(
            history.path(unit(3), day(9)).unwrap(),
            [unit(0), unit(1), unit(3)]
        );
        assert_eq!(
            history.path(unit(3), day(10)).unwrap(),
            [unit(0), unit(2), unit(3)]
        );
        assert_eq!(history.on(unit(3), day(-5)).unwrap().name, "0");
        // A change between two known ones lasts until the later one.
        history.lay(unit(3), state(5, Some(0)));
        assert_eq!(history.path(unit(3), day(7)).unwrap(), [unit(0), unit(3)]);
        assert_eq!(history.on(unit(3), day(11)).unwrap().parent, Some(unit(2)));
    }

    proptest! {
        #[test]
        fn circles_are_seen_on_every_day(changes in proptest::collection::vec((1u8..6, 0u8..6, 0i16..20), 1..20)) {
            let mut history = History::new((0..6).map(|n| (unit(n), state(0, (n > 0).then_some(0)))));
            for (n, parent, from) in changes {
                let mut next = history.clone();
                next.lay(unit(n), state(from, Some(parent)));
                let circle = (from..25).any(|d| next.path(unit(n), day(d)).is_none());
                prop_assert_eq!(next.circles(unit(n), day(from)), circle);
                if !circle {
                    history = next;
                }
                for d in 0..25 {
                    for n in 0..6 {
                        prop_assert_eq!(history.path(unit(n), day(d)).unwrap()[0], unit(0));
                    }
                }
            }
        }
    }
}

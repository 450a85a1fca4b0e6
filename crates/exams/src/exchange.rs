//! Papers without questions that are alike (雷同题): where two of a paper are, one of them goes. Which of the two is
//! tried in turn, so that a paper is found wherever there is one, as long as the tries last. Pure.

use std::collections::{HashMap, HashSet};

use kernel::Id;

use crate::blueprint::{Shortage, matched};

/// A search for a choice in which no two questions are alike. What is alike is only asked of what was chosen.
pub(crate) struct Exchange<'n> {
    needs: &'n [usize],
    offers: Vec<Vec<Id>>,
    /// Sets of questions that are left out, to be tried; the last one first.
    left: Vec<Vec<Id>>,
    seen: HashSet<Vec<Id>>,
    tries: usize,
    /// What was short where the search first failed.
    short: Option<Vec<Shortage>>,
}

impl<'n> Exchange<'n> {
    /// A search among what each row is offered.
    pub(crate) fn new(needs: &'n [usize], offers: Vec<Vec<Id>>) -> Self {
        Self {
            needs,
            offers,
            left: vec![Vec::new()],
            seen: HashSet::new(),
            tries: 0,
            short: None,
        }
    }

    /// How many choices were looked at.
    pub(crate) fn tries(&self) -> usize {
        self.tries
    }

    /// The next choice to be looked at, with what is left out for it; none: every one was.
    pub(crate) fn choice(&mut self) -> Option<(Vec<Id>, Vec<Vec<Id>>)> {
        while let Some(out) = self.left.pop() {
            if !self.seen.insert(out.clone()) {
                continue;
            }
            let but: HashSet<&Id> = out.iter().collect();
            let rest = |ids: &Vec<Id>| ids.iter().filter(|id| !but.contains(id)).copied().collect();
            let rest: Vec<Vec<Id>> = self.offers.iter().map(rest).collect();
            match matched(self.needs, &rest) {
                Ok(chosen) => {
                    self.tries += 1;
                    return Some((out, chosen));
                }
                Err(short) => {
                    self.short.get_or_insert(short);
                }
            }
        }
        None
    }

    /// Questions of a choice are alike: without the one or without the other of each pair it is tried again. Any
    /// choice that is free of them does without one of the first pair, so that none is missed.
    pub(crate) fn refuse(&mut self, out: &[Id], chosen: &[Vec<Id>], alike: &[(Id, Id)]) {
        let Some(first) = alike.first() else {
            return;
        };
        // What a row has to choose from beyond what it needs; what is rarer stays.
        let mut spare: HashMap<Id, usize> = HashMap::new();
        for (row, ids) in chosen.iter().enumerate() {
            let left = self.offers[row].len() - ids.len();
            spare.extend(ids.iter().map(|id| (*id, left)));
        }
        let rarer_last = |(a, b): (Id, Id)| match spare.get(&a) > spare.get(&b) {
            true => (a, b),
            false => (b, a),
        };
        let mut push = |gone: &[Id]| {
            let mut all = [out, gone].concat();
            all.sort_unstable();
            all.dedup();
            self.left.push(all);
        };
        let (better, other) = rarer_last(*first);
        push(&[other]);
        push(&[better]);
        // The quick way, which is nearly always the end of it: of all pairs at once.
        let mut gone: Vec<Id> = Vec::new();
        for (a, b) in alike {
            if !gone.contains(a) && !gone.contains(b) {
                gone.push(rarer_last((*a, *b)).0);
            }
        }
        push(&gone);
    }

    /// What was short when every choice was looked at.
    pub(crate) fn short(self) -> Vec<Shortage> {
        self.short.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(n: usize) -> Id {
        Id([n as u8 + 1; 16])
    }

    /// Searches to the end: a choice, or none.
    fn search(
        needs: &[usize],
        offers: &[Vec<Id>],
        alike: &[(Id, Id)],
    ) -> (Option<Vec<Vec<Id>>>, usize) {
        let mut search = Exchange::new(needs, offers.to_vec());
        while let Some((out, chosen)) = search.choice() {
            let all = chosen.concat();
            let both = |(a, b): &&(Id, Id)| all.contains(a) && all.contains(b);
            let found: Vec<(Id, Id)> = alike.iter().filter(both).copied().collect();
            if found.is_empty() {
                return (Some(chosen), search.tries());
            }
            search.refuse(&out, &chosen, &found);
        }
        let tries = search.tries();
        (None, tries)
    }

    /// Whether some choice is free of what is alike, by trying them all.
    fn possible(
        needs: &[usize],
        offers: &[Vec<Id>],
        alike: &[(Id, Id)],
        taken: &mut Vec<Id>,
    ) -> bool {
        let Some(row) = needs.iter().position(|n| *n > 0) else {
            return true;
        };
        let mut less = needs.to_vec();
        less[row] -= 1;
        offers[row].iter().any(|id| {
            let barred = taken
                .iter()
                .any(|t| t == id || alike.contains(&(*t, *id)) || alike.contains(&(*id, *t)));
            if barred {
                return false;
            }
            taken.push(*id);
            let fits = possible(&less, offers, alike, taken);
            taken.pop();
            fits
        })
    }

    #[test]
    fn the_one_of_the_scarcer_row_goes_where_only_that_helps() {
        // The second row has more to choose from, but all of it is like the first row's one.
        let offers = [vec![id(0), id(1)], vec![id(2), id(3), id(4)]];
        let alike = [(id(0), id(2)), (id(0), id(3)), (id(0), id(4))];
        let (chosen, _) = search(&[1, 3], &offers, &alike);
        assert_eq!(chosen.unwrap()[0], [id(1)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn it_finds_a_choice_exactly_where_there_is_one(
            needs in prop::collection::vec(0usize..3, 1..4),
            offers in prop::collection::vec(prop::collection::btree_set(0usize..9, 0..7), 4),
            alike in prop::collection::btree_set((0usize..9, 0usize..9), 0..9),
        ) {
            let offers: Vec<Vec<Id>> = offers[..needs.len()].iter().map(|o| o.iter().map(|n| id(*n)).collect()).collect();
            let alike: Vec<(Id, Id)> = alike.into_iter().filter(|(a, b)| a < b).map(|(a, b)| (id(a), id(b))).collect();
            let (chosen, tries) = search(&needs, &offers, &alike);
            prop_assert!(tries <= crate::drawing::TRIES, "{tries} tries");
            prop_assert_eq!(chosen.is_some(), possible(&needs, &offers, &alike, &mut Vec::new()));
            if let Some(chosen) = chosen {
                for (row, own) in chosen.iter().enumerate() {
                    prop_assert_eq!(own.len(), needs[row]);
                    prop_assert!(own.iter().all(|q| offers[row].contains(q)));
                }
                let all = chosen.concat();
                prop_assert!(!alike.iter().any(|(a, b)| all.contains(a) && all.contains(b)));
            }
        }
    }
}

//! What the rows of people come to, some people at a time.

use std::collections::{BTreeMap, HashMap, HashSet};

use commons::identifiers::ResidentId;
use kernel::{Date, Env, FieldError, Id, Msg, PersonId, UnitId, format_date};

use super::{Change, ChangeKind, Ground, PersonRow, TraitRow, check_days};
use crate::attributes::Traits;
use crate::model::{Assignment, Person, lay};
use crate::store::Known;

/// What an officer said about rows whose number is new but that look like somebody who is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The same person: that one is updated and gets the new number.
    Same(PersonId),
    /// Another person who only looks alike.
    Other,
    /// The rows are left out.
    Out,
}

/// What happens to people.
#[derive(Default)]
pub(crate) struct PeoplePlan {
    /// Who is new or gets another name or number.
    pub people: Vec<Person>,
    /// What is new or changes.
    pub assignments: Vec<(PersonId, Assignment)>,
    /// Person, attribute, first day, value.
    pub traits: Vec<(PersonId, String, Date, String)>,
    /// Identity numbers that are new.
    pub numbers: Vec<(PersonId, ResidentId)>,
    /// Those of the people and assignments that were there before.
    pub known: HashSet<Id>,
    pub changes: Vec<Change>,
    pub unchanged: usize,
    pub left_out: usize,
}

impl PeoplePlan {
    /// The identity numbers as they are sealed.
    pub fn numbers(&self) -> Vec<(PersonId, &str)> {
        let list = self.numbers.iter();
        list.map(|(id, number)| (*id, number.as_str())).collect()
    }

    /// Whether somebody was not there before.
    pub fn is_new(&self, person: PersonId) -> bool {
        !self.known.contains(&person.0)
    }
}

/// Plans people with all their rows; whoever is said to be the same as somebody known is entered there.
pub(crate) fn plan_people(
    rows: &[PersonRow],
    known: &mut Known,
    traits: &HashMap<PersonId, Traits>,
    decisions: &HashMap<String, Decision>,
    ground: &Ground,
    env: &Env,
    errors: &mut Vec<FieldError>,
) -> PeoplePlan {
    let mut plan = PeoplePlan::default();
    let mut people: BTreeMap<&str, Vec<&PersonRow>> = BTreeMap::new();
    for row in rows {
        people.entry(&row.staff_no.value).or_default().push(row);
    }
    for (staff_no, list) in people {
        if decisions.get(staff_no) == Some(&Decision::Out) {
            plan.left_out += 1;
            continue;
        }
        let before = known.remove(staff_no);
        plan_person(
            staff_no, list, before, traits, ground, env, &mut plan, errors,
        );
    }
    plan
}

#[expect(clippy::too_many_arguments, reason = "one step of the loop above")]
fn plan_person(
    staff_no: &str,
    mut list: Vec<&PersonRow>,
    old: Option<(Person, Vec<Assignment>)>,
    traits: &HashMap<PersonId, Traits>,
    ground: &Ground,
    env: &Env,
    plan: &mut PeoplePlan,
    errors: &mut Vec<FieldError>,
) {
    // Later assignments end earlier ones, so they are laid in the order of time.
    list.sort_by_key(|row| row.from.value);
    let first = list[0];
    if let Some(other) = list.iter().find(|row| row.name.value != first.name.value) {
        let message = Msg::new("organization-staff-no-twice")
            .with("staff_no", staff_no)
            .with("other", &first.staff_no.at);
        errors.push(other.staff_no.error(message));
        return;
    }
    let is_new = old.is_none();
    let (mut person, before) = old.unwrap_or_else(|| {
        let person = Person {
            id: env.new_id(),
            staff_no: staff_no.to_owned(),
            name: first.name.value.clone(),
        };
        (person, Vec::new())
    });
    let wrong = errors.len();
    let after = lay_rows(&list, &before, ground, env, errors);
    let described = describe(&list, &person, is_new, traits, env, errors);
    if errors.len() > wrong {
        return;
    }
    let renamed = person.name != first.name.value;
    let renumbered = person.staff_no != staff_no;
    person.name.clone_from(&first.name.value);
    staff_no.clone_into(&mut person.staff_no);
    let changed: Vec<Assignment> = after.into_iter().filter(|a| !before.contains(a)).collect();
    let kind = if is_new {
        ChangeKind::PersonAdded
    } else if renumbered {
        ChangeKind::PersonRenumbered
    } else if !changed.is_empty() {
        ChangeKind::PersonMoved
    } else if renamed {
        ChangeKind::PersonRenamed
    } else if !described.is_empty() {
        ChangeKind::PersonDescribed
    } else {
        plan.unchanged += 1;
        return;
    };
    // One may change whom one has, and put them where one may.
    let today = env.today();
    let here = before
        .iter()
        .filter(|a| a.primary && a.to.is_none_or(|to| to >= today));
    let mut touched = here.chain(&changed).map(|a| a.unit);
    let reach = ground.reach.as_ref();
    if touched.any(|unit| reach.is_some_and(|r| !r.contains(&unit))) {
        let message = Msg::new("organization-person-outside").with("staff_no", staff_no);
        errors.push(first.staff_no.error(message));
        return;
    }
    plan.changes.push(Change {
        kind,
        code: staff_no.to_owned(),
        name: person.name.clone(),
    });
    let old_ids = before.iter().map(|a| a.id);
    plan.known
        .extend(old_ids.chain((!is_new).then_some(person.id.0)));
    plan.assignments
        .extend(changed.into_iter().map(|a| (person.id, a)));
    plan.traits.extend(described);
    if is_new || renamed || renumbered {
        plan.people.push(person);
    }
}

fn lay_rows(
    list: &[&PersonRow],
    before: &[Assignment],
    ground: &Ground,
    env: &Env,
    errors: &mut Vec<FieldError>,
) -> Vec<Assignment> {
    let mut after = before.to_vec();
    let mut overlaps = HashMap::new();
    for row in list.iter().copied() {
        let Some(unit) = ground.ids.get(&row.unit.value).copied() else {
            // A unit whose own row is wrong is named there.
            if !ground.named.contains(&row.unit.value) {
                let message = Msg::new("organization-unit-unknown").with("code", &row.unit.value);
                errors.push(row.unit.error(message));
            }
            continue;
        };
        if let Err(error) = check_overlap(row, unit, &mut overlaps) {
            errors.push(error);
            continue;
        }
        match stated(row, unit, &after, env) {
            Ok(new) => match lay(&after, new) {
                Ok(next) => after = next,
                Err(overlap) => {
                    let message = Msg::new("organization-overlap")
                        .with("other", format_date(overlap.other_from));
                    errors.push(row.to.error(message));
                }
            },
            Err(error) => errors.push(error),
        }
    }
    after
}

/// The attributes that rows say and that are otherwise today. Of a new person they hold from the first
/// day on, of a known one from today.
fn describe(
    list: &[&PersonRow],
    person: &Person,
    is_new: bool,
    traits: &HashMap<PersonId, Traits>,
    env: &Env,
    errors: &mut Vec<FieldError>,
) -> Vec<(PersonId, String, Date, String)> {
    let mut said: BTreeMap<&str, &TraitRow> = BTreeMap::new();
    let stated = list.iter().flat_map(|row| &row.traits);
    let (fills, stated): (Vec<_>, Vec<_>) = stated.partition(|t| t.fills);
    for stated in stated {
        let before = said.insert(&stated.code, stated);
        if let Some(before) = before.filter(|b| b.value.value != stated.value.value) {
            let message = Msg::new("organization-value-twice").with("other", &before.value.at);
            errors.push(stated.value.error(message));
        }
    }
    for stated in fills {
        said.entry(&stated.code).or_insert(stated);
    }
    let today = env.today();
    let begun = list.iter().filter_map(|row| row.from.value).min();
    let from = begun
        .filter(|from| is_new && *from < today)
        .unwrap_or(today);
    let known = traits.get(&person.id);
    said.into_iter()
        .filter(|(code, said)| match known.and_then(|t| t.on(code, today)) {
            Some(value) => !said.fills && *value != said.value.value,
            None => true,
        })
        .map(|(code, said)| {
            let from = said.from.unwrap_or(from);
            (person.id, code.to_owned(), from, said.value.value.clone())
        })
        .collect()
}

/// The assignment a row states.
fn stated(
    row: &PersonRow,
    unit: UnitId,
    known: &[Assignment],
    env: &Env,
) -> Result<Assignment, FieldError> {
    let today = env.today();
    let from = match row.from.value {
        Some(from) => from,
        // Without a first day the row only confirms where the person is.
        None => known
            .iter()
            .find(|a| a.primary == row.primary && a.unit == unit && a.covers(today))
            .map(|a| a.from)
            .ok_or_else(|| row.from.error(Msg::new("organization-from-missing")))?,
    };
    check_days(from, &row.to)?;
    let id: Id = env.new_id();
    Ok(Assignment {
        id,
        unit,
        post: row.post.clone(),
        from,
        to: row.to.value,
        primary: row.primary,
        nature: row.nature,
    })
}

/// Two rows of one sheet may not hold on the same day. Rows come in the order of their first days.
fn check_overlap<'r>(
    row: &'r PersonRow,
    unit: UnitId,
    seen: &mut HashMap<Option<UnitId>, &'r PersonRow>,
) -> Result<(), FieldError> {
    // Second posts only exclude each other in one unit.
    let lane = (!row.primary).then_some(unit);
    let Some(other) = seen.insert(lane, row) else {
        return Ok(());
    };
    let clash = match other.to.value {
        Some(to) => row.from.value.is_none_or(|from| from <= to),
        None => row.from.value == other.from.value || row.from.value.is_none(),
    };
    if clash {
        let message = Msg::new("organization-person-twice")
            .with("staff_no", &row.staff_no.value)
            .with("other", &other.staff_no.at);
        return Err(row.staff_no.error(message));
    }
    Ok(())
}

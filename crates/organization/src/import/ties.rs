//! Members of bodies (组织成员) and ties (结对、分管) that an import states: laid over what is known, person by person.

use std::collections::{BTreeMap, HashMap, HashSet};

use commons::sheets::squeeze;
use db::Tx;
use kernel::{Date, Env, FieldError, Id, Msg, PersonId, Result, Scope, UnitId, format_date};

use super::{Change, ChangeKind, check_days};
use crate::bodies::{Body, BodyKinds, Member};
use crate::model::{Assignment, Person, Tree, Unit};
use crate::sheet::At;
use crate::store;
use crate::ties::{Between, End, RESPONSIBILITY, Tie};

/// A stated membership or tie.
#[derive(Debug, Clone)]
pub(crate) struct TieRow {
    /// Name of the body; none for a tie.
    pub body: Option<At<String>>,
    /// Kind of the body, if it is said, or of the tie; name or code.
    pub kind: At<String>,
    /// Staff number of the member, or of the leader or mentor.
    pub staff_no: At<String>,
    /// Role of a member, name or code; other end of a tie: code of a unit or staff number.
    pub what: At<String>,
    /// First day; none: confirms what holds today.
    pub from: At<Option<Date>>,
    /// Last day; none: as it was.
    pub to: At<Option<Date>>,
    /// Name of the person, if it is said: a wrong number is noticed by it.
    pub name: At<String>,
    /// What a tie rests on.
    pub basis: String,
}

/// What happens to memberships and ties.
#[derive(Default)]
pub(crate) struct TiesPlan {
    pub members: Vec<Member>,
    pub members_end: Vec<(Id, Date)>,
    pub ties: Vec<Tie>,
    pub ties_end: Vec<(Id, Date)>,
    pub changes: Vec<Change>,
    pub unchanged: usize,
}

impl TiesPlan {
    /// Goes on with the plan of other people.
    pub fn extend(&mut self, more: Self) {
        self.members.extend(more.members);
        self.members_end.extend(more.members_end);
        self.ties.extend(more.ties);
        self.ties_end.extend(more.ties_end);
    }
}

/// What rows may name.
pub(crate) struct Places<'p> {
    kinds: &'p BodyKinds,
    units: HashMap<&'p str, &'p Unit>,
    reach: Option<HashSet<UnitId>>,
    env: &'p Env,
    bodies: HashMap<String, Vec<Body>>,
}

impl<'p> Places<'p> {
    /// Bodies in a scope, by name.
    pub async fn read(
        tx: &mut Tx,
        (kinds, tree): (&'p BodyKinds, &'p Tree),
        scope: &Scope,
        env: &'p Env,
    ) -> Result<Self> {
        let mut bodies: HashMap<String, Vec<Body>> = HashMap::new();
        for body in store::bodies(tx, None, scope).await? {
            bodies.entry(squeeze(&body.name)).or_default().push(body);
        }
        Ok(Self {
            kinds,
            units: tree.iter().map(|u| (u.code.as_str(), u)).collect(),
            reach: tree.reach(scope),
            env,
            bodies,
        })
    }

    /// The code of a kind of body or pairing that is named.
    fn code<'k>(
        named: &str,
        known: impl Iterator<Item = (&'k str, &'k commons::packs::Name)>,
    ) -> Option<&'k str> {
        let said = squeeze(named);
        let is = |code: &str, name: &commons::packs::Name| {
            [code, name.get("zh-CN"), name.get("en")]
                .iter()
                .any(|text| squeeze(text) == said)
        };
        let mut known = known;
        known.find(|(code, name)| is(code, name)).map(|(c, _)| c)
    }

    fn body(&self, name: &At<String>, kind: &At<String>) -> Result<&Body, FieldError> {
        let of = self.bodies.get(&squeeze(&name.value));
        let mut found: Vec<&Body> = of.into_iter().flatten().collect();
        if !kind.value.is_empty() {
            let code = Self::code(&kind.value, self.kinds.iter().map(|k| (&*k.code, &k.name)));
            let code = code.ok_or_else(|| kind.error(Msg::new("body-kind-unknown")))?;
            found.retain(|b| b.kind == code);
        }
        match found[..] {
            [body] => Ok(body),
            [] => Err(name.error(Msg::new("body-unknown").with("name", &name.value))),
            _ => Err(name.error(Msg::new("body-ambiguous").with("name", &name.value))),
        }
    }
}

type Known = BTreeMap<String, (Person, Vec<Assignment>)>;

/// Plans the rows of some people; all rows of a person come together.
pub(crate) async fn plan_ties(
    tx: &mut Tx,
    rows: &[TieRow],
    places: &Places<'_>,
    errors: &mut Vec<FieldError>,
) -> Result<TiesPlan> {
    let mut numbers: Vec<&str> = rows.iter().map(|r| r.staff_no.value.as_str()).collect();
    numbers.extend(
        rows.iter()
            .filter(|r| r.body.is_none())
            .map(|r| r.what.value.as_str()),
    );
    numbers.sort_unstable();
    numbers.dedup();
    let known: Known = store::people(tx, &numbers).await?;
    let ids: Vec<PersonId> = known.values().map(|(p, _)| p.id).collect();
    let mut members: HashMap<PersonId, Vec<Member>> = HashMap::new();
    for member in store::members_among(tx, &ids).await? {
        members.entry(member.person).or_default().push(member);
    }
    let mut ties: HashMap<PersonId, Vec<Tie>> = HashMap::new();
    for tie in store::ties_among(tx, &ids).await? {
        ties.entry(tie.person).or_default().push(tie);
    }
    // In the order of time, so that a later role ends an earlier one.
    let mut rows: Vec<&TieRow> = rows.iter().collect();
    rows.sort_by(|a, b| (&a.staff_no.value, a.from.value).cmp(&(&b.staff_no.value, b.from.value)));
    let mut plan = TiesPlan::default();
    for row in rows {
        let number = &row.staff_no;
        let Some((person, assignments)) = known.get(&number.value) else {
            let message = Msg::new("import-person-first").with("staff_no", &number.value);
            errors.push(number.error(message));
            continue;
        };
        if !row.name.value.is_empty() && squeeze(&row.name.value) != squeeze(&person.name) {
            let message = Msg::new("import-other-name").with("staff_no", &number.value);
            errors.push(row.name.error(message));
            continue;
        }
        let done = match &row.body {
            Some(name) => {
                let held = members.entry(person.id).or_default();
                member(row, name, person, held, places, &mut plan)
            }
            None => {
                let held = ties.entry(person.id).or_default();
                tie(row, (person, assignments), held, &known, places, &mut plan)
            }
        };
        match done {
            Ok(true) => {}
            Ok(false) => plan.unchanged += 1,
            Err(error) => errors.push(error),
        }
    }
    Ok(plan)
}

fn overlap(at: &At<Option<Date>>, other: Date) -> FieldError {
    at.error(Msg::new("organization-overlap").with("other", format_date(other)))
}

/// Lays a stated membership over those of a person; false when nothing changes.
fn member(
    row: &TieRow,
    name: &At<String>,
    person: &Person,
    held: &mut Vec<Member>,
    places: &Places<'_>,
    plan: &mut TiesPlan,
) -> Result<bool, FieldError> {
    let body = places.body(name, &row.kind)?;
    let kind = places.kinds.get(&body.kind);
    let roles = kind.into_iter().flat_map(|k| k.roles.iter());
    let role = Places::code(&row.what.value, roles.clone().map(|r| (&*r.code, &r.name)));
    let role = role.ok_or_else(|| {
        let known: Vec<&str> = roles.map(|r| r.name.get("zh-CN")).collect();
        let message = Msg::new("organization-value-unknown")
            .with("value", row.what.value.chars().take(40).collect::<String>());
        row.what.error(message.with("known", known.join("、")))
    })?;
    let today = places.env.today();
    let own = |m: &&mut Member| m.body == body.id;
    let from = match row.from.value {
        Some(from) => from,
        None => {
            let mut now = held.iter().filter(|m| m.body == body.id && m.role == role);
            let now = now.find(|m| m.covers(today));
            now.ok_or_else(|| row.from.error(Msg::new("organization-from-missing")))?
                .from
        }
    };
    check_days(from, &row.to)?;
    let stands = |day: Date| body.from <= day && body.to.is_none_or(|to| day <= to);
    for (at, day) in [(&row.from, Some(from)), (&row.to, row.to.value)] {
        if let Some(day) = day.filter(|day| !stands(*day)) {
            let message = Msg::new("organization-not-standing").with("name", &body.name);
            return Err(at.error(message.with("date", format_date(day))));
        }
    }
    let later = held.iter().filter(|m| m.body == body.id && m.from > from);
    if let Some(later) = later.map(|m| m.from).min() {
        // What was recorded later stands; an old list that says the same changes nothing.
        let known = held.iter().any(|m| {
            m.body == body.id
                && m.from == from
                && m.role == role
                && m.to.is_some_and(|to| to < later)
        });
        return match row.to.value {
            _ if !known => Err(overlap(&row.from, later)),
            Some(to) if to >= later => Err(overlap(&row.to, later)),
            _ => Ok(false),
        };
    }
    let change = |kind| Change {
        kind,
        code: person.staff_no.clone(),
        name: format!("{} · {}", person.name, body.name),
    };
    if let Some(now) = held.iter_mut().filter(own).find(|m| m.covers(from)) {
        if now.role == role {
            let Some(to) = row.to.value.filter(|to| now.to != Some(*to)) else {
                return Ok(false);
            };
            now.to = Some(to);
            end_member(plan, now.id, to);
            plan.changes.push(change(ChangeKind::MemberEnded));
            return Ok(true);
        }
        if now.from == from {
            return Err(overlap(&row.from, from));
        }
        let before = from.yesterday().unwrap_or(from);
        now.to = Some(before);
        end_member(plan, now.id, before);
    }
    let new = Member {
        id: places.env.new_id(),
        body: body.id,
        person: person.id,
        role: role.to_owned(),
        from,
        to: row.to.value,
    };
    held.push(new.clone());
    plan.members.push(new);
    plan.changes.push(change(ChangeKind::MemberAdded));
    Ok(true)
}

/// A membership that the same import adds ends as it is added.
fn end_member(plan: &mut TiesPlan, id: Id, last: Date) {
    match plan.members.iter_mut().find(|m| m.id == id) {
        Some(new) => new.to = Some(last),
        None => plan.members_end.push((id, last)),
    }
}

/// Lays a stated tie over those of a person; false when nothing changes.
fn tie(
    row: &TieRow,
    (person, assignments): (&Person, &[Assignment]),
    held: &mut Vec<Tie>,
    known: &Known,
    places: &Places<'_>,
    plan: &mut TiesPlan,
) -> Result<bool, FieldError> {
    let pairings = places.kinds.pairings().map(|k| (&*k.code, &k.name));
    let code = match squeeze(&row.kind.value).as_str() {
        "分管" | RESPONSIBILITY => Some(RESPONSIBILITY),
        _ => Places::code(&row.kind.value, pairings),
    };
    let code = code.ok_or_else(|| row.kind.error(Msg::new("pairing-kind-unknown")))?;
    let kind = places.kinds.pairing(code);
    let between = kind.map_or(Between::PersonUnit, |k| k.between);
    let today = places.env.today();
    let (end, end_name, serves) = other_end(row, between, known, places)?;
    if end == End::Person(person.id) {
        return Err(row.what.error(Msg::new("pairing-with-oneself")));
    }
    let same = |t: &&mut Tie| t.kind == code && t.end == end;
    let from = match row.from.value {
        Some(from) => from,
        None => {
            let mut now = held.iter().filter(|t| t.kind == code && t.end == end);
            let now = now.find(|t| t.covers(today));
            now.ok_or_else(|| row.from.error(Msg::new("organization-from-missing")))?
                .from
        }
    };
    check_days(from, &row.to)?;
    let change = |kind| Change {
        kind,
        code: person.staff_no.clone(),
        name: format!("{} · {end_name}", person.name),
    };
    if let Some(now) = held.iter_mut().filter(same).find(|t| t.covers(from)) {
        let Some(to) = row.to.value.filter(|to| now.to != Some(*to)) else {
            return Ok(false);
        };
        now.to = Some(to);
        match plan.ties.iter_mut().find(|t| t.id == now.id) {
            Some(new) => new.to = Some(to),
            None => plan.ties_end.push((now.id, to)),
        }
        plan.changes.push(change(ChangeKind::TieEnded));
        return Ok(true);
    }
    let not_serving = |at: &At<String>, name: &str| {
        let message = Msg::new("pairing-not-serving").with("name", name);
        at.error(message.with("date", format_date(from)))
    };
    if !assignments.iter().any(|a| a.covers(from)) {
        return Err(not_serving(&row.staff_no, &person.name));
    }
    if !serves(from) {
        return Err(not_serving(&row.what, &end_name));
    }
    let meets = |t: &&Tie| {
        t.kind == code
            && t.to.is_none_or(|to| to >= from)
            && row.to.value.is_none_or(|to| t.from <= to)
    };
    let met: Vec<&Tie> = held.iter().filter(meets).collect();
    if let Some(other) = met.iter().find(|t| t.end == end) {
        return Err(overlap(&row.from, other.from));
    }
    if let Some(most) = kind.and_then(|k| k.most).filter(|most| met.len() >= *most) {
        let message = Msg::new("pairing-too-many").with("name", &person.name);
        return Err(row.staff_no.error(message.with("most", most)));
    }
    let new = Tie {
        id: places.env.new_id(),
        kind: code.to_owned(),
        person: person.id,
        name: person.name.clone(),
        staff_no: person.staff_no.clone(),
        end,
        end_name: end_name.clone(),
        from,
        to: row.to.value,
        basis: row.basis.clone(),
    };
    held.push(new.clone());
    plan.ties.push(new);
    plan.changes.push(change(ChangeKind::TieAdded));
    Ok(true)
}

/// The other end with its name, and on which days it is there; it must lie in the scope.
#[expect(clippy::type_complexity, reason = "used once")]
fn other_end<'k>(
    row: &TieRow,
    between: Between,
    known: &'k Known,
    places: &'k Places<'_>,
) -> Result<(End, String, Box<dyn Fn(Date) -> bool + 'k>), FieldError> {
    let near = |unit: UnitId| places.reach.as_ref().is_none_or(|r| r.contains(&unit));
    let at = &row.what;
    match between {
        Between::PersonUnit => {
            let unit = places.units.get(at.value.as_str()).filter(|u| near(u.id));
            let unit = unit.ok_or_else(|| {
                at.error(Msg::new("organization-code-unknown").with("code", &at.value))
            })?;
            let there = |day| unit.from <= day && unit.stands(day);
            Ok((End::Unit(unit.id), unit.name.clone(), Box::new(there)))
        }
        Between::PersonPerson => {
            let unknown = || at.error(Msg::new("import-person-first").with("staff_no", &at.value));
            let (other, serves) = known.get(&at.value).ok_or_else(unknown)?;
            if !serves.iter().any(|a| near(a.unit)) {
                return Err(unknown());
            }
            let there = |day| serves.iter().any(|a| a.covers(day));
            Ok((End::Person(other.id), other.name.clone(), Box::new(there)))
        }
    }
}

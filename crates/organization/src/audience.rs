//! Audiences (对象范围): groups of people by rule, as of a day. Evaluated in one query, explained for each person.

use std::collections::BTreeMap;

use db::{Tx, transaction};
use jiff::ToSpan;
use kernel::{Date, Error, FieldError, Id, Msg, PersonId, Result, Scope, UnitId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::attributes::Attributes;
use crate::service::{Organization, check_text, checked};
use crate::store;
use crate::trail::By;

/// So many people can be named one by one; more are a rule.
const MOST_NAMED: usize = 200;

/// Who belongs to an audience. Everything that is given must hold; of several values one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// The unit under which people serve.
    pub under: Option<UnitId>,
    /// Only the unit's own people, not those of the units below.
    pub own: bool,
    /// Kinds of the units people serve in (单位类别).
    pub categories: Vec<String>,
    /// Values of attributes, by attribute.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// A part of the post.
    pub post: String,
    /// Months since the first assignment, at least.
    pub months_from: Option<i32>,
    /// Months since the first assignment, at most.
    pub months_to: Option<i32>,
    /// A place in a body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seat: Option<Seat>,
    /// People who belong to it whatever the conditions say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plus: Vec<PersonId>,
    /// People who do not belong to it whatever the conditions say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub minus: Vec<PersonId>,
}

/// A place in a body (组织中的角色): of one body, or of all of a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seat {
    /// Kind of body.
    pub kind: String,
    /// One body; none: any of the kind.
    pub body: Option<Id>,
    /// Role; empty: any.
    pub role: String,
}

/// What a rule asks, as dates: tenure counts back from the day.
pub(crate) struct Asked<'r> {
    pub rule: &'r Rule,
    pub date: Date,
    /// The first assignment began on this day or before.
    pub begun_by: Option<Date>,
    /// The first assignment began on this day or after.
    pub begun_since: Option<Date>,
}

impl Rule {
    pub(crate) fn on(&self, date: Date) -> Asked<'_> {
        let back = |months: i32| date.saturating_sub(months.months());
        Asked {
            rule: self,
            date,
            begun_by: self.months_from.map(back),
            begun_since: self.months_to.map(back),
        }
    }

    fn check(&self, attributes: &Attributes, errors: &mut Vec<FieldError>) {
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        for (code, values) in &self.attributes {
            let Some(attribute) = attributes.get(code) else {
                wrong("attribute", Msg::new("attribute-unknown"));
                continue;
            };
            if values.iter().any(|v| attribute.value(v).is_none()) {
                wrong("attribute", Msg::new("attribute-value-unknown"));
            }
        }
        let months = [self.months_from, self.months_to];
        if months
            .into_iter()
            .flatten()
            .any(|m| !(0..=1_200).contains(&m))
            || matches!((self.months_from, self.months_to), (Some(a), Some(b)) if a > b)
        {
            wrong("months_from", Msg::new("audience-months"));
        }
        if let Some(message) = check_text(&self.post, 100) {
            wrong("post", message);
        }
        for (field, people) in [("plus", &self.plus), ("minus", &self.minus)] {
            if people.len() > MOST_NAMED {
                wrong(
                    field,
                    Msg::new("audience-too-many").with("most", MOST_NAMED),
                );
            }
        }
        if self.plus.iter().any(|p| self.minus.contains(p)) {
            wrong("minus", Msg::new("audience-both"));
        }
    }
}

/// An audience that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// Id.
    pub id: Id,
    /// Name.
    pub name: String,
    /// The unit whose administrators keep it.
    pub unit: UnitId,
    /// Who belongs to it.
    pub rule: Rule,
}

/// A condition of a rule, and whether it holds of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Which condition.
    pub condition: Condition,
    /// Whether it holds.
    pub holds: bool,
}

/// A condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Serves somewhere on the day.
    Serves,
    /// Serves under the unit.
    Under,
    /// Serves in a unit of one of the kinds.
    Category,
    /// Has one of the values of this attribute.
    Attribute(String),
    /// The post has the words in it.
    Post,
    /// Served so long.
    Tenure,
    /// Has the place in a body.
    Seat,
    /// Is added by name: the other conditions do not matter.
    Plus,
    /// Is left out by name.
    Minus,
}

/// Whether all that is said lets somebody in: left out by name before all, then added by name, then the
/// conditions.
pub fn belongs(reasons: &[Reason]) -> bool {
    let says = |condition: Condition| reasons.iter().find(|r| r.condition == condition);
    let serves = says(Condition::Serves).is_some_and(|r| r.holds);
    let left_out = says(Condition::Minus).is_some_and(|r| !r.holds);
    let added = says(Condition::Plus).is_some_and(|r| r.holds);
    let mut conditions = reasons
        .iter()
        .filter(|r| !matches!(r.condition, Condition::Plus | Condition::Minus));
    serves && !left_out && (added || conditions.all(|r| r.holds))
}

impl Organization {
    /// Why a person belongs to an audience on a day, or why not: each condition by itself.
    ///
    /// # Errors
    /// `NotFound` for a person out of scope.
    pub async fn reasons(
        &self,
        rule: &Rule,
        person: PersonId,
        date: Date,
        scope: &Scope,
    ) -> Result<Vec<Reason>> {
        let card = self.person(person, scope).await?;
        let mut tx = self.db.read().await?;
        let asked = rule.on(date);
        let serves = card.assignments.iter();
        let serves = serves.filter(|a| a.primary).find(|a| a.covers(date));
        let units = serves.map(|a| a.unit).into_iter().collect::<Vec<_>>();
        let paths = store::paths(&mut tx, &units).await?;
        let path = units.first().and_then(|u| paths.get(u));
        let unit = match units.first() {
            Some(unit) => store::tree(&mut tx).await?.get(*unit).cloned(),
            None => None,
        };
        let begun = card.assignments.iter().filter(|a| a.primary);
        let begun = begun.map(|a| a.from).min();
        let mut reasons = vec![Reason {
            condition: Condition::Serves,
            holds: serves.is_some(),
        }];
        let mut say = |condition, holds| reasons.push(Reason { condition, holds });
        if let Some(under) = rule.under {
            let holds = if rule.own {
                units.contains(&under)
            } else {
                path.is_some_and(|p| p.contains(&under))
            };
            say(Condition::Under, holds);
        }
        if !rule.categories.is_empty() {
            let holds = unit.is_some_and(|u| rule.categories.contains(&u.category));
            say(Condition::Category, holds);
        }
        for (code, values) in &rule.attributes {
            let value = card.traits.on(code, date);
            let holds = value.is_some_and(|v| values.iter().any(|w| w == v));
            say(Condition::Attribute(code.clone()), holds);
        }
        if !rule.post.trim().is_empty() {
            let words = rule.post.trim().to_lowercase();
            let holds = serves.is_some_and(|a| a.post.to_lowercase().contains(&words));
            say(Condition::Post, holds);
        }
        if asked.begun_by.is_some() || asked.begun_since.is_some() {
            let holds = begun.is_some_and(|b| {
                asked.begun_by.is_none_or(|by| b <= by)
                    && asked.begun_since.is_none_or(|since| b >= since)
            });
            say(Condition::Tenure, holds);
        }
        if let Some(seat) = &rule.seat {
            let held = store::memberships(&mut tx, person).await?;
            let holds = held.iter().any(|(member, body)| {
                member.covers(date)
                    && body.kind == seat.kind
                    && seat.body.is_none_or(|b| b == body.id)
                    && (seat.role.is_empty() || seat.role == member.role)
            });
            say(Condition::Seat, holds);
        }
        // Said of those only whom it is about.
        if rule.plus.contains(&person) {
            say(Condition::Plus, true);
        }
        if rule.minus.contains(&person) {
            say(Condition::Minus, false);
        }
        Ok(reasons)
    }

    /// Keeps an audience; one with this id is replaced.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when its unit is out of scope.
    pub async fn keep_audience(
        &self,
        attributes: &Attributes,
        audience: &Audience,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<()> {
        let by = by.into();
        let mut errors = Vec::new();
        let name = checked("name", &audience.name, 100, &mut errors);
        audience.rule.check(attributes, &mut errors);
        Error::if_any(errors)?;
        self.unit(audience.unit, scope).await?;
        let rule = serde_json::to_string(&audience.rule).map_err(Error::internal)?;
        transaction!(self.db, |tx| {
            if let Some(known) = store::audiences(tx, Some(audience.id), &Scope::All)
                .await?
                .first()
            {
                self.may_keep(tx, known.unit, scope).await?;
            }
            let now = self.env.now();
            if !store::put_audience(tx, audience, &name, &rule, now, by.account).await? {
                return Err(Error::Conflict(Msg::new("audience-gone")));
            }
            let object = ("audience", audience.id);
            self.tell(
                tx,
                &by,
                "audience.kept",
                object,
                json!({ "unit": audience.unit }),
            )
            .await
        })
    }

    async fn may_keep(&self, tx: &mut Tx, unit: UnitId, scope: &Scope) -> Result<()> {
        let paths = store::paths(tx, &[unit]).await?;
        let reached = paths.get(&unit).is_some_and(|p| scope.reaches(p));
        if reached {
            Ok(())
        } else {
            Err(Error::NotFound)
        }
    }

    /// Takes an audience off the list; what was done with it stays.
    pub async fn drop_audience(&self, id: Id, by: impl Into<By>, scope: &Scope) -> Result<()> {
        let by = by.into();
        transaction!(self.db, |tx| {
            let found = store::audiences(tx, Some(id), scope).await?;
            if found.is_empty() {
                return Err(Error::NotFound);
            }
            store::drop_audience(tx, id, self.env.now()).await?;
            self.tell(tx, &by, "audience.dropped", ("audience", id), json!({}))
                .await
        })
    }

    /// The audiences of units in a scope, by name.
    pub async fn audiences(&self, scope: &Scope) -> Result<Vec<Audience>> {
        store::audiences(&mut self.db.read().await?, None, scope).await
    }

    /// An audience; outside the scope it does not exist.
    pub async fn audience(&self, id: Id, scope: &Scope) -> Result<Audience> {
        let mut tx = self.db.read().await?;
        let found = store::audiences(&mut tx, Some(id), scope).await?;
        found.into_iter().next().ok_or(Error::NotFound)
    }

    /// The kinds of units that stand today, for choosing.
    pub async fn categories(&self, scope: &Scope) -> Result<Vec<String>> {
        let today = self.env.today();
        store::categories(&mut self.db.read().await?, today, scope).await
    }
}

//! Audiences (对象范围): groups of people by rule, as of a day. Evaluated in one query, explained for each person.

use std::collections::BTreeMap;

use db::{Tx, transaction};
use jiff::ToSpan;
use kernel::{Date, Error, FieldError, Id, Msg, PersonId, Result, Scope, UnitId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::attributes::{Attributes, full_years};
use crate::bodies::{Body, Member};
use crate::service::{Organization, check_text, checked};
use crate::store;
use crate::trail::By;

/// So many people can be named one by one; more are a rule.
const MOST_NAMED: usize = 200;
/// So many places in bodies a rule can name.
const MOST_SEATS: usize = 50;

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
    /// Months in the present post, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_post_from: Option<i32>,
    /// Months in the present post, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_post_to: Option<i32>,
    /// Full years since a month, such as that of birth (年龄), by attribute.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub years: BTreeMap<String, Years>,
    /// Places in bodies, of which people have one.
    #[serde(
        alias = "seat",
        deserialize_with = "one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub seats: Vec<Seat>,
    /// Places in bodies, of which people have none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Seat>,
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

impl Seat {
    /// Whether a membership is this place.
    fn is(&self, member: &Member, body: &Body) -> bool {
        body.kind == self.kind
            && self.body.is_none_or(|b| b == body.id)
            && (self.role.is_empty() || self.role == member.role)
    }
}

/// Rules were once kept with one place in a body.
fn one_or_many<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Seat>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Many(Vec<Seat>),
        One(Option<Seat>),
    }
    Ok(match Kept::deserialize(from)? {
        Kept::Many(seats) => seats,
        Kept::One(seat) => seat.into_iter().collect(),
    })
}

/// So many full years, from and to, both included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Years {
    /// At least.
    pub from: Option<i32>,
    /// At most.
    pub to: Option<i32>,
}

impl Years {
    /// The first and the last month from which so many years are full on a day.
    pub(crate) fn months(self, date: Date) -> (String, String) {
        let month = |back: i32| {
            let day = date.first_of_month().saturating_sub(back.months());
            format!("{:04}-{:02}", day.year().max(1), day.month())
        };
        let first = self
            .to
            .map_or("0001-01".to_owned(), |to| month(12 * to + 11));
        let last = self
            .from
            .map_or("9999-12".to_owned(), |from| month(12 * from));
        (first, last)
    }
}

/// What a rule asks, as dates: tenure counts back from the day.
pub(crate) struct Asked<'r> {
    pub rule: &'r Rule,
    pub date: Date,
    /// The first assignment began on this day or before.
    pub begun_by: Option<Date>,
    /// The first assignment began on this day or after.
    pub begun_since: Option<Date>,
    /// The present post began on this day or before.
    pub posted_by: Option<Date>,
    /// The present post began on this day or after.
    pub posted_since: Option<Date>,
}

fn within(day: Date, by: Option<Date>, since: Option<Date>) -> bool {
    by.is_none_or(|by| day <= by) && since.is_none_or(|since| day >= since)
}

impl Rule {
    pub(crate) fn on(&self, date: Date) -> Asked<'_> {
        let back = |months: i32| date.saturating_sub(months.months());
        Asked {
            rule: self,
            date,
            begun_by: self.months_from.map(back),
            begun_since: self.months_to.map(back),
            posted_by: self.in_post_from.map(back),
            posted_since: self.in_post_to.map(back),
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
        let range = |from: Option<i32>, to: Option<i32>, most: i32| {
            let mut given = [from, to].into_iter().flatten();
            given.all(|n| (0..=most).contains(&n))
                && !matches!((from, to), (Some(a), Some(b)) if a > b)
        };
        for (field, from, to) in [
            ("months_from", self.months_from, self.months_to),
            ("in_post_from", self.in_post_from, self.in_post_to),
        ] {
            if !range(from, to, 1_200) {
                wrong(field, Msg::new("audience-months"));
            }
        }
        for (code, years) in &self.years {
            let field = format!("years.{code}.from");
            if attributes.get(code).is_none_or(|a| a.years.is_none()) {
                wrong(&field, Msg::new("attribute-unknown"));
            } else if !range(years.from, years.to, 150) {
                wrong(&field, Msg::new("audience-years"));
            }
        }
        for (field, seats) in [("seats", &self.seats), ("without", &self.without)] {
            if seats.len() > MOST_SEATS {
                wrong(
                    field,
                    Msg::new("audience-too-many-seats").with("most", MOST_SEATS),
                );
            }
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
    /// Is so long in the present post.
    InPost,
    /// So many years are full since the month that this attribute says.
    Years(String),
    /// Has one of the places in bodies.
    Seat,
    /// Has none of the places in bodies.
    Without,
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
            let holds = begun.is_some_and(|b| within(b, asked.begun_by, asked.begun_since));
            say(Condition::Tenure, holds);
        }
        if asked.posted_by.is_some() || asked.posted_since.is_some() {
            let holds = serves.is_some_and(|a| within(a.from, asked.posted_by, asked.posted_since));
            say(Condition::InPost, holds);
        }
        for (code, years) in &rule.years {
            let full = card.traits.on(code, date);
            let full = full.and_then(|month| full_years(month, date));
            let holds = full.is_some_and(|n| {
                years.from.is_none_or(|from| n >= from) && years.to.is_none_or(|to| n <= to)
            });
            say(Condition::Years(code.clone()), holds);
        }
        if !rule.seats.is_empty() || !rule.without.is_empty() {
            let held = store::memberships(&mut tx, person).await?;
            let has = |seats: &[Seat]| {
                let mut now = held.iter().filter(|(member, _)| member.covers(date));
                now.any(|(member, body)| seats.iter().any(|s| s.is(member, body)))
            };
            if !rule.seats.is_empty() {
                say(Condition::Seat, has(&rule.seats));
            }
            if !rule.without.is_empty() {
                say(Condition::Without, !has(&rule.without));
            }
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

    /// A page of the audiences of units in a scope, and how many there are in all.
    pub(crate) async fn audience_list(
        &self,
        text: &str,
        scope: &Scope,
        order: web::table::Order,
        window: web::table::Window,
    ) -> Result<(Vec<Audience>, i64)> {
        let mut tx = self.db.read().await?;
        store::audience_list(&mut tx, text, scope, order, window).await
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

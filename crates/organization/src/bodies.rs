//! Bodies (组织): party branches, groups, temporary teams. Their members come from any unit, in a role, from a
//! day until a day. Which kinds there are is said by packs.

use commons::packs::{Name, PackProblem, Packs};
use db::transaction;
use kernel::{Date, Error, FieldError, Id, Msg, PersonId, Result, Scope, UnitId};
use serde::Deserialize;
use serde_json::json;
use toml::Spanned;
use web::table::{Order, Window};

use crate::service::{Organization, check_text, checked};
use crate::store;
use crate::ties::{PairingKind, RESPONSIBILITY};
use crate::trail::By;

/// A kind of body with the roles its members can have, the first one first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BodyKind {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Roles of members.
    pub roles: Vec<BodyRole>,
}

/// A role in a body.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BodyRole {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Section {
    #[serde(default)]
    body_kind: Vec<Spanned<BodyKind>>,
    #[serde(default)]
    pairing_kind: Vec<Spanned<PairingKind>>,
}

/// All kinds of bodies and of pairings (结对) of all packs.
#[derive(Debug, Clone, Default)]
pub struct BodyKinds(Vec<BodyKind>, Vec<PairingKind>);

impl BodyKinds {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let mut found: Vec<BodyKind> = Vec::new();
        let mut pairings: Vec<PairingKind> = Vec::new();
        let mut problems = Vec::new();
        for (pack, section) in packs.read::<Section>()? {
            for spanned in section.body_kind {
                let span = spanned.span();
                let kind = spanned.into_inner();
                let mut wrong = |key, code: &str| {
                    problems.push(pack.problem_at(span.clone(), Msg::new(key).with("code", code)));
                };
                let codes = kind.roles.iter().map(|r| r.code.as_str());
                for code in codes.clone().chain([kind.code.as_str()]) {
                    if !commons::packs::is_kebab(code) {
                        wrong("attribute-code", code);
                    }
                }
                let mut seen = std::collections::HashSet::new();
                for code in codes {
                    if !seen.insert(code) {
                        wrong("body-role-twice", code);
                    }
                }
                if kind.roles.is_empty() {
                    wrong("body-without-roles", &kind.code);
                }
                if found.iter().any(|k| k.code == kind.code) {
                    wrong("body-kind-twice", &kind.code);
                }
                found.push(kind);
            }
            for spanned in section.pairing_kind {
                let span = spanned.span();
                let kind = spanned.into_inner();
                let mut wrong = |key| {
                    let message = Msg::new(key).with("code", &kind.code);
                    problems.push(pack.problem_at(span.clone(), message));
                };
                if !commons::packs::is_kebab(&kind.code) {
                    wrong("attribute-code");
                }
                if kind.code == RESPONSIBILITY || pairings.iter().any(|k| k.code == kind.code) {
                    wrong("pairing-kind-twice");
                }
                pairings.push(kind);
            }
        }
        if problems.is_empty() {
            Ok(Self(found, pairings))
        } else {
            Err(problems)
        }
    }

    /// A kind by its code.
    pub fn get(&self, code: &str) -> Option<&BodyKind> {
        self.0.iter().find(|k| k.code == code)
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, BodyKind> {
        self.0.iter()
    }

    /// A kind of pairing by its code.
    pub fn pairing(&self, code: &str) -> Option<&PairingKind> {
        self.1.iter().find(|k| k.code == code)
    }

    /// All kinds of pairings.
    pub fn pairings(&self) -> std::slice::Iter<'_, PairingKind> {
        self.1.iter()
    }
}

impl BodyKind {
    /// A role by its code.
    pub fn role(&self, code: &str) -> Option<&BodyRole> {
        self.roles.iter().find(|r| r.code == code)
    }

    /// Where a role stands among the others.
    pub fn rank(&self, code: &str) -> usize {
        let at = self.roles.iter().position(|r| r.code == code);
        at.unwrap_or(self.roles.len())
    }
}

/// A body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Id.
    pub id: Id,
    /// Its kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// The unit that keeps it.
    pub unit: UnitId,
    /// Task and basis (职责和依据); may be empty.
    pub charter: String,
    /// First day.
    pub from: Date,
    /// Last day; none while it stands.
    pub to: Option<Date>,
}

/// A membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Id.
    pub id: Id,
    /// The body.
    pub body: Id,
    /// Who.
    pub person: PersonId,
    /// Role.
    pub role: String,
    /// First day.
    pub from: Date,
    /// Last day; none while it lasts.
    pub to: Option<Date>,
}

impl Member {
    /// Whether it holds on a day.
    pub fn covers(&self, date: Date) -> bool {
        self.from <= date && self.to.is_none_or(|to| date <= to)
    }
}

fn wrong(field: &str, message: Msg) -> FieldError {
    FieldError {
        field: field.to_owned(),
        message,
    }
}

fn ends_before(from: Date, to: Date) -> Msg {
    Msg::new("organization-ends-before")
        .with("to", kernel::format_date(to))
        .with("from", kernel::format_date(from))
}

/// Which bodies are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BodyQuery {
    /// Part of the name; empty: any.
    pub text: String,
    /// Of this kind.
    pub kind: Option<String>,
    /// Standing today, or ended.
    pub standing: Option<bool>,
}

impl Organization {
    /// A page of the bodies of units in a scope, and how many there are in all.
    pub(crate) async fn body_page(
        &self,
        asked: &BodyQuery,
        scope: &Scope,
        order: Order,
        window: Window,
    ) -> Result<(Vec<Body>, i64)> {
        let (mut tx, today) = (self.db.read().await?, self.env.today());
        store::body_page(&mut tx, asked, today, scope, order, window).await
    }

    /// The bodies of units in a scope, by kind and name.
    pub async fn bodies(&self, scope: &Scope) -> Result<Vec<Body>> {
        store::bodies(&mut self.db.read().await?, None, scope).await
    }

    /// A body with all its memberships, oldest first; outside the scope it does not exist.
    pub async fn body(&self, id: Id, scope: &Scope) -> Result<(Body, Vec<Member>)> {
        let mut tx = self.db.read().await?;
        let found = store::bodies(&mut tx, Some(id), scope).await?;
        let body = found.into_iter().next().ok_or(Error::NotFound)?;
        Ok((body, store::members(&mut tx, id).await?))
    }

    /// The memberships of a person, with their bodies.
    pub async fn memberships(&self, person: PersonId) -> Result<Vec<(Member, Body)>> {
        store::memberships(&mut self.db.read().await?, person).await
    }

    /// Writes a body, new or changed.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when its unit, or the known body, is out of scope.
    pub async fn keep_body(
        &self,
        kinds: &BodyKinds,
        body: &Body,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<()> {
        let by = by.into();
        let mut errors = Vec::new();
        let name = checked("name", &body.name, 100, &mut errors);
        if kinds.get(&body.kind).is_none() {
            errors.push(wrong("kind", Msg::new("body-kind-unknown")));
        }
        errors.extend(check_text(&body.charter, 1_000).map(|m| wrong("charter", m)));
        if let Some(to) = body.to.filter(|to| *to < body.from) {
            errors.push(wrong("to", ends_before(body.from, to)));
        }
        Error::if_any(errors)?;
        self.unit(body.unit, scope).await?;
        let body = Body {
            name,
            charter: body.charter.trim().to_owned(),
            ..body.clone()
        };
        transaction!(self.db, |tx| {
            store::lock(tx, self.env.now()).await?;
            let known = store::bodies(tx, Some(body.id), &Scope::All).await?;
            let mut action = "body.added";
            if let Some(known) = known.first() {
                if store::bodies(tx, Some(body.id), scope).await?.is_empty() {
                    return Err(Error::NotFound);
                }
                if known.kind != body.kind {
                    return Err(Error::field("kind", Msg::new("body-kind-stays")));
                }
                action = "body.changed";
            }
            store::put_body(tx, &body, self.env.now()).await?;
            let members = store::members(tx, body.id).await?;
            let outside = |m: &Member| m.from < body.from || body.to.is_some_and(|to| m.from > to);
            if let Some(member) = members.iter().find(|m| outside(m)) {
                let field = if member.from < body.from {
                    "from"
                } else {
                    "to"
                };
                let other = kernel::format_date(member.from);
                let message = Msg::new("body-has-members").with("other", other);
                return Err(Error::field(field, message));
            }
            if let Some(to) = body.to {
                store::end_members(tx, body.id, to).await?;
            }
            let detail = json!({ "kind": body.kind, "unit": body.unit });
            self.tell(tx, &by, action, ("body", body.id), detail).await
        })
    }

    /// Gives somebody a role in a body from a day on; a role they have there ends the day before. Members come
    /// from any unit: who keeps the body names them by staff number.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the body is out of scope.
    #[expect(clippy::too_many_arguments, reason = "each is a field of the form")]
    pub async fn join(
        &self,
        kinds: &BodyKinds,
        body: Id,
        staff_no: &str,
        role: &str,
        from: Date,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<()> {
        let by = by.into();
        transaction!(self.db, |tx| {
            store::lock(tx, self.env.now()).await?;
            let found = store::bodies(tx, Some(body), scope).await?;
            let kept = found.into_iter().next().ok_or(Error::NotFound)?;
            if kinds.get(&kept.kind).and_then(|k| k.role(role)).is_none() {
                return Err(Error::field("role", Msg::new("body-role-unknown")));
            }
            if from < kept.from || kept.to.is_some_and(|to| from > to) {
                let message = Msg::new("organization-not-standing")
                    .with("name", &kept.name)
                    .with("date", kernel::format_date(from));
                return Err(Error::field("from", message));
            }
            let known = store::people(tx, &[staff_no.trim()]).await?;
            let Some((person, _)) = known.into_values().next() else {
                let message = Msg::new("body-person-unknown").with("staff_no", staff_no.trim());
                return Err(Error::field("staff_no", message));
            };
            let members = store::members(tx, body).await?;
            let mut own = members.into_iter().filter(|m| m.person == person.id);
            let mut last: Option<Member> = None;
            for member in own.by_ref() {
                if member.from > from || (member.from == from && member.role != role) {
                    let other = kernel::format_date(member.from);
                    let message = Msg::new("organization-overlap").with("other", other);
                    return Err(Error::field("from", message));
                }
                if member.covers(from) {
                    last = Some(member);
                }
            }
            if let Some(held) = last {
                if held.role == role {
                    return Ok(());
                }
                let before = from.yesterday().map_err(Error::internal)?;
                store::end_member(tx, held.id, before).await?;
            }
            let member = Member {
                id: self.env.new_id(),
                body,
                person: person.id,
                role: role.to_owned(),
                from,
                to: None,
            };
            store::add_member(tx, &member).await?;
            let detail = json!({ "person": person.id, "role": role, "from": from.to_string() });
            self.tell(tx, &by, "body.joined", ("body", body), detail)
                .await
        })
    }

    /// Ends a membership on a day.
    ///
    /// # Errors
    /// `Invalid` for a day before its first; `NotFound` out of scope.
    pub async fn leave(
        &self,
        body: Id,
        member: Id,
        last: Date,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<()> {
        let by = by.into();
        transaction!(self.db, |tx| {
            store::lock(tx, self.env.now()).await?;
            if store::bodies(tx, Some(body), scope).await?.is_empty() {
                return Err(Error::NotFound);
            }
            let members = store::members(tx, body).await?;
            let found = members.iter().find(|m| m.id == member);
            let held = found.ok_or(Error::NotFound)?;
            if last < held.from {
                return Err(Error::field("last", ends_before(held.from, last)));
            }
            if held.to.is_some_and(|to| to < last) {
                return Err(Error::field("last", Msg::new("body-has-left")));
            }
            store::end_member(tx, member, last).await?;
            let detail = json!({ "person": held.person, "last": last.to_string() });
            self.tell(tx, &by, "body.left", ("body", body), detail)
                .await
        })
    }
}

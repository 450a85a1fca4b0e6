//! Correcting what was entered beyond the roster: parts, agenda, fields. What held before is kept with the reason;
//! facts are reversed and written anew.

use std::collections::{BTreeMap, HashMap};

use identity::Actor;
use kernel::{ActivityId, Error, FactId, Id, Msg, PersonId, Result};
use serde_json::json;

use crate::details::Item;
use crate::recording::HeldRole;
use crate::service::who;
use crate::store::details::{self, Held, Version};
use crate::{Activities, Activity, Details, View, store};

/// What is to hold from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Amended {
    /// Who had which part.
    pub roles: Vec<(String, PersonId)>,
    /// The agenda in order.
    pub agenda: Vec<Item>,
    /// Fields by code.
    pub fields: BTreeMap<String, String>,
}

impl Activities {
    /// What was entered beyond the roster: parts, agenda, and the name of the series.
    pub async fn details(
        &self,
        activity: &Activity,
    ) -> Result<(Vec<HeldRole>, Vec<Item>, Option<String>)> {
        let mut tx = self.db.read().await?;
        let roles = details::roles(&mut tx, activity.id).await?;
        let roles = roles.into_iter().map(|h| HeldRole {
            role: h.role,
            person: h.person,
            unit: h.unit,
        });
        let roles = roles.collect();
        let agenda = details::agenda(&mut tx, activity.id).await?;
        let series: Vec<_> = activity.session.iter().map(|s| s.series).collect();
        let name = details::series_names(&mut tx, &series).await?;
        let name = activity.session.and_then(|s| name.get(&s.series).cloned());
        Ok((roles, agenda.into_iter().map(|(i, _)| i).collect(), name))
    }

    /// Names of series.
    pub(crate) async fn series_names(&self, ids: &[Id]) -> Result<HashMap<Id, String>> {
        details::series_names(&mut self.db.read().await?, ids).await
    }

    /// The changes of what was entered, the oldest first.
    pub async fn versions(&self, id: ActivityId, view: impl Into<View>) -> Result<Vec<Version>> {
        let mut tx = self.db.read().await?;
        store::activity(&mut tx, id, &view.into()).await?;
        details::versions(&mut tx, id).await
    }

    /// Corrects parts, agenda and fields, with a reason. What did not change keeps its facts.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound`; `Conflict` when the activity was taken back or changed meanwhile.
    pub async fn amend(
        &self,
        id: ActivityId,
        amended: &Amended,
        reason: &str,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        self.ledger.admit()?;
        let (known, _) = self.activity(id, view.clone()).await?;
        let kind = self.kinds.get(&known.kind).ok_or(Error::NotFound)?;
        let asked = Details {
            roles: amended.roles.clone(),
            agenda: amended.agenda.clone(),
            fields: amended.fields.clone(),
            ..Details::default()
        };
        let mut errors = Vec::new();
        asked.check_entered(kind, &self.kinds, &mut errors);
        let reason = reason.trim();
        if !(2..=200).contains(&reason.chars().count()) || reason.contains(char::is_control) {
            errors.push(kernel::FieldError {
                field: "reason".into(),
                message: Msg::new("amend-reason-missing"),
            });
        }
        Error::if_any(errors)?;
        let roles = self.role_holders(kind, &asked.roles, known.date).await?;
        let fields = asked.filled();
        let late = known.late || kind.is_late(known.date, self.env.today());
        db::transaction!(self.db, |tx| {
            let held = store::hold(tx, &[id]).await?;
            let Some(activity) = held.get(&id).filter(|a| a.reversed_at.is_none()) else {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            };
            let old_roles = details::roles(tx, id).await?;
            let old_agenda = details::agenda(tx, id).await?;
            let is = |h: &Held, r: &HeldRole| h.role == r.role && h.person == r.person;
            let gone: Vec<Held> = old_roles
                .iter()
                .filter(|h| !roles.iter().any(|r| is(h, r)))
                .cloned()
                .collect();
            let added: Vec<&HeldRole> = roles
                .iter()
                .filter(|r| !old_roles.iter().any(|h| is(h, r)))
                .collect();
            let mut reversed: Vec<FactId> = gone.iter().map(|h| h.fact).collect();
            // An item that stays keeps its fact, wherever it now stands.
            let mut spare = old_agenda.clone();
            let mut items: Vec<(Item, Option<FactId>)> = Vec::new();
            for item in &asked.agenda {
                let at = spare.iter().position(|(old, _)| old.code == item.code);
                let fact = at.and_then(|at| spare.remove(at).1);
                items.push((item.trimmed(), fact));
            }
            reversed.extend(spare.iter().filter_map(|(_, fact)| *fact));
            let same_agenda = items
                .iter()
                .map(|(i, _)| i)
                .eq(old_agenda.iter().map(|(i, _)| i));
            if gone.is_empty() && added.is_empty() && same_agenda && fields == activity.fields {
                return Ok(());
            }
            let places = added.iter().map(|r| r.unit).chain([activity.host]);
            let places = self.places(tx, places, activity.date).await?;
            let host = places[&activity.host];
            let mut facts = Vec::new();
            let mut new_roles = Vec::new();
            for role in added {
                let fact: FactId = self.env.new_id();
                facts.push(activity.role_fact(fact, host, places[&role.unit], role));
                new_roles.push(Held {
                    role: role.role.clone(),
                    person: role.person,
                    unit: role.unit,
                    fact,
                });
            }
            for (item, fact) in &mut items {
                if fact.is_none() && !item.code.is_empty() {
                    let new: FactId = self.env.new_id();
                    facts.push(activity.agenda_fact(new, host, item));
                    *fact = Some(new);
                }
            }
            for fact in &mut facts {
                (fact.recorded_at, fact.recorded_by) = (self.env.now(), Some(by));
                fact.late = late;
            }
            self.ledger.reverse(tx, &reversed, Some(by)).await?;
            self.ledger.append(tx, &facts).await?;
            if !details::drop_roles(tx, id, &gone).await? {
                return Err(Error::Conflict(Msg::new("changed-meanwhile")));
            }
            details::insert_roles(tx, id, &new_roles).await?;
            if !same_agenda {
                details::put_agenda(tx, id, &items).await?;
            }
            details::set_fields(tx, id, &fields).await?;
            let before = json!({
                "roles": old_roles.iter().map(|h| json!({ "role": h.role, "person": h.person })).collect::<Vec<_>>(),
                "agenda": old_agenda.iter().map(|(i, _)| i).collect::<Vec<_>>(),
                "fields": activity.fields,
            });
            let (version, now) = (self.env.new_id(), self.env.now());
            let whose = (by, actor.on_behalf);
            details::note_version(tx, (version, now), id, &before.to_string(), reason, whose)
                .await?;
            self.changed(tx, &[(id, by, actor.on_behalf)]).await?;
            let detail = json!({ "reversed": reversed.len(), "written": facts.len() });
            self.audit(tx, &actor, "activity.amended", id, detail).await
        })
    }
}

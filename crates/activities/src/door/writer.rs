//! People who come at the same time are written together: one transaction looks at the doors and adds the rows.

use std::collections::HashMap;

use db::{BatchWriter, Tx};
use futures::future::BoxFuture;
use kernel::{AccountId, Error, Id, Msg, PersonId, Result, Timestamp};

use super::{Receipt, Way};
use crate::{PlanState, Role, store::door as rows};

/// Somebody at a door.
#[derive(Debug, Clone)]
pub struct Coming {
    pub(crate) plan: Id,
    pub(crate) person: PersonId,
    pub(crate) role: Role,
    pub(crate) way: Way,
    pub(crate) at: Timestamp,
    pub(crate) by: Option<AccountId>,
}

/// Writes those who come together in one transaction.
pub struct DoorWriter;

impl BatchWriter for DoorWriter {
    type Item = Coming;
    type Ack = Receipt;

    fn write<'a>(
        &'a self,
        tx: &'a mut Tx,
        items: &'a [Coming],
    ) -> BoxFuture<'a, Result<Vec<Result<Receipt>>>> {
        Box::pin(async move {
            let mut plans: Vec<Id> = items.iter().map(|i| i.plan).collect();
            plans.sort_unstable();
            plans.dedup();
            // Held from being recorded, moved or closed until they are written.
            let states = rows::hold(tx, &plans).await?;
            let doors = rows::doors(tx, &plans).await?;
            let lines: Vec<(Id, PersonId)> = items.iter().map(|i| (i.plan, i.person)).collect();
            let mut there: HashMap<(Id, PersonId), Receipt> = rows::receipts(tx, &lines).await?;
            let mut new = Vec::new();
            let mut answers = Vec::with_capacity(items.len());
            for item in items {
                let line = (item.plan, item.person);
                if let Some(receipt) = there.get(&line) {
                    answers.push(Ok(Receipt {
                        first: false,
                        ..*receipt
                    }));
                    continue;
                }
                let refused = match (states.get(&item.plan), doors.get(&item.plan)) {
                    (None, _) | (_, None) => Some(Error::NotFound),
                    (Some(PlanState::Held), _) => Some(Error::Conflict(Msg::new("door-recorded"))),
                    (Some(PlanState::Cancelled), _) => {
                        Some(Error::Conflict(Msg::new("plan-not-open")))
                    }
                    (_, Some(door)) if item.at < door.opens => {
                        Some(Error::Conflict(Msg::new("door-not-yet")))
                    }
                    (_, Some(door)) if !door.open_at(item.at) => {
                        Some(Error::Conflict(Msg::new("door-closed")))
                    }
                    _ => None,
                };
                if let Some(refused) = refused {
                    answers.push(Err(refused));
                    continue;
                }
                let receipt = Receipt {
                    at: item.at,
                    role: item.role,
                    first: true,
                };
                there.insert(line, receipt);
                new.push(item);
                answers.push(Ok(receipt));
            }
            rows::add(tx, &new).await?;
            Ok(answers)
        })
    }
}

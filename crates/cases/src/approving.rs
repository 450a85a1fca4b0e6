//! More time, handing over and closing with an explanation: what those who approve decide about a case.

use approvals::{Approval, Kind as Approvable, Line, Summary};
use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::Actor;
use kernel::{Error, Id, Msg, PersonId, Result, format_date};
use serde_json::{Value, json};

use crate::case::Act;
use crate::model::{Matter, href};
use crate::service::{Ask, Cases, Said};
use crate::store;

/// Kind of approval: more time (延期).
pub const EXTENSION: &str = "case-extension";
/// Kind of approval: another end (移交、说明情况).
pub const CLOSING: &str = "case-closing";

/// One of the two kinds, to be registered with the approvals before these are given to the cases.
#[derive(Clone)]
pub struct Decision {
    cases: Cases,
    code: &'static str,
}

impl Decision {
    /// Both.
    pub fn both(cases: &Cases) -> [Self; 2] {
        [EXTENSION, CLOSING].map(|code| Self {
            cases: cases.clone(),
            code,
        })
    }
}

pub(crate) fn actor(by: &approvals::By) -> Actor {
    Actor {
        account: Some(by.account),
        on_behalf: by.on_behalf,
        address: by.address.clone(),
    }
}

/// What those who approve read and what is done in the end.
pub(crate) fn payload(m: &Matter, ask: Ask, reason: &str) -> Value {
    let (day, end) = match ask {
        Ask::Time(day) => (Some(format_date(day)), None),
        Ask::End(end) => (None, Some(end.code())),
    };
    json!({ "case": m.id, "number": m.number, "title": m.title, "until": format_date(m.until), "day": day, "end": end,
        "reason": reason.trim() })
}

fn id_of(approval: &Approval) -> Result<Id> {
    let id = approval.payload["case"]
        .as_str()
        .and_then(|id| id.parse().ok());
    id.ok_or_else(|| Error::internal("an approval without its case"))
}

fn summary(a: &Approval) -> Summary {
    let text = |name: &str| a.payload[name].as_str().unwrap_or_default().to_owned();
    let line = |label, before: String, after: String| Line {
        label: Msg::new(label),
        before,
        after,
    };
    let first = match a.payload["day"].as_str() {
        Some(day) => line("cases-until", text("until"), day.to_owned()),
        None => {
            // The stage in the words of the reader is on the page of the case; here is which end is meant.
            let label = match a.payload["end"].as_str() {
                Some("transferred") => "cases-end-transferred",
                _ => "cases-end-explained",
            };
            line(label, String::new(), text("number"))
        }
    };
    Summary {
        about: format!("{} {}", text("number"), text("title")),
        href: id_of(a).ok().map(href),
        lines: vec![first, line("cases-reason", String::new(), text("reason"))],
    }
}

impl Cases {
    /// Takes a case whose approval was decided; none when something else is asked by now.
    async fn decided(
        &self,
        tx: &mut Tx,
        a: &Approval,
    ) -> Result<Option<(Matter, crate::Case, std::sync::Arc<crate::Kind>)>> {
        let held = self.held(tx, id_of(a)?).await?;
        let events = store::events(tx, held.0.id).await?;
        let asked = events.iter().rev().find_map(|e| match e.act {
            Act::TimeWanted { approval, .. } | Act::EndWanted { approval, .. } => Some(approval),
            _ => None,
        });
        let same = asked == Some(a.id) && held.1.pending.is_some();
        Ok(same.then_some(held))
    }
}

impl Approvable for Decision {
    fn code(&self) -> &'static str {
        self.code
    }

    fn title(&self) -> &'static str {
        match self.code {
            EXTENSION => "cases-extension",
            _ => "cases-closing",
        }
    }

    fn summaries<'a>(
        &'a self,
        approvals: &'a [Approval],
        _: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Summary>>> {
        async { Ok(approvals.iter().map(summary).collect()) }.boxed()
    }

    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        approval: &'a Approval,
        by: &'a approvals::By,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let moved = || Error::Conflict(Msg::new("cases-moved-on"));
            let found = self.cases.decided(tx, approval).await?;
            let (mut matter, mut case, kind) = found.ok_or_else(moved)?;
            // Nobody gives time to what they have to mend themselves.
            let own = |p: &PersonId| case.doers.contains(p);
            if own(&by.person) {
                return Err(Error::Conflict(Msg::new("cases-judge-doer")));
            }
            let (act, state) = case.give(&kind)?;
            let said = Said::default();
            let who = (&actor(by), Some(by.person));
            self.cases
                .happen(tx, (&mut matter, &mut case, &kind), act, &state, &said, who)
                .await
        }
        .boxed()
    }

    fn dropped<'a>(&'a self, tx: &'a mut Tx, approval: &'a Approval) -> BoxFuture<'a, Result<()>> {
        async move {
            let Some((mut matter, mut case, kind)) = self.cases.decided(tx, approval).await? else {
                return Ok(());
            };
            let (state, said) = (case.state.clone(), Said::default());
            let who = (&Actor::default(), None);
            self.cases
                .happen(
                    tx,
                    (&mut matter, &mut case, &kind),
                    Act::NotGiven,
                    &state,
                    &said,
                    who,
                )
                .await
        }
        .boxed()
    }
}

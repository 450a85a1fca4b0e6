//! Issuing the plan of a campaign (印发方案): what those who approve read, and what is done once they agreed.

use approvals::{Approval, Kind as Approvable, Line, Summary};
use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::Actor;
use kernel::{Error, Id, Msg, Result};

use crate::model::href;
use crate::service::Campaigns;

/// Kind of approval: a plan is issued.
pub const PLAN_ISSUE: &str = "campaign-plan";

/// To be registered with the approvals before these are given to the campaigns.
#[derive(Clone)]
pub struct Issue(pub Campaigns);

pub(crate) fn actor(by: &approvals::By) -> Actor {
    Actor {
        account: Some(by.account),
        on_behalf: by.on_behalf,
        address: by.address.clone(),
    }
}

fn about(a: &Approval) -> Result<(Id, i64)> {
    let id = a.payload["campaign"]
        .as_str()
        .and_then(|id| id.parse().ok());
    id.zip(a.payload["n"].as_i64())
        .ok_or_else(|| Error::internal("an approval without its campaign"))
}

fn summary(a: &Approval) -> Summary {
    let text = |name: &str| a.payload[name].as_str().unwrap_or_default().to_owned();
    let line = |label, after: String| Line {
        label: Msg::new(label),
        before: String::new(),
        after,
    };
    let files = a.payload["files"].as_array().into_iter().flatten();
    let files: Vec<&str> = files.filter_map(|f| f["name"].as_str()).collect();
    let mut lines = vec![
        line("campaigns-mark", text("mark")),
        line(
            "campaigns-days",
            format!("{} – {}", text("from"), text("to")),
        ),
        line("campaigns-plan-body", text("body")),
    ];
    if !files.is_empty() {
        lines.push(line("campaigns-files", files.join("、")));
    }
    Summary {
        about: text("title"),
        href: about(a).ok().map(|(id, _)| format!("{}/plans", href(id))),
        lines,
    }
}

impl Approvable for Issue {
    fn code(&self) -> &'static str {
        PLAN_ISSUE
    }

    fn title(&self) -> &'static str {
        "campaigns-plan-issue"
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
            let (id, n) = about(approval)?;
            self.0.issue(tx, id, n, &actor(by)).await
        }
        .boxed()
    }

    fn dropped<'a>(&'a self, tx: &'a mut Tx, approval: &'a Approval) -> BoxFuture<'a, Result<()>> {
        async move {
            let (id, n) = about(approval)?;
            self.0.not_issued(tx, id, n).await
        }
        .boxed()
    }
}

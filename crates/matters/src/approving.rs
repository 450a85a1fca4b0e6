//! A matter is sent, and passes the route of its kind where there is one.

use approvals::{Approval, By, Kind as Approvable, Line, Summary};
use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::Actor;
use kernel::{Error, Id, Msg, Result, format_date};
use serde_json::{Value, json};

use crate::kind::MatterKind;
use crate::model::{Eyes, Matter, Outcome, State, send_by};
use crate::searching;
use crate::service::{Matters, conflict, lasting, moved_on};
use crate::store;

/// What is decided about matters of a kind; to be registered with the approvals before these are given to the matters.
#[derive(Clone)]
pub struct Decision {
    matters: Matters,
    code: &'static str,
}

impl Decision {
    /// One a kind that has a route.
    pub fn all(matters: &Matters) -> Vec<Self> {
        let routed = matters.kinds.iter().filter(|k| k.route);
        let decision = |kind: &MatterKind| Self {
            matters: matters.clone(),
            code: lasting(&kind.route_code()),
        };
        routed.map(decision).collect()
    }
}

fn actor(by: &By) -> Actor {
    Actor {
        account: Some(by.account),
        on_behalf: by.on_behalf,
        address: by.address.clone(),
    }
}

fn matter_of(a: &Approval) -> Result<Id> {
    let id = a.payload["matter"].as_str().and_then(|id| id.parse().ok());
    id.ok_or_else(|| Error::internal("an approval without its matter"))
}

impl Approvable for Decision {
    fn code(&self) -> &'static str {
        self.code
    }

    fn title(&self) -> &'static str {
        "matters-approve"
    }

    fn summaries<'a>(
        &'a self,
        approvals: &'a [Approval],
        lang: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Summary>>> {
        let summary = |a: &Approval| {
            let text = |name: &str| a.payload[name].as_str().unwrap_or_default().to_owned();
            let line = |label, name: &str| Line {
                label: Msg::new(label),
                before: String::new(),
                after: text(name),
            };
            let kind = text(if lang == "en" { "kind-en" } else { "kind-zh" });
            let mut lines = vec![
                line("matters-text", "text"),
                line("matters-fields", "fields"),
            ];
            lines.push(line("matters-late-note", "late"));
            lines.retain(|l| !l.after.is_empty());
            Summary {
                about: format!("{kind} · {}", text("title")),
                href: matter_of(a).ok().map(crate::model::href),
                lines,
            }
        };
        let all = approvals.iter().map(summary).collect();
        async { Ok(all) }.boxed()
    }

    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        a: &'a Approval,
        by: &'a By,
    ) -> BoxFuture<'a, Result<()>> {
        let actor = actor(by);
        async move { self.matters.agreed(tx, a, &actor).await }.boxed()
    }

    fn dropped<'a>(&'a self, tx: &'a mut Tx, a: &'a Approval) -> BoxFuture<'a, Result<()>> {
        self.matters.refused(tx, a).boxed()
    }

    fn mend_href(&self, a: &Approval) -> Option<String> {
        matter_of(a).ok().map(crate::model::href)
    }
}

impl Matters {
    /// Sends a matter: along its route, or straight to who receives it. One that comes too late is taken and marked. One that the
    /// route gave back is sent along it again.
    ///
    /// # Errors
    /// `Conflict` when it is on its way already, or nobody is there who could decide or receive it.
    pub async fn send(&self, id: Id, seen: Option<i64>, eyes: &Eyes, by: &By) -> Result<()> {
        let actor = actor(by);
        let again = self.is_returned(id, eyes).await?;
        let mut resent = None;
        db::transaction!(self.db, |tx| {
            let (mut m, kind) = self.run(tx, id, seen, eyes).await?;
            if m.state != State::Draft && !(m.state == State::Asked && again) {
                return Err(moved_on());
            }
            let today = self.env.today();
            if m.number.is_none() {
                let serial = store::next_number(tx, &kind.number, today.year()).await?;
                m.number = Some(kind.number_of(today.year(), serial));
            }
            m.sent_on = Some(today);
            m.late = send_by(&kind, &m.content, &self.calendar).is_some_and(|by| by < today);
            if kind.received && self.at_door(tx, &m).await?.is_empty() {
                return Err(conflict("matters-nobody-receives"));
            }
            let payload = self.payload(tx, &m, &kind).await?;
            let mut route = None;
            if again {
                resent = m.approval.map(|approval| (approval, payload));
            } else if kind.route {
                let new = approvals::New {
                    id: self.env.new_id(),
                    kind: lasting(&kind.route_code()),
                    unit: m.unit,
                    subject: m.person,
                    payload,
                };
                (m.state, m.approval) = (State::Asked, Some(new.id));
                route = Some(new);
            } else {
                (m.state, m.approval) = (State::Sent, None);
            }
            self.happened(tx, &mut m, "sent", "", &actor).await?;
            searching::index(tx, &m).await?;
            match route {
                Some(new) => self.approvals()?.start_in(tx, &new, by).await.map(|_| ()),
                None if again => Ok(()),
                None => self.arrived(tx, &mut m, &kind).await,
            }
        })?;
        match resent {
            Some((approval, payload)) => self.approvals()?.resubmit(approval, &payload, by).await,
            None => Ok(()),
        }
    }

    /// What those on the route read.
    async fn payload(&self, tx: &mut Tx, m: &Matter, kind: &MatterKind) -> Result<Value> {
        let fields = crate::typed::field_lines(tx, kind, &m.content, "zh-CN").await?;
        let fields = fields
            .iter()
            .map(|(name, value)| format!("{name}：{value}"));
        let late = match send_by(kind, &m.content, &self.calendar) {
            Some(by) if m.late => format_date(by),
            _ => String::new(),
        };
        // Approvals keep what is decided about; of a sealed matter that is its number, the rest is on its page.
        let title = match m.sealed {
            true => m.number.clone().unwrap_or_default(),
            false => m.content.title.clone(),
        };
        let open = !m.sealed;
        Ok(
            json!({ "matter": m.id, "title": title, "kind-zh": kind.name.zh, "kind-en": kind.name.en, "version": m.version,
            "text": if open { m.content.text.as_str() } else { "" },
            "fields": if open { fields.collect::<Vec<_>>().join("\n") } else { String::new() }, "late": late }),
        )
    }

    /// A matter came to the unit that receives it.
    async fn arrived(&self, tx: &mut Tx, m: &mut Matter, kind: &MatterKind) -> Result<()> {
        let today = self.env.today();
        let reply = kind
            .reply
            .as_deref()
            .and_then(commons::deadlines::Step::parse);
        m.reply_due = reply.map(|step| step.day(today, &self.calendar));
        store::save(tx, m, self.env.now()).await?;
        let people = self.at_door(tx, m).await?;
        let key = match kind.asks {
            true => "matters-notice-asked",
            false => "matters-notice-told",
        };
        let once = format!("came-{}", m.version);
        self.tell(tx, (m, kind), &people, Msg::new(key), &once)
            .await
    }

    /// The matter of an approval, when it still waits for this one.
    async fn decided(&self, tx: &mut Tx, a: &Approval) -> Result<Matter> {
        let m = store::hold(tx, matter_of(a)?).await?;
        let m = m.ok_or(Error::NotFound)?;
        match m.state == State::Asked && m.approval == Some(a.id) {
            true => Ok(m),
            false => Err(moved_on()),
        }
    }

    /// The route agreed: it goes on to who receives it, or that is the answer.
    async fn agreed(&self, tx: &mut Tx, a: &Approval, actor: &Actor) -> Result<()> {
        let mut m = self.decided(tx, a).await?;
        let kind = self.rule(tx, &m.rule).await?;
        if kind.received {
            m.state = State::Sent;
            self.happened(tx, &mut m, "passed", "", actor).await?;
            return self.arrived(tx, &mut m, &kind).await;
        }
        self.ledger.admit()?;
        let outcome = match kind.asks {
            true => Outcome::Agreed,
            false => Outcome::Noted,
        };
        self.end(tx, &mut m, &kind, outcome, actor).await?;
        self.happened(tx, &mut m, "agreed", "", actor).await?;
        let owners = self.owners(tx, &m).await?;
        let once = format!("agreed-{}", a.id);
        let message = Msg::new("matters-notice-agreed");
        self.tell(tx, (&m, &kind), &owners, message, &once).await
    }

    /// What was refused or withdrawn on its route can be mended and sent again.
    async fn refused(&self, tx: &mut Tx, a: &Approval) -> Result<()> {
        let Ok(mut m) = self.decided(tx, a).await else {
            return Ok(());
        };
        let kind = self.rule(tx, &m.rule).await?;
        (m.state, m.approval) = (State::Draft, None);
        let nobody = Actor::default();
        self.happened(tx, &mut m, "refused", "", &nobody).await?;
        let owners = self.owners(tx, &m).await?;
        let once = format!("refused-{}", a.id);
        let message = Msg::new("matters-notice-refused");
        self.tell(tx, (&m, &kind), &owners, message, &once).await
    }
}

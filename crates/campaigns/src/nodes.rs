//! The tree of programmes (战略—条线—项目—活动): each node says what it claims of the ledger; campaigns hang on nodes, and a
//! node is rolled up with all below it.

use std::collections::{BTreeMap, HashMap};

use identity::Actor;
use kernel::{Date, Error, FieldError, Id, Msg, Period, Result, Scope, UnitId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::claims::Line;
use crate::model::{Campaign, Eyes, Filter, Taken, reason_of, tidy, unfit};
use crate::service::{Campaigns, moved_on};
use crate::store::{self, Event, nodes};

/// Campaigns of one roll-up.
const CAMPAIGNS: i64 = 500;

/// How high a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// 战略.
    Strategy,
    /// 条线.
    Line,
    /// 项目.
    Project,
    /// 活动.
    Activity,
}

impl Level {
    /// Every one, the highest first.
    pub const ALL: [Self; 4] = [Self::Strategy, Self::Line, Self::Project, Self::Activity];

    /// Its word in tables and addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Strategy => "strategy",
            Self::Line => "line",
            Self::Project => "project",
            Self::Activity => "activity",
        }
    }

    /// The level with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.code() == code)
    }
}

/// A node of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Id.
    pub id: Id,
    /// Its code, which it keeps.
    pub code: String,
    /// How high it stands.
    pub level: Level,
    /// The node above.
    pub parent: Option<Id>,
    /// The unit that keeps it, and whose facts it claims.
    pub unit: UnitId,
    /// Name.
    pub name: String,
    /// What it claims.
    pub claims: Vec<Taken>,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Raised by every change.
    pub version: i64,
}

/// A node with all below it.
#[derive(Debug, Clone)]
pub struct Rolled {
    /// The node.
    pub node: Node,
    /// The nodes above it, the highest first.
    pub above: Vec<Node>,
    /// It and the nodes below it.
    pub subtree: Vec<Node>,
    /// What they claim, with the numbers; what two of them claim alike stands once.
    pub lines: Vec<Line>,
    /// The node of each line.
    pub whose: Vec<Id>,
    /// Campaigns that hang on them.
    pub campaigns: Vec<Campaign>,
    /// What happened to it.
    pub events: Vec<Event>,
    /// Whether the reader may change it.
    pub may_plan: bool,
}

/// Some nodes in the order of the tree, with their depth.
pub(crate) fn laid(all: &[Node]) -> Vec<(usize, &Node)> {
    let known = |id: Id| all.iter().any(|n| n.id == id);
    let mut below: BTreeMap<Option<Id>, Vec<&Node>> = BTreeMap::new();
    for node in all {
        below
            .entry(node.parent.filter(|p| known(*p)))
            .or_default()
            .push(node);
    }
    let mut laid = Vec::new();
    let mut stack: Vec<(usize, &Node)> = Vec::new();
    stack.extend(
        below
            .get(&None)
            .into_iter()
            .flatten()
            .rev()
            .map(|n| (0, *n)),
    );
    while let Some((depth, node)) = stack.pop() {
        laid.push((depth, node));
        let children = below.get(&Some(node.id)).into_iter().flatten();
        stack.extend(children.rev().map(|n| (depth + 1, *n)));
    }
    laid
}

/// A node and all below it.
pub(crate) fn subtree(all: &[Node], top: Id) -> Vec<Node> {
    let mut found: Vec<Node> = all.iter().filter(|n| n.id == top).cloned().collect();
    let mut at = 0;
    while at < found.len() {
        let parent = found[at].id;
        found.extend(all.iter().filter(|n| n.parent == Some(parent)).cloned());
        at += 1;
    }
    found
}

impl Campaigns {
    /// All nodes of units in a scope.
    pub async fn nodes(&self, scope: &Scope) -> Result<Vec<Node>> {
        nodes::all(&mut self.db.read().await?, scope).await
    }

    /// Writes a node, new (version 0) or changed; code, level, unit and place of a node never change.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` when it was changed since; `NotFound` when its unit is out of scope.
    pub async fn keep_node(
        &self,
        node: &Node,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        let code = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if node.code.is_empty() || node.code.len() > 40 || !node.code.chars().all(code) {
            wrong("code", Msg::new("campaigns-node-code"));
        }
        if node.name.trim().chars().count() < 2
            || unfit(&node.name, 100)
            || node.name.contains('\n')
        {
            wrong("name", Msg::new("campaigns-title-wrong").with("most", 100));
        }
        if node.to < node.from {
            wrong("to", Msg::new("campaigns-days-wrong").with("days", 36_500));
        }
        Error::if_any(errors)?;
        let reason = reason_of(reason, node.version > 0)?;
        db::transaction!(self.db, |tx| {
            if !Self::within(tx, &eyes.plans, node.unit).await? {
                return Err(Error::NotFound);
            }
            let mut node = node.clone();
            node.name = tidy(&node.name);
            let now = self.env.now();
            if node.version == 0 {
                let parent = match node.parent {
                    Some(parent) => {
                        let unknown =
                            |_| Error::field("parent", Msg::new("campaigns-node-unknown"));
                        Some(nodes::one(tx, parent, &eyes.reads).await.map_err(unknown)?)
                    }
                    None => None,
                };
                if parent.is_some_and(|p| p.level >= node.level) {
                    return Err(Error::field("level", Msg::new("campaigns-node-level")));
                }
                node.version = 1;
                if !nodes::insert(tx, &node, now).await? {
                    return Err(Error::field("code", Msg::new("campaigns-node-taken")));
                }
            } else {
                let known = nodes::one(tx, node.id, &eyes.plans).await?;
                if known.version != node.version || !nodes::change(tx, &node).await? {
                    return Err(moved_on());
                }
                node = Node {
                    name: node.name.clone(),
                    claims: node.claims.clone(),
                    from: node.from,
                    to: node.to,
                    version: known.version + 1,
                    ..known
                };
            }
            nodes::note(tx, &node, &reason, actor.into(), now).await?;
            let detail = json!({ "code": node.code, "version": node.version });
            let entry = actor.audit("campaign.node", ("campaign-node", node.id), detail);
            identity::record(tx, &self.env, &entry).await
        })
    }

    /// A node with all below it.
    ///
    /// # Errors
    /// `NotFound` when its unit is out of scope.
    pub async fn rolled(&self, id: Id, eyes: &Eyes) -> Result<Rolled> {
        let mut reading = self.ledger.reading().await?;
        let node = nodes::one(reading.tx(), id, &eyes.reads).await?;
        let all = nodes::all(reading.tx(), &eyes.reads).await?;
        let subtree = subtree(&all, id);
        let by_id: HashMap<Id, &Node> = all.iter().map(|n| (n.id, n)).collect();
        let (mut above, mut up) = (Vec::new(), node.parent);
        while let Some(parent) = up.and_then(|id| by_id.get(&id)).filter(|_| above.len() < 8) {
            above.insert(0, (*parent).clone());
            up = parent.parent;
        }
        let (mut lines, mut whose): (Vec<Line>, Vec<Id>) = (Vec::new(), Vec::new());
        let mut seen: Vec<(UnitId, Period, Taken)> = Vec::new();
        for n in &subtree {
            let days = Period {
                from: n.from,
                to: n.to,
            };
            for (no, taken) in n.claims.iter().enumerate() {
                let same = (n.unit, days, taken.clone());
                if seen.contains(&same) {
                    continue;
                }
                let found = self.spread(&mut reading, taken, &[n.unit], &[days]).await?;
                let cell = found[0].get(&n.unit).copied().unwrap_or_default();
                seen.push(same);
                whose.push(n.id);
                lines.push(Line {
                    no,
                    taken: taken.clone(),
                    cell,
                });
            }
        }
        let filter = Filter {
            nodes: Some(subtree.iter().map(|n| n.id).collect()),
            ..Filter::default()
        };
        let order = web::table::Order {
            by: "from",
            down: true,
        };
        let window = web::table::Window::new(1, CAMPAIGNS);
        let (_, campaigns) = store::list(reading.tx(), &eyes.reads, &filter, order, window).await?;
        let events = nodes::events(reading.tx(), id).await?;
        let may_plan = Self::within(reading.tx(), &eyes.plans, node.unit).await?;
        Ok(Rolled {
            node,
            above,
            subtree,
            lines,
            whose,
            campaigns,
            events,
            may_plan,
        })
    }
}

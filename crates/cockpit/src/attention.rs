//! What other rooms put on the page: what needs attention (需要您关注), and what this week holds (本周安排).

use futures::future::BoxFuture;
use kernel::{Date, Result, UnitId};
use serde::Serialize;
use web::view::{Tag, Tone};
use web::{Access, Shell};

/// Something that needs attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Concern {
    /// What it is, with its number.
    pub title: String,
    /// Where it is, or why.
    pub detail: String,
    /// How long it has been, or until when there is time.
    pub when: String,
    /// Where it can be worked off.
    pub href: String,
    /// Its icon.
    pub icon: &'static str,
    /// How bad it is.
    pub tone: Tone,
    /// What is said of it in the sentence on top; none: nothing.
    pub headline: Option<String>,
}

/// Something of this week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Its day.
    pub date: Date,
    /// The day in words, with a time where there is one.
    pub when: String,
    /// What it is.
    pub title: String,
    /// Whose it is.
    pub unit: String,
    /// Where it leads.
    pub href: String,
    /// Whether it was held, is to come, or is overdue.
    pub state: Tag,
}

/// What a room puts on the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Put {
    /// What needs attention, the worst first.
    pub concerns: Vec<Concern>,
    /// What lies between two days.
    pub events: Vec<Event>,
}

/// A room that has something to put there. What the reader may not see is left out by it.
pub trait Desk: Send + Sync {
    /// What needs attention below a unit, and what lies between two days.
    fn put<'a>(
        &'a self,
        shell: &'a Shell,
        access: &'a Access,
        unit: UnitId,
        span: (Date, Date),
    ) -> BoxFuture<'a, Result<Put>>;
}

//! Organization: units (单位), people (人员) and who belongs where on which day (任职).
//!
//! Units form a tree; `unit_tree` holds for each unit all units above it, so that a scope is one
//! indexed look-up ([`scope_sql`]). A person holds at most one primary assignment on any day: that is
//! the unit they are counted in. All changes take one row lock first, so they follow one another on
//! every engine.

mod api;
mod attributes;
mod audience;
mod audience_form;
mod audience_pages;
mod bodies;
mod body_pages;
mod census;
mod directory;
mod history;
mod import;
mod lists;
mod marks;
mod model;
mod number_pages;
mod numbers;
mod pages;
mod people;
mod person_pages;
mod person_requests;
mod picking;
mod roll;
mod searching;
mod service;
mod sheet;
mod store;
mod tie_pages;
mod ties;
mod trail;
mod unit_pages;
mod units;

pub use attributes::{Attribute, AttributeValue, Attributes, Format, Traits};
pub use audience::{Audience, Condition, Reason, Rule, Seat, Years, belongs};
pub use bodies::{Body, BodyKind, BodyKinds, BodyRole, Member};
pub use census::{Census, Counted, Things};
pub use directory::Told;
pub use history::{History, State};
pub use import::record::Outcome;
pub use import::staged::Imports;
pub use import::{Change, ChangeKind, Imported, PersonRow, Preview, TraitRow, UnitRow};
pub use model::{Assignment, Nature, Overlap, Person, RosterEntry, Tree, Unit, initials, lay};
pub use numbers::{ERASE, IDENTITY};
pub use pages::{MANAGE, READ, module};
pub use people::{Lent, NewAssignment, NewPerson, PersonCard, PersonChange};
pub use person_requests::{PROPOSE, PersonChanges};
pub use picking::{people_options, unit_options};
pub use roll::TreeView;
pub use service::{Found, Organization};
pub use sheet::{At, Rows, read_rows, template};
pub use store::{MIGRATIONS, RosterQuery, scope_sql};
pub use ties::{Between, End, NewTie, PairingKind, RESPONSIBILITY, Tie, TieQuery};
pub use trail::{By, Deed, Traces, Trail};
pub use units::{Basis, NewUnit, SplitOff, UnitChange, UnitChangeKind, UnitEdit, UnitPart};

/// Who is found where, in the transaction of whoever asks, past every scope: for rules that name people by post,
/// attribute or body.
pub mod finding {
    pub use crate::store::{
        Spell, described, in_body, in_post, paths, person_names, seat_spells, serving, spells_of,
        trait_spells, values_of,
    };

    use db::Tx;
    use kernel::{Date, PersonId, Result, UnitId};

    /// Who is in charge (分管) of this very unit on a day; [`crate::Organization::in_charge`] walks up.
    pub async fn in_charge(tx: &mut Tx, unit: UnitId, day: Date) -> Result<Vec<PersonId>> {
        let found = crate::store::in_charge_of(tx, &[unit], day).await?;
        Ok(found.into_iter().map(|(_, person)| person).collect())
    }

    /// What became of a unit by a day: the unit that it was merged into, or the first of those that it was split into, and
    /// so on; itself while it stands.
    pub async fn successor(tx: &mut Tx, unit: UnitId, day: Date) -> Result<UnitId> {
        use crate::units::{UnitChangeKind as Kind, UnitPart};
        let mut now = unit;
        // No unit changes its shape more often than that without an error in the history.
        for _ in 0..16 {
            let changes = crate::store::changes(tx, now).await?;
            let ended = changes
                .iter()
                .filter(|c| c.date <= day && matches!(c.kind, Kind::Merged | Kind::Split));
            let old = |c: &&crate::units::UnitChange| c.units.contains(&(now, UnitPart::Old));
            let new = ended.filter(old).find_map(|c| {
                let mut new = c
                    .units
                    .iter()
                    .filter(|(u, part)| *part == UnitPart::New && *u != now);
                new.next().map(|(u, _)| *u)
            });
            match new {
                Some(next) => now = next,
                None => break,
            }
        }
        Ok(now)
    }
}

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/organization.ftl")),
    ("en", include_str!("../locales/en/organization.ftl")),
];

//! Counts of the organization itself on a day (组织概况): its units, their categories, its bodies and who sits in
//! them. Indicators print them and open them to what was counted.

use std::collections::HashMap;

use kernel::{Id, Period, Result, UnitId};
use serde::Deserialize;

use crate::service::Organization;
use crate::store;
use db::Tx;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Things {
    /// Units that stand on the last day (单位).
    Units,
    /// Categories of such units (类别).
    Categories,
    /// Bodies that exist on the last day (组织).
    Bodies,
    /// Bodies that were formed in the period (新成立).
    Formed,
    /// Distinct people in such bodies (组织成员).
    Members,
}

/// Which things are counted, below a unit and at it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Census {
    /// What.
    pub of: Things,
    /// Only units of these categories; empty: of all. For units and categories.
    #[serde(default)]
    pub categories: Vec<String>,
    /// Only bodies of these kinds; empty: of all.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Only members in these roles; empty: in all.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// One thing that was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Id of the unit, body or person; none for a category.
    pub id: Option<Id>,
    /// Name, of a person only for whoever may see the figure.
    pub name: String,
    /// What belongs to it: category, unit or body.
    pub detail: String,
}

impl Organization {
    /// How many there are under each of some units, which the caller let through its scope.
    pub async fn census(
        tx: &mut Tx,
        census: &Census,
        units: &[UnitId],
        period: Period,
    ) -> Result<HashMap<UnitId, i64>> {
        store::census(tx, census, units, period).await
    }

    /// The units of some categories that stand on the last day, under each of some units.
    pub async fn places(
        tx: &mut Tx,
        categories: &[String],
        units: &[UnitId],
        period: Period,
    ) -> Result<Vec<(UnitId, UnitId)>> {
        let census = Census {
            of: Things::Units,
            categories: categories.to_vec(),
            kinds: Vec::new(),
            roles: Vec::new(),
        };
        store::places(tx, &census, units, period).await
    }

    /// What was counted under a unit, by name.
    pub async fn census_list(
        tx: &mut Tx,
        census: &Census,
        unit: UnitId,
        period: Period,
        limit: i64,
        offset: i64,
    ) -> Result<Vec<Counted>> {
        store::census_list(tx, census, unit, period, limit, offset).await
    }
}

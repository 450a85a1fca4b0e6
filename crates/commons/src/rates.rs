//! Rates (比率) that a room shows of what it wrote, worked out from the ledger by the definitions of packs. Rooms ask through
//! this seam: a number on their pages is the very one that opens in the catalogue of indicators.

use futures::future::BoxFuture;
use kernel::{Period, Result, UnitId};

use crate::packs::Name;

/// One side of a rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// The indicator that counts it.
    pub code: String,
    /// Its name.
    pub name: Name,
    /// How many.
    pub n: i64,
}

/// A rate: what of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// Its indicator.
    pub code: String,
    /// Its name.
    pub name: Name,
    /// The value in percent as it is printed; none where the whole is nothing or is still being counted.
    pub percent: Option<String>,
    /// The numerator.
    pub part: Side,
    /// The denominator.
    pub whole: Side,
}

/// Whoever works rates out.
pub trait Rates: Send + Sync {
    /// Rates of units taken together over a period; codes that packs do not define as rates of counts are left out. The
    /// caller has let the units through its scope.
    fn rates<'a>(
        &'a self,
        codes: &'a [&'a str],
        units: &'a [UnitId],
        period: Period,
    ) -> BoxFuture<'a, Result<Vec<Rate>>>;
}

//! Scope (数据范围): the subtrees of units on which a person holds a permission.

use crate::UnitId;

/// What a permission reaches. Every list, count, export and API takes one; there is no way to ask
/// a store for rows without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything: used by the program itself (sealer, verify, command line), never made from input.
    All,
    /// The subtrees below these units, as the tree stands today. Empty: nothing.
    Under(Vec<UnitId>),
}

impl Scope {
    /// A scope that reaches nothing.
    pub fn nothing() -> Self {
        Self::Under(Vec::new())
    }

    /// Whether it reaches a unit, given the chain of units down to it (root first).
    pub fn reaches(&self, path: &[UnitId]) -> bool {
        match self {
            Self::All => true,
            Self::Under(roots) => roots.iter().any(|root| path.contains(root)),
        }
    }

    /// What one or the other reaches.
    pub fn or(self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Under(own), Self::Under(more)) => Self::Under([&own[..], more].concat()),
        }
    }

    /// Whether nothing can be in it.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Under(roots) if roots.is_empty())
    }
}

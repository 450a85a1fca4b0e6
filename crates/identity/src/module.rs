//! What this crate brings to the house.

use web::{Lang, Module};

use crate::Identity;

/// Sign-in, my account, accounts, audit trail, and the API of sessions.
pub fn module(identity: Identity) -> Module {
    let _ = identity;
    Module {
        name: "identity",
        messages: vec![
            (Lang::Zh, crate::MESSAGES[0].1),
            (Lang::En, crate::MESSAGES[1].1),
        ],
        ..Module::default()
    }
}

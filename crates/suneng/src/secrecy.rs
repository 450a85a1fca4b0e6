//! The secrecy check of the program: the packs' words, the identity's audit trail.

use commons::packs::secrecy::SecrecyWords;
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::{Actor, Identity};
use kernel::Result;
use serde_json::json;
use web::{Access, SecrecyCheck};

use crate::rooms::Rooms;

/// Words of the packs; whoever answers for one is written into the audit trail, the text is not.
pub struct Secrecy {
    words: SecrecyWords,
    identity: Identity,
}

impl Secrecy {
    /// The check of these rooms.
    pub fn of(rooms: &Rooms) -> Self {
        Self {
            words: rooms.secrecy.clone(),
            identity: rooms.identity.clone(),
        }
    }
}

impl SecrecyCheck for Secrecy {
    fn find(&self, text: &str) -> Vec<String> {
        self.words.find(text)
    }

    fn confirmed<'a>(
        &'a self,
        access: &'a Access,
        path: &'a str,
        words: &'a [String],
    ) -> BoxFuture<'a, Result<()>> {
        let detail = json!({ "words": words });
        let actor = Actor {
            on_behalf: access.on_behalf,
            account: Some(access.principal.account),
            address: access.address.clone(),
        };
        let entry = actor.audit("secrecy.confirmed", ("page", path), detail);
        self.identity.record_now(entry).boxed()
    }
}

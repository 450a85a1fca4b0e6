//! Notices on both engines, mail to a real socket, pages through HTTP.

mod mail;
mod pages;
mod service;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use kernel::{AccountId, Msg, PersonId, Result};
use notices::{Contacts, Notice, Notices, Settings};
use testkit::TestDb;

/// What the program would know of readers.
#[derive(Clone, Default)]
pub(crate) struct Book {
    addresses: Arc<Mutex<HashMap<PersonId, String>>>,
    closed: Arc<Mutex<HashSet<AccountId>>>,
}

impl Contacts for Book {
    fn addresses<'a>(
        &'a self,
        people: &'a [PersonId],
    ) -> BoxFuture<'a, Result<HashMap<PersonId, String>>> {
        let known = self.addresses.lock().unwrap();
        let found = people
            .iter()
            .filter_map(|p| Some((*p, known.get(p)?.clone())));
        let found: HashMap<_, _> = found.collect();
        Box::pin(async move { Ok(found) })
    }

    fn is_open(&self, account: AccountId, _: PersonId) -> BoxFuture<'_, Result<bool>> {
        let open = !self.closed.lock().unwrap().contains(&account);
        Box::pin(async move { Ok(open) })
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        from: "素能 <suneng@bureau.example>".into(),
        public_url: "https://suneng.example".into(),
        ..Settings::default()
    }
}

pub(crate) fn notices(t: &TestDb, book: &Book) -> Notices {
    Notices::new(t.db.clone(), t.env.clone(), settings(), book.clone())
}

pub(crate) fn notice(dedupe: Option<&str>) -> Notice {
    Notice {
        message: Msg::new("notices-mail-many").with("count", 7),
        href: "/approvals/1".into(),
        about: ("approval", "1".into()),
        dedupe: dedupe.map(str::to_owned),
        confidential: false,
    }
}

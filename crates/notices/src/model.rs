//! What the crate speaks of.

use kernel::{AccountId, Id, Msg, PersonId, Timestamp};
use web::{Catalog, Lang, Principal};

/// To whom a notice goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reader {
    /// A person, whatever account they use.
    Person(PersonId),
    /// An account that is nobody's, such as an administrator's.
    Account(AccountId),
}

impl Reader {
    pub(crate) fn id(self) -> Id {
        match self {
            Self::Person(id) => id.into(),
            Self::Account(id) => id.into(),
        }
    }

    /// What somebody who has signed in reads: their own and their account's.
    pub fn of(principal: &Principal) -> Vec<Self> {
        let person = principal.person.map(Self::Person);
        let account = Self::Account(principal.account);
        person.into_iter().chain([account]).collect()
    }

    /// The one under which somebody's choices are kept.
    pub(crate) fn first_of(principal: &Principal) -> Self {
        let person = principal.person.map(Self::Person);
        person.unwrap_or(Self::Account(principal.account))
    }
}

/// A notice (通知) to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it says, in the reader's language.
    pub message: Msg,
    /// Where it leads, a path on this server.
    pub href: String,
    /// Kind and id of what it is about.
    pub about: (&'static str, String),
    /// A reader gets one notice with this key; none: always a new one.
    pub dedupe: Option<String>,
    /// Mail says only that there is a notice, not what it says.
    pub confidential: bool,
}

/// A notice as its reader has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRow {
    /// Id, in order of time.
    pub id: Id,
    /// Message key.
    pub key: String,
    /// Its arguments.
    pub args: Vec<(String, String)>,
    /// Where it leads.
    pub href: String,
    /// When it was sent.
    pub at: Timestamp,
    /// When it was read.
    pub read_at: Option<Timestamp>,
}

/// Marks an argument that is itself a key of the message files. Nobody can type it: input with control
/// characters is refused.
const TERM: char = '\u{1}';

/// A word of the message files as an argument of a message that is stored, such as the name of a kind.
pub fn term(key: &str) -> String {
    format!("{TERM}{key}")
}

/// What a stored message says in a language.
pub fn say(
    texts: &Catalog,
    lang: Lang,
    key: &str,
    args: &[(impl AsRef<str>, impl AsRef<str>)],
) -> String {
    let args: Vec<(&str, String)> = args
        .iter()
        .map(|(name, value)| {
            let value = value.as_ref();
            let said = match value.strip_prefix(TERM) {
                Some(key) => texts.say(lang, key, &[]),
                None => value.to_owned(),
            };
            (name.as_ref(), said)
        })
        .collect();
    let args: Vec<(&str, &str)> = args.iter().map(|(n, v)| (*n, v.as_str())).collect();
    texts.say(lang, key, &args)
}

impl NoticeRow {
    /// What it says in a language.
    pub fn said(&self, texts: &Catalog, lang: Lang) -> String {
        say(texts, lang, &self.key, &self.args)
    }
}

/// How somebody wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// By mail too.
    pub mail: bool,
    /// In which language mail and calendar speak.
    pub lang: Lang,
}

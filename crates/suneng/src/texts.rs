//! What the command line says, in the operator's language.

use std::io::Write;

use kernel::{Error, Msg};
use web::{Catalog, Lang};

/// Texts in one language.
pub struct Texts {
    catalog: Catalog,
    lang: Lang,
}

impl Texts {
    /// The texts of all rooms in a language.
    pub fn new(lang: Lang) -> Self {
        Self {
            catalog: Catalog::new(crate::modules::command_texts()),
            lang,
        }
    }

    /// The language.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// The text of a message.
    pub fn msg(&self, msg: &Msg) -> String {
        self.catalog.msg(self.lang, msg)
    }

    /// The text of a message without arguments.
    pub fn get(&self, key: &'static str) -> String {
        self.msg(&Msg::new(key))
    }

    /// What went wrong and what to do: one line, or one for each wrong cell.
    pub fn error(&self, error: &Error) -> String {
        match error {
            Error::Conflict(msg) | Error::Unavailable(msg) => self.msg(msg),
            Error::Invalid(fields) => {
                let line =
                    |f: &kernel::FieldError| format!("{}: {}", f.field, self.msg(&f.message));
                fields.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            Error::NotFound => self.get("cli-not-found"),
            Error::Busy { .. } => self.get("cli-busy"),
            other => self.msg(&Msg::new("cli-internal").with("reason", other)),
        }
    }
}

/// Prints a line. A reader that has gone away is not our failure.
pub fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

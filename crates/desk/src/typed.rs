//! Forms as they were typed (填写的表单): what pages read of them, and what is looked through before it is taken.

use std::str::FromStr;

use axum::extract::Multipart;
use axum::response::Response;
use kernel::{Date, Error, Id, Msg, Result};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy};

use crate::{Attachments, Waiting};

/// The field that carries a file which waits.
const HELD: &str = "held";

/// What a form held: names and values in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Typed(pub Vec<(String, String)>);

impl Typed {
    /// The first value of a name; empty when there is none.
    pub fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, v)| v.as_str())
    }

    /// All values of a name.
    pub fn all<'t>(&'t self, name: &'t str) -> impl Iterator<Item = &'t str> {
        let named = self.0.iter().filter(move |(n, _)| n == name);
        named.map(|(_, v)| v.as_str())
    }

    /// The form to show again, without what is only of this sending.
    pub fn form(&self) -> Form {
        let kept = self.0.iter().filter(|(n, _)| is_text(n));
        kept.fold(Form::default(), |form, (n, v)| form.with(n, v))
    }

    /// The id in a hidden field.
    ///
    /// # Errors
    /// `NotFound` when it is none.
    pub fn id(&self, name: &str) -> Result<Id> {
        id_of(self.get(name))
    }

    /// The version that was looked at.
    pub fn seen(&self) -> Option<i64> {
        self.get("seen").parse().ok()
    }

    /// A day.
    ///
    /// # Errors
    /// `Invalid` for the field when it is none.
    pub fn day(&self, field: &str) -> Result<Date> {
        day_of(field, self.get(field))
    }
}

fn is_text(name: &str) -> bool {
    name != HELD && name != Secrecy::FIELD
}

/// What an address or a hidden field stands for: an id, a number, a person.
///
/// # Errors
/// `NotFound` when it stands for nothing.
pub fn id_of<T: FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::NotFound)
}

/// A day as it was typed into a field.
///
/// # Errors
/// `Invalid` for the field when it is none.
pub fn day_of(field: &str, text: &str) -> Result<Date> {
    let wrong = || Error::field(field, Msg::new("typed-day-unread"));
    kernel::parse_date(text.trim()).ok_or_else(wrong)
}

/// What was refused because of how things stand is told on the page that shows it.
pub fn told(error: Error) -> Error {
    match error {
        Error::Conflict(message) => Error::field("act", message),
        other => other,
    }
}

/// The lines of a text that say something.
pub fn paragraphs(text: &str) -> Vec<&str> {
    text.lines().filter(|l| !l.trim().is_empty()).collect()
}

/// Files that wait in a form, for its page.
pub fn waiting(files: &[Waiting]) -> Vec<Value> {
    let file = |w: &Waiting| json!({ "value": w.text(), "name": w.name });
    files.iter().map(file).collect()
}

impl Attachments {
    /// A form in parts, its files held, looked through for words of secrecy; what is asked first is the answer of the page.
    ///
    /// # Errors
    /// When a file is too large or is not held any more, or the form breaks off.
    pub async fn typed(
        &self,
        access: &Access,
        secrecy: &mut Secrecy,
        mut parts: Multipart,
    ) -> Result<(Typed, Vec<Waiting>, Option<Response>), Failure> {
        let of = access.principal.account;
        let (mut files, fields) = self.parts(of, &mut parts).await?;
        let typed = Typed(fields);
        for held in typed.all(HELD) {
            files.push(Waiting::read(held)?);
        }
        secrecy.said(typed.get(Secrecy::FIELD).to_owned());
        let mut words = self.words_in(secrecy, &files).await?;
        let texts = || typed.0.iter().filter(|(n, _)| is_text(n));
        for (_, text) in texts() {
            secrecy.look(text, &mut words);
        }
        if secrecy.asks(&words) {
            let mut again: Vec<(String, String)> = texts().cloned().collect();
            again.extend(files.iter().map(|f| (HELD.to_owned(), f.text())));
            let asked = secrecy.ask(&words, &again, true)?;
            return Ok((typed, files, Some(asked)));
        }
        secrecy.keep(&words).await?;
        Ok((typed, files, None))
    }
}

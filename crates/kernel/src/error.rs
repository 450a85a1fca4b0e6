//! The one closed set of errors. Each says what the person can do next; the web kit turns it into a
//! page or an RFC 9457 problem in the reader's language.

use std::fmt;

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A message to be shown in the reader's language: a key of the message files and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Msg {
    /// Key in the message files, for example `roster-person-twice`.
    pub key: &'static str,
    /// Named arguments, already formatted without regard to language.
    pub args: Vec<(&'static str, String)>,
}

impl Msg {
    /// A message without arguments.
    pub fn new(key: &'static str) -> Self {
        Self {
            key,
            args: Vec::new(),
        }
    }

    /// The same message with one more argument.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.args.push((name, value.to_string()));
        self
    }
}

/// What is wrong with one field of a form (or cell of a sheet).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Name of the form field, or a cell address such as `B7`.
    pub field: String,
    /// What is wrong and how to mend it.
    pub message: Msg,
}

/// What went wrong, by what the person can do about it.
#[derive(Debug)]
pub enum Error {
    /// Not signed in, or the session ended: sign in again.
    Unauthenticated,
    /// Signed in, may see the thing, may not do this.
    Forbidden,
    /// Does not exist, or may not be seen by this person (never told apart).
    NotFound,
    /// The input is wrong; one entry per field.
    Invalid(Vec<FieldError>),
    /// The input is fine but the state of things forbids it (already reversed, changed meanwhile).
    Conflict(Msg),
    /// Too much at once: try again after so many seconds.
    Busy {
        /// Seconds to wait (`Retry-After`).
        retry_after: u32,
    },
    /// A part that we need is away (database, disk full): the message says which.
    Unavailable(Msg),
    /// A transaction lost a race and may simply be run again; handled by the retrying transaction,
    /// never seen by a person unless the retries run out.
    Retry(String),
    /// A defect or a broken environment: the text is for the log, never for the person.
    Internal(String),
}

impl Error {
    /// One wrong field.
    pub fn field(field: impl Into<String>, message: Msg) -> Self {
        Self::Invalid(vec![FieldError {
            field: field.into(),
            message,
        }])
    }

    /// A defect: anything that should not happen.
    pub fn internal(what: impl fmt::Display) -> Self {
        Self::Internal(what.to_string())
    }

    /// `Err(Invalid)` when there are field errors, `Ok` when there are none.
    pub fn if_any(errors: Vec<FieldError>) -> Result<()> {
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Self::Invalid(errors))
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthenticated => f.write_str("not signed in"),
            Self::Forbidden => f.write_str("forbidden"),
            Self::NotFound => f.write_str("not found"),
            Self::Invalid(fields) => {
                f.write_str("invalid:")?;
                for e in fields {
                    write!(f, " {}: {}", e.field, e.message.key)?;
                    for (name, value) in &e.message.args {
                        write!(f, " {name}={value}")?;
                    }
                    f.write_str(";")?;
                }
                Ok(())
            }
            Self::Conflict(m) => write!(f, "conflict: {} {:?}", m.key, m.args),
            Self::Busy { retry_after } => write!(f, "busy, retry after {retry_after} s"),
            Self::Unavailable(m) => write!(f, "unavailable: {} {:?}", m.key, m.args),
            Self::Retry(why) => write!(f, "lost a race: {why}"),
            Self::Internal(why) => write!(f, "internal: {why}"),
        }
    }
}

impl std::error::Error for Error {}

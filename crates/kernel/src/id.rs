//! Time-ordered ids (UUIDv7), kept as 16 bytes. Each kind of thing has its own type, so that a
//! person can never be passed where a unit is wanted.

use std::fmt;
use std::str::FromStr;

/// An id of any kind: UUIDv7 in 16 bytes; text form is the usual hyphenated one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub [u8; 16]);

/// The text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdParseError;

impl fmt::Display for IdParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an id")
    }
}

impl std::error::Error for IdParseError {}

impl Id {
    /// Before every other id.
    pub const NIL: Self = Self([0; 16]);

    /// The id in 16 bytes, or an error when the slice has another length.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, IdParseError> {
        bytes.try_into().map(Self).map_err(|_| IdParseError)
    }

    /// Milliseconds since 1970 carried in the first six bytes.
    pub fn millis(self) -> u64 {
        let mut wide = [0; 8];
        wide[2..].copy_from_slice(&self.0[..6]);
        u64::from_be_bytes(wide)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).hyphenated().fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = IdParseError;
    fn from_str(s: &str) -> Result<Self, IdParseError> {
        uuid::Uuid::try_parse(s)
            .map(|u| Self(u.into_bytes()))
            .map_err(|_| IdParseError)
    }
}

impl serde::Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Id);

        impl $name {
            /// The 16 bytes.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0.0
            }
        }

        impl From<Id> for $name {
            fn from(id: Id) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Id {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdParseError;
            fn from_str(s: &str) -> Result<Self, IdParseError> {
                s.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// A unit (单位).
    UnitId,
    /// A person (人员).
    PersonId,
    /// A sign-in account (账号).
    AccountId,
    /// An activity (活动).
    ActivityId,
    /// A fact in the ledger (事实).
    FactId,
    /// A stored file (附件).
    FileId,
    /// A background job (后台任务).
    JobId,
    /// A report with frozen numbers (报告).
    ReportId,
}

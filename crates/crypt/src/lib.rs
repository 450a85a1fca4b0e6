//! Personal data at rest: identity numbers, telephone numbers and the like are stored sealed.
//!
//! * [`Keyring`]: master keys in a file outside the database, so that a stolen database or backup
//!   tells nothing.
//! * [`Vault`]: a data key for each record, wrapped by a master key. [`Keys`] seal and open fields; each
//!   is bound to its record and its name. Erasing a record's key makes all its fields unreadable while
//!   counts and proofs stay.
//! * [`Vault::index`]: finds equal values without opening any.
//! * [`Provider`]: the algorithms, AES-256-GCM and SM4-GCM in software, replaceable by a certified
//!   module. The algorithm's id stands with every ciphertext.
//!
//! ```ignore
//! let keys = vault.make(tx, &[person.into()]).await?;
//! let sealed = keys.seal(person, "id_number", number.as_str())?;
//! let found_by = vault.index("id_number", number.as_str());
//! // later, for a page of people: one query
//! let keys = vault.keys(tx, &people).await?;
//! match keys.open(person, "id_number", &sealed)? {
//!     Opened::Text(number) => show(mask_id(number.as_str())),
//!     Opened::Erased(at) => show_erased(at),
//! }
//! ```

mod keyring;
mod provider;
mod store;
mod vault;

pub use keyring::Keyring;
pub use provider::{AES, NONCE, Provider, Providers, SM4};
pub use store::MIGRATIONS;
pub use vault::{Keys, Opened, Rewrapped, Secret, Usage, Vault};

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/crypt.ftl")),
    ("en", include_str!("../locales/en/crypt.ftl")),
];

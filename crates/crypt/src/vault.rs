//! The vault: a data key for each record, wrapped by a master key; fields sealed with the data key.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use db::{Db, Tx};
use kernel::{Env, Error, Id, Msg, Result, Timestamp};
use zeroize::Zeroizing;

use crate::keyring::{Keyring, Master};
use crate::provider::{NONCE, Provider};
use crate::store::{self, DataKey};

/// Seals and opens the personal data of records; cheap to clone.
#[derive(Clone)]
pub struct Vault {
    env: Env,
    ring: Arc<RwLock<Arc<Keyring>>>,
}

/// What one master key wraps, for `doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Id of the master key.
    pub master: String,
    /// How many records' keys it wraps.
    pub records: i64,
    /// Whether the keyring has it; if not, these records cannot be opened.
    pub known: bool,
}

/// How far a re-wrapping has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrapped {
    /// Records done by this call.
    pub done: u64,
    /// Records that are still wrapped by an older master key.
    pub left: i64,
}

impl Vault {
    /// The vault of a database. The first keyring is remembered by the fingerprint of its index key.
    ///
    /// # Errors
    /// `Unavailable` when the database was used with another keyring: look-ups would find nothing and
    /// duplicates would go unseen.
    pub async fn open(db: &Db, env: &Env, ring: Keyring) -> Result<Self> {
        let mine = ring.fingerprint();
        let now = env.now();
        let first = db::transaction!(db, |tx| store::fingerprint(tx, &mine, now).await)?;
        if first != mine {
            return Err(other_ring(&ring));
        }
        Ok(Self {
            env: env.clone(),
            ring: Arc::new(RwLock::new(Arc::new(ring))),
        })
    }

    /// Whether a database was never used with a keyring, so that one may be made.
    pub async fn is_new(db: &Db) -> Result<bool> {
        store::unused(&mut db.read().await?).await
    }

    fn ring(&self) -> Arc<Keyring> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.clone()
    }

    /// Reads the keyring file again, after a rotation by another program.
    ///
    /// # Errors
    /// As [`Keyring::open`]; the keyring in use stays.
    pub fn reload(&self) -> Result<()> {
        let old = self.ring();
        let new = old.reread()?;
        if new.fingerprint() != old.fingerprint() {
            return Err(other_ring(&new));
        }
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        Ok(())
    }

    /// The keys of records, made for those that have none yet, in the caller's transaction.
    pub async fn make(&self, tx: &mut Tx, records: &[Id]) -> Result<Keys> {
        let mut keys = self.keys(tx, records).await?;
        let mut missing: Vec<Id> = records.to_vec();
        missing.retain(|id| !keys.slots.contains_key(id));
        // In order, so that two nodes take row locks in the same order.
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(keys);
        }
        let ring = self.ring();
        let master = ring.active_master();
        let mut rows = Vec::with_capacity(missing.len());
        let mut slots = Vec::with_capacity(missing.len());
        for record in &missing {
            let provider = master.provider.clone();
            let key = self.random_key(provider.key_length());
            rows.push(wrap(&self.env, *record, provider.id(), &key, master)?);
            slots.push((*record, Slot::Open { provider, key }));
        }
        if store::add(tx, &rows, self.env.now()).await? == rows.len() as u64 {
            keys.slots.extend(slots);
        } else {
            // Another node was faster with some of them.
            keys.slots.extend(self.keys(tx, &missing).await?.slots);
        }
        Ok(keys)
    }

    /// The keys of records, one query for thousands of them. Records that never had one are left out.
    pub async fn keys(&self, tx: &mut Tx, records: &[Id]) -> Result<Keys> {
        let rows = store::keys(tx, records).await?;
        let mut ring = self.ring();
        let lacking = |row: &DataKey| row.wrapped.is_some() && ring.master(&row.master).is_none();
        if rows.values().any(lacking) {
            // Perhaps another node seals with a newer key already.
            if let Err(e) = self.reload() {
                tracing::warn!(error = %e, "the keyring was not read again");
            }
            ring = self.ring();
        }
        let slots = rows.into_iter().map(|(id, row)| (id, slot(&ring, &row)));
        Ok(Keys {
            env: self.env.clone(),
            slots: slots.collect(),
        })
    }

    /// Destroys the keys of records: whatever was sealed with them is unreadable for ever, and no key
    /// can be made for these records again. The caller removes blind indexes in the same transaction.
    /// Gives how many were not erased before.
    pub async fn erase(&self, tx: &mut Tx, records: &[Id]) -> Result<u64> {
        let mut records = records.to_vec();
        records.sort_unstable();
        records.dedup();
        store::erase(tx, &records, self.env.now()).await
    }

    /// Records erased since an instant: what must be erased again after an older backup was restored.
    pub async fn erased(&self, tx: &mut Tx, since: Timestamp) -> Result<Vec<Id>> {
        store::erased(tx, since).await
    }

    /// Wraps up to `most` keys of older master keys by the active one; called until none is left, in
    /// short transactions, at any time and by any node. Fields are not touched.
    ///
    /// # Errors
    /// `Unavailable` when only keys are left whose master key is not in the keyring.
    pub async fn rewrap(&self, tx: &mut Tx, most: u32) -> Result<Rewrapped> {
        let ring = self.ring();
        let active = ring.active_master();
        let mut left = 0;
        let mut next = None;
        let mut lost = None;
        for (id, records) in store::usage(tx).await? {
            if id == active.id {
                continue;
            }
            left += records;
            match ring.master(&id) {
                Some(master) => next = next.or(Some(master)),
                None => lost = Some(id),
            }
        }
        let Some(old) = next else {
            return match lost {
                Some(id) => Err(no_master(&id)),
                None => Ok(Rewrapped { done: 0, left: 0 }),
            };
        };
        let mut rows = Vec::new();
        for row in store::wrapped_by(tx, &old.id, most).await? {
            let key = unwrap(&row, old)?;
            rows.push(wrap(&self.env, row.id, &row.algorithm, &key, active)?);
        }
        let done = store::rewrap(tx, &rows, self.env.now()).await?;
        // Those that were erased meanwhile are not left either.
        Ok(Rewrapped {
            done,
            left: left - rows.len() as i64,
        })
    }

    /// What each master key wraps.
    pub async fn usage(&self, tx: &mut Tx) -> Result<Vec<Usage>> {
        let ring = self.ring();
        let usage = store::usage(tx).await?.into_iter();
        let usage = usage.map(|(master, records)| Usage {
            known: ring.master(&master).is_some(),
            master,
            records,
        });
        Ok(usage.collect())
    }

    /// Blind index of a value: equal values of one field give equal bytes, so that they are found and
    /// compared without being opened. Bring the value into its one form before (a number without
    /// blanks, capitals).
    pub fn index(&self, field: &str, value: &str) -> [u8; 16] {
        self.ring().index(field, value)
    }

    fn random_key(&self, length: usize) -> Zeroizing<Vec<u8>> {
        crate::keyring::secret(&self.env, length)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Vault").field(&self.ring()).finish()
    }
}

/// The keys of some records, in memory; overwritten when they are dropped.
pub struct Keys {
    env: Env,
    slots: HashMap<Id, Slot>,
}

enum Slot {
    Open {
        provider: Arc<dyn Provider>,
        key: Zeroizing<Vec<u8>>,
    },
    Erased(Timestamp),
    NoMaster(String),
    Damaged(String),
}

/// What a sealed field turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Opened {
    /// Its text.
    Text(Secret),
    /// Its record was erased (已清除) at this instant; it is unreadable for ever.
    Erased(Timestamp),
}

impl Opened {
    /// The text, `None` when it was erased.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(secret) => Some(secret.as_str()),
            Self::Erased(_) => None,
        }
    }
}

/// A text that shows itself only when asked, and is overwritten when it is dropped.
#[derive(PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Keys {
    /// Seals a field of a record. The answer opens only as this field of this record.
    ///
    /// # Errors
    /// `Conflict` when the record was erased, `Unavailable` when its master key is missing.
    pub fn seal(&self, record: impl Into<Id>, field: &str, plain: &str) -> Result<Vec<u8>> {
        let record = record.into();
        match self.slots.get(&record) {
            Some(Slot::Open { provider, key }) => {
                let bound = field_bound(record, field);
                seal(&self.env, provider.as_ref(), key, &bound, plain.as_bytes())
            }
            Some(Slot::Erased(_)) => Err(Error::Conflict(Msg::new("crypt-erased"))),
            other => Err(no_key(record, other)),
        }
    }

    /// Opens a field of a record.
    ///
    /// # Errors
    /// `Unavailable` when the record's master key is missing; `Internal` when the bytes are not what was
    /// sealed as this field of this record.
    pub fn open(&self, record: impl Into<Id>, field: &str, sealed: &[u8]) -> Result<Opened> {
        let record = record.into();
        match self.slots.get(&record) {
            Some(Slot::Open { provider, key }) => {
                let bound = field_bound(record, field);
                let plain = open(provider.as_ref(), key, &bound, sealed).map_err(|e| {
                    Error::internal(format!("field {field} of record {record}: {e}"))
                })?;
                let text = str::from_utf8(&plain).map_err(Error::internal)?;
                Ok(Opened::Text(Secret(Zeroizing::new(text.to_owned()))))
            }
            Some(Slot::Erased(at)) => Ok(Opened::Erased(*at)),
            other => Err(no_key(record, other)),
        }
    }

    /// When a record was erased, if it was.
    pub fn erased_at(&self, record: impl Into<Id>) -> Option<Timestamp> {
        match self.slots.get(&record.into()) {
            Some(Slot::Erased(at)) => Some(*at),
            _ => None,
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.slots.len())
    }
}

fn no_key(record: Id, slot: Option<&Slot>) -> Error {
    match slot {
        Some(Slot::NoMaster(id)) => no_master(id),
        Some(Slot::Damaged(why)) => Error::internal(format!("the data key of {record}: {why}")),
        _ => Error::internal(format!("no data key was made for {record}")),
    }
}

fn no_master(id: &str) -> Error {
    Error::Unavailable(Msg::new("crypt-no-master-key").with("key", id))
}

fn other_ring(ring: &Keyring) -> Error {
    Error::Unavailable(Msg::new("crypt-other-keyring").with("path", ring.path().display()))
}

fn slot(ring: &Keyring, row: &DataKey) -> Slot {
    if let (None, Some(at)) = (&row.wrapped, row.erased_at) {
        return Slot::Erased(at);
    }
    let Some(master) = ring.master(&row.master) else {
        return Slot::NoMaster(row.master.clone());
    };
    let Some(provider) = ring.provider(&row.algorithm) else {
        return Slot::Damaged(format!("unknown algorithm {}", row.algorithm));
    };
    match unwrap(row, master) {
        Ok(key) => Slot::Open {
            provider: provider.clone(),
            key,
        },
        Err(e) => Slot::Damaged(e.to_string()),
    }
}

fn wrap(env: &Env, record: Id, algorithm: &str, key: &[u8], master: &Master) -> Result<DataKey> {
    let bound = key_bound(record, algorithm);
    Ok(DataKey {
        id: record,
        algorithm: algorithm.to_owned(),
        master: master.id.clone(),
        wrapped: Some(seal(
            env,
            master.provider.as_ref(),
            &master.key,
            &bound,
            key,
        )?),
        erased_at: None,
    })
}

fn unwrap(row: &DataKey, master: &Master) -> Result<Zeroizing<Vec<u8>>> {
    let wrapped = row.wrapped.as_deref().unwrap_or_default();
    let bound = key_bound(row.id, &row.algorithm);
    open(master.provider.as_ref(), &master.key, &bound, wrapped)
}

fn key_bound(record: Id, algorithm: &str) -> Vec<u8> {
    [b"suneng key ".as_slice(), &record.0, algorithm.as_bytes()].concat()
}

fn field_bound(record: Id, field: &str) -> Vec<u8> {
    [b"suneng field ".as_slice(), &record.0, field.as_bytes()].concat()
}

/// Length of the algorithm's id, the id, the nonce, the ciphertext with its tag.
fn seal(
    env: &Env,
    provider: &dyn Provider,
    key: &[u8],
    bound: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>> {
    let id = provider.id().as_bytes();
    let length = u8::try_from(id.len()).map_err(Error::internal)?;
    let nonce = env.random::<NONCE>();
    let sealed = provider.seal(key, &nonce, bound, plain)?;
    Ok([&[length], id, &nonce, &sealed].concat())
}

fn open(
    provider: &dyn Provider,
    key: &[u8],
    bound: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let broken = || Error::internal("a ciphertext is cut off or of another algorithm than its key");
    let (length, rest) = sealed.split_first().ok_or_else(broken)?;
    let (id, rest) = rest
        .split_at_checked(usize::from(*length))
        .ok_or_else(broken)?;
    let (nonce, sealed) = rest.split_first_chunk().ok_or_else(broken)?;
    if id != provider.id().as_bytes() {
        return Err(broken());
    }
    provider.open(key, nonce, bound, sealed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{AES, Providers, SM4};
    use proptest::prelude::*;

    fn keys(env: &Env, algorithm: &str, records: &[Id], fill: u8) -> Keys {
        let providers = Providers::standard();
        let provider = providers.get(algorithm).expect("built in");
        let slot = |id: &Id| {
            let key = Zeroizing::new(vec![fill ^ id.0[0]; provider.key_length()]);
            let provider = provider.clone();
            (*id, Slot::Open { provider, key })
        };
        Keys {
            env: env.clone(),
            slots: records.iter().map(slot).collect(),
        }
    }

    proptest! {
        #[test]
        fn a_field_opens_as_itself_and_as_nothing_else(
            sm4: bool, fill: u8, plain in "\\PC{0,40}", field in "[a-z_]{1,12}", other in "[a-z_]{1,12}",
            place in any::<prop::sample::Index>(), bit in 0u8..8
        ) {
            let env = Env::system();
            let (algorithm, foreign) = if sm4 { (SM4, AES) } else { (AES, SM4) };
            // The two records have the same key, as if one had been copied over the other.
            let (a, b) = (Id([1; 16]), Id([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]));
            let own = keys(&env, algorithm, &[a, b], fill);
            let sealed = own.seal(a, &field, &plain).unwrap();
            let opened = own.open(a, &field, &sealed).unwrap();
            prop_assert_eq!(opened.text(), Some(plain.as_str()));
            prop_assert!(own.open(b, &field, &sealed).is_err());
            prop_assert_eq!(own.open(a, &other, &sealed).is_ok(), other == field);
            prop_assert!(keys(&env, algorithm, &[a], fill ^ 1).open(a, &field, &sealed).is_err());
            prop_assert!(keys(&env, foreign, &[a], fill).open(a, &field, &sealed).is_err());
            let at = place.index(sealed.len());
            let mut flipped = sealed.clone();
            flipped[at] ^= 1 << bit;
            prop_assert!(own.open(a, &field, &flipped).is_err());
            prop_assert!(own.open(a, &field, &sealed[..at]).is_err());
        }
    }
}

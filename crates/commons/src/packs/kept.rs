//! Rules that records keep (留存规则): a record names the hash of the rule that it was begun with, so that a newer pack
//! changes nothing about it. What was read once stays in memory, since what a hash stands for never changes.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use kernel::{Error, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Rules by hash; cheap to clone.
pub struct Kept<T>(Arc<Mutex<HashMap<String, Arc<T>>>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The hash by which a record names a rule.
///
/// # Errors
/// `Internal` when the rule cannot be written down: a defect of its type.
pub fn hash_of(rule: &impl Serialize) -> Result<String> {
    let body = serde_json::to_vec(rule).map_err(Error::internal)?;
    Ok(hex::encode(Sha256::digest(body)))
}

impl<T> Kept<T> {
    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of some hashes that are in memory, and the hashes that must be read: give what was read to [`Kept::learn`].
    pub fn of<'h>(
        &self,
        hashes: impl IntoIterator<Item = &'h str>,
    ) -> (HashMap<String, Arc<T>>, Vec<&'h str>) {
        let wanted: BTreeSet<&str> = hashes.into_iter().collect();
        let known = self.known();
        let (mut found, mut missing) = (HashMap::new(), Vec::new());
        for hash in wanted {
            match known.get(hash) {
                Some(rule) => {
                    found.insert(hash.to_owned(), rule.clone());
                }
                None => missing.push(hash),
            }
        }
        (found, missing)
    }

    /// Keeps what was read in memory, and adds it to what was found.
    pub fn learn(&self, found: &mut HashMap<String, Arc<T>>, read: Vec<(String, T)>) {
        let mut known = self.known();
        for (hash, rule) in read {
            let rule = Arc::new(rule);
            known.insert(hash.clone(), rule.clone());
            found.insert(hash, rule);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_once_is_not_asked_for_again() {
        let kept: Kept<&str> = Kept::default();
        let (mut found, missing) = kept.of(["b", "a", "b"]);
        assert!(found.is_empty());
        assert_eq!(missing, ["a", "b"], "each once");
        kept.clone().learn(&mut found, vec![("a".into(), "甲")]);
        assert_eq!(*found["a"], "甲");
        let (found, missing) = kept.of(["a", "b"]);
        assert_eq!((found.len(), missing), (1, vec!["b"]));
        assert_ne!(hash_of(&"甲").unwrap(), hash_of(&"乙").unwrap());
    }
}

//! Passwords (口令): one-time ones, and how they are kept (Argon2id).

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use kernel::{Env, Error, Result};
use tokio::sync::Semaphore;

use crate::SecuritySettings;
use crate::settings::LONGEST;

/// What nobody's password hashes to: checking against it takes as long as a real check.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyBpdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Whether a one-time password looks like one that somebody would have to choose.
fn fine(password: &str, login: &str) -> bool {
    let usual = SecuritySettings::default();
    usual.check_password("", password, &[login]).is_ok()
}

/// A password that is easy to read out: three groups of four, no look-alikes.
pub(crate) fn one_time(env: &Env, login: &str) -> String {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789";
    loop {
        let bytes = env.random::<64>();
        // Bytes above the last whole multiple would favour the first letters.
        let fair = bytes
            .iter()
            .filter(|b| usize::from(**b) < LETTERS.len() * 4);
        let letters: Vec<char> = fair
            .map(|b| char::from(LETTERS[usize::from(*b) % LETTERS.len()]))
            .take(12)
            .collect();
        let groups: Vec<String> = letters.chunks(4).map(|c| c.iter().collect()).collect();
        let password = groups.join("-");
        if letters.len() == 12 && fine(&password, login) {
            return password;
        }
    }
}

/// Hashes and checks passwords away from the threads that serve requests, two at a time: each takes
/// 19 MiB and a good part of a core.
#[derive(Clone)]
pub(crate) struct Hasher {
    slots: Arc<Semaphore>,
}

impl Hasher {
    const AT_ONCE: usize = 2;
    const PATIENCE: Duration = Duration::from_secs(10);

    pub fn new() -> Self {
        Self {
            slots: Arc::new(Semaphore::new(Self::AT_ONCE)),
        }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let slot = tokio::time::timeout(Self::PATIENCE, self.slots.clone().acquire_owned()).await;
        let Ok(Ok(slot)) = slot else {
            return Err(Error::Busy { retry_after: 10 });
        };
        // The slot goes with the work: a reader who leaves does not free it before its time.
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(slot);
            result
        });
        done.await.map_err(Error::internal)
    }

    /// The PHC string of a password.
    pub async fn hash(&self, env: &Env, password: &str) -> Result<String> {
        let (password, salt) = (password.to_owned(), env.random::<16>());
        let hashed = self
            .run(move || {
                Argon2::default()
                    .hash_password_with_salt(password.as_bytes(), &salt)
                    .map(|hash: PasswordHash| hash.to_string())
            })
            .await?;
        hashed.map_err(Error::internal)
    }

    /// Whether a password is right. Without a hash it never is, after the same time.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(NOBODY).to_owned();
        // A password that could never have been set costs no more than one that could.
        let password: String = password.chars().take(LONGEST + 1).collect();
        let right = self
            .run(move || {
                let hash = PasswordHash::new(&hash).map_err(Error::internal)?;
                let right = Argon2::default().verify_password(password.as_bytes(), &hash);
                Ok::<bool, Error>(right.is_ok())
            })
            .await??;
        Ok(right && known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_passwords_differ_and_are_accepted() {
        let env = Env::system();
        let all: std::collections::BTreeSet<String> =
            (0..200).map(|_| one_time(&env, "linxl")).collect();
        assert_eq!(all.len(), 200);
        assert!(all.iter().all(|p| p.len() == 14 && fine(p, "linxl")));
    }

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let (hasher, env) = (Hasher::new(), Env::system());
        let hash = hasher.hash(&env, "Friday-15").await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert_ne!(
            hash,
            hasher.hash(&env, "Friday-15").await.unwrap(),
            "salted"
        );
        assert!(hasher.verify("Friday-15", Some(&hash)).await.unwrap());
        assert!(!hasher.verify("Friday-16", Some(&hash)).await.unwrap());
        assert!(!hasher.verify("Friday-15", None).await.unwrap());
    }
}

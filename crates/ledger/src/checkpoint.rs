//! Checkpoints: the signed head of the tree, kept outside the database, so that nobody who can write the
//! database can rewrite the past unseen.

use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use futures::future::BoxFuture;
use kernel::{Id, Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::merkle::Frontier;

/// A signed head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The log; a ledger that was set back starts a new one.
    pub log: Id,
    /// Leaves.
    pub size: i64,
    /// Head of the tree, hex.
    pub root: String,
    /// When it was signed.
    pub at: Timestamp,
    /// How it was signed; another provider brings another name.
    pub algorithm: String,
    /// Public key, hex.
    pub key: String,
    /// Signature, hex.
    pub signature: String,
}

impl Checkpoint {
    fn message(&self) -> Vec<u8> {
        format!(
            "suneng checkpoint\n{}\n{}\n{}\n{}\n",
            self.log, self.size, self.root, self.at.0
        )
        .into_bytes()
    }

    /// Whether the signature is that of the key named in it.
    pub fn signature_holds(&self) -> bool {
        let key = hex::decode(&self.key)
            .ok()
            .and_then(|k| <[u8; 32]>::try_from(k).ok());
        let signature = hex::decode(&self.signature)
            .ok()
            .and_then(|s| Signature::from_slice(&s).ok());
        match (
            key.and_then(|k| VerifyingKey::from_bytes(&k).ok()),
            signature,
        ) {
            (Some(key), Some(signature)) => {
                self.algorithm == "ed25519-sha256"
                    && key.verify(&self.message(), &signature).is_ok()
            }
            _ => false,
        }
    }
}

/// Signs checkpoints with a key that is not in the database.
#[derive(Clone)]
pub struct Signer(SigningKey);

impl Signer {
    /// A signer with a secret of 32 random bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// Signs a tree.
    pub(crate) fn sign(&self, log: Id, tree: &Frontier, at: Timestamp) -> Checkpoint {
        let mut checkpoint = Checkpoint {
            log,
            size: tree.size() as i64,
            root: hex::encode(tree.root()),
            at,
            algorithm: "ed25519-sha256".into(),
            key: hex::encode(self.0.verifying_key().as_bytes()),
            signature: String::new(),
        };
        checkpoint.signature = hex::encode(self.0.sign(&checkpoint.message()).to_bytes());
        checkpoint
    }
}

/// Where checkpoints are kept.
pub trait CheckpointStore: Send + Sync {
    /// Keeps one.
    fn put<'a>(&'a self, checkpoint: &'a Checkpoint) -> BoxFuture<'a, Result<()>>;
    /// All that were kept, in any order.
    fn all(&self) -> BoxFuture<'_, Result<Vec<Checkpoint>>>;
}

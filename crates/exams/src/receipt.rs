//! The receipt of an attempt (交卷回执): a hash over every answer as it is kept, which anybody who holds it can have
//! checked against what is stored.

use kernel::Id;
use sha2::{Digest, Sha256};

use crate::store::Kept;

/// The hash of the answers of an attempt, in order of the questions.
pub(crate) fn hash(attempt: Id, kept: &[Kept]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(attempt.0);
    let mut kept: Vec<&Kept> = kept.iter().collect();
    kept.sort_unstable_by_key(|k| k.item);
    for k in kept {
        hash.update(k.item.to_be_bytes());
        hash.update(k.seq.to_be_bytes());
        hash.update((k.value.len() as u64).to_be_bytes());
        hash.update(k.value.as_bytes());
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use kernel::Timestamp;

    use super::*;

    #[test]
    fn every_answer_changes_it_and_no_order_does() {
        let kept = |item, seq, value: &str| Kept {
            item,
            seq,
            value: value.to_owned(),
            at: Timestamp(0),
            stamped: Timestamp(0),
            late: false,
        };
        let (a, b) = (kept(1, 1, "\"A\""), kept(2, 3, "\"BC\""));
        let attempt = Id([1; 16]);
        let whole = hash(attempt, &[a.clone(), b.clone()]);
        assert_eq!(hash(attempt, &[b.clone(), a.clone()]), whole);
        assert_ne!(hash(Id([2; 16]), &[a.clone(), b.clone()]), whole);
        assert_ne!(hash(attempt, std::slice::from_ref(&a)), whole);
        assert_ne!(hash(attempt, &[a.clone(), kept(2, 4, "\"BC\"")]), whole);
        assert_ne!(hash(attempt, &[a, kept(2, 3, "\"BD\"")]), whole);
    }
}

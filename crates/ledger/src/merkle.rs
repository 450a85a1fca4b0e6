//! The Merkle tree of RFC 6962: append-only; its head proves every fact below it.

use sha2::{Digest, Sha256};

use crate::Hash;

/// The hashes of the perfect subtrees that make up a tree, largest first: all that appending needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

/// The hash of an inner node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut h = Sha256::new();
    h.update([0x01]);
    h.update(left);
    h.update(right);
    h.finalize().into()
}

impl Frontier {
    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf hash.
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        let mut size = self.size;
        while size & 1 == 1 {
            let left = self
                .peaks
                .pop()
                .expect("a set bit of the size has its peak");
            hash = node_hash(&left, &hash);
            size >>= 1;
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The tree head; of the empty tree, the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(first) = peaks.next() else {
            return Sha256::digest([]).into();
        };
        peaks.fold(*first, |right, left| node_hash(left, &right))
    }

    /// The peaks one after another, as stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.peaks.concat()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` when the length does not fit the size.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != 32 * size.count_ones() as usize {
            return None;
        }
        let peaks = bytes
            .chunks_exact(32)
            .map(|c| c.try_into().expect("32 bytes"))
            .collect();
        Some(Self { size, peaks })
    }
}

fn split(n: usize) -> usize {
    // The largest power of two below n (n ≥ 2).
    1 << (usize::BITS - 1 - (n - 1).leading_zeros())
}

/// The head of the tree over the leaves, by the definition of the RFC (slow; for proofs and tests).
pub fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [one] => *one,
        many => {
            let k = split(many.len());
            node_hash(&root_of(&many[..k]), &root_of(&many[k..]))
        }
    }
}

/// The audit path of leaf `index`: the hashes that lead from it to the head.
pub fn inclusion_proof(leaves: &[Hash], index: usize) -> Vec<Hash> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let k = split(leaves.len());
    if index < k {
        let mut path = inclusion_proof(&leaves[..k], index);
        path.push(root_of(&leaves[k..]));
        path
    } else {
        let mut path = inclusion_proof(&leaves[k..], index - k);
        path.push(root_of(&leaves[..k]));
        path
    }
}

/// Whether the path leads from the leaf at `index` to the head of a tree of `size` leaves.
pub fn includes(leaf: Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: usize) -> Vec<Hash> {
        (0..n)
            .map(|i| Sha256::digest([&[0u8], &i.to_be_bytes()[..]].concat()).into())
            .collect()
    }

    #[test]
    fn the_frontier_has_the_head_of_the_definition() {
        let all = leaves(130);
        let mut frontier = Frontier::default();
        assert_eq!(frontier.root(), root_of(&[]));
        for n in 0..all.len() {
            frontier.append(all[n]);
            assert_eq!(frontier.root(), root_of(&all[..=n]), "{n}");
            let read = Frontier::from_bytes(frontier.size(), &frontier.to_bytes()).unwrap();
            assert_eq!(read, frontier);
        }
        assert!(Frontier::from_bytes(3, &[0; 32]).is_none());
    }

    #[test]
    fn proofs_hold_and_nothing_else_does() {
        for n in [1usize, 2, 3, 7, 8, 9, 31, 33] {
            let all = leaves(n);
            let root = root_of(&all);
            for i in 0..n {
                let path = inclusion_proof(&all, i);
                assert!(
                    includes(all[i], i as u64, n as u64, &path, &root),
                    "{i} of {n}"
                );
                let other = all[(i + 1) % n];
                assert_eq!(includes(other, i as u64, n as u64, &path, &root), n == 1);
                assert!(!includes(all[i], n as u64, n as u64, &path, &root));
            }
        }
    }
}

//! Algorithms, replaceable: a certified module takes the place of the built-in code by giving the
//! same answers under the same id, or brings an id of its own.

use std::fmt;
use std::sync::Arc;

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, AeadCore, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, AesGcm};
use kernel::{Error, Result};
use sm4::Sm4;
use zeroize::Zeroizing;

/// Bytes of a nonce.
pub const NONCE: usize = 12;

/// Authenticated encryption with associated data.
pub trait Provider: Send + Sync {
    /// The algorithm's id, stored with every ciphertext; never reused for another one.
    fn id(&self) -> &'static str;

    /// Bytes of a key. A module that keeps its keys may take them for handles.
    fn key_length(&self) -> usize;

    /// Encrypts and authenticates; gives the ciphertext with its tag.
    ///
    /// # Errors
    /// `Internal` when the key has another length or the module fails.
    fn seal(&self, key: &[u8], nonce: &[u8; NONCE], bound: &[u8], plain: &[u8]) -> Result<Vec<u8>>;

    /// Checks and decrypts.
    ///
    /// # Errors
    /// `Internal` when anything differs from what was sealed.
    fn open(
        &self,
        key: &[u8],
        nonce: &[u8; NONCE],
        bound: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>>;
}

/// A cipher of 128-bit blocks in Galois/counter mode, by RustCrypto.
struct Gcm<C> {
    id: &'static str,
    key_length: usize,
    cipher: std::marker::PhantomData<fn() -> C>,
}

impl<C: Aead + AeadCore<NonceSize = U12> + KeyInit> Provider for Gcm<C> {
    fn id(&self) -> &'static str {
        self.id
    }

    fn key_length(&self) -> usize {
        self.key_length
    }

    fn seal(&self, key: &[u8], nonce: &[u8; NONCE], bound: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let cipher = C::new_from_slice(key).map_err(Error::internal)?;
        let payload = Payload {
            msg: plain,
            aad: bound,
        };
        cipher
            .encrypt(nonce.into(), payload)
            .map_err(Error::internal)
    }

    fn open(
        &self,
        key: &[u8],
        nonce: &[u8; NONCE],
        bound: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let cipher = C::new_from_slice(key).map_err(Error::internal)?;
        let payload = Payload {
            msg: sealed,
            aad: bound,
        };
        let opened = cipher.decrypt(nonce.into(), payload);
        opened
            .map(Zeroizing::new)
            .map_err(|_| Error::internal("a ciphertext is not what was sealed here"))
    }
}

/// Id of AES with 256-bit keys in GCM (NIST SP 800-38D).
pub const AES: &str = "aes-256-gcm";
/// Id of SM4 (GB/T 32907) in GCM (RFC 8998).
pub const SM4: &str = "sm4-gcm";

/// The algorithms a program has, by id; cheap to clone.
#[derive(Clone)]
pub struct Providers(Vec<Arc<dyn Provider>>);

impl Providers {
    /// AES-256-GCM and SM4-GCM in software.
    pub fn standard() -> Self {
        let aes = Gcm::<Aes256Gcm> {
            id: AES,
            key_length: 32,
            cipher: std::marker::PhantomData,
        };
        let sm4 = Gcm::<AesGcm<Sm4, U12>> {
            id: SM4,
            key_length: 16,
            cipher: std::marker::PhantomData,
        };
        Self(vec![Arc::new(aes), Arc::new(sm4)])
    }

    /// The same with one more; it takes the place of one with its id.
    pub fn with(mut self, provider: Arc<dyn Provider>) -> Self {
        self.0.retain(|p| p.id() != provider.id());
        self.0.push(provider);
        self
    }

    /// The algorithm with an id.
    pub fn get(&self, id: &str) -> Option<&Arc<dyn Provider>> {
        self.0.iter().find(|p| p.id() == id)
    }

    /// All ids.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|p| p.id())
    }
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sm4::cipher::BlockCipherEncrypt;

    fn provider(id: &str) -> Arc<dyn Provider> {
        Providers::standard().get(id).expect("built in").clone()
    }

    fn known(id: &str, key: &str, nonce: &str, bound: &str, plain: &str, sealed: &str) {
        let bytes = |text: &str| {
            let text: String = text.split_whitespace().collect();
            hex::decode(text).expect("hexadecimal")
        };
        let nonce: [u8; NONCE] = bytes(nonce).try_into().expect("12 bytes");
        let (key, bound) = (bytes(key), bytes(bound));
        let made = provider(id)
            .seal(&key, &nonce, &bound, &bytes(plain))
            .unwrap();
        assert_eq!(hex::encode(&made), hex::encode(bytes(sealed)));
        let opened = provider(id).open(&key, &nonce, &bound, &made).unwrap();
        assert_eq!(*opened, bytes(plain));
    }

    #[test]
    fn sm4_gives_the_block_of_gb_t_32907() {
        let key = hex::decode("0123456789abcdeffedcba9876543210").unwrap();
        let cipher = Sm4::new_from_slice(&key).unwrap();
        let mut block: [u8; 16] = key.try_into().unwrap();
        cipher.encrypt_block((&mut block).into());
        assert_eq!(hex::encode(block), "681edf34d206965e86b3e94f536e4246");
    }

    #[test]
    fn sm4_gcm_gives_the_answer_of_rfc_8998() {
        known(
            SM4,
            "0123456789ABCDEFFEDCBA9876543210",
            "00001234567800000000ABCD",
            "FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2",
            "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD
             EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA",
            "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735
             D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D
             83DE3541E4C2B58177E065A9BF7B62EC",
        );
    }

    #[test]
    fn aes_gcm_gives_the_answers_of_nist() {
        known(
            AES,
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            "cafebabefacedbaddecaf888",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
             76fc6ece0f4e1768cddf8853bb2d551b",
        );
        let zeros = "00".repeat(32);
        let nonce = "00".repeat(12);
        known(
            AES,
            &zeros,
            &nonce,
            "",
            "",
            "530f8afbc74536b9a963b4f1c4cb738b",
        );
    }

    #[test]
    fn another_module_takes_the_place_of_one() {
        struct Module;
        impl Provider for Module {
            fn id(&self) -> &'static str {
                SM4
            }
            fn key_length(&self) -> usize {
                4
            }
            fn seal(&self, _: &[u8], _: &[u8; NONCE], _: &[u8], _: &[u8]) -> Result<Vec<u8>> {
                Err(Error::internal("the module is away"))
            }
            fn open(
                &self,
                _: &[u8],
                _: &[u8; NONCE],
                _: &[u8],
                _: &[u8],
            ) -> Result<Zeroizing<Vec<u8>>> {
                Err(Error::internal("the module is away"))
            }
        }
        let providers = Providers::standard().with(Arc::new(Module));
        assert_eq!(providers.get(SM4).unwrap().key_length(), 4);
        assert_eq!(providers.ids().count(), 2);
        assert_eq!(format!("{providers:?}"), r#"["aes-256-gcm", "sm4-gcm"]"#);
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_and_nothing_else_does(
            sm4: bool, seed: u8, nonce: [u8; NONCE], plain: Vec<u8>, bound: Vec<u8>,
            place: prop::sample::Index, bit in 0u8..8
        ) {
            let provider = provider(if sm4 { SM4 } else { AES });
            let key = vec![seed; provider.key_length()];
            let sealed = provider.seal(&key, &nonce, &bound, &plain).unwrap();
            let flip = |bytes: &[u8]| {
                let mut bytes = bytes.to_vec();
                let place = place.index(bytes.len());
                bytes[place] ^= 1 << bit;
                bytes
            };
            let opens = |key: &[u8], nonce: &[u8; NONCE], bound: &[u8], sealed: &[u8]| {
                provider.open(key, nonce, bound, sealed).is_ok()
            };
            prop_assert_eq!(&*provider.open(&key, &nonce, &bound, &sealed).unwrap(), &plain);
            prop_assert!(!opens(&flip(&key), &nonce, &bound, &sealed));
            prop_assert!(!opens(&key, &flip(&nonce).try_into().unwrap(), &bound, &sealed));
            prop_assert!(!opens(&key, &nonce, &flip(&[&bound[..], b"!"].concat()), &sealed));
            prop_assert!(!opens(&key, &nonce, &bound, &flip(&sealed)));
            prop_assert!(!opens(&key[1..], &nonce, &bound, &sealed));
            prop_assert!(!opens(&key, &nonce, &bound, &sealed[1..]));
        }
    }
}

//! The keyring: master keys in one file outside the database.
//!
//! ```text
//! suneng-keyring 1
//! index hmac-sha256 <key> <check>
//! key 20261120-9f3c2a sm4-gcm <key> <check>
//! active 20261120-9f3c2a
//! ```
//!
//! Keys and checks are hexadecimal; a check tells a damaged line from a good one and nothing of the key.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Env, Error, Msg, Result, format_date};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::provider::{Provider, Providers};

const HEADER: &str = "suneng-keyring 1";
const INDEX: &str = "hmac-sha256";
const INDEX_BYTES: usize = 32;
/// Longer files are no keyrings.
const MOST_BYTES: u64 = 1 << 20;

/// Master keys, one of them active, and the key of blind indexes. Shows no key in any way, and
/// overwrites its keys in memory when it is dropped.
pub struct Keyring {
    path: PathBuf,
    providers: Providers,
    index: Zeroizing<Vec<u8>>,
    masters: Vec<Master>,
    active: usize,
    warnings: Vec<Msg>,
}

/// One master key (主密钥).
pub(crate) struct Master {
    pub(crate) id: String,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) key: Zeroizing<Vec<u8>>,
}

impl Master {
    fn new(env: &Env, provider: &Arc<dyn Provider>) -> Self {
        let date = format_date(env.today()).replace('-', "");
        Self {
            id: format!("{date}-{}", hex::encode(env.random::<3>())),
            provider: provider.clone(),
            key: secret(env, provider.key_length()),
        }
    }
}

impl Keyring {
    /// Makes a keyring with one master key in a new file that only its owner may read.
    ///
    /// # Errors
    /// `Unavailable` when there is a file already or it cannot be written; an existing keyring is
    /// never overwritten, for all that was sealed with it would be lost.
    pub fn create(path: &Path, env: &Env, algorithm: &str) -> Result<Self> {
        Self::create_with(path, env, algorithm, &Providers::standard())
    }

    /// [`Self::create`] with other algorithms than the built-in ones.
    pub fn create_with(
        path: &Path,
        env: &Env,
        algorithm: &str,
        providers: &Providers,
    ) -> Result<Self> {
        let provider = known(providers, algorithm, path)?;
        let replacement = Replacement::begin(path)?;
        if path.exists() {
            return Err(trouble(Msg::new("keyring-exists"), path));
        }
        let ring = Self {
            path: path.to_owned(),
            providers: providers.clone(),
            index: secret(env, INDEX_BYTES),
            masters: vec![Master::new(env, provider)],
            active: 0,
            warnings: Vec::new(),
        };
        replacement.finish(&ring.text())?;
        Ok(ring)
    }

    /// Reads a keyring.
    ///
    /// # Errors
    /// `Unavailable` that says which file and which line is wrong, and never what stands in it.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, &Providers::standard())
    }

    /// [`Self::open`] with other algorithms than the built-in ones.
    pub fn open_with(path: &Path, providers: &Providers) -> Result<Self> {
        let unreadable = |e: io::Error| match e.kind() {
            io::ErrorKind::NotFound => trouble(Msg::new("keyring-missing"), path),
            _ => unreadable(path, &e),
        };
        let about = std::fs::metadata(path).map_err(unreadable)?;
        if !about.is_file() || about.len() > MOST_BYTES {
            return Err(line(path, 1));
        }
        let bytes = Zeroizing::new(std::fs::read(path).map_err(unreadable)?);
        let text = str::from_utf8(&bytes).map_err(|_| line(path, 1))?;
        let mut ring = parse(text, path, providers)?;
        ring.warnings.extend(open_to_others(&about, path));
        Ok(ring)
    }

    /// Adds a new master key to the file and makes it the active one; the older ones stay, to open
    /// what they sealed. The key of blind indexes stays the same. Other nodes need the new file before
    /// they can open what is sealed from now on.
    ///
    /// # Errors
    /// As [`Self::open`]; `Unavailable` when another rotation is under way.
    pub fn rotate(path: &Path, env: &Env, algorithm: &str) -> Result<Self> {
        Self::rotate_with(path, env, algorithm, &Providers::standard())
    }

    /// [`Self::rotate`] with other algorithms than the built-in ones.
    pub fn rotate_with(
        path: &Path,
        env: &Env,
        algorithm: &str,
        providers: &Providers,
    ) -> Result<Self> {
        let provider = known(providers, algorithm, path)?;
        let replacement = Replacement::begin(path)?;
        // Read only now, so that no other rotation falls between.
        let mut ring = Self::open_with(path, providers)?;
        ring.masters.push(Master::new(env, provider));
        ring.active = ring.masters.len() - 1;
        replacement.finish(&ring.text())?;
        Ok(ring)
    }

    /// Reads the file again, as another program may have rotated it.
    pub(crate) fn reread(&self) -> Result<Self> {
        Self::open_with(&self.path, &self.providers)
    }

    /// What the administrator should mend though the keyring works: others may read the file.
    pub fn warnings(&self) -> &[Msg] {
        &self.warnings
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Id of the master key that seals.
    pub fn active(&self) -> &str {
        &self.masters[self.active].id
    }

    /// Ids and algorithms of all master keys, oldest first.
    pub fn masters(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.masters
            .iter()
            .map(|m| (m.id.as_str(), m.provider.id()))
    }

    pub(crate) fn active_master(&self) -> &Master {
        &self.masters[self.active]
    }

    pub(crate) fn master(&self, id: &str) -> Option<&Master> {
        self.masters.iter().find(|m| m.id == id)
    }

    pub(crate) fn provider(&self, id: &str) -> Option<&Arc<dyn Provider>> {
        self.providers.get(id)
    }

    /// What the database remembers, to tell that this is still the same index key.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.index("fingerprint", ""))
    }

    /// Equal values of one field give equal bytes, which tell nothing without the key.
    pub(crate) fn index(&self, field: &str, value: &str) -> [u8; 16] {
        let mut key = Zeroizing::new([0; INDEX_BYTES]);
        Hkdf::<Sha256>::new(None, &self.index)
            .expand_multi_info(&[b"suneng blind index ", field.as_bytes()], &mut *key)
            .expect("32 bytes are not too many");
        let mut mac = Hmac::<Sha256>::new_from_slice(&*key).expect("any length is taken");
        mac.update(value.as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        short
    }

    fn text(&self) -> Zeroizing<String> {
        // Room for all, so that no copy of a key is left behind by a string that grew.
        let mut text = Zeroizing::new(String::with_capacity(512 + self.masters.len() * 512));
        let _ = writeln!(text, "{HEADER}");
        text.push_str(
            "# Whoever has this file and the database can read all personal data in it; without this\n\
             # file nobody can. Keep a copy in another place than the backups, and change nothing here.\n",
        );
        put(&mut text, "index", INDEX, &self.index);
        for master in &self.masters {
            let what = format!("{} {}", master.id, master.provider.id());
            put(&mut text, "key", &what, &master.key);
        }
        let _ = writeln!(text, "active {}", self.active());
        text
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("path", &self.path)
            .field("masters", &self.masters().collect::<Vec<_>>())
            .field("active", &self.active())
            .finish_non_exhaustive()
    }
}

pub(crate) fn secret(env: &Env, length: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    while bytes.len() < length {
        let more = Zeroizing::new(env.random::<32>());
        let wanted = (length - bytes.len()).min(more.len());
        bytes.extend_from_slice(&more[..wanted]);
    }
    bytes
}

fn put(text: &mut String, word: &str, what: &str, key: &[u8]) {
    let _ = write!(text, "{word} {what} ");
    for byte in key {
        let _ = write!(text, "{byte:02x}");
    }
    let _ = writeln!(text, " {}", check(what, key));
}

/// Four bytes of a digest over a random key of 16 or more: enough to see damage, useless to guess by.
fn check(what: &str, key: &[u8]) -> String {
    let mut digest = Sha256::new();
    for part in [HEADER.as_bytes(), what.as_bytes(), key] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex::encode(&digest.finalize()[..4])
}

fn parse(text: &str, path: &Path, providers: &Providers) -> Result<Keyring> {
    let mut index = None;
    let mut masters: Vec<Master> = Vec::new();
    let mut active = None;
    let mut header = false;
    for (number, text) in (1..).zip(text.lines()) {
        let wrong = || line(path, number);
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        match words[..] {
            [] => {}
            [word, ..] if word.starts_with('#') => {}
            _ if text.trim_end() == HEADER && !header => header = true,
            _ if !header => return Err(wrong()),
            ["index", INDEX, key, sum] if index.is_none() => {
                index = Some(read_key(INDEX, key, sum, INDEX_BYTES, path, number)?);
            }
            ["key", id, algorithm, key, sum] if masters.iter().all(|m| m.id != id) => {
                let provider = providers.get(algorithm).ok_or_else(|| {
                    let message = Msg::new("keyring-algorithm-line").with("line", number);
                    trouble(message.with("algorithm", algorithm), path)
                })?;
                let what = format!("{id} {algorithm}");
                masters.push(Master {
                    id: id.to_owned(),
                    provider: provider.clone(),
                    key: read_key(&what, key, sum, provider.key_length(), path, number)?,
                });
            }
            ["active", id] if active.is_none() => {
                let place = masters.iter().position(|m| m.id == id);
                active = Some(place.ok_or_else(wrong)?);
            }
            _ => return Err(wrong()),
        }
    }
    let (Some(index), Some(active)) = (index, active) else {
        return Err(trouble(Msg::new("keyring-incomplete"), path));
    };
    Ok(Keyring {
        path: path.to_owned(),
        providers: providers.clone(),
        index,
        masters,
        active,
        warnings: Vec::new(),
    })
}

fn read_key(
    what: &str,
    key: &str,
    sum: &str,
    length: usize,
    path: &Path,
    number: usize,
) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    let read = hex::decode_to_slice(key, &mut bytes);
    if read.is_err() || sum != check(what, &bytes) {
        return Err(line(path, number));
    }
    Ok(bytes)
}

#[cfg(unix)]
fn open_to_others(about: &std::fs::Metadata, path: &Path) -> Option<Msg> {
    use std::os::unix::fs::PermissionsExt;
    let mode = about.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        Msg::new("keyring-mode")
            .with("path", path.display())
            .with("mode", format!("{mode:o}"))
    })
}

#[cfg(not(unix))]
fn open_to_others(_: &std::fs::Metadata, _: &Path) -> Option<Msg> {
    None
}

/// The next state of the file, written beside it; its presence keeps others from writing one too.
struct Replacement<'p> {
    path: &'p Path,
    beside: PathBuf,
    file: File,
    done: bool,
}

impl<'p> Replacement<'p> {
    fn begin(path: &'p Path) -> Result<Self> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&beside).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => trouble(Msg::new("keyring-under-way"), &beside),
            _ => unwritable(path, &e),
        })?;
        Ok(Self {
            path,
            beside,
            file,
            done: false,
        })
    }

    /// Puts the new text in the place of the old one: after a power cut one of them is there, whole.
    fn finish(mut self, text: &str) -> Result<()> {
        let mut write = || {
            self.file.write_all(text.as_bytes())?;
            self.file.sync_all()?;
            std::fs::rename(&self.beside, self.path)?;
            self.done = true;
            match self.path.parent() {
                Some(folder) if cfg!(unix) && folder != Path::new("") => {
                    File::open(folder)?.sync_all()
                }
                _ => Ok(()),
            }
        };
        write().map_err(|e| unwritable(self.path, &e))
    }
}

impl Drop for Replacement<'_> {
    fn drop(&mut self) {
        if !self.done {
            let _ = std::fs::remove_file(&self.beside);
        }
    }
}

fn known<'p>(
    providers: &'p Providers,
    algorithm: &str,
    path: &Path,
) -> Result<&'p Arc<dyn Provider>> {
    providers.get(algorithm).ok_or_else(|| {
        let known: Vec<_> = providers.ids().collect();
        let message = Msg::new("keyring-algorithm").with("algorithm", algorithm);
        trouble(message.with("known", known.join(", ")), path)
    })
}

fn trouble(message: Msg, path: &Path) -> Error {
    Error::Unavailable(message.with("path", path.display()))
}

fn line(path: &Path, number: usize) -> Error {
    trouble(Msg::new("keyring-line").with("line", number), path)
}

fn unreadable(path: &Path, e: &io::Error) -> Error {
    trouble(Msg::new("keyring-unreadable").with("reason", e), path)
}

fn unwritable(path: &Path, e: &io::Error) -> Error {
    trouble(Msg::new("keyring-unwritable").with("reason", e), path)
}

//! Stored files (附件): kept under the SHA-256 of their content, so that equal files are kept once and
//! a damaged file is noticed when it is read. Backed by a folder, by memory (tests), or by an
//! S3-compatible store (feature `aws`).

use std::path::Path as FsPath;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use kernel::{Env, Error, Msg, Result};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};

/// The SHA-256 of a file's content; the only name a file has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileHash(pub [u8; 32]);

impl FileHash {
    /// The hash of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    fn path(self) -> Path {
        let hex = self.to_string();
        Path::from_iter(["sha256", &hex[..2], &hex[2..4], &hex])
    }
}

impl std::fmt::Display for FileHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for FileHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl FromStr for FileHash {
    type Err = Error;

    /// Anything but 64 hexadecimal digits is a file that does not exist.
    fn from_str(text: &str) -> Result<Self> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(|_| Error::NotFound)?;
        Ok(Self(hash))
    }
}

/// The name of a file that is only held for a while (暂存): made by chance, so that nobody else's file has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held(String);

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Held {
    type Err = Error;

    /// Anything but 32 hexadecimal digits is a file that does not exist.
    fn from_str(text: &str) -> Result<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| Error::NotFound)?;
        Ok(Self(hex::encode(bytes)))
    }
}

/// A file that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRef {
    /// Hash of the content.
    pub sha256: FileHash,
    /// Bytes.
    pub size: u64,
}

/// The file store; cheap to clone.
#[derive(Clone)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    root: Path,
    env: Env,
}

impl Files {
    /// Opens a store: a folder (made when it is missing), `file:///…`, `memory://`, or
    /// `s3://bucket/prefix` with the usual `AWS_…` variables (feature `aws`).
    pub fn open(place: &str, env: Env) -> Result<Self> {
        let wrong = |e: &dyn std::fmt::Display| {
            Error::Unavailable(
                Msg::new("file-store-not-opened")
                    .with("place", place)
                    .with("reason", e),
            )
        };
        let folder = match place.split_once("://") {
            None => Some(FsPath::new(place).to_owned()),
            Some(("file", _)) => {
                let url = url::Url::parse(place).map_err(|e| wrong(&e))?;
                let path = url.to_file_path();
                Some(path.map_err(|()| wrong(&"not a path of this machine"))?)
            }
            Some(_) => None,
        };
        if let Some(folder) = folder {
            std::fs::create_dir_all(&folder).map_err(|e| wrong(&e))?;
            let store = LocalFileSystem::new_with_prefix(&folder).map_err(|e| wrong(&e))?;
            // What is acknowledged is on the disk.
            return Ok(Self::with(Arc::new(store.with_fsync(true)), env));
        }
        if place == "memory://" {
            return Ok(Self::memory(env));
        }
        let url = url::Url::parse(place).map_err(|e| wrong(&e))?;
        let options = std::env::vars()
            .filter(|(name, _)| name.starts_with("AWS_"))
            .map(|(name, value)| (name.to_ascii_lowercase(), value));
        let (store, root) = object_store::parse_url_opts(&url, options).map_err(|e| wrong(&e))?;
        Ok(Self {
            root,
            ..Self::with(Arc::from(store), env)
        })
    }

    /// A store in memory, for tests.
    pub fn memory(env: Env) -> Self {
        Self::with(Arc::new(InMemory::new()), env)
    }

    fn with(store: Arc<dyn ObjectStore>, env: Env) -> Self {
        Self {
            store,
            root: Path::default(),
            env,
        }
    }

    fn under(&self, path: &Path) -> Path {
        self.root.parts().chain(path.parts()).collect()
    }

    /// Keeps bytes; keeping them again changes nothing (and mends a damaged copy).
    pub async fn put(&self, bytes: impl Into<Bytes>) -> Result<FileRef> {
        let bytes = bytes.into();
        let sha256 = FileHash::of(&bytes);
        let size = bytes.len() as u64;
        let path = self.under(&sha256.path());
        self.store.put(&path, bytes.into()).await.map_err(problem)?;
        Ok(FileRef { sha256, size })
    }

    /// Keeps what a stream brings, at most `limit` bytes, without holding it in memory. Nothing
    /// is left behind when the stream fails or is too long.
    pub async fn put_stream<S>(&self, mut stream: S, limit: u64) -> Result<FileRef>
    where
        S: Stream<Item = Result<Bytes>> + Unpin,
    {
        let staging = self.under(&Path::from_iter(["staging", &self.chance()]));
        let (sha256, size) = self.write_stream(&staging, &mut stream, limit).await?;
        let path = self.under(&sha256.path());
        let moved = self.store.rename(&staging, &path).await;
        moved.map_err(problem)?;
        Ok(FileRef { sha256, size })
    }

    fn chance(&self) -> String {
        hex::encode(self.env.random::<16>())
    }

    async fn write_stream<S>(
        &self,
        path: &Path,
        stream: &mut S,
        limit: u64,
    ) -> Result<(FileHash, u64)>
    where
        S: Stream<Item = Result<Bytes>> + Unpin,
    {
        let upload = self.store.put_multipart(path).await.map_err(problem)?;
        let mut writer = WriteMultipart::new(upload);
        let mut hash = Sha256::new();
        let mut size = 0u64;
        let read = async {
            while let Some(bytes) = stream.try_next().await? {
                size += bytes.len() as u64;
                if size > limit {
                    let message = Msg::new("file-too-large").with("mebibytes", limit >> 20);
                    return Err(Error::field("file", message));
                }
                hash.update(&bytes);
                writer.wait_for_capacity(4).await.map_err(problem)?;
                writer.put(bytes);
            }
            Ok(())
        };
        if let Err(error) = read.await {
            // The first error is the one to tell.
            let _ = writer.abort().await;
            return Err(error);
        }
        writer.finish().await.map_err(problem)?;
        Ok((FileHash(hash.finalize().into()), size))
    }

    fn held_path(&self, held: &Held) -> Path {
        self.under(&Path::from_iter(["held", &held.0]))
    }

    /// Holds what a stream brings, at most `limit` bytes, until [`Self::release`]: for files that are worked on
    /// and then gone. They are in no backup. Gives the name and the bytes.
    pub async fn hold_stream<S>(&self, mut stream: S, limit: u64) -> Result<(Held, u64)>
    where
        S: Stream<Item = Result<Bytes>> + Unpin,
    {
        let held = Held(self.chance());
        let path = self.held_path(&held);
        let (_, size) = self.write_stream(&path, &mut stream, limit).await?;
        Ok((held, size))
    }

    /// Holds bytes until [`Self::release`].
    pub async fn hold(&self, bytes: impl Into<Bytes>) -> Result<Held> {
        let held = Held(self.chance());
        let (path, bytes) = (self.held_path(&held), bytes.into());
        self.store.put(&path, bytes.into()).await.map_err(problem)?;
        Ok(held)
    }

    /// A file that is held.
    pub async fn held(&self, held: &Held) -> Result<Bytes> {
        let found = self.store.get(&self.held_path(held)).await;
        let found = found.map_err(problem)?;
        found.bytes().await.map_err(problem)
    }

    /// A file that is held, as a stream with its size.
    pub async fn held_stream(
        &self,
        held: &Held,
    ) -> Result<(u64, BoxStream<'static, Result<Bytes>>)> {
        let found = self.store.get(&self.held_path(held)).await;
        let found = found.map_err(problem)?;
        let size = found.meta.size;
        Ok((size, found.into_stream().map_err(problem).boxed()))
    }

    /// Removes a file that was held; one that is gone already is no error.
    pub async fn release(&self, held: &Held) -> Result<()> {
        match self.store.delete(&self.held_path(held)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            done => done.map_err(problem),
        }
    }

    /// The files that have been held since before an instant.
    pub async fn held_before(&self, before: kernel::Timestamp) -> Result<Vec<Held>> {
        let prefix = self.under(&Path::from("held"));
        let list = self.store.list(Some(&prefix)).map_err(problem);
        list.try_filter_map(async |object| {
            let old = object.last_modified.timestamp_micros() < before.0;
            let name = object.location.filename().unwrap_or_default();
            Ok(name.parse().ok().filter(|_| old))
        })
        .try_collect()
        .await
    }

    /// The whole file, checked.
    pub async fn get(&self, sha256: FileHash) -> Result<Bytes> {
        let path = self.under(&sha256.path());
        let found = self.store.get(&path).await.map_err(problem)?;
        let bytes = found.bytes().await.map_err(problem)?;
        if FileHash::of(&bytes) != sha256 {
            return Err(damaged(sha256));
        }
        Ok(bytes)
    }

    /// The file as a stream with its size. The stream ends in an error when the content does not
    /// have the hash it is kept under, so that a reader never takes a damaged file for whole.
    pub async fn get_stream(
        &self,
        sha256: FileHash,
    ) -> Result<(u64, BoxStream<'static, Result<Bytes>>)> {
        let path = self.under(&sha256.path());
        let found = self.store.get(&path).await.map_err(problem)?;
        let size = found.meta.size;
        let state = (found.into_stream(), Some(Sha256::new()));
        let checked = futures::stream::try_unfold(state, move |(mut rest, hash)| async move {
            let Some(mut hash) = hash else {
                return Ok(None);
            };
            match rest.try_next().await.map_err(problem)? {
                Some(bytes) => {
                    hash.update(&bytes);
                    Ok(Some((bytes, (rest, Some(hash)))))
                }
                None if FileHash(hash.finalize().into()) == sha256 => Ok(None),
                None => Err(damaged(sha256)),
            }
        });
        Ok((size, checked.boxed()))
    }

    /// Every file that is kept.
    pub fn list(&self) -> BoxStream<'static, Result<FileRef>> {
        let prefix = self.under(&Path::from("sha256"));
        self.store
            .list(Some(&prefix))
            .map_err(problem)
            .try_filter_map(async |object| {
                let name = object.location.filename().unwrap_or_default();
                let file = name.parse().ok().map(|sha256| FileRef {
                    sha256,
                    size: object.size,
                });
                Ok(file)
            })
            .boxed()
    }

    /// Keeps bytes under a name of our own making (ledger checkpoints), replacing what was there.
    /// Names are made of `[a-z0-9/._-]`.
    pub async fn put_named(&self, name: &str, bytes: impl Into<Bytes>) -> Result<()> {
        let path = self.named(name)?;
        let payload = bytes.into().into();
        self.store.put(&path, payload).await.map_err(problem)?;
        Ok(())
    }

    /// What is kept under a name.
    pub async fn get_named(&self, name: &str) -> Result<Bytes> {
        let path = self.named(name)?;
        let found = self.store.get(&path).await.map_err(problem)?;
        found.bytes().await.map_err(problem)
    }

    /// The names in a folder and below it, sorted.
    pub async fn list_named(&self, folder: &str) -> Result<Vec<String>> {
        let base = self.under(&Path::from("named"));
        let prefix = self.named(folder)?;
        let found: Vec<_> = self
            .store
            .list(Some(&prefix))
            .try_collect()
            .await
            .map_err(problem)?;
        let mut names: Vec<String> = found
            .iter()
            .filter_map(|object| object.location.prefix_match(&base))
            .map(|parts| Path::from_iter(parts).to_string())
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    fn named(&self, name: &str) -> Result<Path> {
        let good = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        };
        if name.len() > 200 || !name.split('/').all(good) {
            return Err(Error::internal(format_args!("not a file name: {name:?}")));
        }
        Ok(self
            .under(&Path::from("named"))
            .parts()
            .chain(Path::from(name).parts())
            .collect())
    }
}

fn damaged(sha256: FileHash) -> Error {
    Error::Unavailable(Msg::new("file-damaged").with("sha256", sha256))
}

/// What an error of the store means to a person.
fn problem(error: object_store::Error) -> Error {
    if matches!(error, object_store::Error::NotFound { .. }) {
        return Error::NotFound;
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && is_full(io)
        {
            return Error::Unavailable(Msg::new("disk-full"));
        }
        cause = inner.source();
    }
    Error::Unavailable(Msg::new("file-store-away").with("reason", error))
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(chunks: &[&'static [u8]]) -> impl Stream<Item = Result<Bytes>> + Unpin + use<> {
        let chunks: Vec<_> = chunks.iter().map(|c| Ok(Bytes::from_static(c))).collect();
        futures::stream::iter(chunks)
    }

    fn folder() -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("files/below");
        let files = Files::open(place.to_str().unwrap(), Env::system()).unwrap();
        (folder, files)
    }

    fn on_disk(folder: &FsPath) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(on_disk(&path));
            } else {
                found.push(path);
            }
        }
        found
    }

    #[tokio::test]
    async fn files_are_kept_once_and_come_back() {
        let (dir, local) = folder();
        for files in [local, Files::open("memory://", Env::system()).unwrap()] {
            let one = files.put("证据".as_bytes()).await.unwrap();
            assert_eq!(files.put("证据".as_bytes()).await.unwrap(), one);
            let same = files
                .put_stream(stream(&["证".as_bytes(), "据".as_bytes()]), 100)
                .await;
            assert_eq!(same.unwrap(), one);
            assert_eq!(files.get(one.sha256).await.unwrap(), "证据".as_bytes());
            let (size, bytes) = files.get_stream(one.sha256).await.unwrap();
            let bytes: Vec<Bytes> = bytes.try_collect().await.unwrap();
            assert_eq!((size, bytes.concat()), (6, "证据".as_bytes().to_vec()));
            let empty = files.put_stream(stream(&[]), 0).await.unwrap();
            assert_eq!(empty.sha256, FileHash::of(b""));
            let mut listed: Vec<FileRef> = files.list().try_collect().await.unwrap();
            listed.sort_by_key(|f| f.size);
            assert_eq!(listed, [empty, one]);
            let unknown = files.get(FileHash::of(b"other")).await;
            assert!(matches!(unknown, Err(Error::NotFound)));
        }
        assert_eq!(on_disk(dir.path()).len(), 2, "no temporary file is left");
    }

    #[tokio::test]
    async fn what_is_held_is_apart_and_goes() {
        let (dir, local) = folder();
        for files in [local, Files::open("memory://", Env::system()).unwrap()] {
            let (one, size) = files.hold_stream(stream(&[b"ab", b"c"]), 3).await.unwrap();
            let two = files.hold("abc").await.unwrap();
            assert!(one != two && size == 3, "equal files are not shared");
            assert_eq!(files.held(&one).await.unwrap(), "abc".as_bytes());
            assert_eq!(files.list().count().await, 0, "no backup has them");
            let now = Env::system().now();
            assert_eq!(files.held_before(now.plus_seconds(-60)).await.unwrap(), []);
            let mut old = files.held_before(now.plus_seconds(60)).await.unwrap();
            old.sort_unstable();
            let mut both = vec![one.clone(), two.clone()];
            both.sort_unstable();
            assert_eq!(old, both);
            files.release(&one).await.unwrap();
            files.release(&one).await.unwrap();
            assert!(matches!(files.held(&one).await, Err(Error::NotFound)));
            assert!(files.held(&one.to_string().parse().unwrap()).await.is_err());
            assert!(files.held(&two).await.is_ok());
            files.release(&two).await.unwrap();
            assert!(files.hold_stream(stream(&[b"abcd"]), 3).await.is_err());
            for bad in ["", "../x", "sha256", &"g".repeat(32)] {
                assert!(bad.parse::<Held>().is_err(), "{bad}");
            }
        }
        assert_eq!(on_disk(dir.path()), Vec::<std::path::PathBuf>::new());
    }

    #[tokio::test]
    async fn damage_is_noticed_on_reading_and_mended_by_keeping_again() {
        let (dir, files) = folder();
        let one = files.put("证据".as_bytes()).await.unwrap();
        let path = on_disk(dir.path()).remove(0);
        std::fs::write(path, "證據").unwrap();
        let key = |e: Error| match e {
            Error::Unavailable(message) => message.key,
            other => panic!("{other}"),
        };
        assert_eq!(
            key(files.get(one.sha256).await.unwrap_err()),
            "file-damaged"
        );
        let (_, bytes) = files.get_stream(one.sha256).await.unwrap();
        let read: Result<Vec<Bytes>> = bytes.try_collect().await;
        assert_eq!(key(read.unwrap_err()), "file-damaged");
        files.put("证据".as_bytes()).await.unwrap();
        assert!(files.get(one.sha256).await.is_ok());
    }

    #[tokio::test]
    async fn a_stream_that_fails_or_is_too_long_leaves_nothing() {
        let (dir, files) = folder();
        let long = files.put_stream(stream(&[b"abc", b"def"]), 5).await;
        assert!(matches!(long, Err(Error::Invalid(_))));
        let broken =
            futures::stream::iter([Ok(Bytes::from_static(b"abc")), Err(Error::internal("gone"))]);
        assert!(matches!(
            files.put_stream(broken, 100).await,
            Err(Error::Internal(_))
        ));
        assert_eq!(on_disk(dir.path()), Vec::<std::path::PathBuf>::new());
    }

    #[tokio::test]
    async fn names_stay_inside_their_folder() {
        let (_dir, files) = folder();
        files
            .put_named("checkpoints/2026/a-1.txt", "one")
            .await
            .unwrap();
        files
            .put_named("checkpoints/2026/a-1.txt", "two")
            .await
            .unwrap();
        files.put_named("other/b", "b").await.unwrap();
        assert_eq!(
            files.get_named("checkpoints/2026/a-1.txt").await.unwrap(),
            "two"
        );
        assert_eq!(
            files.list_named("checkpoints").await.unwrap(),
            ["checkpoints/2026/a-1.txt"]
        );
        assert_eq!(
            files.list_named("nothing").await.unwrap(),
            Vec::<String>::new()
        );
        for name in [
            "", "/a", "a/", "a//b", "../a", "a/../b", "A", "a b", "a\\b", "..", ".a", "文件",
        ] {
            assert!(files.put_named(name, "x").await.is_err(), "{name}");
            assert!(files.get_named(name).await.is_err(), "{name}");
        }
        for hash in ["", "../../etc/passwd", &"g".repeat(64), &"0".repeat(63)] {
            assert!(
                matches!(hash.parse::<FileHash>(), Err(Error::NotFound)),
                "{hash}"
            );
        }
    }

    #[tokio::test]
    async fn a_full_disk_and_a_missing_store_are_told_apart() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = object_store::Error::Generic {
            store: "x",
            source: Box::new(full),
        };
        let Error::Unavailable(message) = problem(error) else {
            panic!("unavailable")
        };
        assert_eq!(message.key, "disk-full");
        for place in ["file://host/x", "gopher://x", "memory//\0"] {
            let Err(Error::Unavailable(message)) = Files::open(place, Env::system()) else {
                panic!("{place}");
            };
            assert_eq!(message.key, "file-store-not-opened");
        }
    }
}

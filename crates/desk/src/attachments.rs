//! Attachments (附件): files come in pieces by the desk or in parts of a form, are held until the form is taken, and are
//! kept under their hash. Which record they belong to is its feature's own.

use axum::body::Body;
use axum::extract::Multipart;
use axum::extract::multipart::MultipartError;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use commons::contents;
use commons::files::{FileHash, Files, Held};
use kernel::{AccountId, Error, Id, Msg, Result};
use serde::{Deserialize, Serialize};
use web::Secrecy;

use crate::Desk;

/// The largest file, in bytes.
const LARGEST: usize = 64 << 20;
/// What a form in parts may carry.
pub const FORM: usize = LARGEST + (1 << 20);

/// A file that shows or proves something (佐证、证明材料).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// Its name on the sender's machine.
    pub name: String,
    /// Hash of its content.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// A file that was sent and waits for the form to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Where it is held.
    pub held: Held,
    /// Its name on the sender's machine.
    pub name: String,
}

/// Where attachments come from and where they are kept; cheap to clone.
#[derive(Clone)]
pub struct Attachments {
    desk: Desk,
    files: Files,
}

impl Waiting {
    /// As a form carries it.
    pub fn text(&self) -> String {
        format!("{}|{}", self.held, self.name)
    }

    /// From a form. The name of a held file cannot be guessed: whoever knows it sent the file.
    pub fn read(text: &str) -> Result<Self> {
        let (held, name) = text.split_once('|').ok_or(Error::NotFound)?;
        Ok(Self {
            held: held.parse()?,
            name: plain(name),
        })
    }
}

fn plain(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
    // Some browsers send the whole path.
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    if last.is_empty() {
        "file".into()
    } else {
        last.into()
    }
}

fn too_large() -> Error {
    Error::field(
        "file",
        Msg::new("file-too-large").with("mebibytes", LARGEST >> 20),
    )
}

fn broken(error: &MultipartError) -> Error {
    match error.status() {
        axum::http::StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => Error::field("file", Msg::new("upload-broken")),
    }
}

impl Attachments {
    /// Those that come by a desk into a store of files.
    pub fn new(desk: Desk, files: Files) -> Self {
        Self { desk, files }
    }

    /// The store that they are kept in.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Takes uploads off the desk and holds them.
    pub async fn take(&self, of: AccountId, uploads: &[Id]) -> Result<Vec<Waiting>> {
        let mut taken = Vec::new();
        for id in uploads {
            let (name, bytes) = self.desk.take_upload(of, *id).await?;
            if bytes.len() > LARGEST {
                return Err(too_large());
            }
            let held = self.files.hold(bytes).await?;
            taken.push(Waiting {
                held,
                name: plain(&name),
            });
        }
        Ok(taken)
    }

    /// The files of a form in parts, held, and its other fields.
    pub async fn parts(
        &self,
        of: AccountId,
        form: &mut Multipart,
    ) -> Result<(Vec<Waiting>, Vec<(String, String)>)> {
        let (mut files, mut fields) = (Vec::new(), Vec::new());
        while let Some(part) = form.next_field().await.map_err(|e| broken(&e))? {
            let name = part.name().unwrap_or_default().to_owned();
            match part.file_name().map(str::to_owned) {
                Some(file) => {
                    let bytes = part.bytes().await.map_err(|e| broken(&e))?;
                    if bytes.len() > LARGEST {
                        return Err(too_large());
                    }
                    if !bytes.is_empty() {
                        let held = self.files.hold(bytes).await?;
                        let name = plain(&file);
                        files.push(Waiting { held, name });
                    }
                }
                None => {
                    let text = part.text().await.map_err(|e| broken(&e))?;
                    if name == "upload" {
                        let id: Id = text.parse().map_err(|_| Error::NotFound)?;
                        files.extend(self.take(of, &[id]).await?);
                    } else {
                        fields.push((name, text));
                    }
                }
            }
        }
        Ok((files, fields))
    }

    /// Words of secrecy in held files, each once.
    pub async fn words_in(&self, secrecy: &Secrecy, files: &[Waiting]) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for file in files {
            let bytes = self.held(file).await?;
            let secrecy = secrecy.clone();
            let looked = tokio::task::spawn_blocking(move || {
                contents::texts(&bytes, &mut |text| secrecy.look(text, &mut found)).map(|_| found)
            });
            found = looked.await.map_err(Error::internal)??;
        }
        Ok(found)
    }

    /// A held file.
    ///
    /// # Errors
    /// `Conflict` when it is not held any more.
    pub async fn held(&self, file: &Waiting) -> Result<Bytes> {
        let gone = |_| Error::Conflict(Msg::new("upload-gone"));
        self.files.held(&file.held).await.map_err(gone)
    }

    /// Held files as evidence that is not kept yet.
    pub async fn measured(&self, waiting: &[Waiting]) -> Result<Vec<Attached>> {
        let mut files = Vec::new();
        for file in waiting {
            let bytes = self.held(file).await?;
            files.push(Attached {
                name: file.name.clone(),
                sha256: FileHash::of(&bytes).to_string(),
                size: bytes.len() as u64,
            });
        }
        Ok(files)
    }

    /// Keeps held files for good.
    ///
    /// # Errors
    /// `Conflict` when one is not held any more.
    pub async fn keep(&self, waiting: &[Waiting]) -> Result<Vec<Attached>> {
        let mut kept = Vec::new();
        for file in waiting {
            let stored = self.files.put(self.held(file).await?).await?;
            kept.push(Attached {
                name: file.name.clone(),
                sha256: stored.sha256.to_string(),
                size: stored.size,
            });
        }
        Ok(kept)
    }

    /// Lets held files go; one that stays for now is tidied with the others.
    pub async fn release(&self, waiting: &[Waiting]) {
        for file in waiting {
            // The hourly tidying takes what is left.
            let _ = self.files.release(&file.held).await;
        }
    }

    /// A kept file as a download.
    ///
    /// # Errors
    /// `NotFound` when the store does not have it.
    pub async fn download(&self, file: &Attached) -> Result<Response> {
        let hash: FileHash = file.sha256.parse()?;
        let (size, stream) = self.files.get_stream(hash).await?;
        let stream = futures::TryStreamExt::map_err(stream, std::io::Error::other);
        let name = format!(
            "attachment; filename=\"{}\"; filename*=UTF-8''{}",
            "evidence",
            web::encode(&file.name).replace('/', "%2F")
        );
        let name = HeaderValue::from_str(&name).map_err(Error::internal)?;
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/octet-stream"),
            ),
            (header::CONTENT_LENGTH, HeaderValue::from(size)),
            (header::CONTENT_DISPOSITION, name),
        ];
        Ok((headers, Body::from_stream(stream)).into_response())
    }
}

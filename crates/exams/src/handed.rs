//! Files of upload questions (上传题): they come in pieces while the sitting runs, so that a network that breaks costs
//! one piece; a whole one is looked at, kept under its hash and named by that hash in the answer, so that the receipt
//! covers it.

use desk::{Attachments, Desk};
use kernel::{AccountId, Error, Id, Msg, Result, Timestamp};
use questions::{Answer, Kind, Question};
use serde::Serialize;

use crate::model::Refusal;
use crate::service::{Exams, Proof};
use crate::sitting::Sitting;
use crate::store::{Kept, handed};
use crate::writer::seated;

/// The largest file, in bytes.
const LARGEST: u64 = 32 << 20;
/// Files of one attempt, and their bytes together.
const MOST: usize = 30;
const MOST_BYTES: u64 = 160 << 20;

/// A file that was handed in (考生上传的文件).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Handed {
    /// SHA-256 of its content in hexadecimal digits: what the answer says.
    pub hash: String,
    /// Its name on the sender's machine.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// What it is.
    pub mime: String,
}

/// Where files come from and are kept.
#[derive(Clone)]
pub(crate) struct Inbox {
    pub(crate) desk: Desk,
    pub(crate) kept: Attachments,
}

/// What a file is by its first bytes; none: nothing that is taken. The name says nothing.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    let begins = |with: &[u8]| bytes.starts_with(with);
    let boxed = |brands: [&[u8]; 4]| {
        bytes.get(4..8) == Some(b"ftyp") && brands.iter().any(|b| bytes.get(8..12) == Some(b))
    };
    match () {
        () if begins(&[0xff, 0xd8, 0xff]) => Some("image/jpeg"),
        () if begins(b"\x89PNG\r\n\x1a\n") => Some("image/png"),
        () if begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => Some("image/webp"),
        // As the cameras of some phones write it.
        () if boxed([b"heic", b"heix", b"mif1", b"msf1"]) => Some("image/heic"),
        () if begins(b"%PDF-") => Some("application/pdf"),
        () if begins(b"PK\x03\x04") => Some("application/zip"),
        () if begins(&[0xd0, 0xcf, 0x11, 0xe0]) => Some("application/x-ole-storage"),
        () if !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok() => Some("text/plain"),
        () => None,
    }
}

/// The files that an answer names.
pub(crate) fn named(answer: &Answer) -> Vec<&str> {
    match answer {
        Answer::Files(files) => files.iter().map(String::as_str).collect(),
        Answer::Parts(parts) => parts.iter().flat_map(named).collect(),
        _ => Vec::new(),
    }
}

/// Whether a question, or a part of it, wants files.
pub(crate) fn wants_files(question: &Question) -> bool {
    question.kind == Kind::Upload || question.parts.iter().any(wants_files)
}

/// Files on their way belong to the attempt, as others belong to an account.
fn of(attempt: Id) -> AccountId {
    AccountId(attempt)
}

fn wrong(key: &'static str) -> Error {
    Error::field("file", Msg::new(key).with("most", LARGEST >> 20))
}

impl Exams {
    fn inbox(&self) -> Result<&Inbox> {
        self.inbox.as_ref().ok_or(Error::NotFound)
    }

    /// A sitting that still takes files.
    async fn receiving(&self, attempt: Id, proof: &Proof) -> Result<()> {
        let (sitting, seat) = self.proven(attempt, proof).await?;
        if !sitting.wants_files() {
            return Err(Error::NotFound);
        }
        let standing = handed::standing(&mut self.db.read().await?, attempt).await?;
        if standing.submitted.is_some() {
            return Err(Refusal::Submitted.told(&self.env));
        }
        seated(seat, &standing)?;
        let grace = sitting.open.exam.terms.grace * Timestamp::SECOND;
        match self.env.now().0 > standing.deadline.0 + grace {
            true => Err(Refusal::Over(standing.deadline).told(&self.env)),
            false => Ok(()),
        }
    }

    /// Begins to receive a file.
    ///
    /// # Errors
    /// `NotFound` for whose attempt it is not, or whose paper wants no files; `Invalid` for one that is empty or too
    /// large, or when there are too many; `Conflict` after handing in, when time is over, or from another device.
    pub async fn begin_file(
        &self,
        attempt: Id,
        proof: &Proof,
        name: &str,
        size: u64,
    ) -> Result<Id> {
        self.receiving(attempt, proof).await?;
        if size > LARGEST {
            return Err(wrong("exam-file-large"));
        }
        let there = handed::all(&mut self.db.read().await?, attempt).await?;
        let bytes = there.iter().map(|f| f.size).sum::<u64>();
        if there.len() >= MOST || bytes + size > MOST_BYTES {
            let message = Msg::new("exam-file-many").with("most", MOST);
            return Err(Error::field(
                "file",
                message.with("mebibytes", MOST_BYTES >> 20),
            ));
        }
        let desk = &self.inbox()?.desk;
        desk.begin_upload(of(attempt), name, size).await
    }

    /// Takes a piece of a file that begins at a place; gives how much has arrived. One that does not fit there changes
    /// nothing, so that whoever lost the count learns it.
    ///
    /// # Errors
    /// As [`Self::begin_file`].
    pub async fn take_piece(
        &self,
        (attempt, upload): (Id, Id),
        proof: &Proof,
        from: u64,
        bytes: &[u8],
    ) -> Result<u64> {
        self.receiving(attempt, proof).await?;
        let desk = &self.inbox()?.desk;
        desk.put_piece(of(attempt), upload, from, bytes).await
    }

    /// Keeps a file that has arrived whole; asked again, the answer is the same.
    ///
    /// # Errors
    /// As [`Self::begin_file`]; `Invalid` for a kind of file that is not taken.
    pub async fn keep_file(&self, (attempt, upload): (Id, Id), proof: &Proof) -> Result<Handed> {
        self.receiving(attempt, proof).await?;
        let known = handed::by_upload(&mut self.db.read().await?, attempt, upload).await?;
        if let Some(known) = known {
            return Ok(known);
        }
        let inbox = self.inbox()?;
        let (name, bytes) = inbox.desk.take_upload(of(attempt), upload).await?;
        let mime = kind(&bytes).ok_or_else(|| wrong("exam-file-kind"))?;
        let stored = inbox.kept.files().put(bytes).await?;
        let file = Handed {
            hash: stored.sha256.to_string(),
            name,
            size: stored.size,
            mime: mime.to_owned(),
        };
        let now = self.env.now();
        db::transaction!(self.db, |tx| handed::put(tx, (attempt, upload), &file, now)
            .await)?;
        Ok(file)
    }

    /// The files that were handed in with an attempt.
    ///
    /// # Errors
    /// `NotFound` for whose attempt it is not.
    pub async fn files_of(&self, attempt: Id, proof: &Proof) -> Result<Vec<Handed>> {
        self.proven(attempt, proof).await?;
        handed::all(&mut self.db.read().await?, attempt).await
    }

    /// Refuses answers that name files which were not handed in with this attempt.
    pub(crate) async fn check_files(&self, sitting: &Sitting, answers: &[Kept]) -> Result<()> {
        let mut wanted = Vec::new();
        for (n, kept) in answers.iter().enumerate() {
            let Some((_, item)) = sitting.open.paper.item(kept.item) else {
                continue;
            };
            if wants_files(&item.question) {
                let value = serde_json::from_str(&kept.value).map_err(Error::internal)?;
                let answer = Answer::parse(&item.question, &value).unwrap_or_default();
                wanted.extend(named(&answer).into_iter().map(|hash| (n, hash.to_owned())));
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.read().await?;
        let there = handed::all(&mut tx, sitting.attempt.id).await?;
        match wanted
            .into_iter()
            .find(|(_, hash)| !there.iter().any(|f| f.hash == *hash))
        {
            None => Ok(()),
            Some((n, _)) => Err(Error::field(
                format!("answers.{n}.value"),
                Msg::new("exam-file-unknown"),
            )),
        }
    }
}

impl Inbox {
    pub(crate) fn new(desk: Desk, files: commons::files::Files) -> Self {
        Self {
            kept: Attachments::new(desk.clone(), files),
            desk,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_follows_from_its_bytes() {
        assert_eq!(kind(b"\xff\xd8\xff\xe0rest"), Some("image/jpeg"));
        assert_eq!(kind(b"\0\0\0\x18ftypheic\0\0"), Some("image/heic"));
        assert_eq!(kind(b"%PDF-1.7"), Some("application/pdf"));
        assert_eq!(kind("论述".as_bytes()), Some("text/plain"));
        for program in [
            &b"MZ\x90\0\x03"[..],
            b"\x7fELF\x02\x01\x01\0",
            b"\0\0\0\0",
            b"\xff\xfe\0\0",
        ] {
            assert_eq!(kind(program), None);
        }
    }

    #[test]
    fn files_are_named_in_parts_of_a_case_too() {
        let files = Answer::Files(vec!["a".into(), "b".into()]);
        let parts = Answer::Parts(vec![Answer::None, files]);
        assert_eq!(named(&parts), ["a", "b"]);
        let mut case = Question::new(Kind::Case, "材料");
        assert!(!wants_files(&case));
        case.parts = vec![Question::new(Kind::Upload, "拍照上传")];
        assert!(wants_files(&case));
    }
}

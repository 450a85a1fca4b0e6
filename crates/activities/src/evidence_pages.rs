//! Files on their way to an activity and back.

use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{Multipart, Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use commons::contents;
use identity::Actor;
use kernel::{AccountId, ActivityId, Error, Id, Msg, Result};
use web::{Access, Failure, Secrecy, Shell};

use crate::evidence::{LARGEST, NewFile};
use crate::{Activities, pages};

/// What one request may carry.
pub(crate) const BODY: usize = LARGEST + (1 << 20);

fn broken(error: &MultipartError) -> Error {
    let key = match error.status().as_u16() {
        413 => "evidence-request-large",
        _ => "evidence-broken",
    };
    Error::field("file", Msg::new(key).with("most", LARGEST >> 20))
}

async fn text(part: Field<'_>) -> Result<String> {
    part.text().await.map_err(|e| broken(&e))
}

/// Words of secrecy in files, each once.
pub(crate) async fn words_in(secrecy: &Secrecy, files: &[NewFile]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in files {
        let (bytes, secrecy) = (file.bytes.clone(), secrecy.clone());
        let looked = tokio::task::spawn_blocking(move || {
            contents::texts(&bytes, &mut |text| secrecy.look(text, &mut found)).map(|_| found)
        });
        found = looked.await.map_err(Error::internal)??;
    }
    Ok(found)
}

/// Files that came in pieces before, by their ids.
pub(crate) async fn arrived(s: &Activities, of: AccountId, ids: &[&str]) -> Result<Vec<NewFile>> {
    let mut found = Vec::new();
    for id in ids {
        let id: Id = id.parse().map_err(|_| Error::NotFound)?;
        let (name, bytes) = s.keeper()?.desk.take_upload(of, id).await?;
        found.push(NewFile {
            name,
            bytes: bytes.into(),
            dated: None,
        });
    }
    Ok(found)
}

/// Lays files down for the next try of their sender: id and name of each.
pub(crate) async fn lay_down(
    s: &Activities,
    of: AccountId,
    files: &[NewFile],
) -> Result<Vec<(String, String)>> {
    let mut again = Vec::new();
    for file in files {
        let id = s
            .keeper()?
            .desk
            .lay_down(of, &file.name, &file.bytes)
            .await?;
        again.push((id.to_string(), file.name.clone()));
    }
    Ok(again)
}

async fn received(
    s: &Activities,
    secrecy: &mut Secrecy,
    of: AccountId,
    form: &mut Multipart,
) -> Result<(Vec<NewFile>, String)> {
    let mut files = Vec::new();
    let mut dated = String::new();
    while let Some(part) = form.next_field().await.map_err(|e| broken(&e))? {
        match part.name() {
            Some("upload") => {
                let id = text(part).await?;
                files.extend(arrived(s, of, &[id.as_str()]).await?);
            }
            Some("dated") => dated = text(part).await?,
            Some(Secrecy::FIELD) => secrecy.said(text(part).await?),
            Some("file") => {
                let name = part.file_name().unwrap_or_default().to_owned();
                let bytes = part.bytes().await.map_err(|e| broken(&e))?;
                if !bytes.is_empty() {
                    files.push(NewFile {
                        name,
                        bytes,
                        dated: None,
                    });
                }
            }
            _ => {}
        }
    }
    if !dated.trim().is_empty() {
        let wrong = || Error::field("dated", Msg::new("activity-date-wrong"));
        let day = kernel::parse_date(&dated).ok_or_else(wrong)?;
        files.iter_mut().for_each(|f| f.dated = Some(day));
    }
    Ok((files, dated))
}

pub(crate) async fn add(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path(id): Path<String>,
    mut form: Multipart,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    s.activity(id, &access).await?;
    let of = access.principal.account;
    let added = match received(&s, &mut secrecy, of, &mut form).await {
        Ok((files, dated)) => {
            let words = words_in(&secrecy, &files).await?;
            if secrecy.asks(&words) {
                let again = lay_down(&s, of, &files).await?;
                let mut again: Vec<(String, String)> = again
                    .into_iter()
                    .map(|(id, _)| ("upload".to_owned(), id))
                    .collect();
                again.push(("dated".to_owned(), dated));
                return secrecy.ask(&words, &again, true);
            }
            secrecy.keep(&words).await?;
            s.add_files(id, &files, &access, actor).await
        }
        Err(error) => Err(error),
    };
    match added {
        Ok(_) => shell.done(&format!("/activities/{id}"), "evidence-added"),
        Err(error) => pages::refused(&s, &shell, &access, id, ("dated", ""), error).await,
    }
}

pub(crate) async fn download(
    State(s): State<Activities>,
    access: Access,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let file: Id = file.parse().map_err(|_| Error::NotFound)?;
    let (file, stream) = s
        .file(id, file, crate::opinion_pages::reader(&access))
        .await?;
    // What somebody sent is never shown as a page of this program.
    let named = format!("attachment; filename*=UTF-8''{}", web::encode(&file.name));
    Ok((
        [
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (header::CONTENT_LENGTH, file.size.to_string()),
            (header::CONTENT_DISPOSITION, named),
        ],
        Body::from_stream(stream),
    )
        .into_response())
}

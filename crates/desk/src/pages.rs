//! The addresses that pages use to keep drafts and views, and the page after signing in beside another.

use axum::Form as Posted;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kernel::{AccountId, Error, Id, Msg};
use serde::Deserialize;
use serde_json::json;
use web::{Access, Failure, Form, Lang, Module, Policy, Routes, Shell};

use crate::Desk;

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/desk.ftl")),
    ("en", include_str!("../locales/en/desk.ftl")),
];

/// What this crate brings to the house.
pub fn module(desk: Desk) -> Module {
    let routes = Routes::new()
        .get("/desk/draft", Policy::SignedIn, draft)
        .put("/desk/draft", Policy::SignedIn, keep_draft)
        .delete("/desk/draft", Policy::SignedIn, drop_draft)
        .post("/desk/uploads", Policy::SignedIn, begin_upload)
        .get("/desk/uploads/{id}", Policy::SignedIn, upload)
        .put("/desk/uploads/{id}", Policy::SignedIn, put_piece)
        .get("/desk/signed-in", Policy::SignedIn, signed_in)
        .get("/desk/views", Policy::SignedIn, views)
        .post("/desk/views", Policy::SignedIn, keep_view)
        .post("/desk/views/{id}/drop", Policy::SignedIn, drop_view)
        .with_state(desk);
    let view = json!({ "id": "x", "name": "n", "place": "/activities?kind=x", "current": true });
    Module {
        name: "desk",
        routes,
        messages: MESSAGES
            .iter()
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        templates: vec![
            ("desk/views.html", include_str!("../templates/views.html")),
            (
                "desk/signed-in.html",
                include_str!("../templates/signed-in.html"),
            ),
            (
                "desk/view-refused.html",
                include_str!("../templates/view-refused.html"),
            ),
        ],
        samples: vec![
            (
                "desk/views.html",
                json!({ "views": [view], "at": "/activities" }),
            ),
            (
                "desk/views.html",
                json!({ "views": [], "at": "/activities" }),
            ),
            ("desk/signed-in.html", json!({ "name": "n" })),
            (
                "desk/view-refused.html",
                json!({ "form": Form::default(), "at": "/activities" }),
            ),
        ],
        ..Module::default()
    }
}

#[derive(Deserialize)]
struct At {
    at: String,
}

/// What a page sends while somebody types.
#[derive(Deserialize)]
struct Typed {
    /// The account that opened the page: in another window somebody else may have signed in since.
    account: AccountId,
    fields: Vec<(String, String)>,
}

async fn draft(
    State(desk): State<Desk>,
    shell: Shell,
    access: Access,
    Query(At { at }): Query<At>,
) -> Result<Response, Failure> {
    let Some(draft) = desk.draft(access.principal.account, &at).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let when = draft.saved_at.minute_text(shell.env().zone());
    Ok(Json(json!({ "fields": draft.fields, "saved": when })).into_response())
}

async fn keep_draft(
    State(desk): State<Desk>,
    access: Access,
    Query(At { at }): Query<At>,
    Json(typed): Json<Typed>,
) -> Result<StatusCode, Failure> {
    if typed.account != access.principal.account {
        return Err(Error::Conflict(Msg::new("desk-other-account")).into());
    }
    desk.keep_draft(typed.account, &at, &typed.fields).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn drop_draft(
    State(desk): State<Desk>,
    access: Access,
    Query(At { at }): Query<At>,
) -> Result<StatusCode, Failure> {
    desk.drop_draft(access.principal.account, &at).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where signing in beside a page with typing in it ends.
async fn signed_in(shell: Shell, access: Access) -> Result<Response, Failure> {
    shell.page(
        "desk/signed-in.html",
        json!({ "name": access.principal.name }),
    )
}

/// The views of a list, loaded when their menu is opened.
async fn views(
    State(desk): State<Desk>,
    shell: Shell,
    access: Access,
    Query(At { at }): Query<At>,
) -> Result<Response, Failure> {
    let views: Vec<_> = desk
        .views(access.principal.account, &at)
        .await?
        .into_iter()
        .map(|v| json!({ "id": v.id, "name": v.name, "current": v.place == at, "place": v.place }))
        .collect();
    shell.partial("desk/views.html", json!({ "views": views, "at": at }))
}

#[derive(Deserialize)]
struct NewView {
    at: String,
    name: String,
}

async fn keep_view(
    State(desk): State<Desk>,
    shell: Shell,
    access: Access,
    Posted(new): Posted<NewView>,
) -> Result<Response, Failure> {
    match desk
        .keep_view(access.principal.account, &new.at, &new.name)
        .await
    {
        Ok(_) => shell.done(&new.at, "desk-view-saved"),
        Err(e) => {
            let form = Form::default().with("name", &new.name).reject(&shell, e)?;
            shell.refused(
                "desk/view-refused.html",
                json!({ "form": form, "at": new.at }),
            )
        }
    }
}

async fn drop_view(
    State(desk): State<Desk>,
    shell: Shell,
    access: Access,
    Path(id): Path<Id>,
) -> Result<Response, Failure> {
    let place = desk.drop_view(access.principal.account, id).await?;
    shell.done(crate::path(&place), "desk-view-dropped")
}

#[derive(Deserialize)]
struct NewUpload {
    name: String,
    size: u64,
}

async fn begin_upload(
    State(desk): State<Desk>,
    access: Access,
    Query(new): Query<NewUpload>,
) -> Result<Response, Failure> {
    let id = desk
        .begin_upload(access.principal.account, &new.name, new.size)
        .await?;
    Ok(Json(json!({ "id": id, "received": 0 })).into_response())
}

async fn upload(
    State(desk): State<Desk>,
    access: Access,
    Path(id): Path<Id>,
) -> Result<Response, Failure> {
    let known = desk.upload(access.principal.account, id).await?;
    Ok(Json(json!({ "received": known.received, "size": known.size })).into_response())
}

#[derive(Deserialize)]
struct Piece {
    from: u64,
}

async fn put_piece(
    State(desk): State<Desk>,
    access: Access,
    Path(id): Path<Id>,
    Query(piece): Query<Piece>,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let of = access.principal.account;
    let received = desk.put_piece(of, id, piece.from, &bytes).await?;
    Ok(Json(json!({ "received": received })).into_response())
}

//! The search over everything (全站搜索): one page and one address for programs; every room brings what it
//! finds, within what the reader may see.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Query;
use axum::response::Response;
use futures::future::{BoxFuture, try_join_all};
use kernel::words::{Words, pieces};
use kernel::{Error, Msg, Result, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Access, Failure, Policy, Routes, Shell};

/// Something found (检索结果).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// Its name.
    pub title: String,
    /// What tells it from others of that name: unit, date, number.
    pub detail: String,
    /// Where it is shown.
    pub href: String,
}

/// What a room found, the most fitting first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    /// As many as were asked for at most.
    pub list: Vec<Hit>,
    /// Whether there are more.
    pub more: bool,
}

impl Hits {
    /// Out of a list that was asked for one more than wanted.
    pub fn cut(mut list: Vec<Hit>, limit: usize) -> Self {
        let more = list.len() > limit;
        list.truncate(limit);
        Self { list, more }
    }
}

/// What of a room can be found (检索来源).
pub trait SearchSource: Send + Sync {
    /// Code in addresses, such as `people`.
    fn code(&self) -> &'static str;
    /// Message key of the heading above what it finds.
    fn label_key(&self) -> &'static str;
    /// Who may look: holders of this permission, within its scope.
    fn permission(&self) -> &'static str;
    /// Looks, within a scope. `question` is what was typed, `words` the same cut into words.
    fn find<'a>(
        &'a self,
        shell: &'a Shell,
        scope: &'a Scope,
        asked: &'a Asked,
    ) -> BoxFuture<'a, Result<Hits>>;
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// As it was typed, trimmed.
    pub question: String,
    /// Cut into words.
    pub words: Words,
    /// How many are wanted at most.
    pub limit: usize,
}

impl Asked {
    /// How many records to load by their terms, some of which [`Words::are_in`] takes out again.
    pub fn candidates(&self) -> i64 {
        i64::try_from(self.limit * 2 + 20).unwrap_or(i64::MAX)
    }
}

/// Of every room, on the page of all rooms.
const A_FEW: usize = 6;
/// Of one room.
const MANY: usize = 50;
/// No question is longer, in characters.
const LONGEST: usize = 100;

pub(crate) fn routes() -> Routes {
    Routes::new().get("/search", Policy::SignedIn, page).get(
        "/api/v1/search",
        Policy::SignedIn,
        api,
    )
}

#[derive(Deserialize)]
struct Question {
    #[serde(default)]
    q: String,
    /// Code of the only source to ask.
    #[serde(default, rename = "in")]
    within: String,
}

struct Group {
    code: &'static str,
    label_key: &'static str,
    hits: Hits,
}

/// Asks every room that the reader may look into, all at once.
async fn ask(shell: &Shell, access: &Access, question: &Question) -> Result<(Asked, Vec<Group>)> {
    let typed = question.q.trim();
    if typed.chars().count() > LONGEST {
        let long = Msg::new("search-too-long").with("most", LONGEST.to_string());
        return Err(Error::field("q", long));
    }
    let asked = Asked {
        question: typed.to_owned(),
        words: Words::new(typed),
        limit: if question.within.is_empty() {
            A_FEW
        } else {
            MANY
        },
    };
    if asked.words.is_empty() {
        return Ok((asked, Vec::new()));
    }
    let sources = shell
        .app()
        .search
        .iter()
        .filter(|s| question.within.is_empty() || s.code() == question.within);
    let looks = sources
        .filter_map(|s| Some((s, access.principal.scope(s.permission())?)))
        .map(|(source, scope)| {
            let asked = &asked;
            async move {
                let hits = source.find(shell, scope, asked).await?;
                let (code, label_key) = (source.code(), source.label_key());
                Ok::<_, Error>(Group {
                    code,
                    label_key,
                    hits,
                })
            }
        });
    let mut groups = try_join_all(looks).await?;
    groups.retain(|g| !g.hits.list.is_empty());
    Ok((asked, groups))
}

async fn page(
    shell: Shell,
    access: Access,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    let (asked, groups, error) = match ask(&shell, &access, &question).await {
        Ok((asked, groups)) => (asked, groups, None),
        Err(Error::Invalid(fields)) => {
            let asked = Asked {
                question: question.q.clone(),
                words: Words::default(),
                limit: 0,
            };
            (
                asked,
                Vec::new(),
                fields.first().map(|f| shell.text(&f.message)),
            )
        }
        Err(other) => return Err(other.into()),
    };
    let q = crate::encode(&asked.question);
    // Pages by their name: whoever knows where they want to go types it.
    let pages: Vec<Value> = shell
        .menu_entries()
        .into_iter()
        .filter(|(label, _)| {
            question.within.is_empty() && !asked.words.is_empty() && asked.words.are_in(label)
        })
        .map(|(label, href)| json!({ "title": pieces(&label, &asked.words), "href": href }))
        .collect();
    let groups: Vec<Value> = groups
        .iter()
        .map(|g| {
            let hits: Vec<Value> = g.hits.list.iter().map(|h| {
                json!({ "title": pieces(&h.title, &asked.words), "detail": pieces(&h.detail, &asked.words), "href": h.href })
            }).collect();
            let all = (g.hits.more && question.within.is_empty()).then(|| format!("/search?q={q}&in={}", g.code));
            json!({ "label": shell.t(g.label_key), "hits": hits, "all": all, "cut": g.hits.more && all.is_none() })
        })
        .collect();
    let context = json!({
        "q": asked.question, "asked": !asked.words.is_empty(), "pages": pages, "groups": groups, "error": error,
        "back": (!question.within.is_empty()).then(|| format!("/search?q={q}")), "within": question.within,
    });
    shell.page("search.html", context)
}

/// The same for programs.
async fn api(
    shell: Shell,
    access: Access,
    Query(question): Query<Question>,
) -> Result<Json<Value>, Failure> {
    let (_, groups) = ask(&shell, &access, &question).await?;
    let groups: BTreeMap<_, _> = groups
        .iter()
        .map(|g| (g.code, json!({ "hits": g.hits.list, "more": g.hits.more })))
        .collect();
    Ok(Json(json!({ "groups": groups })))
}

pub(crate) fn openapi() -> Value {
    json!({
        "paths": { "/api/v1/search": { "get": {
            "tags": ["search"],
            "summary": "Search over everything the caller may see",
            "parameters": [
                { "name": "q", "in": "query", "required": true, "schema": { "type": "string", "maxLength": LONGEST } },
                { "name": "in", "in": "query", "description": "Only this source, for example people; up to 50 hits", "schema": { "type": "string" } }
            ],
            "responses": {
                "200": { "description": "Hits by source", "content": { "application/json": { "schema": { "type": "object", "properties": { "groups": { "type": "object", "additionalProperties": {
                    "type": "object", "properties": {
                        "hits": { "type": "array", "items": { "type": "object", "properties": { "title": { "type": "string" }, "detail": { "type": "string" }, "href": { "type": "string" } } } },
                        "more": { "type": "boolean" }
                    } } } } } } } },
                "401": { "description": "Not signed in" },
                "422": { "description": "The question is too long" }
            }
        } } },
        "tags": [{ "name": "search", "description": "Search over everything" }]
    })
}

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let marked = json!([["行政", true], ["复议", false]]);
    let hit = json!({ "title": marked, "detail": marked, "href": "/people/1" });
    let sample = |groups: Value, pages: Value, asked: bool, error: Value, back: Value| json!({ "q": "行政", "asked": asked, "pages": pages, "groups": groups, "error": error, "back": back, "within": "" });
    let full = json!([{ "label": "x", "hits": [hit], "all": "/search?q=x&in=people", "cut": false }, { "label": "y", "hits": [hit], "all": null, "cut": true }]);
    let page = json!([{ "title": marked, "href": "/" }]);
    vec![
        (
            "search.html",
            sample(full, page, true, Value::Null, json!("/search?q=x")),
        ),
        (
            "search.html",
            sample(json!([]), json!([]), true, Value::Null, Value::Null),
        ),
        (
            "search.html",
            sample(json!([]), json!([]), false, json!("x"), Value::Null),
        ),
    ]
}

//! The page of those for whom something was done: a code from a slip and a score, without an account.

use axum::Form as Body;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use desk::{Typed, told};
use kernel::{Error, Msg};
use serde_json::{Value, json};
use web::table::Asked;
use web::{Failure, Form, Shell};

use crate::practical::{Practical, PracticalState};
use crate::service::Tasks;
use crate::typed::number_in;

async fn context(
    s: &Tasks,
    p: &Practical,
    (shell, page): (&Shell, &str),
    (form, done): (Form, bool),
) -> Result<Value, Failure> {
    let unit = s.organization.names(&[p.unit]).await?.remove(&p.unit);
    let words = ["worst", "best"].map(|w| shell.t(&format!("tasks-score-{w}")));
    let label = |n: i64| match n {
        1 => format!("{n}（{}）", words[0]),
        n if n == p.kind.best => format!("{n}（{}）", words[1]),
        n => n.to_string(),
    };
    let scores: Vec<(i64, String)> = (1..=p.kind.best).rev().map(|n| (n, label(n))).collect();
    Ok(
        json!({ "title": p.title, "served": p.served, "unit": unit, "page": page, "scores": scores, "done": done,
        "open": p.state == PracticalState::Confirmed, "form": form }),
    )
}

pub(crate) async fn ask(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    Path(page): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let p = s.asked_by(&page).await?;
    let done = asked.get("done").is_some();
    // What a phone read from a slip is filled in.
    let form = Form::default().with("code", asked.get("code").unwrap_or_default());
    let context = context(&s, &p, (&shell, &page), (form, done)).await?;
    shell.page("tasks/score.html", context)
}

pub(crate) async fn score(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    Path(page): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let typed = Typed(pairs);
    let done = async {
        let wrong = || Error::field("score", Msg::new("tasks-score-wrong"));
        let score = number_in(&typed, "score")?.ok_or_else(wrong)?;
        s.score(&page, typed.get("code"), score, typed.get("said"))
            .await
    };
    match done.await {
        Ok(()) => shell.redirect(&format!("/score/{page}?done=1")),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let p = s.asked_by(&page).await?;
            let context = context(&s, &p, (&shell, &page), (form, false)).await?;
            shell.refused("tasks/score.html", context)
        }
    }
}

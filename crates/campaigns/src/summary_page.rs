//! The summary of a campaign: drafted from data, with figures that open; what the survey came to; as a paper.

use axum::Form as Body;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use commons::docx::{Block, Document, Official, Table, write};
use desk::{Typed, id_of, paragraphs, told};
use identity::Actor;
use kernel::{Error, Result, format_date};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use crate::closing::{Figures, Piece, pieces, plain};
use crate::model::{Eyes, LONGEST, State};
use crate::plans_page::{blocks, dated};
use crate::service::{Campaigns, Whole};
use crate::store::scores;
use crate::survey::Window;
use crate::typed::{crumbs, tabs, tag};

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// Paragraphs of pieces; a figure that is another by now says so.
fn lines(text: &str, figures: &Figures) -> Vec<Vec<Value>> {
    let piece = |p: Piece<'_>| match p {
        Piece::Words(words) => json!({ "words": words }),
        Piece::Figure(name, value) => {
            let shown = figures.get(name);
            let now = shown.filter(|s| s.text != value).map(|s| s.text.clone());
            json!({ "value": value, "href": shown.and_then(|s| s.href.clone()), "now": now })
        }
    };
    text.lines()
        .map(|l| pieces(l).into_iter().map(piece).collect())
        .collect()
}

async fn surveyed(s: &Campaigns, shell: &Shell, w: &Whole) -> Result<Value> {
    let lang = shell.lang().code();
    let Some((window, said)) = s.said(&w.campaign).await? else {
        return Ok(Value::Null);
    };
    let items = said.tally.items.iter().flatten().map(|t| {
        let item = said.form.item(&t.code);
        let option = |code: &str| match item.map(|i| &i.kind) {
            Some(commons::forms::Kind::Choice { options } | commons::forms::Kind::Several { options }) => {
                options.iter().find(|o| o.code == code).map_or(code.to_owned(), |o| o.text.get(lang).to_owned())
            }
            _ => shell.t(&format!("campaigns-{code}")),
        };
        let counts = t.counts.iter().map(|c| {
            let part = (c.count * 100).checked_div(t.answered).unwrap_or(0);
            json!({ "name": option(&c.code), "n": c.count, "percent": part })
        });
        let words = said.words.iter().find(|(code, _)| *code == t.code).map(|(_, w)| w);
        json!({ "text": item.map(|i| i.text.get(lang)), "answered": t.answered, "counts": counts.collect::<Vec<_>>(), "words": words })
    });
    let open = s.env.today() <= window.closes;
    Ok(
        json!({ "opens": format_date(window.opens), "closes": format_date(window.closes), "open": open, "answered": said.tally.answered,
        "few": !open && said.tally.items.is_none(), "least": said.form.smallest_group, "items": items.collect::<Vec<_>>() }),
    )
}

async fn context(
    s: &Campaigns,
    (shell, eyes): (&Shell, &Eyes),
    w: &Whole,
    mut form: Form,
) -> Result<Value> {
    let (c, lang) = (&w.campaign, shell.lang().code());
    let figures = s.figures(w, lang, &eyes.reads).await?;
    let summary = scores::summary(&mut s.db.read().await?, c.id).await?;
    let text = match &summary {
        Some(summary) => summary.body.clone(),
        None => s.drafted(w, &figures, lang),
    };
    if !form.values.contains_key("body") {
        form = form
            .with("body", &text)
            .with("lessons", summary.as_ref().map_or("", |s| &s.lessons));
    }
    let survey = surveyed(s, shell, w).await?;
    if !form.values.contains_key("opens") {
        form = form.with("opens", format_date(s.env.today())).with(
            "closes",
            format_date(s.env.today().saturating_add(jiff::Span::new().days(14))),
        );
    }
    let running = matches!(c.state, State::Running | State::Closing);
    Ok(json!({
        "id": c.id, "title": c.content.title, "tag": tag(shell, c.state), "kept": summary.as_ref().map(|s| s.n), "lines": lines(&text, &figures),
        "lessons": summary.as_ref().map(|s| paragraphs(&s.lessons)), "may": w.may_plan && c.state == State::Closing,
        "may_survey": w.may_plan && running && w.kind.survey.is_some(), "survey": survey, "most": LONGEST, "closing": c.state == State::Closing,
        "names": figures.keys().collect::<Vec<_>>(), "paper": format!("{}/summary.docx", c.href()),
        "nav": tabs(shell, c.id, "summary"), "crumbs": crumbs(shell, None), "form": form,
    }))
}

pub(crate) async fn show(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    shell.page(
        "campaigns/summary.html",
        context(&s, (&shell, &Eyes::from(&access)), &w, Form::default()).await?,
    )
}

async fn settled(
    s: &Campaigns,
    (shell, eyes, id): (&Shell, &Eyes, kernel::Id),
    done: Result<()>,
    typed: &Typed,
) -> Result<Response, Failure> {
    match done {
        Ok(()) => shell.done(&format!("/campaigns/{id}/summary"), "campaigns-done"),
        Err(error) => {
            let form = typed.form().reject(shell, told(error))?;
            let w = s.campaign(id, eyes).await?;
            shell.refused(
                "campaigns/summary.html",
                context(s, (shell, eyes), &w, form).await?,
            )
        }
    }
}

pub(crate) async fn keep(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    let said = (typed.get("body"), typed.get("lessons"));
    let done = s
        .keep_summary(id, said, shell.lang().code(), (&eyes, &actor))
        .await;
    settled(&s, (&shell, &eyes, id), done, &typed).await
}

pub(crate) async fn open_survey(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    let done = async {
        let window = Window {
            opens: typed.day("opens")?,
            closes: typed.day("closes")?,
        };
        s.open_survey(id, window, (&eyes, &actor)).await
    };
    let done = done.await;
    settled(&s, (&shell, &eyes, id), done, &typed).await
}

/// The summary as a document.
pub(crate) async fn paper(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    let (c, lang) = (&w.campaign, shell.lang().code());
    let summary = scores::summary(&mut s.db.read().await?, c.id).await?;
    let summary = summary.ok_or(Error::NotFound)?;
    let mut all = blocks(&plain(&summary.body));
    let lines = s.lines(c, &access.scope).await?;
    if !lines.is_empty() {
        let row = |l: &crate::Line| {
            vec![
                l.taken.claim.name.get(lang).to_owned(),
                l.cell.text(&l.taken.claim),
                l.taken.claim.unit.get(lang).to_owned(),
            ]
        };
        all.push(Block::Table(Table {
            caption: Some(shell.t("campaigns-figures")),
            header: ["item", "value", "unit-word"]
                .map(|key| shell.t(&format!("campaigns-column-{key}")))
                .to_vec(),
            rows: lines.iter().map(row).collect(),
            widths: Some(vec![4, 2, 1]),
        }));
    }
    if !summary.lessons.is_empty() {
        all.push(Block::Heading(1, shell.t("campaigns-lessons")));
        all.extend(blocks(&summary.lessons));
    }
    let unit = s
        .organization
        .names(&[c.unit])
        .await?
        .remove(&c.unit)
        .unwrap_or_default();
    let title = shell.t_with("campaigns-summary-of", &[("title", &c.content.title)]);
    let document = Document {
        title: title.clone(),
        blocks: all,
        official: Some(Official {
            organ: unit.clone(),
            signed_by: unit,
            dated: dated(summary.at.date(s.env.zone()), lang),
            ..Official::default()
        }),
        ..Document::default()
    };
    Ok(web::attachment(
        DOCX,
        &format!("{title}.docx"),
        write(&document)?,
    ))
}

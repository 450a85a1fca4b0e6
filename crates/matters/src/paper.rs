//! A matter and its answer as official documents (请示、报告、批复).

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use commons::docx::{Block, Document, Official, write};
use kernel::{Date, Error, Result, UnitId};
use web::{Access, Failure, Shell};

use crate::model::Eyes;
use crate::service::{Matters, Whole};
use crate::typed::{DOCX, field_lines, id_of, paragraphs};

/// A day as documents write it.
fn dated(day: Date, lang: &str) -> String {
    match lang {
        "en" => kernel::format_date(day),
        _ => format!("{}年{}月{}日", day.year(), day.month(), day.day()),
    }
}

fn texts(text: &str) -> Vec<Block> {
    paragraphs(text).into_iter().map(Block::text).collect()
}

async fn matter(s: &Matters, shell: &Shell, w: &Whole) -> Result<Document> {
    let (m, lang) = (&w.matter, shell.lang().code());
    let units: Vec<UnitId> = m.to.into_iter().chain([m.unit]).collect();
    let units = s.organization.names(&units).await?;
    let name = |u: UnitId| units.get(&u).cloned().unwrap_or_default();
    let people = s
        .organization
        .person_names(&Vec::from_iter(m.person))
        .await?;
    let mut blocks = texts(&m.content.text);
    let mut tx = s.db.read().await?;
    for (label, value) in field_lines(&mut tx, &w.kind, &m.content, lang).await? {
        blocks.push(Block::text(shell.t_with(
            "matters-paper-field",
            &[("name", label.as_str()), ("value", value.as_str())],
        )));
    }
    drop(tx);
    let key = match w.kind.asks {
        true => "matters-paper-asks",
        false => "matters-paper-tells",
    };
    blocks.push(Block::text(shell.t(key)));
    let signed = match m.person {
        Some(person) => people.get(&person).cloned().unwrap_or_default(),
        None => name(m.unit),
    };
    Ok(Document {
        mark: s.levels.mark(&m.content.level, lang).map(str::to_owned),
        title: m.content.title.clone(),
        blocks,
        official: Some(Official {
            organ: name(m.unit),
            number: m.number.clone(),
            addressees: m.to.map(name),
            attachments: m.files.iter().map(|f| f.name.clone()).collect(),
            signed_by: signed,
            dated: dated(m.sent_on.unwrap_or(s.env.today()), lang),
            ..Official::default()
        }),
        ..Document::default()
    })
}

/// Only what was asked and answered has an answer on paper.
async fn reply(s: &Matters, shell: &Shell, w: &Whole) -> Result<Document> {
    let (m, lang) = (&w.matter, shell.lang().code());
    let (Some(to), Some(outcome), Some(on)) = (m.to, m.outcome, m.replied_on) else {
        return Err(Error::NotFound);
    };
    let names = s.organization.names(&[m.unit, to]).await?;
    let name = |u: UnitId| names.get(&u).cloned().unwrap_or_default();
    let number = m.number.as_deref().unwrap_or_default();
    let outcome = shell.t(&format!("matters-outcome-{}", outcome.code()));
    let first = shell.t_with(
        "matters-paper-reply-first",
        &[
            ("title", m.content.title.as_str()),
            ("number", number),
            ("outcome", &outcome),
        ],
    );
    let mut blocks = vec![Block::text(first)];
    blocks.extend(texts(&m.reply.text));
    Ok(Document {
        mark: s.levels.mark(&m.content.level, lang).map(str::to_owned),
        title: shell.t_with("matters-paper-reply", &[("title", &m.content.title)]),
        blocks,
        official: Some(Official {
            organ: name(to),
            number: Some(m.reply.document.clone()).filter(|d| !d.is_empty()),
            addressees: Some(name(m.unit)),
            attachments: m.reply.files.iter().map(|f| f.name.clone()).collect(),
            signed_by: name(to),
            dated: dated(on, lang),
            ..Official::default()
        }),
        ..Document::default()
    })
}

/// `matter.docx` and `reply.docx`.
pub(crate) async fn paper(
    Shared(s): Shared<Matters>,
    shell: Shell,
    access: Access,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let w = s.matter(id_of(&id)?, &Eyes::from(&access)).await?;
    let document = match file.as_str() {
        "matter.docx" => matter(&s, &shell, &w).await?,
        "reply.docx" => reply(&s, &shell, &w).await?,
        _ => return Err(Error::NotFound.into()),
    };
    let name = format!("{}.docx", document.title);
    Ok(web::attachment(DOCX, &name, write(&document)?))
}

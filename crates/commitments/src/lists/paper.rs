//! A self-report as an official document.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use commons::docx::{Block, Document, Official, write};
use kernel::format_date;
use web::{Access, Failure, Shell};

use super::pages::seen;
use super::report_page::shown;
use super::service::Answering;
use crate::pages::{DOCX, id_of};

pub(crate) async fn paper(
    Shared(s): Shared<Answering>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let view = s.report(id_of(&id)?, &seen(&access)).await?;
    let r = &view.report;
    let org = &s.base.organization;
    let unit = org.names(&[r.unit]).await?.remove(&r.unit);
    let holder = org.person_names(&[r.holder]).await?.remove(&r.holder);
    let (unit, holder) = (unit.unwrap_or_default(), holder.unwrap_or_default());
    let mut blocks = Vec::new();
    for item in &r.items {
        blocks.push(Block::Heading(1, item.text.clone()));
        let figure = shown(&shell, item, &view.figures);
        let said = r.said.get(&item.code).map_or("", String::as_str);
        let texts = said.lines().filter(|l| !l.trim().is_empty());
        blocks.extend(texts.map(Block::text));
        // The number stands by itself where the text does not say it.
        if let Some(figure) = figure.filter(|f| !said.contains(f.as_str())) {
            blocks.push(Block::text(figure));
        }
    }
    let year = r.year.to_string();
    let title = shell.t_with(
        "commitments-list-paper",
        &[("title", r.title.as_str()), ("year", &year)],
    );
    let document = Document {
        title: title.clone(),
        blocks,
        official: Some(Official {
            organ: unit,
            signed_by: holder.clone(),
            dated: format_date(r.handed_on.unwrap_or(s.base.env.today())),
            ..Official::default()
        }),
        ..Document::default()
    };
    let name = format!("{title}-{holder}.docx");
    Ok(web::attachment(DOCX, &name, write(&document)?))
}

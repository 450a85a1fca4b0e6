//! Papers about a case (督办单、整改通知书、反馈函) as Word documents. Who told of it stands in none.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use commons::docx::{Block, Document, Official, Table, write};
use desk::id_of;
use kernel::{Date, Error, PersonId, Result, format_date};
use web::{Access, Failure, Shell};

use crate::model::Eyes;
use crate::service::{Cases, Whole};

/// What papers there are.
pub(crate) const PAPERS: [&str; 3] = ["urging", "notice", "feedback"];
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

fn dated(day: Date, lang: &str) -> String {
    match lang.starts_with("zh") {
        true => format!("{}年{}月{}日", day.year(), day.month(), day.day()),
        false => format_date(day),
    }
}

impl Cases {
    async fn paper(&self, shell: &Shell, w: &Whole, paper: &str) -> Result<Vec<u8>> {
        let lang = shell.lang().code();
        let (m, case, kind) = (&w.matter, &w.case, &w.kind);
        let units = self.organization.names(&[m.unit, m.from]).await?;
        let unit = |id| units.get(&id).cloned().unwrap_or_default();
        let people: Vec<PersonId> = case
            .owners()
            .chain(case.measures.iter().map(|x| x.owner))
            .chain(m.supervisor)
            .collect();
        let people = self.organization.person_names(&people).await?;
        let name = |id: Option<PersonId>| {
            id.and_then(|id| people.get(&id).cloned())
                .unwrap_or_default()
        };
        let until = dated(m.until, lang);
        let text = |part: &str| {
            let key = format!("cases-paper-{paper}-{part}");
            let args = [
                ("number", m.number.as_str()),
                ("title", &m.title),
                ("due", &until),
            ];
            Block::text(shell.t_with(&key, &args))
        };
        let rows = [
            ("cases-number", m.number.clone()),
            ("cases-title", m.title.clone()),
            (
                "cases-severity",
                kind.severity_name(&m.severity, lang).to_owned(),
            ),
            ("cases-unit", unit(m.unit)),
            ("cases-owner", name(case.owner)),
            ("cases-supervisor", name(m.supervisor)),
            ("cases-due", dated(m.due, lang)),
            ("cases-until", until.clone()),
            (
                "cases-state",
                kind.state(&m.state)
                    .map_or(String::new(), |s| s.name.get(lang).to_owned()),
            ),
        ];
        let rows = rows
            .into_iter()
            .filter(|(_, v)| !v.is_empty())
            .map(|(key, v)| vec![shell.t(key), v]);
        let table = Table {
            header: vec![shell.t("cases-paper-item"), shell.t("cases-paper-content")],
            rows: rows.collect(),
            widths: Some(vec![1, 3]),
            ..Table::default()
        };
        let mut blocks = vec![text("lead"), Block::Table(table)];
        blocks.extend(m.detail.lines().map(Block::text));
        if !case.measures.is_empty() && paper != "notice" {
            let header = [
                "cases-task-text",
                "cases-task-owner",
                "cases-task-due",
                "cases-measure-done-on",
            ];
            let rows = case.measures.iter().map(|x| {
                vec![
                    x.text.clone(),
                    name(Some(x.owner)),
                    format_date(x.due),
                    x.done.map(format_date).unwrap_or_default(),
                ]
            });
            blocks.push(Block::Table(Table {
                caption: Some(shell.t("cases-measures")),
                header: header.map(|key| shell.t(key)).to_vec(),
                rows: rows.collect(),
                widths: Some(vec![4, 1, 2, 2]),
            }));
        }
        blocks.push(text("close"));
        // What an owner answers goes to who raised it; the other papers the other way.
        let (from, to) = match paper {
            "feedback" => (m.unit, m.from),
            _ => (m.from, m.unit),
        };
        let document = Document {
            title: shell.t(&format!("cases-paper-{paper}")),
            blocks,
            official: Some(Official {
                organ: unit(from),
                number: Some(m.number.clone()),
                addressees: Some(unit(to)),
                signed_by: unit(from),
                dated: dated(self.env.today(), lang),
                ..Official::default()
            }),
            ..Document::default()
        };
        write(&document)
    }
}

pub(crate) async fn paper(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    Path((id, paper)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let paper = PAPERS
        .into_iter()
        .find(|p| *p == paper)
        .ok_or(Error::NotFound)?;
    let w = s.case(id_of(&id)?, &Eyes::from(&access)).await?;
    let bytes = s.paper(&shell, &w, paper).await?;
    let name = format!(
        "{}-{}.docx",
        shell.t(&format!("cases-paper-{paper}")),
        w.matter.number
    );
    Ok(web::attachment(DOCX, &name, bytes))
}

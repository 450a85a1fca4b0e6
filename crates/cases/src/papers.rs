//! Papers about a case (督办单、整改通知书、反馈函) as Word documents, with the words of packs. What was
//! issued has a number of its own and stays as it was. Who told of it stands in none.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use commons::docx::{Block, Document, Official, Table, write};
use commons::packs::Name;
use desk::id_of;
use kernel::{Date, Error, Msg, PersonId, Result, format_date};
use serde_json::{Value, json};
use web::{Access, Failure, Shell};

use crate::case::{Act, Evidence};
use crate::kind::Side;
use crate::model::Eyes;
use crate::pages::actor_of;
use crate::paper_kind::{PaperKind, Sender, fill};
use crate::service::{Cases, Said, Whole};
use crate::store;

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

fn dated(day: Date, lang: &str) -> String {
    match lang.starts_with("zh") {
        true => format!("{}年{}月{}日", day.year(), day.month(), day.day()),
        false => format_date(day),
    }
}

impl Cases {
    async fn paper(
        &self,
        shell: &Shell,
        w: &Whole,
        paper: &PaperKind,
        number: Option<String>,
    ) -> Result<Vec<u8>> {
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
        let place = |place: &str| match place {
            "number" => m.number.clone(),
            "title" => m.title.clone(),
            "kind" => kind.name.get(lang).to_owned(),
            "severity" => kind.severity_name(&m.severity, lang).to_owned(),
            "due" => until.clone(),
            "unit" => unit(m.unit),
            "from" => unit(m.from),
            "owner" => name(case.owner),
            "supervisor" => name(m.supervisor),
            _ => String::new(),
        };
        let text = |words: &Name| Block::text(fill(words.get(lang), place));
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
        let mut blocks = vec![text(&paper.lead), Block::Table(table)];
        blocks.extend(m.detail.lines().map(Block::text));
        if !case.measures.is_empty() && paper.measures {
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
        blocks.push(text(&paper.close));
        // What an owner answers goes to who raised it; the other papers the other way.
        let (from, to) = match paper.from {
            Sender::Owner => (m.unit, m.from),
            Sender::Raiser => (m.from, m.unit),
        };
        let document = Document {
            title: paper.name.get(lang).to_owned(),
            blocks,
            official: Some(Official {
                organ: unit(from),
                number,
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

/// Whether somebody may issue a paper about a case: who raised or supervises it, or who owns it.
fn may_issue(w: &Whole, paper: &PaperKind) -> bool {
    let sides = &w.hand.sides;
    match paper.from {
        Sender::Owner => sides.contains(&Side::Owner),
        Sender::Raiser => sides.contains(&Side::Raiser) || sides.contains(&Side::Supervisor),
    }
}

/// The papers of a kind of case, for its page.
pub(crate) fn offered(s: &Cases, w: &Whole, lang: &str) -> Vec<Value> {
    let fits = s.kinds.papers().iter().filter(|p| p.is_for(&w.kind.code));
    let paper =
        |p: &PaperKind| json!({ "code": p.code, "name": p.name.get(lang), "may": may_issue(w, p) });
    fits.map(paper).collect()
}

fn paper_of<'s>(s: &'s Cases, w: &Whole, code: &str) -> Result<&'s PaperKind> {
    let mut all = s.kinds.papers().iter();
    let found = all.find(|p| p.code == code && p.is_for(&w.kind.code));
    found.ok_or(Error::NotFound)
}

/// A paper as it would be issued now, without a number.
pub(crate) async fn paper(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    Path((id, paper)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let w = s.case(id_of(&id)?, &Eyes::from(&access)).await?;
    let paper = paper_of(&s, &w, &paper)?;
    let bytes = s.paper(&shell, &w, paper, None).await?;
    let name = format!(
        "{}-{}.docx",
        paper.name.get(shell.lang().code()),
        w.matter.number
    );
    Ok(web::attachment(DOCX, &name, bytes))
}

/// Issues a paper: it takes the next of its own numbers, and stays with the case as it was.
pub(crate) async fn issue(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    Path((id, paper)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    let w = s.case(id, &eyes).await?;
    let paper = paper_of(&s, &w, &paper)?;
    if !may_issue(&w, paper) {
        return Err(Error::Forbidden.into());
    }
    let year = s.env.today().year();
    let counter = format!("paper/{}", paper.code);
    let actor = actor_of(&access);
    // Its number stands in its text, so the file is made where the number is taken: a number is never lost.
    db::transaction!(s.db, |tx| {
        let n = store::next_number(tx, &counter, year).await?;
        let number = paper.number_of(year, n);
        let bytes = s.paper(&shell, &w, paper, Some(number.clone())).await?;
        let kept = s.attachments.files().put(bytes).await?;
        let name = format!("{}-{number}.docx", paper.name.get(shell.lang().code()));
        let said = Said {
            files: vec![Evidence {
                name,
                sha256: kept.sha256.to_string(),
                size: kept.size,
                of: None,
            }],
            ..Said::default()
        };
        let act = Act::PaperIssued {
            paper: paper.code.clone(),
            name: paper.name.clone(),
            number,
            pack: paper.pack.clone(),
            answer: paper.from == Sender::Owner,
        };
        let (mut matter, mut case, kind) = s.held(tx, id).await?;
        if matter.version != w.matter.version {
            return Err(Error::Conflict(Msg::new("cases-moved-on")));
        }
        let state = case.state.clone();
        let held = (&mut matter, &mut case, &*kind);
        let who = (&actor, w.hand.person);
        s.happen(tx, held, act, &state, &said, who).await
    })?;
    shell.done(&format!("/cases/{id}"), "cases-done-paper")
}

//! What is known, in the form of the import: to be changed and brought back.

use std::collections::HashMap;

use axum::Form as Posted;
use axum::extract::State as Given;
use axum::response::Response;
use commons::sheets::write::{SheetOut, Value, workbook};
use db::transaction;
use kernel::{Date, Error, Result, Scope, format_date};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use web::{Access, Failure, Shell};

use super::staged::Imports;
use crate::attributes::Attributes;
use crate::model::{Nature, Tree, Unit};
use crate::pages::{READ, download};
use crate::service::checked;
use crate::sheet::{Kind, SHEETS, header};
use crate::store;
use crate::ties::{End, RESPONSIBILITY, TieQuery};

/// People that are read at once.
const CHUNK: i64 = 1_000;

pub(super) async fn current(
    Given(imports): Given<Imports>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let (bytes, rows) = imports.export(&access.scope, None).await?;
    imports
        .org
        .tell_export(&access, ("organization", ""), rows)
        .await?;
    Ok(file(&shell, bytes))
}

fn file(shell: &Shell, bytes: Vec<u8>) -> Response {
    let today = format_date(shell.env().today());
    let name = format!("{}-{today}.xlsx", shell.t("organization-current-file"));
    download(&name, bytes)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    reason: String,
}

/// The same with identity numbers, for who holds the permission and says what for.
pub(super) async fn with_numbers(
    Given(imports): Given<Imports>,
    shell: Shell,
    access: Access,
    Posted(wanted): Posted<Wanted>,
) -> Result<Response, Failure> {
    let mut errors = Vec::new();
    let reason = checked("reason", &wanted.reason, 200, &mut errors);
    Error::if_any(errors)?;
    // People as far as the roster may be seen, numbers as far as they may.
    let reading = access.principal.scope(READ).ok_or(Error::Forbidden)?;
    let (bytes, rows) = imports.export(reading, Some(&access.scope)).await?;
    let (org, by) = (&imports.org, (&access).into());
    transaction!(org.db, |tx| {
        let detail = json!({ "rows": rows, "reason": reason });
        let object = ("organization", "");
        org.tell(tx, &by, "people.identities-exported", object, detail)
            .await
    })?;
    Ok(file(&shell, bytes))
}

/// Members of bodies and ties in the form of the import.
pub(super) async fn current_ties(
    Given(imports): Given<Imports>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let (bytes, rows) = imports.export_ties(&access.scope).await?;
    let object = ("organization", "");
    imports.org.tell_export(&access, object, rows).await?;
    let today = format_date(shell.env().today());
    let name = format!("{}-{today}.xlsx", shell.t("organization-ties-file"));
    Ok(download(&name, bytes))
}

type Cells = Vec<Value>;

impl Imports {
    /// What lasts of memberships of bodies in a scope and of ties in it, and how many rows it is.
    pub async fn export_ties(&self, scope: &Scope) -> Result<(Vec<u8>, usize)> {
        let (mut tx, today) = (self.org.db.read().await?, self.org.env.today());
        let zh = |name: Option<&commons::packs::Name>, code: &str| {
            name.map_or(code.to_owned(), |n| n.get("zh-CN").to_owned())
        };
        let members = store::members_in(&mut tx, scope, today).await?;
        let members = members.into_iter().map(|(member, body, staff_no, name)| {
            let kind = self.kinds.get(&body.kind);
            let role = kind.and_then(|k| k.role(&member.role)).map(|r| &r.name);
            vec![
                body.name.into(),
                zh(kind.map(|k| &k.name), &body.kind).into(),
                staff_no.into(),
                name.into(),
                zh(role, &member.role).into(),
                member.from.into(),
                member.to.into(),
            ]
        });
        let members: Vec<Cells> = members.collect();
        let mut ties = Vec::new();
        for kind in [None, Some(RESPONSIBILITY.to_owned())] {
            let asked = TieQuery {
                kind,
                ..TieQuery::default()
            };
            ties.extend(store::ties(&mut tx, &asked, today, scope).await?);
        }
        ties.retain(|tie| tie.to.is_none_or(|to| to >= today));
        let tree = store::tree(&mut tx).await?;
        let others = ties.iter().filter_map(|tie| match tie.end {
            End::Person(person) => Some(person),
            End::Unit(_) => None,
        });
        let numbers = store::numbers_of(&mut tx, &others.collect::<Vec<_>>()).await?;
        drop(tx);
        let ties = ties.into_iter().map(|tie| {
            let end = match tie.end {
                End::Unit(unit) => tree.get(unit).map(|u| u.code.clone()),
                End::Person(person) => numbers.get(&person).cloned(),
            };
            let kind = match tie.kind.as_str() {
                RESPONSIBILITY => "分管".to_owned(),
                code => zh(self.kinds.pairing(code).map(|k| &k.name), code),
            };
            vec![
                kind.into(),
                tie.staff_no.into(),
                tie.name.into(),
                end.unwrap_or_default().into(),
                tie.from.into(),
                tie.to.into(),
                tie.basis.into(),
            ]
        });
        let ties: Vec<Cells> = ties.collect();
        let (rows, attributes) = (members.len() + ties.len(), self.attributes.clone());
        let written = tokio::task::spawn_blocking(move || {
            crate::sheet::book(
                [Kind::Members, Kind::Pairings],
                &attributes,
                [members, ties],
            )
        });
        Ok((written.await.map_err(Error::internal)??, rows))
    }

    /// Units and people of a scope in the form of the import, and how many rows of people there are. Rows
    /// are written as they are read; the workbook alone is held.
    pub async fn export(&self, scope: &Scope, numbers: Option<&Scope>) -> Result<(Vec<u8>, usize)> {
        let tree = store::tree(&mut self.org.db.read().await?).await?;
        let units = unit_rows(&tree, scope);
        let (sender, ready) = mpsc::channel::<Cells>(CHUNK as usize);
        let attributes = self.attributes.clone();
        let book = tokio::task::spawn_blocking(move || book(units, ready, &attributes));
        let mut rows = 0;
        let mut after = String::new();
        let today = self.org.env.today();
        loop {
            let mut tx = self.org.db.read().await?;
            let lines = store::exported(&mut tx, scope, today, &after, CHUNK).await?;
            let Some(last) = lines.last() else { break };
            after.clone_from(&last.person.staff_no);
            let mut people: Vec<_> = lines.iter().map(|l| l.person.id).collect();
            people.dedup();
            let traits = store::traits_of(&mut tx, &people).await?;
            let mut opened = HashMap::new();
            if let Some(scope) = numbers {
                let near = store::served(&mut tx, &people, today, scope).await?;
                let near: Vec<_> = near.iter().map(|n| n.person).collect();
                opened = self.org.numbers_of(&mut tx, &near).await?;
            }
            drop(tx);
            for line in &lines {
                let of = traits.get(&line.person.id);
                let of = self.attributes.iter().map(|a| {
                    let value = of.and_then(|t| t.on(&a.code, today));
                    let name = |v| a.value(v).map_or(v, |known| known.name.get("zh-CN"));
                    value.map_or(Value::Empty, |v| name(v).into())
                });
                let a = &line.assignment;
                let fixed = [
                    line.person.staff_no.as_str().into(),
                    line.person.name.as_str().into(),
                    line.unit_code.as_str().into(),
                    a.post.as_str().into(),
                    a.from.into(),
                    a.to.into(),
                    match (a.primary, a.nature) {
                        (true, _) => "是",
                        (false, Nature::Ordinary) => "否",
                        (false, Nature::Secondment) => "借调",
                        (false, Nature::Attachment) => "挂职",
                    }
                    .into(),
                    opened
                        .get(&line.person.id)
                        .map_or(Value::Empty, |n| n.as_str().into()),
                ];
                rows += 1;
                let cells: Cells = fixed.into_iter().chain(of).collect();
                if sender.send(cells).await.is_err() {
                    // The writer ended early: it says below why.
                    break;
                }
            }
        }
        drop(sender);
        Ok((book.await.map_err(Error::internal)??, rows))
    }
}

fn book(
    units: Vec<Cells>,
    mut people: mpsc::Receiver<Cells>,
    attributes: &Attributes,
) -> Result<Vec<u8>> {
    let headers = [Kind::Units, Kind::Persons].map(|kind| header(kind, attributes));
    let headers = headers
        .each_ref()
        .map(|h| h.iter().map(String::as_str).collect::<Vec<_>>());
    let people = std::iter::from_fn(move || people.blocking_recv());
    let rows: [Box<dyn Iterator<Item = Cells>>; 2] =
        [Box::new(units.into_iter()), Box::new(people)];
    let sheets = SHEETS.iter().zip(&headers).zip(rows);
    workbook(sheets.map(|((name, header), rows)| SheetOut { name, header, rows }))
}

/// Units from the top down.
fn unit_rows(tree: &Tree, scope: &Scope) -> Vec<Cells> {
    let codes: HashMap<_, _> = tree.iter().map(|u| (u.id, u.code.as_str())).collect();
    let reach = tree.reach(scope);
    let seen = |u: &&Unit| reach.as_ref().is_none_or(|r| r.contains(&u.id));
    let mut units: Vec<(usize, &Unit)> = tree
        .iter()
        .filter(seen)
        .map(|u| (tree.path(u.id).map_or(0, |p| p.len()), u))
        .collect();
    units.sort_by(|a, b| (a.0, a.1.sort, &a.1.code).cmp(&(b.0, b.1.sort, &b.1.code)));
    let above = |u: &Unit| u.parent.and_then(|p| codes.get(&p)).copied().unwrap_or("");
    let to = |day: Option<Date>| day.map_or(Value::Empty, Value::Date);
    let units = units.into_iter().map(|(_, u)| {
        vec![
            above(u).into(),
            u.code.as_str().into(),
            u.name.as_str().into(),
            u.category.as_str().into(),
            u.sort.into(),
            u.from.into(),
            to(u.to),
            u.credit_code.as_str().into(),
        ]
    });
    units.collect()
}

//! Pages: sign-in, my account, accounts, audit trail.

pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod activation;
pub(crate) mod audit;
pub(crate) mod clients;
pub(crate) mod delegations;
pub(crate) mod second;
pub(crate) mod sign_in;

use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use kernel::Error;
use web::table::{Asked, Column};
use web::view::{Chip, Crumb};
use web::{Failure, Shell};

fn crumb(shell: &Shell, key: &str, href: &str) -> Crumb {
    Crumb {
        label: shell.t(key),
        href: href.to_owned(),
    }
}

/// A list as a spreadsheet, named by its title and the day.
fn sheet(
    shell: &Shell,
    title: &str,
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<Cell>>,
) -> Result<Response, Failure> {
    let header: Vec<String> = columns.iter().map(|c| shell.t(c.label_key)).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let title = shell.t(title);
    let bytes = xlsx(&title, &header, rows)?;
    let name = format!("{title}-{}.xlsx", kernel::format_date(shell.env().today()));
    Ok(web::attachment(web::XLSX, &name, bytes))
}

/// The chip of what was typed to find something.
fn text_chip(asked: &Asked) -> Option<Chip> {
    asked.get("q").map(|q| asked.chip("q", q))
}

/// The ids that a form with ticks sends, each as `pick`; one that is none names nothing.
fn picked<T: std::str::FromStr>(fields: &[(String, String)]) -> Result<Vec<T>, Error> {
    let picked = fields.iter().filter(|(name, _)| name == "pick");
    let ids = picked.map(|(_, id)| id.parse().map_err(|_| Error::NotFound));
    ids.collect()
}

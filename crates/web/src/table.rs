//! Tables (表格) whose whole state stands in the address: filters, order, columns, density, page. So a link, a
//! bookmark and a saved view show the same, and every page works without script.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use kernel::{Error, Msg, Result};
use serde::Serialize;

use crate::view::{Chip, Pager};
use crate::{Shell, encode};

/// The address of a list, as it was asked for; handlers take it as an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    path: String,
    pairs: Vec<(String, String)>,
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let address = parts.uri.path_and_query();
        Ok(Self::read(address.map_or("/", |a| a.as_str())))
    }
}

/// The rows that are wanted: a page of so many (一页).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    page: i64,
    /// Rows of a page.
    pub size: i64,
}

impl Window {
    /// Everything, as far as one spreadsheet goes: see [`Window::fits`].
    pub const EXPORT: Self = Self {
        page: 1,
        size: 20_000,
    };

    /// A page, from 1, of so many rows.
    pub fn new(page: i64, size: i64) -> Self {
        Self {
            page: page.max(1),
            size: size.max(1),
        }
    }

    /// Everything, for lists that are read from memory or as streams.
    pub fn all() -> Self {
        Self {
            page: 1,
            size: i64::MAX,
        }
    }

    /// Rows before the wanted ones, where there are so many in all: past the end is the last page.
    pub fn offset(self, total: i64) -> i64 {
        let last = total.max(1).saturating_sub(1) / self.size;
        (self.page - 1).clamp(0, last) * self.size
    }

    /// Refuses a spreadsheet of more rows than fit into it: the list is to be narrowed.
    pub fn fits(total: i64) -> Result<()> {
        let most = Self::EXPORT.size;
        if total <= most {
            return Ok(());
        }
        let message = Msg::new("export-too-large").with("total", total);
        Err(Error::Conflict(message.with("most", most)))
    }
}

/// Names that a table itself reads.
const SORT: &str = "sort";
const COLUMNS: &str = "columns";
const DENSE: &str = "dense";
const PAGE: &str = "page";

impl Asked {
    /// Path and query pairs of a request; what is empty asks for nothing.
    pub fn new(path: &str, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        Self {
            path: path.to_owned(),
            pairs: pairs.collect(),
        }
    }

    /// An address as it was written down by [`Asked::here`].
    pub fn read(address: &str) -> Self {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        Self::new(
            path,
            url::form_urlencoded::parse(query.as_bytes()).into_owned(),
        )
    }

    /// What is asked for under a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|(n, _)| n == name)?;
        Some(&pair.1)
    }

    /// The page, from 1.
    pub fn page(&self) -> i64 {
        let page = self.get(PAGE).and_then(|p| p.parse().ok());
        page.unwrap_or(1).max(1)
    }

    /// The wanted page of `size` rows.
    pub fn window(&self, size: i64) -> Window {
        Window::new(self.page(), size)
    }

    /// Turning the pages of this list.
    pub fn pager(&self, total: i64, size: i64) -> Pager {
        let number = |n: i64| n.unsigned_abs();
        let (total, size, page) = (number(total.max(0)), number(size), number(self.page()));
        Pager::new(total, size, page, |n| self.at_page(n))
    }

    /// A chosen filter, which can be taken away.
    pub fn chip(&self, name: &str, label: impl Into<String>) -> Chip {
        Chip {
            label: label.into(),
            without: self.without(name),
        }
    }

    /// The same address at another path: where something other than the list was asked.
    pub fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// The address of another page.
    pub fn at_page(&self, page: u64) -> String {
        self.with(PAGE, &page.to_string())
    }

    /// The same address with something else under a name, on its first page.
    pub fn with(&self, name: &str, value: &str) -> String {
        let but = [name];
        let others = self.others(&but);
        let more = (!value.is_empty()).then_some((name, value));
        self.address(others.chain(more))
    }

    /// The same address without a name, on its first page.
    pub fn without(&self, name: &str) -> String {
        self.address(self.others(&[name]))
    }

    /// The address without the page and the dress of the table: what an export has to show, at its own path.
    pub fn filtered(&self, path: &str) -> String {
        let others = self.others(&[COLUMNS, DENSE]);
        let asked = Self::new(path, others.map(|(n, v)| (n.to_owned(), v.to_owned())));
        asked.address(asked.others(&[]))
    }

    /// The whole address.
    pub fn here(&self) -> String {
        self.address(self.others(&[]))
    }

    /// What else is asked for than what stands under a name, with the page.
    pub fn besides(&self, name: &str) -> impl Iterator<Item = (String, String)> {
        self.pairs.iter().filter(move |(n, _)| n != name).cloned()
    }

    fn others<'a>(&'a self, but: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        let kept = self
            .pairs
            .iter()
            .filter(move |(n, _)| n != PAGE && !but.contains(&n.as_str()));
        kept.map(|(n, v)| (n.as_str(), v.as_str()))
    }

    fn address<'a>(&self, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
        let parts: Vec<String> = pairs
            .map(|(n, v)| format!("{}={}", encode(n), encode(v)))
            .collect();
        if parts.is_empty() {
            return self.path.clone();
        }
        format!("{}?{}", self.path, parts.join("&"))
    }
}

/// A column that a table can show (列).
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in addresses and templates.
    pub key: &'static str,
    /// Message key of its heading.
    pub label_key: &'static str,
    /// Whether rows can be put in its order.
    pub sorts: bool,
    /// Whether it is shown unless somebody chooses otherwise.
    pub shown: bool,
    /// Numbers stand on the right.
    pub number: bool,
}

impl Column {
    /// A column of texts that is shown and does not sort.
    pub const fn new(key: &'static str, label_key: &'static str) -> Self {
        Self {
            key,
            label_key,
            sorts: false,
            shown: true,
            number: false,
        }
    }

    /// The same, by which rows can be put in order.
    pub const fn sorts(mut self) -> Self {
        self.sorts = true;
        self
    }

    /// The same, shown only when chosen.
    pub const fn on_demand(mut self) -> Self {
        self.shown = false;
        self
    }

    /// The same, of numbers.
    pub const fn number(mut self) -> Self {
        self.number = true;
        self
    }
}

/// The order of rows (排序).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Key of a column that sorts.
    pub by: &'static str,
    /// From the last to the first.
    pub down: bool,
}

impl Order {
    /// Its direction in SQL.
    pub fn way(self) -> &'static str {
        if self.down { "DESC" } else { "ASC" }
    }
}

/// What the macros `table_tools` and `table_head` of `components.html` take. The first column is always shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    heads: Vec<Head>,
    choices: Vec<Choice>,
    /// Keys of the columns that are shown: what a row's cells ask.
    pub shown: Vec<&'static str>,
    dense: bool,
    dense_href: String,
    /// What the form of columns sends along.
    keep: Vec<(String, String)>,
    /// What a form of filters sends along: order, columns and density stay.
    dress: Vec<(String, String)>,
    path: String,
    /// Where its saved views are.
    views: String,
    export: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Head {
    label: String,
    number: bool,
    href: Option<String>,
    /// `ascending`, `descending` or nothing, as `aria-sort` has it.
    sorted: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Choice {
    key: &'static str,
    label: String,
    shown: bool,
    fixed: bool,
}

impl Table {
    /// The order that an address asks for, or the usual one.
    pub fn order(columns: &[Column], asked: &Asked, usual: Order) -> Order {
        let Some(sort) = asked.get(SORT) else {
            return usual;
        };
        let (down, key) = sort
            .strip_prefix('-')
            .map_or((false, sort), |key| (true, key));
        let column = columns.iter().find(|c| c.sorts && c.key == key);
        column.map_or(usual, |c| Order { by: c.key, down })
    }

    /// A table as an address asks for it; `export` is the path of its sheet.
    pub fn new(
        shell: &Shell,
        columns: &[Column],
        asked: &Asked,
        order: Order,
        export: Option<&str>,
    ) -> Self {
        let chosen: Option<Vec<&str>> = asked.get(COLUMNS).map(|text| text.split(',').collect());
        let is_shown = |(i, c): &(usize, &Column)| {
            *i == 0
                || chosen
                    .as_ref()
                    .map_or(c.shown, |chosen| chosen.contains(&c.key))
        };
        let numbered = || columns.iter().enumerate();
        let heads = numbered().filter(is_shown).map(|(_, c)| {
            let current = order.by == c.key;
            let next = if current && !order.down {
                format!("-{}", c.key)
            } else {
                c.key.to_owned()
            };
            Head {
                label: shell.t(c.label_key),
                number: c.number,
                href: c.sorts.then(|| asked.with(SORT, &next)),
                sorted: match (current, order.down) {
                    (false, _) => "",
                    (true, false) => "ascending",
                    (true, true) => "descending",
                },
            }
        });
        let dense = asked.get(DENSE).is_some();
        Self {
            heads: heads.collect(),
            choices: numbered()
                .map(|(i, c)| Choice {
                    key: c.key,
                    label: shell.t(c.label_key),
                    shown: is_shown(&(i, c)),
                    fixed: i == 0,
                })
                .collect(),
            shown: numbered().filter(is_shown).map(|(_, c)| c.key).collect(),
            dense,
            dense_href: asked.with(DENSE, if dense { "" } else { "1" }),
            keep: asked
                .others(&[COLUMNS])
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .collect(),
            dress: asked
                .others(&[])
                .filter(|(n, _)| [SORT, COLUMNS, DENSE].contains(n))
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .collect(),
            path: asked.path.clone(),
            views: format!("/desk/views?at={}", encode(&asked.here())),
            export: export.map(|path| asked.filtered(path)),
        }
    }

    /// For samples: a table of these columns, all of them shown, in the order of the first that sorts.
    pub fn sample_with(columns: &[Column]) -> serde_json::Value {
        let first = columns.iter().find(|c| c.sorts).map(|c| c.key);
        let heads = columns.iter().map(|c| Head {
            label: c.key.to_owned(),
            number: c.number,
            href: c.sorts.then(|| "/list".to_owned()),
            sorted: if Some(c.key) == first {
                "descending"
            } else {
                ""
            },
        });
        let choices = columns.iter().enumerate().map(|(i, c)| Choice {
            key: c.key,
            label: c.key.to_owned(),
            shown: c.shown,
            fixed: i == 0,
        });
        serde_json::json!(Self {
            heads: heads.collect(),
            choices: choices.collect(),
            shown: columns.iter().map(|c| c.key).collect(),
            dense: true,
            dense_href: "/list".to_owned(),
            keep: vec![("q".to_owned(), "x".to_owned())],
            dress: vec![("sort".to_owned(), "x".to_owned())],
            path: "/list".to_owned(),
            views: "/desk/views?at=/list".to_owned(),
            export: Some("/list.xlsx".to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: [Column; 3] = [
        Column::new("title", "t").sorts(),
        Column::new("date", "d").sorts(),
        Column::new("place", "p").on_demand(),
    ];

    fn asked(pairs: &[(&str, &str)]) -> Asked {
        Asked::new(
            "/list",
            pairs
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned())),
        )
    }

    #[test]
    fn an_address_changes_one_thing_and_keeps_the_rest() {
        let a = asked(&[
            ("q", "行政"),
            ("kind", ""),
            ("page", "3"),
            ("sort", "-date"),
            ("dense", "1"),
        ]);
        assert_eq!(a.page(), 3);
        assert_eq!(a.get("kind"), None);
        assert_eq!(
            a.at_page(4),
            "/list?q=%E8%A1%8C%E6%94%BF&sort=-date&dense=1&page=4"
        );
        assert_eq!(a.without("q"), "/list?sort=-date&dense=1");
        assert_eq!(a.with("sort", ""), "/list?q=%E8%A1%8C%E6%94%BF&dense=1");
        assert_eq!(
            a.filtered("/list.xlsx"),
            "/list.xlsx?q=%E8%A1%8C%E6%94%BF&sort=-date"
        );
        assert_eq!(asked(&[("page", "-1")]).page(), 1);
        assert_eq!(asked(&[]).here(), "/list");
        assert_eq!(Asked::read(&a.here()).here(), a.here());
    }

    #[test]
    fn a_window_never_leaves_the_rows() {
        let page = |page| Window { page, size: 20 };
        assert_eq!(page(1).offset(0), 0);
        assert_eq!(page(2).offset(41), 20);
        assert_eq!(page(9).offset(41), 40, "past the end is the last page");
        assert_eq!(page(i64::MAX).offset(40), 20);
        assert!(Window::fits(20_000).is_ok() && Window::fits(20_001).is_err());
    }

    #[test]
    fn only_columns_that_sort_give_an_order() {
        let usual = Order {
            by: "date",
            down: true,
        };
        let order = |sort| Table::order(&SET, &asked(&[("sort", sort)]), usual);
        assert_eq!(
            order("-title"),
            Order {
                by: "title",
                down: true
            }
        );
        assert_eq!(
            order("date"),
            Order {
                by: "date",
                down: false
            }
        );
        for other in ["place", "1; DROP TABLE x", "--date", ""] {
            assert_eq!(order(other), usual, "{other}");
        }
    }
}

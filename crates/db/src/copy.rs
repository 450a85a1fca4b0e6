//! Copying a whole database in a portable form: every table with its rows, parents before children,
//! read from one snapshot. What is written by one engine can be read by the other.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Error, Result};

use crate::{Arg, Args, Db, Engine, Row, Tx, args};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// BIGINT.
    Int,
    /// TEXT.
    Text,
    /// BLOB or BYTEA.
    Bytes,
    /// BOOLEAN.
    Bool,
    /// DOUBLE PRECISION.
    Real,
}

impl Kind {
    /// The one word for it in an archive.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Bool => "bool",
            Self::Real => "real",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Int, Self::Text, Self::Bytes, Self::Bool, Self::Real]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    fn of_type(declared: &str) -> Option<Self> {
        Some(match declared.to_ascii_uppercase().as_str() {
            "BIGINT" | "INTEGER" => Self::Int,
            "TEXT" => Self::Text,
            "BLOB" | "BYTEA" => Self::Bytes,
            "BOOLEAN" => Self::Bool,
            "DOUBLE PRECISION" => Self::Real,
            _ => return None,
        })
    }

    fn read(self, row: &Row, index: usize) -> Result<Arg> {
        Ok(match self {
            Self::Int => Arg::Int(row.get(index)?),
            Self::Text => Arg::Text(row.get(index)?),
            Self::Bytes => Arg::Bytes(row.get(index)?),
            Self::Bool => Arg::Bool(row.get(index)?),
            Self::Real => Arg::Real(row.get(index)?),
        })
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns by name.
    pub columns: Vec<(String, Kind)>,
    /// Column that refers to a row of the same table, and the column it names there.
    own_parent: Option<(String, String)>,
}

/// The table of applied migrations, which every database keeps for itself.
const OWN: &str = "schema_migration";

/// Whether there is no table at all.
pub async fn is_empty(db: &Db) -> Result<bool> {
    Ok(columns(&mut db.read().await?).await?.is_empty())
}

/// All tables, parents before children.
pub async fn tables(tx: &mut Tx) -> Result<Vec<Table>> {
    let mut left = columns(tx).await?;
    left.remove(OWN);
    let mut parents: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut own: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (child, column, parent, key) in references(tx).await? {
        if child != parent {
            parents.entry(child).or_default().insert(parent);
        } else if own.insert(child.clone(), (column, key)).is_some() {
            return Err(Error::internal(format!(
                "table {child} refers to itself twice"
            )));
        }
    }
    let mut ordered: Vec<Table> = Vec::new();
    while !left.is_empty() {
        let ready: Vec<String> = left
            .keys()
            .filter(|name| {
                let above = parents.get(*name);
                above.is_none_or(|above| above.iter().all(|p| !left.contains_key(p)))
            })
            .cloned()
            .collect();
        if ready.is_empty() {
            let names: Vec<_> = left.keys().cloned().collect();
            return Err(Error::internal(format!(
                "tables refer to each other: {names:?}"
            )));
        }
        for name in ready {
            if let Some(columns) = left.remove(&name) {
                let own_parent = own.remove(&name);
                ordered.push(Table {
                    name,
                    columns,
                    own_parent,
                });
            }
        }
    }
    Ok(ordered)
}

type Columns = BTreeMap<String, Vec<(String, Kind)>>;

async fn columns(tx: &mut Tx) -> Result<Columns> {
    let sql = match tx.engine() {
        Engine::Sqlite => {
            "SELECT t.name, c.name, c.type FROM sqlite_master t JOIN pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name, c.cid"
        }
        Engine::Postgres => {
            "SELECT CAST(t.table_name AS TEXT), CAST(c.column_name AS TEXT), CAST(c.data_type AS TEXT)
             FROM information_schema.tables t
             JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
             WHERE t.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
             ORDER BY t.table_name, c.ordinal_position"
        }
    };
    let mut found = Columns::new();
    for row in tx.query(sql, args![]).await? {
        let (table, column, declared): (String, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let kind = Kind::of_type(&declared).ok_or_else(|| {
            Error::internal(format!(
                "column {table}.{column} has the type {declared}, which is not portable"
            ))
        })?;
        found.entry(table).or_default().push((column, kind));
    }
    Ok(found)
}

/// Child, its column, parent, the parent's column.
async fn references(tx: &mut Tx) -> Result<Vec<(String, String, String, String)>> {
    let sql = match tx.engine() {
        Engine::Sqlite => {
            "SELECT t.name, f.\"from\", f.\"table\", COALESCE(f.\"to\", k.name)
             FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f
             LEFT JOIN pragma_table_info(f.\"table\") k ON k.pk = f.seq + 1
             WHERE t.type = 'table'"
        }
        Engine::Postgres => {
            "SELECT CAST(k.table_name AS TEXT), CAST(k.column_name AS TEXT),
                    CAST(p.table_name AS TEXT), CAST(p.column_name AS TEXT)
             FROM information_schema.referential_constraints r
             JOIN information_schema.key_column_usage k
               ON k.constraint_schema = r.constraint_schema AND k.constraint_name = r.constraint_name
             JOIN information_schema.key_column_usage p
               ON p.constraint_schema = r.unique_constraint_schema AND p.constraint_name = r.unique_constraint_name
              AND p.ordinal_position = k.position_in_unique_constraint
             WHERE k.table_schema = current_schema() AND p.table_schema = current_schema()"
        }
    };
    let rows = tx.query(sql, args![]).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Table {
    /// The same table with its columns in the order of an archive; `None` when they are not the same
    /// columns.
    pub fn with_columns(&self, columns: Vec<(String, Kind)>) -> Option<Self> {
        let sorted = |list: &[(String, Kind)]| {
            let mut list: Vec<_> = list
                .iter()
                .map(|(name, kind)| (name.clone(), kind.name()))
                .collect();
            list.sort();
            list
        };
        (sorted(&columns) == sorted(&self.columns)).then(|| Self {
            columns,
            ..self.clone()
        })
    }

    fn list(&self, prefix: &str) -> String {
        let names = self
            .columns
            .iter()
            .map(|(name, _)| format!("{prefix}{}", quoted(name)));
        names.collect::<Vec<_>>().join(", ")
    }

    /// Rows that refer to rows of the same table come after them.
    fn select(&self) -> String {
        let name = quoted(&self.name);
        let Some((column, key)) = &self.own_parent else {
            return format!("SELECT {} FROM {name}", self.list(""));
        };
        let (column, key) = (quoted(column), quoted(key));
        format!(
            "WITH RECURSIVE laid (\"key\", depth) AS (
               SELECT {key}, CAST(0 AS BIGINT) FROM {name} WHERE {column} IS NULL
               UNION ALL
               SELECT c.{key}, laid.depth + 1 FROM {name} c JOIN laid ON c.{column} = laid.\"key\")
             SELECT {} FROM laid JOIN {name} t ON t.{key} = laid.\"key\" ORDER BY laid.depth",
            self.list("t.")
        )
    }

    /// Hands out every row, one after the other, without holding them. Gives their number.
    ///
    /// # Errors
    /// What `each` gives ends the reading.
    pub async fn rows(
        &self,
        tx: &mut Tx,
        mut each: impl FnMut(Vec<Arg>) -> Result<()> + Send,
    ) -> Result<i64> {
        let mut count = 0;
        tx.each(self.select(), |row| {
            count += 1;
            let values = self.columns.iter().enumerate();
            each(
                values
                    .map(|(i, (_, kind))| kind.read(row, i))
                    .collect::<Result<_>>()?,
            )
        })
        .await?;
        let sql = format!(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM {}",
            quoted(&self.name)
        );
        let all: i64 = tx.one(sql, args![]).await?.get(0)?;
        if all != count {
            // Only rows that refer to themselves in a circle are not reached.
            return Err(Error::internal(format!(
                "table {}: {count} of {all} rows were read",
                self.name
            )));
        }
        Ok(count)
    }

    /// Writes rows as [`Table::rows`] handed them out.
    pub async fn insert(&self, tx: &mut Tx, rows: Vec<Vec<Arg>>) -> Result<()> {
        let width = self.columns.len();
        // SQLite takes 32,766 arguments, PostgreSQL 65,535.
        let most = (16_000 / width).clamp(1, 500);
        let mut left = rows.into_iter().peekable();
        while left.peek().is_some() {
            let chunk: Vec<Vec<Arg>> = left.by_ref().take(most).collect();
            let sql = format!(
                "INSERT INTO {} ({}) VALUES {}",
                quoted(&self.name),
                self.list(""),
                Args::values(chunk.len(), width)
            );
            tx.execute(sql, Args(chunk.into_iter().flatten().collect()))
                .await?;
        }
        Ok(())
    }
}

/// Empties tables that migrations may have filled, children first.
pub async fn clear(tx: &mut Tx, tables: &[Table]) -> Result<()> {
    for table in tables.iter().rev() {
        tx.execute(format!("DELETE FROM {}", quoted(&table.name)), args![])
            .await?;
    }
    Ok(())
}

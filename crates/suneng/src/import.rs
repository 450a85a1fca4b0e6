//! `suneng import`: brings in what an agency keeps in sheets.

use std::path::PathBuf;

use kernel::{Env, Error, Msg, Result, Scope};
use organization::{Rows, read_rows};

use crate::Config;
use crate::texts::{Texts, say};
use crate::world::World;

/// What to import.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Import {
    /// 单位和人员（xlsx 或 csv）/ Units and people (xlsx or csv)
    Organization {
        /// 文件，同时导入 / Files, imported together
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// 只预览，不写入 / Show what would change, write nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// Imports everything or, when anything is wrong, nothing.
pub async fn run(config: Config, env: Env, import: Import, texts: &Texts) -> Result<()> {
    let Import::Organization { files, dry_run } = import;
    let world = World::open(config, env).await?;
    let mut rows = Rows::default();
    let mut errors = Vec::new();
    for path in &files {
        let shown = path.display().to_string();
        let at = |mut e: kernel::FieldError| {
            e.field = format!("{shown}: {}", e.field);
            e
        };
        let bytes = std::fs::read(path).map_err(|e| {
            Error::Conflict(
                Msg::new("file-unreadable")
                    .with("file", &shown)
                    .with("reason", e),
            )
        })?;
        match read_rows(&shown, &bytes) {
            Ok((more, wrong)) => {
                rows.units.extend(more.units);
                rows.persons.extend(more.persons);
                errors.extend(wrong.into_iter().map(at));
            }
            Err(Error::Invalid(wrong)) => errors.extend(wrong.into_iter().map(at)),
            Err(other) => return Err(other),
        }
    }
    Error::if_any(errors)?;
    let done = if dry_run {
        world.organization.preview(&rows, &Scope::All).await?
    } else {
        world.organization.import(&rows, &Scope::All, None).await?
    };
    for change in &done.changes {
        let kind = match change.kind {
            organization::ChangeKind::UnitAdded => "import-unit-added",
            organization::ChangeKind::UnitChanged => "import-unit-changed",
            organization::ChangeKind::UnitMoved => "import-unit-moved",
            organization::ChangeKind::PersonAdded => "import-person-added",
            organization::ChangeKind::PersonRenamed => "import-person-renamed",
            organization::ChangeKind::PersonMoved => "import-person-moved",
        };
        say(format_args!(
            "{} {} {}",
            texts.get(kind),
            change.code,
            change.name
        ));
    }
    let key = if dry_run {
        "import-would"
    } else {
        "import-done"
    };
    let text = Msg::new(key)
        .with("changed", done.changes.len())
        .with("unchanged", done.unchanged);
    say(texts.msg(&text));
    world.db.close().await;
    Ok(())
}

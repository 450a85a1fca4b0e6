//! `suneng import`: brings in what an agency keeps in sheets, in the way the page does.

use std::path::{Path, PathBuf};

use kernel::{Env, Error, Msg, Result, Scope};
use organization::{Attributes, BodyKinds, Imports};

use crate::Config;
use crate::texts::{Texts, say};
use crate::world::{World, pack_errors};

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
    /// 题目（各种格式）/ Questions (any format)
    Questions {
        /// 文件 / File
        #[arg(required = true)]
        file: PathBuf,
        /// 题库名称，没有就建立 / Name of the bank, made when there is none
        #[arg(long, default_value = "题库")]
        bank: String,
        /// 题库所属单位的编码，缺省为最上级单位 / Code of the unit that keeps the bank; usually the top unit
        #[arg(long)]
        unit: Option<String>,
    },
}

/// Imports everything or, when anything is wrong, nothing.
pub async fn run(config: Config, env: Env, import: Import, texts: &Texts) -> Result<()> {
    let world = World::open(config, env).await?;
    let (files, dry_run) = match import {
        Import::Organization { files, dry_run } => (files, dry_run),
        Import::Questions { file, bank, unit } => {
            return questions(&world, &file, (&bank, unit.as_deref()), texts).await;
        }
    };
    let attributes = Attributes::read(&world.packs).map_err(pack_errors)?;
    let org = world.organization.clone().with_vault(world.vault().await?);
    let store = world.files.clone();
    let kinds = BodyKinds::read(&world.packs).map_err(pack_errors)?;
    let imports = Imports::new(org, store, attributes.into()).with_kinds(kinds.into());
    let mut kept = Vec::new();
    for path in &files {
        let (shown, bytes) = content(path)?;
        kept.push((shown, world.files.hold(bytes).await?));
    }
    let (id, found) = imports.check_files(kept, &Scope::All).await?;
    let faults = found.faults;
    let done = async {
        Error::if_any(faults)?;
        if dry_run {
            return Ok(());
        }
        if let Some((staff_no, other)) = found.twins.first() {
            // Who they are is decided by somebody who can look at both.
            let message = Msg::new("import-twins")
                .with("count", found.twins.len())
                .with("staff_no", staff_no)
                .with("other", other);
            return Err(Error::Conflict(message));
        }
        imports.publish_checked(id, &Scope::All, None).await
    };
    let done = done.await;
    imports.discard(id).await?;
    done?;
    for (kind, count) in &found.counts {
        say(format_args!("{} {count}", texts.get(label(kind))));
    }
    let key = if dry_run {
        "import-would"
    } else {
        "import-done"
    };
    let text = Msg::new(key)
        .with("changed", found.counts.values().sum::<u64>())
        .with("unchanged", found.unchanged);
    say(texts.msg(&text));
    world.db.close().await;
    Ok(())
}

fn content(path: &Path) -> Result<(String, Vec<u8>)> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|e| {
        Error::Conflict(
            Msg::new("file-unreadable")
                .with("file", &shown)
                .with("reason", e),
        )
    })?;
    Ok((shown, bytes))
}

/// Questions into a bank of that name; one is made when there is none, at the unit that was named or at the top.
async fn questions(
    world: &World,
    file: &Path,
    (name, unit): (&str, Option<&str>),
    texts: &Texts,
) -> Result<()> {
    let (_, bytes) = content(file)?;
    let shown = file.file_name().unwrap_or_default().to_string_lossy();
    let book = questions::Questions::new(
        world.db.clone(),
        world.env.clone(),
        world.organization.clone(),
        world.files.clone(),
    );
    let mut banks = book.banks(&Scope::All).await?;
    let unit = match unit {
        None => None,
        Some(code) => match world.organization.unit_by_code(code, &Scope::All).await {
            Err(Error::NotFound) => {
                let message = Msg::new("import-unit-unknown").with("unit", code);
                return Err(Error::Conflict(message));
            }
            found => Some(found?.id),
        },
    };
    banks.retain(|b| b.name == name.trim() && unit.is_none_or(|unit| unit == b.unit));
    let bank = match &banks[..] {
        [bank] => bank.clone(),
        [] => {
            let unit = match unit {
                Some(unit) => unit,
                None => {
                    let units = world.organization.units(&Scope::All).await?;
                    let top = units.into_iter().find(|u| u.parent.is_none());
                    let top = top.ok_or_else(|| Error::Conflict(Msg::new("import-no-unit")))?;
                    top.id
                }
            };
            let bank = questions::Bank {
                id: world.env.new_id(),
                unit,
                name: name.to_owned(),
                sealed: false,
            };
            book.keep_bank(&bank, &Scope::All, identity::Actor::default())
                .await?;
            bank
        }
        _ => {
            let message = Msg::new("import-banks-several").with("bank", name);
            return Err(Error::Conflict(message));
        }
    };
    let note = |item: &questions::formats::Item| {
        let faults = item.faults.iter().map(|f| texts.msg(&f.message));
        let faults: Vec<String> = faults.collect();
        format!("{shown} {}：{}", texts.msg(&item.place), faults.join("；"))
    };
    let counts = book.import(&shown, bytes, bank.id, &note).await?;
    let text = Msg::new("import-questions-done")
        .with("bank", &bank.name)
        .with("imported", counts.imported)
        .with("quarantined", counts.quarantined)
        .with("duplicates", counts.duplicates);
    say(texts.msg(&text));
    world.db.close().await;
    Ok(())
}

/// The text that says what happens.
fn label(kind: &str) -> &'static str {
    match kind {
        "unit-added" => "import-unit-added",
        "unit-changed" => "import-unit-changed",
        "unit-moved" => "import-unit-moved",
        "person-added" => "import-person-added",
        "person-renamed" => "import-person-renamed",
        "person-renumbered" => "import-person-renumbered",
        "person-moved" => "import-person-moved",
        "member-added" => "import-member-added",
        "member-ended" => "import-member-ended",
        "pairing-added" => "import-pairing-added",
        "pairing-ended" => "import-pairing-ended",
        "person-identified" => "import-person-identified",
        _ => "import-person-described",
    }
}

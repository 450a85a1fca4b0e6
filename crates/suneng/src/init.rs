//! `suneng init` and `suneng migrate`: a data folder ready for the first start.

use identity::{Actor, NewAccount, NewGrant, NewPassword};
use kernel::{Env, Msg, Result, Scope, UnitId};
use organization::NewUnit;

use crate::rooms::{Rooms, Vocabulary};
use crate::texts::{Texts, say};
use crate::world::{KEY_FILE, pack_errors};
use crate::{Config, World};

/// The first unit.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Init {
    /// 最上级单位名称 / Name of the top unit
    #[arg(long, value_name = "NAME")]
    unit_name: Option<String>,
    /// 最上级单位编码 / Code of the top unit
    #[arg(long, value_name = "CODE", default_value = "1")]
    unit_code: String,
    /// 最上级单位类别 / Kind of the top unit
    #[arg(long, value_name = "CATEGORY", default_value = "")]
    unit_category: String,
    /// 首个系统管理员账号；一次性密码只显示这一次 / First administrator; the one-time password is shown once
    #[arg(long, value_name = "LOGIN", requires = "unit_name")]
    admin_login: Option<String>,
}

/// Makes what is missing; may be run again.
pub async fn run(config: Config, env: Env, init: Init, texts: &Texts) -> Result<()> {
    let (world, applied) = World::create(config, env).await?;
    say(texts.msg(
        &Msg::new("init-done")
            .with("data", world.config.data.display())
            .with("database", &world.config.database_url)
            .with("migrations", applied.len()),
    ));
    let key = world.config.data.join(KEY_FILE);
    say(texts.msg(&Msg::new("init-key").with("file", key.display())));
    if let Some(name) = init.unit_name {
        let unit = NewUnit {
            parent: None,
            code: init.unit_code,
            name,
            category: init.unit_category,
            from: world.env.today(),
        };
        let text = Msg::new("init-unit")
            .with("name", &unit.name)
            .with("code", &unit.code);
        let top = world
            .organization
            .add_unit(unit, "", None, &Scope::All)
            .await?;
        say(texts.msg(&text));
        if let Some(login) = init.admin_login {
            administrator(&world, login, top, texts).await?;
        }
    }
    world.db.close().await;
    Ok(())
}

/// Opens the first account, which can open all others.
async fn administrator(world: &World, login: String, top: UnitId, texts: &Texts) -> Result<()> {
    let vocabulary = Vocabulary::read(&world.packs).map_err(pack_errors)?;
    let rooms = Rooms::open(world, vocabulary).await?;
    let new = NewAccount {
        login: login.clone(),
        person: None,
        password: NewPassword::OneTime,
        grants: vec![NewGrant {
            role: "system-admin".into(),
            unit: top,
            from: world.env.today(),
            to: None,
        }],
    };
    let opened = rooms
        .identity
        .create_account(&Actor::default(), &new, &Scope::All)
        .await?;
    let password = opened.one_time.unwrap_or_default();
    say(texts.msg(
        &Msg::new("init-admin")
            .with("login", login)
            .with("password", password),
    ));
    Ok(())
}

/// Applies the migrations that are missing.
pub async fn migrate(config: Config, env: Env, texts: &Texts) -> Result<()> {
    let (world, applied) = World::create(config, env).await?;
    for name in &applied {
        say(name);
    }
    say(texts.msg(&Msg::new("migrate-done").with("count", applied.len())));
    world.db.close().await;
    Ok(())
}

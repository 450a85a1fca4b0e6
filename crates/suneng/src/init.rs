//! `suneng init` and `suneng migrate`: a data folder ready for the first start.

use identity::{Actor, NewAccount, NewGrant, NewPassword};
use kernel::{Env, Error, Msg, Result, Scope};
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
    /// 系统管理员账号；三员的一次性密码只显示这一次 / System administrator; one-time passwords are shown once
    #[arg(long, value_name = "LOGIN")]
    admin_login: Option<String>,
    /// 安全管理员账号，默认 secadmin / Security administrator, by default secadmin
    #[arg(long, value_name = "LOGIN")]
    security_login: Option<String>,
    /// 审计管理员账号，默认 auditor / Auditor, by default auditor
    #[arg(long, value_name = "LOGIN")]
    auditor_login: Option<String>,
}

impl Init {
    /// The logins of the three administrators with their roles. A new house gets all three, or none; later
    /// those that are named.
    fn administrators(&self) -> Vec<(String, &'static str)> {
        let new = self.unit_name.is_some() && self.admin_login.is_some();
        let or = |login: &Option<String>, usual: &str| {
            login.clone().or_else(|| new.then(|| usual.to_owned()))
        };
        let all = [
            (self.admin_login.clone(), "system-admin"),
            (or(&self.security_login, "secadmin"), "security-admin"),
            (or(&self.auditor_login, "auditor"), "auditor"),
        ];
        let named = all.into_iter();
        named
            .filter_map(|(login, role)| Some((login?, role)))
            .collect()
    }
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
    let administrators = init.administrators();
    world.vault().await?;
    let keyring = world.config.operation.keyring.display();
    say(texts.msg(&Msg::new("init-keyring").with("file", keyring)));
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
        let add = world.organization.add_unit(unit, "", None, &Scope::All);
        add.await?;
        say(texts.msg(&text));
    }
    if !administrators.is_empty() {
        open(&world, administrators, texts).await?;
    }
    world.db.close().await;
    Ok(())
}

/// Opens accounts of administrators (三员) on the top unit. Whoever has the account already gets a new
/// one-time password: the door for a house whose administrators are locked out.
async fn open(
    world: &World,
    administrators: Vec<(String, &'static str)>,
    texts: &Texts,
) -> Result<()> {
    let units = world.organization.units(&Scope::All).await?;
    let top = units.iter().find(|u| u.parent.is_none());
    let top = top
        .ok_or_else(|| Error::Conflict(Msg::new("init-no-unit")))?
        .id;
    let vocabulary = Vocabulary::read(&world.packs).map_err(pack_errors)?;
    let rooms = Rooms::open(world, vocabulary).await?;
    let (identity, nobody) = (&rooms.identity, Actor::default());
    let roles = identity.roles().await?;
    for (login, role) in administrators {
        let password = match identity.account_by_login(&login).await? {
            Some(known) => {
                let enable = identity.set_disabled(&nobody, known.id, false, &Scope::All);
                enable.await?;
                let reset = identity.reset_password(&nobody, known.id, &Scope::All);
                reset.await?
            }
            None => {
                let new = NewAccount {
                    login: login.clone(),
                    person: None,
                    unit: Some(top),
                    password: NewPassword::OneTime,
                    grants: vec![NewGrant {
                        role: role.into(),
                        unit: top,
                        from: world.env.today(),
                        to: None,
                    }],
                };
                let opened = identity.create_account(&nobody, &new, &Scope::All).await?;
                opened.one_time.unwrap_or_default()
            }
        };
        let role = roles.iter().find(|r| r.code == role);
        let role = role.map_or("", |r| r.name.get(world.config.lang.code()));
        let said = Msg::new("init-admin").with("role", role);
        say(texts.msg(&said.with("login", login).with("password", password)));
    }
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

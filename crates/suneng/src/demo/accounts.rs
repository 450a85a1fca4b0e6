//! Accounts of the demo: one for each role, and an administrator in each of the other agencies.

use identity::{Actor, Identity, NewAccount, NewGrant, NewPassword};
use kernel::{Date, Env, Error, Result, Scope};

use super::scenarios::{ABOVE, CLERK, REVIEWER};
use crate::World;

type Line = (
    &'static str,
    &'static [&'static str],
    &'static str,
    Option<&'static str>,
);

/// Login, roles, code of the unit, staff number.
const ACCOUNTS: [Line; 15] = [
    ("officer", &["training-officer"], "LZ", Some("LZ0101")),
    ("clerk", &["clerk"], "LZ01", Some("LZ0102")),
    ("leader", &["leader"], "LZ", Some("LZ0001")),
    ("supervisor", &["supervisor"], "LZ", Some("LZ0201")),
    ("personnel", &["personnel-officer"], "LZ", Some("LZ0104")),
    ("staff", &["staff"], "LZ01", Some("LZ0103")),
    ("sysadmin", &["system-admin"], "LZS", None),
    ("secadmin", &["security-admin"], "LZS", None),
    ("auditor", &["auditor"], "LZS", None),
    ("court", BOTH, "LF", Some("LF08001")),
    ("procuracy", BOTH, "LJ", Some("LJ06001")),
    ("police", BOTH, "LG", Some("LG02001")),
    ("committee", BOTH, "LW", Some("LW02001")),
    (CLERK, BOTH, ABOVE, None),
    (REVIEWER, &["leader"], ABOVE, None),
];
const BOTH: &[&str] = &["unit-admin", "training-officer"];

/// Opens them, without passwords.
pub async fn open(world: &World, identity: &Identity, from: Date) -> Result<()> {
    // Those of the scenarios are open already.
    for (login, roles, unit, staff_no) in ACCOUNTS.into_iter().filter(|a| a.2 != ABOVE) {
        let unit = world.organization.unit_by_code(unit, &Scope::All).await?.id;
        let person = match staff_no {
            Some(staff_no) => Some(identity.person_by_staff_no(staff_no, &Scope::All).await?),
            None => None,
        };
        let grant = |role: &&str| NewGrant {
            role: (*role).to_owned(),
            unit,
            from,
            to: None,
        };
        let new = NewAccount {
            login: login.to_owned(),
            person,
            unit: None,
            password: NewPassword::None,
            grants: roles.iter().map(grant).collect(),
        };
        identity
            .create_account(&Actor::default(), &new, &Scope::All)
            .await?;
    }
    Ok(())
}

/// Gives every account a password; only those that are printed have one.
pub async fn set_passwords(world: &World, identity: &Identity, env: &Env) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let known = identity.roles().await?;
    for (login, roles, unit, _) in ACCOUNTS {
        let unit = world.organization.unit_by_code(unit, &Scope::All).await?;
        let account = identity.account_by_login(login).await?;
        let account = account.ok_or(Error::NotFound)?.id;
        let password = password(env);
        let actor = Actor::default();
        identity.set_password(&actor, account, &password).await?;
        let named = roles.iter().map(|role| {
            let found = known.iter().find(|r| r.code == *role);
            found.map_or(*role, |r| r.name.zh.as_str())
        });
        let named = named.collect::<Vec<_>>().join("、");
        lines.push(format!(
            "  {login:<11} {password}  {named}（{}）",
            unit.name
        ));
    }
    Ok(lines)
}

/// Four letters, four digits, four letters of mixed case: easy to type, different in every demo.
fn password(env: &Env) -> String {
    let bytes = env.random::<12>();
    let letter = |b: u8| char::from(b"abcdefghjkmnpqrstuvwxyz"[usize::from(b) % 23]);
    let digit = |b: u8| char::from(b'2' + b % 8);
    let mut text = String::new();
    text.push(letter(bytes[0]).to_ascii_uppercase());
    text.extend(bytes[1..4].iter().map(|b| letter(*b)));
    text.push('-');
    text.extend(bytes[4..8].iter().map(|b| digit(*b)));
    text.push('-');
    text.extend(bytes[8..12].iter().map(|b| letter(*b)));
    text
}

//! Roles (角色), brought by packs.

use commons::packs::{Name, PackProblem, Packs, is_kebab, none_or};
use kernel::Msg;
use serde::Deserialize;
use toml::Spanned;

use organization::BodyKinds;

use crate::delegation::may_be_lent;
use crate::{Duty, Office, Role};

#[derive(Deserialize)]
struct Section {
    #[serde(default)]
    role: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    code: Spanned<String>,
    name: Name,
    permissions: Vec<Spanned<String>>,
    duty: Option<Spanned<String>>,
    /// Granted with a last day or not at all.
    #[serde(default)]
    needs_end: bool,
    /// Refuses permissions that write.
    #[serde(default)]
    read_only: bool,
    /// Offices in bodies that bring it, as `kind.role`.
    #[serde(default)]
    offices: Vec<Spanned<String>>,
}

/// Whether a permission only lets one look: its last word says so.
fn only_reads(permission: &str) -> bool {
    permission.ends_with(".read") || permission.ends_with(".verify")
}

/// The office that a text names.
fn office(kinds: &BodyKinds, text: &str) -> Option<Office> {
    let (kind, code) = text.split_once('.')?;
    let role = kinds.get(kind)?.role(code)?;
    Some(Office {
        kind: kind.to_owned(),
        code: code.to_owned(),
        name: role.name.clone(),
    })
}

/// All roles of all packs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles(Vec<Role>);

impl Roles {
    /// Reads them from packs; names every mistake with its line. `known` are the permissions that
    /// the program asks for: any other is a slip of the pen.
    pub fn read(packs: &Packs, known: &[&str]) -> Result<Self, Vec<PackProblem>> {
        let kinds = BodyKinds::read(packs)?;
        let mut roles: Vec<Role> = Vec::new();
        let mut problems = Vec::new();
        for (pack, section) in packs.read::<Section>()? {
            for entry in section.role {
                let code = entry.code.get_ref();
                let mut wrong = |span, key, name, value: &str| {
                    problems.push(pack.problem_at(span, Msg::new(key).with(name, value)));
                };
                if !is_kebab(code) {
                    wrong(entry.code.span(), "identity-role-code", "code", code);
                }
                if roles.iter().any(|r| r.code == *code) {
                    wrong(entry.code.span(), "identity-role-twice", "code", code);
                }
                for permission in &entry.permissions {
                    let name = permission.get_ref();
                    if !known.contains(&name.as_str()) {
                        let key = "identity-role-permission";
                        wrong(permission.span(), key, "permission", name);
                    }
                    if entry.read_only && !only_reads(name) {
                        let key = "identity-role-writes";
                        wrong(permission.span(), key, "permission", name);
                    }
                }
                // Whoever keeps the bodies gives these roles: they must not lead to more power.
                let strong = entry.permissions.iter().find(|p| !may_be_lent(p.get_ref()));
                let mut offices = Vec::new();
                for text in &entry.offices {
                    if entry.duty.is_some() || strong.is_some() || entry.needs_end {
                        let key = "identity-role-office-power";
                        wrong(text.span(), key, "office", text.get_ref());
                    }
                    match office(&kinds, text.get_ref()) {
                        Some(office) => offices.push(office),
                        None => {
                            let key = "identity-role-office";
                            wrong(text.span(), key, "office", text.get_ref());
                        }
                    }
                }
                let duty = entry.duty.as_ref().and_then(|d| {
                    let found = Duty::from_code(d.get_ref());
                    if found.is_none() {
                        wrong(d.span(), "identity-role-duty", "duty", d.get_ref());
                    }
                    found
                });
                roles.push(Role {
                    duty,
                    needs_end: entry.needs_end,
                    offices,
                    code: entry.code.into_inner(),
                    name: entry.name,
                    permissions: entry
                        .permissions
                        .into_iter()
                        .map(Spanned::into_inner)
                        .collect(),
                });
            }
        }
        none_or(problems, Self(roles))
    }

    /// All of them, in the order of the packs.
    pub fn iter(&self) -> std::slice::Iter<'_, Role> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Roles, Vec<String>> {
        let head =
            "[pack]\ncode = \"r\"\nversion = \"1\"\nname = { zh = \"角色\", en = \"Roles\" }\n";
        let packs = Packs::load(vec![("r.toml".to_owned(), format!("{head}{text}"))]).unwrap();
        let problem = |p: &PackProblem| format!("{}:{} {}", p.line, p.column, p.reason.key);
        Roles::read(&packs, &["a.read", "a.record", "identity.reset"])
            .map_err(|list| list.iter().map(problem).collect())
    }

    #[test]
    fn roles_that_end_that_only_read_and_that_an_office_brings() {
        let body = "[[body-kind]]\ncode = \"branch\"\nname = { zh = \"支部\", en = \"Branch\" }\n\
                    roles = [{ code = \"head\", name = { zh = \"书记\", en = \"Head\" } }]\n";
        let role = |permission: &str, more: &str| {
            format!(
                "{body}[[role]]\ncode = \"r\"\nname = {{ zh = \"甲\", en = \"A\" }}\n\
                 permissions = [\"{permission}\"]\n{more}\n"
            )
        };
        let fine = read(&role("a.read", "needs-end = true\nread-only = true")).unwrap();
        assert!(fine.iter().all(|r| r.needs_end));
        let writes = read(&role("a.record", "read-only = true")).unwrap_err();
        assert_eq!(writes, ["12:16 identity-role-writes"]);
        let office = "offices = [\"branch.head\"]";
        let fine = read(&role("a.record", office)).unwrap();
        assert_eq!(fine.iter().next().unwrap().offices[0].name.zh, "书记");
        let nobody = read(&role("a.read", "offices = [\"branch.clerk\"]")).unwrap_err();
        assert_eq!(nobody, ["13:12 identity-role-office"]);
        for (permission, more) in [
            ("identity.reset", ""),
            ("a.read", "\nduty = \"audit\""),
            ("a.read", "\nneeds-end = true"),
        ] {
            let strong = read(&role(permission, &format!("{office}{more}"))).unwrap_err();
            assert_eq!(strong, ["13:12 identity-role-office-power"], "{permission}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let role = "[[role]]\ncode = \"clerk\"\nname = { zh = \"内勤\", en = \"Clerk\" }\npermissions = [\"a.read\"]\n";
        assert_eq!(read(role).unwrap().iter().count(), 1);
        assert_eq!(
            read(&format!("{role}{role}")).unwrap_err(),
            ["10:8 identity-role-twice"]
        );
        assert_eq!(
            read(&role.replace("a.read", "a.raed")).unwrap_err(),
            ["8:16 identity-role-permission"]
        );
        assert_eq!(
            read(&role.replace("\"clerk\"", "\"The Clerk\"")).unwrap_err(),
            ["6:8 identity-role-code"]
        );
        assert_eq!(
            read(&format!("{role}duty = \"king\"\n")).unwrap_err(),
            ["9:8 identity-role-duty"]
        );
        let fine = read(&format!("{role}duty = \"audit\"\n")).unwrap();
        assert_eq!(fine.iter().next().unwrap().duty, Some(Duty::Audit));
        assert_eq!(
            read(&role.replace("permissions", "permisions"))
                .unwrap_err()
                .len(),
            1
        );
    }
}

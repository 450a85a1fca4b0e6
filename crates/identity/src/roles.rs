//! Roles (角色), brought by packs.

use commons::packs::{Name, PackProblem, Packs, is_kebab, none_or};
use kernel::Msg;
use serde::Deserialize;
use toml::Spanned;

use crate::{Duty, Role};

#[derive(Deserialize)]
struct Section {
    #[serde(default)]
    role: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    code: Spanned<String>,
    name: Name,
    permissions: Vec<Spanned<String>>,
    duty: Option<Spanned<String>>,
}

/// All roles of all packs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles(Vec<Role>);

impl Roles {
    /// Reads them from packs; names every mistake with its line. `known` are the permissions that
    /// the program asks for: any other is a slip of the pen.
    pub fn read(packs: &Packs, known: &[&str]) -> Result<Self, Vec<PackProblem>> {
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
        Roles::read(&packs, &["a.read"]).map_err(|list| list.iter().map(problem).collect())
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

//! PATCH (RFC 7644, 3.5.2): operations on a document, each with its path and filter.

use kernel::{Error, Msg, Result};
use serde_json::{Value, json};

use super::filter::{Filter, Target};
use super::schema::{self, Attribute, Document, ENTERPRISE, Kind, MOST_VALUES, Resource, Writing};

/// Most operations of one request.
const MOST: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Remove,
    Replace,
}

fn syntax() -> Error {
    Error::Conflict(Msg::new("identity-scim-syntax"))
}

fn no_target(path: impl ToString) -> Error {
    Error::Conflict(Msg::new("identity-scim-no-target").with("path", path))
}

fn fixed(attribute: &str) -> Error {
    Error::Conflict(Msg::new("identity-scim-fixed").with("attribute", attribute))
}

fn part<'v>(of: &'v Value, name: &str) -> Option<&'v Value> {
    let mut parts = of.as_object()?.iter();
    parts
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// Applies a PATCH request to a document: all of its operations, or none.
pub(crate) fn apply(resource: Resource, document: &Document, request: &Value) -> Result<Document> {
    let operations = part(request, "Operations").and_then(Value::as_array);
    let operations = operations.ok_or_else(syntax)?;
    if operations.is_empty() || operations.len() > MOST {
        return Err(syntax());
    }
    let mut document = document.clone();
    for operation in operations {
        let op = part(operation, "op").and_then(Value::as_str);
        let op = match op.map(str::to_ascii_lowercase).as_deref() {
            Some("add") => Op::Add,
            Some("remove") => Op::Remove,
            Some("replace") => Op::Replace,
            _ => return Err(syntax()),
        };
        let value = part(operation, "value").unwrap_or(&Value::Null);
        match part(operation, "path") {
            None | Some(Value::Null) => whole(resource, &mut document, op, value)?,
            Some(Value::String(path)) => {
                let target = Target::read(path)?;
                one(resource, &mut document, op, &target, value)?;
            }
            Some(_) => return Err(syntax()),
        }
    }
    schema::read(resource, &Value::Object(document))
}

/// An operation without a path: the value names the attributes.
fn whole(resource: Resource, document: &mut Document, op: Op, value: &Value) -> Result<()> {
    let Value::Object(parts) = value else {
        return Err(syntax());
    };
    if op == Op::Remove {
        return Err(no_target(""));
    }
    for (path, value) in parts {
        if path.eq_ignore_ascii_case("schemas") {
            continue;
        }
        let target = Target::read(path)?;
        let known = target.name.attribute.is_empty() || target.name.resolve(resource).is_ok();
        let attribute = resource.attribute(target.name.extended(), &target.name.attribute);
        // What is read-only or unknown in a whole resource is passed over.
        if known && attribute.is_none_or(|a| a.writing == Writing::Free) {
            one(resource, document, op, &target, value)?;
        }
    }
    Ok(())
}

fn one(
    resource: Resource,
    document: &mut Document,
    op: Op,
    target: &Target,
    value: &Value,
) -> Result<()> {
    let name = &target.name;
    if name.attribute.is_empty() {
        return extension(resource, document, op, target, value);
    }
    let (attribute, _) = name.resolve(resource)?;
    let sub = match &name.sub {
        Some(sub) => attribute.sub(sub),
        None => None,
    };
    if attribute.writing != Writing::Free || sub.is_some_and(|s| s.writing == Writing::Never) {
        return Err(fixed(attribute.name));
    }
    let extended = name.extended();
    let mut inner;
    let container = if extended {
        inner = document
            .remove(ENTERPRISE)
            .and_then(|v| match v {
                Value::Object(parts) => Some(parts),
                _ => None,
            })
            .unwrap_or_default();
        &mut inner
    } else {
        &mut *document
    };
    let done = match (&target.filter, sub) {
        (Some(filter), sub) => filtered(container, attribute, sub, op, filter, value),
        (None, Some(sub)) => below(container, attribute, sub, op, value),
        (None, None) => at(container, attribute, op, value),
    };
    if extended {
        let inner = std::mem::take(container);
        if !inner.is_empty() {
            document.insert(ENTERPRISE.to_owned(), Value::Object(inner));
        }
    }
    done
}

/// The extension as a whole.
fn extension(
    resource: Resource,
    document: &mut Document,
    op: Op,
    target: &Target,
    value: &Value,
) -> Result<()> {
    if !target.name.extended() || resource != Resource::User || target.filter.is_some() {
        return Err(no_target(&target.name));
    }
    if op != Op::Add {
        document.remove(ENTERPRISE);
    }
    if op == Op::Remove {
        return Ok(());
    }
    let Value::Object(parts) = value else {
        return Err(syntax());
    };
    for (name, value) in parts {
        if let Some(attribute) = resource.attribute(true, name) {
            let mut target = target.clone();
            attribute.name.clone_into(&mut target.name.attribute);
            one(resource, document, Op::Add, &target, value)?;
        }
    }
    Ok(())
}

/// An attribute without a filter.
fn at(container: &mut Document, attribute: &Attribute, op: Op, value: &Value) -> Result<()> {
    let key = attribute.name;
    match op {
        Op::Remove if attribute.required => return Err(fixed(key)),
        // Some directories name the values to be removed instead of filtering for them.
        Op::Remove if attribute.multi && !value.is_null() => {
            let gone = listed(value);
            if let Some(Value::Array(values)) = container.get_mut(key) {
                values.retain(|v| !gone.iter().any(|g| same(v, g)));
            }
        }
        Op::Remove => {
            container.remove(key);
        }
        Op::Replace if attribute.multi => {
            container.insert(
                key.to_owned(),
                Value::Array(distinct(Vec::new(), listed(value))?),
            );
        }
        Op::Add if attribute.multi => {
            let before = match container.remove(key) {
                Some(Value::Array(values)) => values,
                _ => Vec::new(),
            };
            container.insert(
                key.to_owned(),
                Value::Array(distinct(before, listed(value))?),
            );
        }
        _ if attribute.kind == Kind::Complex => {
            let Value::Object(parts) = value else {
                return Err(syntax());
            };
            let whole = container.entry(key).or_insert_with(|| json!({}));
            merge(whole, attribute, parts)?;
        }
        _ => {
            container.insert(key.to_owned(), value.clone());
        }
    }
    Ok(())
}

fn listed(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

/// Whether two values of an attribute are the same one: by `value` where they have one.
fn same(a: &Value, b: &Value) -> bool {
    match (part(a, "value"), part(b, "value")) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// Values without those that are there already.
fn distinct(mut before: Vec<Value>, more: Vec<Value>) -> Result<Vec<Value>> {
    if before.len() + more.len() > MOST_VALUES {
        let message = Msg::new("identity-scim-many").with("most", MOST_VALUES);
        return Err(Error::Conflict(message));
    }
    let key = |v: &Value| part(v, "value").unwrap_or(v).to_string();
    let mut known: std::collections::HashSet<String> = before.iter().map(key).collect();
    before.extend(more.into_iter().filter(|v| known.insert(key(v))));
    Ok(before)
}

/// Sets the given sub-attributes; the others stay.
fn merge(whole: &mut Value, attribute: &Attribute, parts: &Document) -> Result<()> {
    let whole = whole.as_object_mut().ok_or_else(syntax)?;
    for (name, value) in parts {
        if let Some(sub) = attribute.sub(name).filter(|s| s.writing != Writing::Never) {
            let before = whole.get(sub.name);
            if sub.writing == Writing::Once && before.is_some_and(|before| before != value) {
                return Err(fixed(sub.name));
            }
            whole.insert(sub.name.to_owned(), value.clone());
        }
    }
    Ok(())
}

fn put(whole: &mut Document, sub: &Attribute, op: Op, value: &Value) -> Result<()> {
    if sub.writing == Writing::Once && whole.get(sub.name).is_some_and(|before| before != value) {
        return Err(fixed(sub.name));
    }
    match op {
        Op::Remove => whole.remove(sub.name),
        Op::Add | Op::Replace => whole.insert(sub.name.to_owned(), value.clone()),
    };
    Ok(())
}

/// A sub-attribute of all values.
fn below(
    container: &mut Document,
    attribute: &Attribute,
    sub: &Attribute,
    op: Op,
    value: &Value,
) -> Result<()> {
    if !attribute.multi && op != Op::Remove {
        let whole = container.entry(attribute.name).or_insert_with(|| json!({}));
        return put(whole.as_object_mut().ok_or_else(syntax)?, sub, op, value);
    }
    match container.get_mut(attribute.name) {
        Some(Value::Object(whole)) => put(whole, sub, op, value),
        Some(Value::Array(values)) => values
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .try_for_each(|whole| put(whole, sub, op, value)),
        _ if op == Op::Remove => Ok(()),
        _ => Err(no_target(attribute.name)),
    }
}

/// The values that a filter finds.
fn filtered(
    container: &mut Document,
    attribute: &'static Attribute,
    sub: Option<&'static Attribute>,
    op: Op,
    filter: &Filter,
    value: &Value,
) -> Result<()> {
    if attribute.kind != Kind::Complex {
        return Err(no_target(attribute.name));
    }
    let fits = |v: &Value| filter.fits_value(Some(attribute), v);
    let Some(Value::Array(values)) = container.get_mut(attribute.name) else {
        return match op {
            Op::Remove => Ok(()),
            _ => Err(no_target(attribute.name)),
        };
    };
    if op == Op::Remove && sub.is_none() {
        values.retain(|v| !fits(v));
        return Ok(());
    }
    let mut found = false;
    for v in values.iter_mut().filter(|v| fits(v)) {
        found = true;
        match (sub, value) {
            (Some(sub), value) => put(v.as_object_mut().ok_or_else(syntax)?, sub, op, value)?,
            (None, Value::Object(parts)) => merge(v, attribute, parts)?,
            (None, _) => return Err(syntax()),
        }
    }
    if found || op == Op::Remove {
        return Ok(());
    }
    Err(no_target(attribute.name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user() -> Document {
        let user = json!({
            "userName": "linxl", "displayName": "林小丽", "name": { "familyName": "林", "givenName": "小丽" },
            ENTERPRISE: { "employeeNumber": "LZ01" },
        });
        user.as_object().expect("an object").clone()
    }

    fn group(members: &[&str]) -> Document {
        let members: Vec<Value> = members.iter().map(|m| json!({ "value": m })).collect();
        let mut group = json!({ "displayName": "政治部" });
        if !members.is_empty() {
            group["members"] = json!(members);
        }
        group.as_object().expect("an object").clone()
    }

    fn patched(resource: Resource, document: &Document, ops: Value) -> Result<Value> {
        apply(resource, document, &json!({ "Operations": ops })).map(Value::Object)
    }

    fn members(document: &Value) -> Vec<&str> {
        let members = document["members"].as_array();
        let members = members.map_or(&[][..], Vec::as_slice);
        members.iter().filter_map(|m| m["value"].as_str()).collect()
    }

    #[test]
    fn users_are_patched_by_path_and_without() {
        let p = |ops| patched(Resource::User, &user(), ops).expect("patched");
        let changed = p(json!([
            { "op": "Replace", "path": "name.familyname", "value": "王" },
            { "op": "add", "path": format!("{ENTERPRISE}:department"), "value": "S1" },
            { "op": "remove", "path": "displayName" },
        ]));
        assert_eq!(
            changed["name"],
            json!({ "familyName": "王", "givenName": "小丽" })
        );
        assert_eq!(
            changed[ENTERPRISE],
            json!({ "employeeNumber": "LZ01", "department": "S1" })
        );
        assert!(changed.get("displayName").is_none());
        let whole = p(json!([{ "op": "replace", "value": {
            "active": "False", "name.givenName": "晓丽", "id": "x", "nonsense": 1,
            ENTERPRISE: { "department": "S2" },
        } }]));
        assert_eq!(whole["active"], false);
        assert_eq!(whole["name"]["givenName"], "晓丽");
        assert_eq!(whole[ENTERPRISE], json!({ "department": "S2" }));
        assert!(
            p(json!([{ "op": "remove", "path": ENTERPRISE }]))
                .get(ENTERPRISE)
                .is_none()
        );
    }

    #[test]
    fn what_cannot_be_done_is_refused_and_nothing_happens() {
        let ops = [
            json!([{ "op": "move", "path": "title" }]),
            json!([{ "op": "remove" }]),
            json!([{ "op": "remove", "path": "userName" }]),
            json!([{ "op": "replace", "path": "id", "value": "x" }]),
            json!([{ "op": "replace", "path": "groups", "value": [] }]),
            json!([{ "op": "replace", "path": "nonsense", "value": "x" }]),
            json!([{ "op": "add", "path": "title", "value": { "a": 1 } }]),
            json!([{ "op": "add", "path": "title[value eq 1]", "value": "x" }]),
            json!([{ "op": "add", "path": "ti tle", "value": "x" }]),
            json!([{ "op": "replace", "value": "x" }]),
            json!([{ "op": "add", "path": 1 }]),
            json!([]),
            json!(7),
            json!([7]),
        ];
        for ops in ops {
            assert!(
                patched(Resource::User, &user(), ops.clone()).is_err(),
                "{ops}"
            );
        }
        let g = |ops| patched(Resource::Group, &group(&["a"]), ops);
        let none = json!([{ "op": "replace", "path": "members[value eq \"z\"]", "value": {} }]);
        assert!(g(none).is_err());
        let other =
            json!([{ "op": "replace", "path": "members[value eq \"a\"].value", "value": "b" }]);
        assert!(g(other).is_err(), "a member is taken out, not renamed");
    }

    proptest! {
        #[test]
        fn members_are_a_set(
            before in proptest::collection::hash_set("[a-f]", 0..5),
            given in proptest::collection::vec("[a-f]", 0..6),
            how in 0..4,
        ) {
            let list: Vec<&str> = before.iter().map(String::as_str).collect();
            let values: Vec<Value> = given.iter().map(|m| json!({ "value": m })).collect();
            let ops: Vec<Value> = match how {
                0 => vec![json!({ "op": "add", "path": "members", "value": values })],
                1 => vec![json!({ "op": "replace", "path": "members", "value": values })],
                2 => given.iter().map(|m| {
                    json!({ "op": "remove", "path": format!("members[value eq \"{m}\"]") })
                }).collect(),
                _ => vec![json!({ "op": "remove", "path": "members", "value": values })],
            };
            prop_assume!(!ops.is_empty());
            let after = patched(Resource::Group, &group(&list), json!(ops)).expect("patched");
            let mut after = members(&after);
            let mut wanted: Vec<&str> = match how {
                0 => list.iter().copied().chain(given.iter().map(String::as_str)).collect(),
                1 => given.iter().map(String::as_str).collect(),
                _ => list.iter().copied().filter(|m| !given.iter().any(|g| g == m)).collect(),
            };
            wanted.sort_unstable();
            wanted.dedup();
            after.sort_unstable();
            prop_assert_eq!(after, wanted);
        }

        #[test]
        fn nothing_makes_it_panic(path in "[a-zA-Z.\\[\\]\":0-9 ]{0,30}", op in "add|remove|replace", text in any::<String>()) {
            let values = [json!(text), json!({ &text: 1 }), json!([text]), Value::Null];
            for value in values {
                let ops = json!([{ "op": op, "path": path, "value": value }]);
                let _ = patched(Resource::User, &user(), ops.clone());
                let _ = patched(Resource::Group, &group(&["a"]), ops);
                let _ = patched(Resource::User, &user(), json!([{ "op": op, "value": value }]));
            }
        }
    }
}

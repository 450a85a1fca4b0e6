//! Filters and paths (RFC 7644, 3.4.2.2 and 3.5.2): read, written back, and asked of a resource.

use std::cmp::Ordering;
use std::fmt;

use kernel::{Error, Msg, Result};
use serde_json::Value;

use super::schema::{Attribute, ENTERPRISE, GROUP, Kind, Resource, USER};

/// Longest filter or path, in bytes.
pub(crate) const LONGEST: usize = 8_000;
/// Deepest nesting of a filter.
const DEEPEST: usize = 40;

/// The name of an attribute: schema, attribute, sub-attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub schema: Option<String>,
    /// Empty: the extension as a whole.
    pub attribute: String,
    pub sub: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Eq,
    Ne,
    Contains,
    Starts,
    Ends,
    Greater,
    AtLeast,
    Less,
    AtMost,
}

const OPS: [(&str, Op); 9] = [
    ("eq", Op::Eq),
    ("ne", Op::Ne),
    ("co", Op::Contains),
    ("sw", Op::Starts),
    ("ew", Op::Ends),
    ("gt", Op::Greater),
    ("ge", Op::AtLeast),
    ("lt", Op::Less),
    ("le", Op::AtMost),
];

/// A filter (筛选条件).
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Present(Name),
    Compare(Name, Op, Value),
    /// Some value of a complex attribute fits.
    Within(Name, Box<Self>),
}

/// The target of a PATCH operation: `members[value eq "…"].type`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    pub name: Name,
    pub filter: Option<Filter>,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.schema, self.attribute.is_empty()) {
            (Some(schema), true) => return f.write_str(schema),
            (Some(schema), false) => write!(f, "{schema}:{}", self.attribute)?,
            (None, _) => f.write_str(&self.attribute)?,
        }
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(a, b) => write!(f, "({a}) and ({b})"),
            Self::Or(a, b) => write!(f, "({a}) or ({b})"),
            Self::Not(a) => write!(f, "not ({a})"),
            Self::Present(name) => write!(f, "{name} pr"),
            Self::Compare(name, op, value) => {
                let word = OPS.iter().find(|(_, o)| o == op).map_or("", |(w, _)| w);
                write!(f, "{name} {word} {value}")
            }
            Self::Within(name, inner) => write!(f, "{name}[{inner}]"),
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    key: &'static str,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, key: &'static str) -> Result<Self> {
        let reader = Self {
            text,
            at: 0,
            depth: 0,
            key,
        };
        if text.len() > LONGEST {
            let message = Msg::new("identity-scim-long").with("longest", LONGEST);
            return Err(Error::Conflict(message));
        }
        Ok(reader)
    }

    fn wrong(&self) -> Error {
        let place = self.text[..self.at].chars().count() + 1;
        Error::Conflict(Msg::new(self.key).with("place", place))
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(' ').len();
    }

    /// Takes a sign that must stand here.
    fn sign(&mut self, sign: char) -> Result<()> {
        if !self.rest().starts_with(sign) {
            return Err(self.wrong());
        }
        self.at += sign.len_utf8();
        Ok(())
    }

    /// The word that stands here, which is not taken.
    fn word(&self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c: char| " ()[]\"".contains(c));
        &rest[..end.unwrap_or(rest.len())]
    }

    fn keyword(&mut self, word: &str) -> bool {
        let found = self.word();
        let is = found.eq_ignore_ascii_case(word);
        if is {
            self.at += found.len();
        }
        is
    }

    fn either(&mut self) -> Result<Filter> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Error::Conflict(Msg::new("identity-scim-deep")));
        }
        let mut left = self.both()?;
        loop {
            self.blanks();
            if !self.keyword("or") {
                self.depth -= 1;
                return Ok(left);
            }
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
    }

    fn both(&mut self) -> Result<Filter> {
        let mut left = self.one()?;
        loop {
            self.blanks();
            if !self.keyword("and") {
                return Ok(left);
            }
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
    }

    fn one(&mut self) -> Result<Filter> {
        self.blanks();
        let start = self.at;
        if self.keyword("not") {
            self.blanks();
            if self.rest().starts_with('(') {
                return Ok(Filter::Not(Box::new(self.group()?)));
            }
            // An attribute may be called so.
            self.at = start;
        }
        if self.rest().starts_with('(') {
            return self.group();
        }
        let name = self.name()?;
        if self.rest().starts_with('[') {
            return Ok(Filter::Within(name, Box::new(self.within()?)));
        }
        self.blanks();
        if self.keyword("pr") {
            return Ok(Filter::Present(name));
        }
        let word = self.word();
        let op = OPS.iter().find(|(w, _)| w.eq_ignore_ascii_case(word));
        let (_, op) = *op.ok_or_else(|| self.wrong())?;
        self.at += word.len();
        self.blanks();
        let value = self.literal()?;
        let ordered =
            matches!(op, Op::Eq | Op::Ne) || !matches!(value, Value::Bool(_) | Value::Null);
        if !ordered {
            return Err(self.wrong());
        }
        Ok(Filter::Compare(name, op, value))
    }

    fn group(&mut self) -> Result<Filter> {
        self.sign('(')?;
        let inner = self.either()?;
        self.blanks();
        self.sign(')')?;
        Ok(inner)
    }

    fn within(&mut self) -> Result<Filter> {
        self.sign('[')?;
        let inner = self.either()?;
        self.blanks();
        self.sign(']')?;
        Ok(inner)
    }

    fn literal(&mut self) -> Result<Value> {
        let rest = self.rest();
        let text = if rest.starts_with('"') {
            let mut escaped = false;
            let end = rest.char_indices().skip(1).find(|(_, c)| {
                let ends = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            });
            let (end, _) = end.ok_or_else(|| self.wrong())?;
            &rest[..=end]
        } else {
            self.word()
        };
        let value: Value = serde_json::from_str(text).map_err(|_| self.wrong())?;
        if value.is_array() || value.is_object() {
            return Err(self.wrong());
        }
        self.at += text.len();
        Ok(value)
    }

    fn name(&mut self) -> Result<Name> {
        let word = self.word();
        let (schema, rest) = split_schema(word);
        let mut parts = rest.split('.');
        let attribute = parts.next().unwrap_or_default();
        let sub = parts.next();
        let named = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_$".contains(&b))
        };
        let whole = schema.is_some() && rest.is_empty();
        if parts.next().is_some()
            || !(whole || named(attribute))
            || sub.is_some_and(|sub| whole || !named(sub))
        {
            return Err(self.wrong());
        }
        self.at += word.len();
        Ok(Name {
            schema: schema.map(str::to_owned),
            attribute: attribute.to_owned(),
            sub: sub.map(str::to_owned),
        })
    }

    fn end(&mut self) -> Result<()> {
        self.blanks();
        if self.rest().is_empty() {
            return Ok(());
        }
        Err(self.wrong())
    }
}

/// The name of a schema before an attribute, and what follows. Of an unknown schema the last part is taken
/// for the attribute.
fn split_schema(word: &str) -> (Option<&str>, &str) {
    for schema in [ENTERPRISE, USER, GROUP] {
        if let Some(head) = word.get(..schema.len())
            && head.eq_ignore_ascii_case(schema)
        {
            match word[schema.len()..].strip_prefix(':') {
                Some(rest) if !rest.is_empty() => return (Some(schema), rest),
                None if word.len() == schema.len() => return (Some(schema), ""),
                _ => {}
            }
        }
    }
    match word.rsplit_once(':') {
        Some((schema, rest)) => (Some(schema), rest),
        None => (None, word),
    }
}

impl Filter {
    /// Reads a filter.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let mut reader = Reader::new(text, "identity-scim-filter")?;
        let filter = reader.either()?;
        reader.end()?;
        Ok(filter)
    }

    /// The value that one of the attributes must equal for any resource to fit: such a filter can be looked up.
    pub(crate) fn must_equal(&self, attribute: &str) -> Option<&str> {
        match self {
            Self::And(a, b) => a.must_equal(attribute).or_else(|| b.must_equal(attribute)),
            Self::Compare(name, Op::Eq, Value::String(value))
                if name.sub.is_none()
                    && name.schema.as_deref() != Some(ENTERPRISE)
                    && name.attribute.eq_ignore_ascii_case(attribute) =>
            {
                Some(value)
            }
            _ => None,
        }
    }

    /// Refuses attributes that resources of this type do not have.
    pub(crate) fn check(&self, resource: Resource) -> Result<()> {
        match self {
            Self::And(a, b) | Self::Or(a, b) => a.check(resource).and_then(|()| b.check(resource)),
            Self::Not(a) => a.check(resource),
            Self::Present(name) | Self::Compare(name, ..) | Self::Within(name, _) => {
                // `schemas` is no attribute of the table, and everybody's.
                if name.attribute.eq_ignore_ascii_case("schemas") {
                    return Ok(());
                }
                name.resolve(resource).map(|_| ())
            }
        }
    }

    /// Whether a resource fits.
    pub(crate) fn fits(&self, resource: Resource, body: &Value) -> bool {
        match self {
            Self::And(a, b) => a.fits(resource, body) && b.fits(resource, body),
            Self::Or(a, b) => a.fits(resource, body) || b.fits(resource, body),
            Self::Not(a) => !a.fits(resource, body),
            Self::Present(name) => !name.values(body).is_empty(),
            Self::Compare(name, op, value) => {
                let exact = name
                    .resolve(resource)
                    .is_ok_and(|(attribute, sub)| sub.map_or(attribute.exact, |sub| sub.exact));
                compares(&name.values(body), *op, value, exact)
            }
            Self::Within(name, inner) => {
                let attribute = name.resolve(resource).ok().map(|(attribute, _)| attribute);
                let found = name.values(body);
                found.iter().any(|value| inner.fits_value(attribute, value))
            }
        }
    }

    /// Whether one value of a complex attribute fits.
    pub(crate) fn fits_value(&self, of: Option<&'static Attribute>, value: &Value) -> bool {
        match self {
            Self::And(a, b) => a.fits_value(of, value) && b.fits_value(of, value),
            Self::Or(a, b) => a.fits_value(of, value) || b.fits_value(of, value),
            Self::Not(a) => !a.fits_value(of, value),
            Self::Present(name) => !name.values(value).is_empty(),
            Self::Compare(name, op, wanted) => {
                let sub = of.and_then(|of| of.sub(&name.attribute));
                let exact = sub.is_some_and(|sub| sub.exact);
                compares(&name.values(value), *op, wanted, exact)
            }
            Self::Within(..) => false,
        }
    }
}

impl Target {
    /// Reads the path of a PATCH operation.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let mut reader = Reader::new(text, "identity-scim-path")?;
        reader.blanks();
        let mut name = reader.name()?;
        let mut filter = None;
        if reader.rest().starts_with('[') {
            filter = Some(reader.within()?);
            if reader.rest().starts_with('.') && name.sub.is_none() {
                reader.sign('.')?;
                let sub = reader.name()?;
                if sub.schema.is_some() || sub.sub.is_some() {
                    return Err(reader.wrong());
                }
                name.sub = Some(sub.attribute);
            }
        }
        reader.end()?;
        Ok(Self { name, filter })
    }
}

impl Name {
    /// Whether it stands in the extension.
    pub(crate) fn extended(&self) -> bool {
        self.schema.as_deref() == Some(ENTERPRISE)
    }

    /// The attribute, and the sub-attribute, that are meant.
    pub(crate) fn resolve(
        &self,
        resource: Resource,
    ) -> Result<(&'static Attribute, Option<&'static Attribute>)> {
        let unknown = || {
            let message = Msg::new("identity-scim-unknown").with("attribute", self);
            Error::Conflict(message)
        };
        let schema = self.schema.as_deref();
        if schema.is_some_and(|s| s != resource.schema() && s != ENTERPRISE) {
            return Err(unknown());
        }
        let attribute = resource.attribute(self.extended(), &self.attribute);
        let attribute = attribute.ok_or_else(unknown)?;
        let sub = match &self.sub {
            None if attribute.kind == Kind::Complex => attribute.sub("value"),
            None => None,
            Some(sub) => Some(attribute.sub(sub).ok_or_else(unknown)?),
        };
        Ok((attribute, sub))
    }

    /// The values that stand under this name: those of a complex attribute without a sub-attribute whole.
    fn values<'v>(&self, body: &'v Value) -> Vec<&'v Value> {
        let body = if self.extended() {
            &body[ENTERPRISE]
        } else {
            body
        };
        let here = get(body, &self.attribute);
        let mut found: Vec<&Value> = match here {
            Some(Value::Array(values)) => values.iter().collect(),
            Some(value) => vec![value],
            None => Vec::new(),
        };
        if let Some(sub) = &self.sub {
            found = found.into_iter().filter_map(|v| get(v, sub)).collect();
        }
        let empty = |v: &Value| v.is_null() || v.as_str().is_some_and(str::is_empty);
        found.retain(|v| !empty(v));
        found
    }

    /// The value that resources are sorted by.
    pub(crate) fn sort_key(&self, body: &Value) -> String {
        let found = self.values(body);
        let first = found
            .iter()
            .find(|v| v["primary"] == true)
            .or(found.first());
        match first {
            Some(Value::String(text)) => text.to_lowercase(),
            Some(Value::Object(parts)) => {
                let value = parts.get("value").and_then(Value::as_str);
                value.unwrap_or_default().to_lowercase()
            }
            Some(other) => other.to_string(),
            // Those without a value stand last.
            None => char::MAX.to_string(),
        }
    }
}

/// A part of an object, whatever its spelling.
fn get<'v>(body: &'v Value, name: &str) -> Option<&'v Value> {
    let parts = body.as_object()?;
    parts.get(name).or_else(|| {
        let found = parts.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    })
}

fn compares(found: &[&Value], op: Op, wanted: &Value, exact: bool) -> bool {
    if op == Op::Ne {
        return !compares(found, Op::Eq, wanted, exact);
    }
    if wanted.is_null() {
        return found.is_empty();
    }
    found.iter().any(|value| {
        // A complex value is compared by its `value`.
        let value = value.get("value").unwrap_or(value);
        one_compares(value, op, wanted, exact)
    })
}

fn one_compares(value: &Value, op: Op, wanted: &Value, exact: bool) -> bool {
    let order = match (value, wanted) {
        (Value::String(value), Value::String(wanted)) => {
            let fold = |text: &str| {
                if exact {
                    text.to_owned()
                } else {
                    text.to_lowercase()
                }
            };
            let (value, wanted) = (fold(value), fold(wanted));
            match op {
                Op::Contains => return value.contains(&wanted),
                Op::Starts => return value.starts_with(&wanted),
                Op::Ends => return value.ends_with(&wanted),
                _ => {}
            }
            let instant = |text: &str| text.to_uppercase().parse::<jiff::Timestamp>().ok();
            match (instant(&value), instant(&wanted)) {
                (Some(value), Some(wanted)) => value.cmp(&wanted),
                _ => value.cmp(&wanted),
            }
        }
        (Value::Bool(value), Value::Bool(wanted)) => value.cmp(wanted),
        (Value::Number(value), Value::Number(wanted)) => {
            let (value, wanted) = (value.as_f64(), wanted.as_f64());
            match value.partial_cmp(&wanted) {
                Some(order) => order,
                None => return false,
            }
        }
        _ => return false,
    };
    match op {
        Op::Eq => order == Ordering::Equal,
        Op::Greater => order == Ordering::Greater,
        Op::AtLeast => order != Ordering::Less,
        Op::Less => order == Ordering::Less,
        Op::AtMost => order != Ordering::Greater,
        Op::Ne | Op::Contains | Op::Starts | Op::Ends => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn name() -> impl Strategy<Value = Name> {
        let schema = prop_oneof![
            Just(None),
            Just(Some(USER.to_owned())),
            Just(Some(ENTERPRISE.to_owned())),
        ];
        let sub = proptest::option::of("[a-zA-Z$][a-zA-Z0-9_-]{0,6}");
        (schema, "[a-zA-Z][a-zA-Z0-9_-]{0,8}", sub).prop_map(|(schema, attribute, sub)| Name {
            schema,
            attribute,
            sub,
        })
    }

    fn filter() -> impl Strategy<Value = Filter> {
        let literal = prop_oneof![
            any::<String>().prop_map(|t| json!(t)),
            any::<i32>().prop_map(|n| json!(n)),
        ];
        let op = (0..OPS.len()).prop_map(|n| OPS[n].1);
        let leaf = prop_oneof![
            name().prop_map(Filter::Present),
            (name(), op, literal).prop_map(|(n, o, v)| Filter::Compare(n, o, v)),
            (name(), any::<bool>()).prop_map(|(n, b)| Filter::Compare(n, Op::Eq, json!(b))),
        ];
        leaf.prop_recursive(5, 30, 2, |inner| {
            let two = || (inner.clone(), inner.clone());
            prop_oneof![
                two().prop_map(|(a, b)| Filter::And(a.into(), b.into())),
                two().prop_map(|(a, b)| Filter::Or(a.into(), b.into())),
                inner.clone().prop_map(|a| Filter::Not(a.into())),
                (name(), inner).prop_map(|(n, a)| Filter::Within(n, a.into())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(filter in filter()) {
            let text = filter.to_string();
            prop_assume!(text.len() <= LONGEST);
            prop_assert_eq!(Filter::read(&text).expect("a filter"), filter);
        }

        #[test]
        fn nothing_makes_the_reader_panic(text in any::<String>(), body in "[a-z\"\\[\\]() .:0-9é]{0,60}") {
            for text in [text, body] {
                let _ = Target::read(&text);
                if let Ok(filter) = Filter::read(&text) {
                    let again = Filter::read(&filter.to_string()).expect("read back");
                    prop_assert_eq!(again, filter);
                }
            }
        }

        #[test]
        fn logic_is_that_of_booleans(a in filter(), b in filter()) {
            let body = json!({ "userName": "linxl", "active": true, "a": "1",
                ENTERPRISE: { "employeeNumber": "LZ01" } });
            let fits = |f: &Filter| f.fits(Resource::User, &body);
            let (x, y) = (fits(&a), fits(&b));
            prop_assert_eq!(fits(&Filter::And(a.clone().into(), b.clone().into())), x && y);
            prop_assert_eq!(fits(&Filter::Or(a.clone().into(), b.into())), x || y);
            prop_assert_eq!(fits(&Filter::Not(a.into())), !x);
        }
    }

    #[test]
    fn filters_of_the_standard_mean_what_it_says() {
        let body = json!({
            "userName": "bjensen", "title": "科员", "active": true,
            "meta": { "lastModified": "2026-11-20T04:00:00Z" },
            "groups": [{ "value": "a1", "display": "One" }, { "value": "b2", "display": "Two" }],
            ENTERPRISE: { "employeeNumber": "701984" },
        });
        let fits = |text: &str| {
            let filter = Filter::read(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            filter
                .check(Resource::User)
                .unwrap_or_else(|e| panic!("{text}: {e}"));
            filter.fits(Resource::User, &body)
        };
        for yes in [
            "userName eq \"BJensen\"",
            "USERNAME Eq \"bjensen\"",
            "urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"bj\"",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq \"701984\"",
            "title pr and (userName ew \"sen\" or active eq false)",
            "not (title co \"长\")",
            "userName eq \"x\" or userName ne \"y\" and active eq true",
            "meta.lastModified gt \"2026-11-20T11:00:00+08:00\"",
            "meta.lastModified le \"2026-11-20T12:00:00+08:00\"",
            "groups[value eq \"b2\" and display sw \"tw\"]",
            "groups eq \"a1\"",
            "groups.display co \"O\"",
            "displayName eq null",
        ] {
            assert!(fits(yes), "{yes}");
        }
        for no in [
            "groups[value eq \"a1\" and display sw \"tw\"]",
            "groups.value eq \"A1\"",
            "active ne true",
            "displayName pr",
        ] {
            assert!(!fits(no), "{no}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_with_its_place() {
        let deep = format!("{}a pr{}", "(".repeat(100), ")".repeat(100));
        let long = format!("userName eq \"{}\"", "a".repeat(10_000));
        for bad in [
            "",
            "userName",
            "userName eq",
            "userName eq x",
            "userName eq \"x",
            "eq \"x\"",
            "userName eq \"x\" and",
            "(userName pr",
            "userName pr)",
            "a[b pr",
            "a[]",
            "a..b pr",
            "userName zz \"x\"",
            "active gt true",
            "userName eq [1]",
            "a.b.c pr",
            "1a pr",
            &deep,
            &long,
        ] {
            assert!(
                matches!(Filter::read(bad), Err(Error::Conflict(_))),
                "{bad}"
            );
        }
        let Err(Error::Conflict(message)) = Filter::read("用户 eq 1") else {
            panic!("refused");
        };
        assert_eq!(message.args, [("place", "1".to_owned())]);
        let unknown = Filter::read("nonsense eq 1").unwrap();
        assert!(unknown.check(Resource::User).is_err());
        let filter = Filter::read("active eq true and userName eq \"a\"").unwrap();
        assert_eq!(filter.must_equal("userName"), Some("a"));
        let either = Filter::read("active eq true or userName eq \"a\"").unwrap();
        assert_eq!(either.must_equal("userName"), None);
    }
}

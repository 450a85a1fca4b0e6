//! What resources look like (RFC 7643): one table, from which come the published schemas, the reading of
//! what clients send, the resolution of paths and the choice of what is returned.

use kernel::{Error, Msg, Result};
use serde_json::{Map, Value, json};

/// A resource without the parts that every answer adds (`schemas`, `id`, `meta`).
pub(crate) type Document = Map<String, Value>;

/// Schema of users.
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Schema of groups.
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// Extension of users: staff number and unit.
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Longest text of an attribute, in characters.
const LONGEST: usize = 500;
/// Most values of an attribute.
pub(crate) const MOST_VALUES: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Switch,
    Complex,
    Reference,
    Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    Free,
    Never,
    /// Set with its value, never changed.
    Once,
}

/// An attribute (属性).
#[derive(Debug)]
pub(crate) struct Attribute {
    pub name: &'static str,
    pub kind: Kind,
    pub multi: bool,
    pub required: bool,
    pub exact: bool,
    pub writing: Writing,
    pub about: &'static str,
    pub subs: &'static [Attribute],
}

const fn text(name: &'static str, about: &'static str) -> Attribute {
    Attribute {
        name,
        kind: Kind::Text,
        multi: false,
        required: false,
        exact: false,
        writing: Writing::Free,
        about,
        subs: &[],
    }
}

const fn fixed(name: &'static str, kind: Kind, writing: Writing, about: &'static str) -> Attribute {
    Attribute {
        kind,
        exact: true,
        writing,
        ..text(name, about)
    }
}

const COMMON: &[Attribute] = &[
    fixed("id", Kind::Text, Writing::Never, "Identifier"),
    Attribute {
        exact: true,
        ..text("externalId", "Identifier in the directory")
    },
    Attribute {
        kind: Kind::Complex,
        writing: Writing::Never,
        subs: &[
            fixed("resourceType", Kind::Text, Writing::Never, "Type"),
            fixed("created", Kind::Instant, Writing::Never, "When made"),
            fixed(
                "lastModified",
                Kind::Instant,
                Writing::Never,
                "When changed",
            ),
            fixed("location", Kind::Reference, Writing::Never, "Address"),
            fixed("version", Kind::Text, Writing::Never, "Version"),
        ],
        ..text("meta", "About the resource")
    },
];

const USER_ATTRIBUTES: &[Attribute] = &[
    Attribute {
        required: true,
        ..text("userName", "Login name")
    },
    Attribute {
        kind: Kind::Complex,
        subs: &[
            text("formatted", "Whole name"),
            text("familyName", "Family name"),
            text("givenName", "Given name"),
        ],
        ..text("name", "Name of the person, unless displayName says it")
    },
    text("displayName", "Name of the person"),
    text("title", "Post of the person"),
    Attribute {
        kind: Kind::Switch,
        ..text("active", "Whether the account may sign in")
    },
    Attribute {
        kind: Kind::Complex,
        multi: true,
        writing: Writing::Never,
        subs: &[
            fixed(
                "value",
                Kind::Text,
                Writing::Never,
                "Identifier of the group",
            ),
            fixed(
                "$ref",
                Kind::Reference,
                Writing::Never,
                "Address of the group",
            ),
            Attribute {
                writing: Writing::Never,
                ..text("display", "Name of the group")
            },
        ],
        ..text("groups", "Groups the user is in")
    },
];

const ENTERPRISE_ATTRIBUTES: &[Attribute] = &[
    text("employeeNumber", "Staff number of the person"),
    text(
        "organization",
        "Code of the unit, where no department is given",
    ),
    text("department", "Code of the unit the person belongs to"),
];

const GROUP_ATTRIBUTES: &[Attribute] = &[
    Attribute {
        required: true,
        ..text("displayName", "Name of the group")
    },
    Attribute {
        kind: Kind::Complex,
        multi: true,
        subs: &[
            fixed("value", Kind::Text, Writing::Once, "Identifier of the user"),
            fixed(
                "$ref",
                Kind::Reference,
                Writing::Once,
                "Address of the user",
            ),
            fixed("type", Kind::Text, Writing::Once, "Always User"),
        ],
        ..text("members", "Users in the group")
    },
];

/// A type of resource (资源类型).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    User,
    Group,
}

impl Resource {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
        }
    }

    pub(crate) fn schema(self) -> &'static str {
        match self {
            Self::User => USER,
            Self::Group => GROUP,
        }
    }

    fn core(self) -> &'static [Attribute] {
        match self {
            Self::User => USER_ATTRIBUTES,
            Self::Group => GROUP_ATTRIBUTES,
        }
    }

    fn extension(self) -> &'static [Attribute] {
        match self {
            Self::User => ENTERPRISE_ATTRIBUTES,
            Self::Group => &[],
        }
    }

    /// The attribute with this name, of the extension or of the core schema.
    pub(crate) fn attribute(self, extended: bool, name: &str) -> Option<&'static Attribute> {
        let of = if extended {
            self.extension()
        } else {
            self.core()
        };
        let common: &[Attribute] = if extended { &[] } else { COMMON };
        of.iter()
            .chain(common)
            .find(|a| a.name.eq_ignore_ascii_case(name))
    }
}

impl Attribute {
    pub(crate) fn sub(&self, name: &str) -> Option<&'static Attribute> {
        self.subs.iter().find(|s| s.name.eq_ignore_ascii_case(name))
    }

    fn published(&self, units: &[String]) -> Value {
        let kind = match self.kind {
            Kind::Text => "string",
            Kind::Switch => "boolean",
            Kind::Complex => "complex",
            Kind::Reference => "reference",
            Kind::Instant => "dateTime",
        };
        let mut published = json!({
            "name": self.name,
            "type": kind,
            "multiValued": self.multi,
            "description": self.about,
            "required": self.required,
            "mutability": match self.writing {
                Writing::Free => "readWrite",
                Writing::Never => "readOnly",
                Writing::Once => "immutable",
            },
            "returned": "default",
        });
        if self.kind != Kind::Complex {
            published["caseExact"] = json!(self.exact);
            let unique = if self.name == "userName" {
                "server"
            } else {
                "none"
            };
            published["uniqueness"] = json!(unique);
        } else {
            let subs = self.subs.iter().map(|s| s.published(units));
            published["subAttributes"] = subs.collect();
        }
        if self.kind == Kind::Reference {
            let to = if self.about.contains("group") {
                "Group"
            } else {
                "User"
            };
            published["referenceTypes"] = json!([to]);
        }
        match self.name {
            "type" => published["canonicalValues"] = json!(["User"]),
            // A directory can only name units that there are.
            "department" | "organization" if !units.is_empty() => {
                published["canonicalValues"] = json!(units);
            }
            _ => {}
        }
        published
    }
}

/// The published schemas; `units` are the codes that `department` may have.
pub(crate) fn schemas(units: &[String]) -> Vec<Value> {
    let own = |id: &str, name: &str, about: &str, attributes: &[Attribute]| {
        let attributes: Vec<Value> = attributes.iter().map(|a| a.published(units)).collect();
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": id, "name": name, "description": about, "attributes": attributes,
        })
    };
    // What describes the description stands in the standard; its attributes are all read-only.
    let described = |name: &str, attributes: &'static [Attribute]| {
        let id = format!("urn:ietf:params:scim:schemas:core:2.0:{name}");
        own(&id, name, name, attributes)
    };
    vec![
        own(USER, "User", "Account of a person", USER_ATTRIBUTES),
        own(
            ENTERPRISE,
            "EnterpriseUser",
            "Staff number and unit",
            ENTERPRISE_ATTRIBUTES,
        ),
        own(
            GROUP,
            "Group",
            "Group of accounts; it gives no permissions",
            GROUP_ATTRIBUTES,
        ),
        described("ServiceProviderConfig", CONFIG_ATTRIBUTES),
        described("ResourceType", TYPE_ATTRIBUTES),
        described("Schema", SCHEMA_ATTRIBUTES),
    ]
}

const fn known(name: &'static str, kind: Kind) -> Attribute {
    fixed(name, kind, Writing::Never, name)
}

const fn composed(name: &'static str, multi: bool, subs: &'static [Attribute]) -> Attribute {
    Attribute {
        kind: Kind::Complex,
        multi,
        writing: Writing::Never,
        subs,
        ..text(name, name)
    }
}

const SUPPORTED: &[Attribute] = &[known("supported", Kind::Switch)];

const CONFIG_ATTRIBUTES: &[Attribute] = &[
    composed("patch", false, SUPPORTED),
    composed("bulk", false, SUPPORTED),
    composed("filter", false, SUPPORTED),
    composed("changePassword", false, SUPPORTED),
    composed("sort", false, SUPPORTED),
    composed("etag", false, SUPPORTED),
    composed(
        "authenticationSchemes",
        true,
        &[
            known("type", Kind::Text),
            known("name", Kind::Text),
            known("description", Kind::Text),
        ],
    ),
];

const TYPE_ATTRIBUTES: &[Attribute] = &[
    known("name", Kind::Text),
    known("description", Kind::Text),
    known("endpoint", Kind::Text),
    known("schema", Kind::Text),
    composed(
        "schemaExtensions",
        true,
        &[known("schema", Kind::Text), known("required", Kind::Switch)],
    ),
];

const SCHEMA_ATTRIBUTES: &[Attribute] = &[
    known("name", Kind::Text),
    known("description", Kind::Text),
    composed(
        "attributes",
        true,
        &[
            known("name", Kind::Text),
            known("type", Kind::Text),
            known("multiValued", Kind::Switch),
            known("description", Kind::Text),
            known("required", Kind::Switch),
            known("caseExact", Kind::Switch),
            known("mutability", Kind::Text),
            known("returned", Kind::Text),
            known("uniqueness", Kind::Text),
        ],
    ),
];

/// The published types of resources.
pub(crate) fn resource_types() -> Vec<Value> {
    let of = |resource: Resource, extensions: Value| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": resource.name(), "name": resource.name(), "endpoint": resource.endpoint(),
            "description": resource.name(), "schema": resource.schema(),
            "schemaExtensions": extensions,
        })
    };
    vec![
        of(
            Resource::User,
            json!([{ "schema": ENTERPRISE, "required": false }]),
        ),
        of(Resource::Group, json!([])),
    ]
}

/// What this server can do.
pub(crate) fn provider() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": super::MOST_RESULTS },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "API client",
            "description": "Token of an API client that holds identity.scim", "primary": true,
        }],
    })
}

fn wrong(attribute: &str) -> Error {
    let message = Msg::new("identity-scim-value").with("attribute", attribute);
    Error::field(attribute, message)
}

/// Reads one value of an attribute; `None`: nothing is assigned.
fn value(attribute: &Attribute, given: &Value) -> Result<Option<Value>> {
    Ok(match (attribute.kind, given) {
        (_, Value::Null) => None,
        (Kind::Complex, Value::Object(parts)) => {
            let mut read = Document::new();
            for (name, part) in parts {
                let Some(sub) = attribute.sub(name) else {
                    continue;
                };
                if sub.writing != Writing::Never
                    && let Some(part) = value(sub, part)?
                {
                    read.insert(sub.name.to_owned(), part);
                }
            }
            (!read.is_empty()).then_some(Value::Object(read))
        }
        (Kind::Switch, Value::Bool(_)) => Some(given.clone()),
        // Some directories write their switches as words.
        (Kind::Switch, Value::String(word)) if word.eq_ignore_ascii_case("true") => {
            Some(Value::Bool(true))
        }
        (Kind::Switch, Value::String(word)) if word.eq_ignore_ascii_case("false") => {
            Some(Value::Bool(false))
        }
        (Kind::Text | Kind::Reference | Kind::Instant, Value::String(text)) => {
            let text = text.trim();
            if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
                return Err(wrong(attribute.name));
            }
            (!text.is_empty()).then(|| json!(text))
        }
        _ => return Err(wrong(attribute.name)),
    })
}

fn attribute_into(into: &mut Document, attribute: &Attribute, given: &Value) -> Result<()> {
    if attribute.writing == Writing::Never {
        return Ok(());
    }
    let read = match (attribute.multi, given) {
        (false, given) => value(attribute, given)?,
        (true, Value::Null) => None,
        (true, Value::Array(values)) if values.len() <= MOST_VALUES => {
            let mut read: Vec<Value> = Vec::with_capacity(values.len());
            for given in values {
                read.extend(value(attribute, given)?);
            }
            (!read.is_empty()).then_some(Value::Array(read))
        }
        _ => return Err(wrong(attribute.name)),
    };
    if let Some(read) = read
        && into.insert(attribute.name.to_owned(), read).is_some()
    {
        // The same attribute in two spellings: which of them counts nobody can say.
        return Err(wrong(attribute.name));
    }
    Ok(())
}

/// Reads a resource that a client sent: known attributes in their own spelling, read-only and unknown ones
/// left out.
pub(crate) fn read(resource: Resource, given: &Value) -> Result<Document> {
    let Value::Object(given) = given else {
        return Err(Error::Conflict(Msg::new("identity-scim-syntax")));
    };
    let mut document = Document::new();
    for (name, given) in given {
        if resource == Resource::User && name.eq_ignore_ascii_case(ENTERPRISE) {
            let parts = match given {
                Value::Object(parts) => parts,
                Value::Null => continue,
                _ => return Err(wrong(ENTERPRISE)),
            };
            let mut read = Document::new();
            for (name, given) in parts {
                if let Some(attribute) = resource.attribute(true, name) {
                    attribute_into(&mut read, attribute, given)?;
                }
            }
            if !read.is_empty()
                && document
                    .insert(ENTERPRISE.to_owned(), json!(read))
                    .is_some()
            {
                return Err(wrong(ENTERPRISE));
            }
        } else if let Some(attribute) = resource.attribute(false, name) {
            attribute_into(&mut document, attribute, given)?;
        }
    }
    for attribute in resource.core().iter().filter(|a| a.required) {
        if !document.contains_key(attribute.name) {
            let message = Msg::new("identity-scim-required").with("attribute", attribute.name);
            return Err(Error::field(attribute.name, message));
        }
    }
    Ok(document)
}

/// Attributes that are always returned.
const ALWAYS: [&str; 2] = ["schemas", "id"];

/// What a client asks to be returned, or left out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choice {
    /// Nothing but these, where there are some.
    pub only: Vec<String>,
    /// All but these.
    pub without: Vec<String>,
}

impl Choice {
    /// Cuts a whole resource down to what is wanted.
    pub(crate) fn cut(&self, body: &mut Document) {
        if !self.only.is_empty() {
            body.retain(|name, value| {
                if ALWAYS.contains(&name.as_str()) || keeps(&self.only, name) {
                    return true;
                }
                if name == ENTERPRISE {
                    let Value::Object(parts) = value else {
                        return false;
                    };
                    parts.retain(|part, _| {
                        let path = format!("{ENTERPRISE}:{part}");
                        self.only.iter().any(|o| o.eq_ignore_ascii_case(&path))
                    });
                    return !parts.is_empty();
                }
                narrow(value, |sub| keeps(&self.only, &format!("{name}.{sub}")))
            });
        }
        for path in &self.without {
            let whole = strip(path);
            if ALWAYS.contains(&whole) {
                continue;
            }
            body.retain(|name, value| {
                if name.eq_ignore_ascii_case(whole) {
                    return false;
                }
                let inside = |sub: &str| {
                    let path_of = if name == ENTERPRISE {
                        format!("{name}:{sub}")
                    } else {
                        format!("{name}.{sub}")
                    };
                    path_of.eq_ignore_ascii_case(whole)
                };
                match value {
                    Value::Object(_) | Value::Array(_) => narrow(value, |sub| !inside(sub)),
                    _ => true,
                }
            });
        }
    }
}

fn keeps(list: &[String], path: &str) -> bool {
    list.iter().any(|o| strip(o).eq_ignore_ascii_case(path))
}

/// Keeps some sub-attributes of a complex value; gives whether anything is left.
fn narrow(value: &mut Value, keep: impl Fn(&str) -> bool) -> bool {
    match value {
        Value::Object(parts) => {
            parts.retain(|name, _| keep(name));
            !parts.is_empty()
        }
        Value::Array(values) => {
            for parts in values.iter_mut().filter_map(Value::as_object_mut) {
                parts.retain(|name, _| keep(name));
            }
            values.retain(|v| v.as_object().is_none_or(|parts| !parts.is_empty()));
            !values.is_empty()
        }
        _ => false,
    }
}

/// A path without the name of a core schema before it.
fn strip(path: &str) -> &str {
    for schema in [USER, GROUP] {
        let head = path.get(..schema.len());
        if head.is_some_and(|head| head.eq_ignore_ascii_case(schema)) {
            return path[schema.len()..].strip_prefix(':').unwrap_or(path);
        }
    }
    path
}

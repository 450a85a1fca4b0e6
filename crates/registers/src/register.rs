//! Registers (台账登记册), brought by packs: what is counted though nobody attends it, and what an entry says.

use commons::packs::levels::Levels;
use commons::packs::{Name, PackProblem, Packs, none_or};
use kernel::Msg;
use serde::Deserialize;
use toml::Spanned;

/// A register.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Register {
    /// Code, the category of its facts and its place in addresses.
    pub code: String,
    /// Name.
    pub name: Name,
    /// What one entry is counted in (份, 项, 件 …).
    pub unit: Name,
    /// Under which heading the page of all registers shows it.
    pub group: Name,
    /// Where the figures come from, or what to enter, in a sentence for whoever enters it.
    #[serde(default)]
    pub note: Option<Name>,
    /// Categories of the units that use it; empty: all.
    #[serde(default)]
    pub categories: Vec<String>,
    /// What an entry says beside title, unit and date.
    #[serde(default)]
    pub fields: Vec<Field>,
    /// The field whose value is the role of the fact.
    #[serde(default)]
    pub class: Option<String>,
    /// The field whose value is the quantity of the fact.
    #[serde(default)]
    pub number: Option<String>,
    /// Further fields that are counted, a fact each.
    #[serde(default)]
    pub numbers: Vec<String>,
    /// The people whom an entry names.
    #[serde(default)]
    pub people: Option<People>,
    /// Whether somebody else accepts an entry before it counts.
    #[serde(default)]
    pub review: bool,
    /// Whether what is entered is closed later (办结).
    #[serde(default)]
    pub closes: bool,
    /// How often an entry is looked over again (定期复核).
    #[serde(default)]
    pub review_every: Option<Every>,
    /// Whether an entry needs evidence.
    #[serde(default)]
    pub evidence: Evidence,
    /// Entered more than so many days later it is marked as a late entry (补录); none: never.
    #[serde(default)]
    pub late_after_days: Option<i64>,
    /// Level of secrecy of an entry of which nothing else is said; none: the usual one.
    #[serde(default)]
    pub level: Option<String>,
}

/// A span of years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Every {
    /// How many.
    pub years: i16,
}

/// Whether an entry needs evidence (佐证).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// At least one file.
    Required,
    /// As one likes.
    #[default]
    Optional,
}

/// Something that an entry says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Field {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// What is typed in.
    pub kind: Kind,
    /// Whether it must be said.
    #[serde(default)]
    pub required: bool,
    /// What can be chosen.
    #[serde(default)]
    pub values: Vec<Choice>,
    /// Decimals of a number.
    #[serde(default)]
    pub decimals: u8,
    /// The greatest number.
    #[serde(default)]
    pub most: Option<i64>,
    /// The least number; none: nothing below zero.
    #[serde(default)]
    pub least: Option<i64>,
    /// What its column is called in sheets, beside its name.
    #[serde(default)]
    pub columns: Vec<String>,
}

/// What is typed into a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A line.
    Text,
    /// Some paragraphs.
    Long,
    /// A number.
    Number,
    /// A day.
    Date,
    /// One of a list.
    Choice,
    /// A unit.
    Unit,
}

/// A value of a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
}

/// The people whom an entry names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// What they are called.
    pub name: Name,
    /// Whether there must be one.
    #[serde(default)]
    pub required: bool,
    /// How many there can be. With 1 the entry is about this person, and its fact names them.
    #[serde(default)]
    pub most: Option<usize>,
    /// Their parts.
    #[serde(default)]
    pub roles: Vec<Choice>,
}

impl Field {
    /// The value with a code.
    pub fn choice(&self, code: &str) -> Option<&Choice> {
        self.values.iter().find(|v| v.code == code)
    }
}

impl Register {
    /// The field with a code.
    pub fn field(&self, code: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.code == code)
    }

    /// The field whose value is the role of the fact.
    pub fn class_field(&self) -> Option<&Field> {
        self.class.as_deref().and_then(|code| self.field(code))
    }

    /// The field whose value is the quantity of the fact.
    pub fn number_field(&self) -> Option<&Field> {
        self.number.as_deref().and_then(|code| self.field(code))
    }

    /// Whether units of a category use it.
    pub fn is_for(&self, category: &str) -> bool {
        self.categories.is_empty() || self.categories.iter().any(|c| c == category)
    }

    /// The name of a part of the people.
    pub fn role_name<'n>(&'n self, code: &'n str, lang: &str) -> &'n str {
        let roles = self.people.iter().flat_map(|p| &p.roles);
        let role = roles.into_iter().find(|r| r.code == code);
        role.map_or(code, |r| r.name.get(lang))
    }

    /// What keeps it from being used: message keys.
    fn faults(&self, levels: &Levels) -> Vec<Msg> {
        let mut faults = Vec::new();
        let mut fault = |key: &'static str, what: &str| {
            faults.push(Msg::new(key).with("code", &self.code).with("what", what));
        };
        // Pages stand under these names.
        if !commons::packs::is_kebab(&self.code)
            || ["review", "unit-options"].contains(&&*self.code)
        {
            fault("register-code", &self.code);
        }
        let mut seen: Vec<&str> = Vec::new();
        for field in &self.fields {
            let code = field.code.as_str();
            if !commons::packs::is_kebab(code) || seen.contains(&code) {
                fault("register-field-code", code);
            }
            seen.push(code);
            let is_choice = field.kind == Kind::Choice;
            let codes = |(at, v): (usize, &Choice)| {
                commons::packs::is_kebab(&v.code)
                    && field.values[..at].iter().all(|o| o.code != v.code)
            };
            if is_choice == field.values.is_empty() || !field.values.iter().enumerate().all(codes) {
                fault("register-field-values", code);
            }
            let bounded = field.most.is_some() || field.least.is_some() || field.decimals > 0;
            let backwards = field.most.unwrap_or(i64::MAX) < field.least.unwrap_or(0);
            if (bounded && field.kind != Kind::Number) || field.decimals > 3 || backwards {
                fault("register-field-number", code);
            }
        }
        if let Some(class) = &self.class
            && self.class_field().is_none_or(|f| f.kind != Kind::Choice)
        {
            fault("register-class", class);
        }
        for number in self.number.iter().chain(&self.numbers) {
            let known = self.field(number).is_some_and(|f| f.kind == Kind::Number);
            let named = self.number.iter().chain(&self.numbers);
            if !known || named.filter(|n| *n == number).count() > 1 {
                fault("register-number-field", number);
            }
        }
        if let Some(people) = &self.people {
            let mut codes = people.roles.iter().map(|r| r.code.as_str());
            let twice = (0..people.roles.len()).any(|at| {
                people.roles[..at]
                    .iter()
                    .any(|r| r.code == people.roles[at].code)
            });
            if twice || people.most == Some(0) || !codes.all(commons::packs::is_kebab) {
                fault("register-people", &self.code);
            }
        }
        if self
            .review_every
            .is_some_and(|e| !(1..=50).contains(&e.years))
            || self.late_after_days.is_some_and(|d| d < 0)
        {
            fault("register-spans", &self.code);
        }
        if let Some(level) = self.level.as_ref().filter(|l| levels.get(l).is_none()) {
            fault("register-level", level);
        }
        faults
    }
}

#[derive(Deserialize)]
struct Section {
    #[serde(default)]
    register: Vec<Spanned<Register>>,
}

/// All registers of all packs.
#[derive(Debug, Clone, Default)]
pub struct Registers(Vec<Register>);

impl Registers {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let mut list: Vec<Register> = Vec::new();
        let mut problems = Vec::new();
        // Mistakes in the levels are named by whoever reads them.
        let levels = Levels::read(packs).unwrap_or_default();
        for (pack, section) in packs.read::<Section>()? {
            for spanned in section.register {
                let span = spanned.span();
                let register = spanned.into_inner();
                let mut faults = register.faults(&levels);
                if list.iter().any(|r| r.code == register.code) {
                    faults.push(Msg::new("register-twice").with("code", &register.code));
                }
                let at = |fault| pack.problem_at(span.clone(), fault);
                problems.extend(faults.into_iter().map(at));
                list.push(register);
            }
        }
        none_or(problems, Self(list))
    }

    /// A register by its code.
    pub fn get(&self, code: &str) -> Option<&Register> {
        self.0.iter().find(|r| r.code == code)
    }

    /// All of them, in the order of the packs.
    pub fn iter(&self) -> std::slice::Iter<'_, Register> {
        self.0.iter()
    }
}

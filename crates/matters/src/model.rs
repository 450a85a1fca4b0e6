//! What the crate speaks of, and the rules that need no database.

use std::collections::BTreeMap;

use commons::deadlines::Step;
use commons::packs::levels::Levels;
use desk::Attached;
use kernel::{
    AccountId, Calendar, Date, Error, FieldError, Id, Msg, PersonId, Result, Scope, Timestamp,
    UnitId,
};
use serde::{Deserialize, Serialize};
use web::Access;

use crate::kind::{FieldKind, MatterKind};
use crate::{ANSWER, READ, SEALED, WRITE};

/// Longest title.
pub(crate) const TITLE: usize = 120;
/// Longest text.
pub(crate) const LONGEST: usize = 20_000;
/// Longest reason, and longest line of a field.
pub(crate) const SHORT: usize = 500;
/// Most files of one text.
pub(crate) const FILES: usize = 20;

/// Where a matter stands (状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Written (起草).
    Draft,
    /// On its route (审批中).
    Asked,
    /// On its way to who receives it (待签收).
    Sent,
    /// Received, waits for its answer (待批复).
    Received,
    /// Answered or taken note of (已办结).
    Done,
    /// Withdrawn (已撤回).
    Withdrawn,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Draft,
        Self::Asked,
        Self::Sent,
        Self::Received,
        Self::Done,
        Self::Withdrawn,
    ];

    /// Its word in tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Asked => "asked",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Done => "done",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// What was answered (批复意见).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Agreed to (同意).
    Agreed,
    /// In part (部分同意).
    Partly,
    /// Not (不同意).
    Refused,
    /// What was told is known (已阅知).
    Noted,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Agreed, Self::Partly, Self::Refused, Self::Noted];

    /// Its word in tables, and the role of the fact.
    pub fn code(self) -> &'static str {
        match self {
            Self::Agreed => "agreed",
            Self::Partly => "partly",
            Self::Refused => "refused",
            Self::Noted => "noted",
        }
    }

    /// The outcome with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.code() == code)
    }
}

/// What a matter says (内容).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Title.
    pub title: String,
    /// Text.
    pub text: String,
    /// Code of its level of secrecy; empty: that of the kind.
    pub level: String,
    /// Fields of the kind; people are ids.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}

/// A text with files: an answer, or a report afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Text.
    pub text: String,
    /// Number of the document with which it was said, where there is one.
    #[serde(default)]
    pub document: String,
    /// Files.
    #[serde(default)]
    pub files: Vec<Attached>,
}

/// An answer to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What is answered.
    pub outcome: Outcome,
    /// In words.
    pub text: String,
    /// Number of the document.
    pub document: String,
}

/// A matter (请示、报告、报备).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter {
    /// Id.
    pub id: Id,
    /// Code of its kind.
    pub kind: String,
    /// The kind as it was, by hash.
    pub rule: String,
    /// Its number, once it was sent.
    pub number: Option<String>,
    /// The unit whose matter it is.
    pub unit: UnitId,
    /// The unit that receives it.
    pub to: Option<UnitId>,
    /// Whom it is about, where it is personal.
    pub person: Option<PersonId>,
    /// Who wrote it.
    pub author: Option<AccountId>,
    /// Where it stands.
    pub state: State,
    /// Whether only parties, route and those entitled see it.
    pub sealed: bool,
    /// What it says.
    pub content: Content,
    /// Files with it.
    pub files: Vec<Attached>,
    /// The day from which it is counted when it is due.
    pub starts: Option<Date>,
    /// The day from which the report afterwards is counted.
    pub ends: Option<Date>,
    /// When it was last sent.
    pub sent_on: Option<Date>,
    /// Whether it was sent later than its kind asks for.
    pub late: bool,
    /// When it was received.
    pub received_on: Option<Date>,
    /// Who received it.
    pub received_by: Option<AccountId>,
    /// By when it is to be received and answered.
    pub reply_due: Option<Date>,
    /// What was answered.
    pub outcome: Option<Outcome>,
    /// The answer.
    pub reply: Said,
    /// When it was answered.
    pub replied_on: Option<Date>,
    /// Who answered.
    pub replied_by: Option<AccountId>,
    /// By when there is to be a report afterwards.
    pub after_due: Option<Date>,
    /// When there was one.
    pub after_on: Option<Date>,
    /// The report afterwards.
    pub after: Said,
    /// The approval that decides, or decided.
    pub approval: Option<Id>,
    /// Version; each change makes the next one.
    pub version: i64,
    /// When it was written first.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// Where a matter is shown.
pub(crate) fn href(id: Id) -> String {
    format!("/matters/{id}")
}

impl Matter {
    /// Where it is shown.
    pub fn href(&self) -> String {
        href(self.id)
    }

    /// Whether an answer is owed and its day has passed.
    pub fn waits_too_long(&self, today: Date) -> bool {
        matches!(self.state, State::Sent | State::Received)
            && self.reply_due.is_some_and(|due| due < today)
    }

    /// Whether a report afterwards is owed.
    pub fn owes_after(&self) -> bool {
        self.state == State::Done && self.after_due.is_some() && self.after_on.is_none()
    }

    /// Whether one is owed and its day has passed.
    pub fn after_late(&self, today: Date) -> bool {
        self.owes_after() && self.after_due.is_some_and(|due| due < today)
    }

    /// Every file of it.
    pub fn all_files(&self) -> impl Iterator<Item = &Attached> {
        let said = self.reply.files.iter().chain(&self.after.files);
        self.files.iter().chain(said)
    }

    /// What notices call it: the title of a sealed one stays inside.
    pub(crate) fn called(&self, kind: &MatterKind) -> String {
        match self.sealed {
            true => self.number.clone().unwrap_or_else(|| kind.name.zh.clone()),
            false => self.content.title.clone(),
        }
    }
}

/// A matter to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Its id, made with the form.
    pub id: Id,
    /// Code of its kind.
    pub kind: String,
    /// The unit whose matter it is; for a personal one that of the person, whatever is said.
    pub unit: Option<UnitId>,
    /// Whom it is about; none: who writes it.
    pub person: Option<PersonId>,
    /// The unit that receives it; none: the nearest above.
    pub to: Option<UnitId>,
    /// What it says.
    pub content: Content,
}

fn field_error(field: String, message: Msg) -> FieldError {
    FieldError { field, message }
}

fn has_control(text: &str) -> bool {
    text.chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t')
}

impl Content {
    /// Without blanks around it and fields that its kind does not have.
    pub(crate) fn tidied(&self, kind: &MatterKind) -> Self {
        let known = |(code, value): (&String, &String)| {
            let value = value.replace("\r\n", "\n").trim().to_owned();
            (kind.field(code).is_some() && !value.is_empty()).then(|| (code.clone(), value))
        };
        Self {
            title: self.title.trim().to_owned(),
            text: self.text.replace("\r\n", "\n").trim().to_owned(),
            level: self.level.clone(),
            values: self.values.iter().filter_map(known).collect(),
        }
    }

    /// A day that was filled in.
    pub fn day(&self, field: Option<&str>) -> Option<Date> {
        kernel::parse_date(self.values.get(field?)?)
    }

    /// # Errors
    /// `Invalid` per field: `title`, `text`, `level`, `v-CODE`.
    pub(crate) fn check(&mut self, kind: &MatterKind, levels: &Levels) -> Result<()> {
        let mut errors = Vec::new();
        let mut wrong = |field: String, message| errors.push(field_error(field, message));
        let title = self.title.chars().count();
        if !(2..=TITLE).contains(&title) || self.title.chars().any(char::is_control) {
            let message = Msg::new("matters-title-wrong").with("most", TITLE);
            wrong("title".into(), message);
        }
        let needs_text = kind.needs_text();
        match self.text.chars().count() {
            0 if needs_text => wrong("text".into(), Msg::new("matters-text-missing")),
            n if n > LONGEST || has_control(&self.text) => {
                let message = Msg::new("matters-text-long").with("most", LONGEST);
                wrong("text".into(), message);
            }
            _ => {}
        }
        match levels.take(&self.level, kind.level.as_deref()) {
            Ok(level) => self.level.clone_from(&level.code),
            Err(Error::Invalid(all)) => all
                .into_iter()
                .for_each(|e| wrong("level".into(), e.message)),
            Err(other) => return Err(other),
        }
        for f in &kind.fields {
            let at = format!("v-{}", f.code);
            let Some(value) = self.values.get(&f.code) else {
                if f.required {
                    wrong(at, Msg::new("matters-field-missing"));
                }
                continue;
            };
            let most = if f.kind == FieldKind::Long {
                LONGEST
            } else {
                SHORT
            };
            let sound = match f.kind {
                FieldKind::Text => !value.chars().any(char::is_control),
                FieldKind::Long => !has_control(value),
                FieldKind::Choice => f.values.iter().any(|c| c.code == *value),
                FieldKind::Day => kernel::parse_date(value).is_some(),
                FieldKind::Number => value.parse::<i64>().is_ok(),
                FieldKind::Person => value.parse::<PersonId>().is_ok(),
            };
            if !sound || value.chars().count() > most {
                let key = match f.kind {
                    FieldKind::Day => "matters-day-unread",
                    FieldKind::Number => "matters-number-unread",
                    FieldKind::Choice => "matters-choice-unknown",
                    _ => "matters-field-long",
                };
                wrong(at, Msg::new(key).with("most", most));
            }
        }
        let [starts, ends] = kind.days();
        if let (Some(from), Some(to)) = (self.day(starts), self.day(ends))
            && to < from
            && starts != ends
        {
            wrong(
                format!("v-{}", ends.unwrap_or_default()),
                Msg::new("matters-ends-before"),
            );
        }
        Error::if_any(errors)
    }
}

/// A text that must be there.
pub(crate) fn needed(field: &str, text: &str, most: usize) -> Result<String> {
    let text = text.replace("\r\n", "\n").trim().to_owned();
    match text.chars().count() {
        0 => Err(Error::field(field, Msg::new("matters-said-missing"))),
        n if n > most || has_control(&text) => {
            let message = Msg::new("matters-text-long").with("most", most);
            Err(Error::field(field, message))
        }
        _ => Ok(text),
    }
}

/// The same where it may be empty.
pub(crate) fn optional(field: &str, text: &str, most: usize) -> Result<String> {
    match text.trim() {
        "" => Ok(String::new()),
        text => needed(field, text, most),
    }
}

/// By when a matter is to be sent.
pub(crate) fn send_by(kind: &MatterKind, content: &Content, calendar: &Calendar) -> Option<Date> {
    let send = kind.send.as_ref()?;
    let day = content.day(Some(&send.field))?;
    Some(Step::parse(&send.by)?.day(day, calendar))
}

/// By when there is to be a report afterwards.
pub(crate) fn after_by(kind: &MatterKind, content: &Content, calendar: &Calendar) -> Option<Date> {
    let after = kind.after.as_ref()?;
    let day = content.day(Some(&after.field))?;
    Some(Step::parse(&after.by)?.day(day, calendar))
}

/// Who looks, and where they may do what.
#[derive(Debug, Clone)]
pub struct Eyes {
    /// The account; none while somebody acts for another, so that what is that other's own stays theirs.
    pub account: Option<AccountId>,
    /// Its person.
    pub person: Option<PersonId>,
    /// Where they may look.
    pub reads: Scope,
    /// Where they write.
    pub writes: Scope,
    /// Where they receive and answer.
    pub answers: Scope,
    /// Where they may look at sealed ones.
    pub sealed: Scope,
}

impl From<&Access> for Eyes {
    fn from(access: &Access) -> Self {
        let principal = &access.principal;
        let held = |permission| {
            let scope = principal.scope(permission).cloned();
            scope.unwrap_or_else(Scope::nothing)
        };
        let own = principal.on_behalf.is_none();
        Self {
            account: own.then_some(principal.account),
            person: principal.person.filter(|_| own),
            reads: held(READ),
            writes: held(WRITE),
            answers: held(ANSWER),
            sealed: held(SEALED),
        }
    }
}

impl Eyes {
    /// Whether a matter is the reader's own: they wrote it, or it is about them.
    pub fn owns(&self, m: &Matter) -> bool {
        (self.account.is_some() && self.account == m.author)
            || (self.person.is_some() && self.person == m.person)
    }
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// With this in its title or number.
    pub text: String,
    /// In this state.
    pub state: Option<State>,
    /// Of this kind.
    pub kind: String,
    /// Of this unit or one below it.
    pub unit: Option<UnitId>,
    /// Those that the reader wrote or that are about them.
    pub mine: bool,
    /// Those that wait for the reader to receive or answer them.
    pub incoming: bool,
    /// Written in this year.
    pub year: Option<i16>,
    /// Those whose answer or report afterwards is overdue on this day.
    pub overdue: Option<Date>,
    /// Those that were sent too late.
    pub late: bool,
}

/// What would be kept of what was typed.
///
/// # Errors
/// `Invalid` per field: `title`, `text`, `level`, `v-CODE`.
pub fn checked(content: &Content, kind: &MatterKind, levels: &Levels) -> Result<Content> {
    let mut content = content.tidied(kind);
    content.check(kind, levels)?;
    Ok(content)
}

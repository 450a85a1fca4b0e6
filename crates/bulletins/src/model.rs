//! Bulletins and the rules about them. No input or output.

use commons::packs::levels::Levels;
pub use desk::Attached;
use kernel::{AccountId, Date, Error, FieldError, Id, Msg, PersonId, Timestamp, UnitId};
use serde::{Deserialize, Serialize};

use crate::kind::BulletinKind;

/// The longest title, and the longest line of those who get it, in characters.
const LONGEST_TITLE: usize = 80;
const LONGEST_LINE: usize = 200;
/// The longest text, in characters.
const LONGEST_TEXT: usize = 20_000;
/// Pictures of one bulletin.
pub(crate) const MOST_PICTURES: usize = 9;

/// How far a bulletin is (状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is being written (草稿).
    Draft,
    /// It waits for somebody else's word (待审核).
    Proposed,
    /// It was returned to whoever wrote it (已退回).
    Returned,
    /// It is published (已发布).
    Published,
    /// It was published and withdrawn (已撤回); its number stays used.
    Withdrawn,
    /// It was given up before it was published (已作废); nobody sees it any more.
    Dropped,
}

impl State {
    /// All that can be seen.
    pub const SEEN: [Self; 5] = [
        Self::Draft,
        Self::Proposed,
        Self::Returned,
        Self::Published,
        Self::Withdrawn,
    ];

    /// Its code in the database, addresses and the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Proposed => "proposed",
            Self::Returned => "returned",
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
            Self::Dropped => "dropped",
        }
    }

    /// The one with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        let mut all = Self::SEEN.into_iter().chain([Self::Dropped]);
        all.find(|s| s.code() == code)
    }

    /// Whether whoever writes it may change it.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::Returned)
    }
}

/// The number of a published bulletin (期号).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// The year it is counted in; 0 for numbers without end.
    pub year: i64,
    /// The number, from 1.
    pub number: i64,
}

/// What a version of a bulletin says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Title.
    pub title: String,
    /// Code of its section, where its kind has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Text: a paragraph a line.
    pub text: String,
    /// Who wrote it (撰稿人).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<PersonId>,
    /// Code of its level of secrecy.
    pub level: String,
    /// Whether it is open to the whole house once it is published.
    #[serde(default)]
    pub house: bool,
    /// To whom it goes up (报).
    #[serde(default)]
    pub report_to: String,
    /// To whom it goes beside (送).
    #[serde(default)]
    pub send_to: String,
    /// To whom it goes down (发).
    #[serde(default)]
    pub issue_to: String,
    /// Pictures, in their order.
    #[serde(default)]
    pub pictures: Vec<Attached>,
    /// What was held that it tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Id>,
}

impl Content {
    /// Its paragraphs.
    pub fn paragraphs(&self) -> impl Iterator<Item = &str> {
        let lines = self.text.lines().map(str::trim);
        lines.filter(|line| !line.is_empty())
    }

    /// All that somebody wrote, for checks of words.
    pub(crate) fn words(&self) -> String {
        let all = [&self.title, &self.text, &self.report_to, &self.send_to];
        let mut all: Vec<&str> = all.into_iter().map(String::as_str).collect();
        all.push(&self.issue_to);
        all.join("\n")
    }
}

/// A bulletin with what its last version says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulletin {
    /// Id, the subject of its fact.
    pub id: Id,
    /// Code of its kind.
    pub kind: String,
    /// The unit whose bulletin it is.
    pub unit: UnitId,
    /// How far it is.
    pub state: State,
    /// Number of its last version, from 1.
    pub version: i64,
    /// What that says.
    pub content: Content,
    /// When it was begun.
    pub written_at: Timestamp,
    /// Who began it.
    pub written_by: AccountId,
    /// Its number; none before it is published.
    pub issue: Option<Issue>,
    /// The day on which it was published.
    pub published_on: Option<Date>,
}

/// What is typed in, by whatever door.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// Title.
    pub title: String,
    /// Code of the section; empty: none.
    pub section: String,
    /// Text.
    pub text: String,
    /// Staff number of who wrote it; empty: not said.
    pub author: String,
    /// Code of the level of secrecy; empty: the usual one.
    pub level: String,
    /// Open to the whole house.
    pub house: bool,
    /// To whom it goes: up, beside, down.
    pub to: [String; 3],
    /// Pictures that are kept already.
    pub pictures: Vec<Attached>,
    /// What it tells of.
    pub about: Option<Id>,
}

/// What is written as a new bulletin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Made when the form was opened: sent twice, it is written once.
    pub id: Id,
    /// Code of the kind.
    pub kind: String,
    /// The unit whose bulletin it is.
    pub unit: UnitId,
    /// What it says.
    pub given: Given,
    /// Whether it is handed in at once.
    pub propose: bool,
}

/// What a form says as a version says it; every mistake with its field.
pub(crate) fn check(
    kind: &BulletinKind,
    given: &Given,
    author: Option<PersonId>,
    levels: &Levels,
) -> Result<Content, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, message: Msg| {
        errors.push(FieldError {
            field: field.to_owned(),
            message,
        });
    };
    let title = given.title.trim();
    if title.is_empty() || title.chars().count() > LONGEST_TITLE || title.contains(char::is_control)
    {
        let message = Msg::new("bulletin-title-wrong");
        wrong("title", message.with("most", LONGEST_TITLE));
    }
    let text = given.text.replace("\r\n", "\n");
    let text = text.trim();
    let control = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.is_empty() || text.chars().count() > LONGEST_TEXT || text.contains(control) {
        let message = Msg::new("bulletin-text-wrong");
        wrong("text", message.with("most", LONGEST_TEXT));
    }
    let section = Some(given.section.trim()).filter(|s| !s.is_empty());
    let known = |code: &str| kind.sections.iter().any(|s| s.code == code);
    if section.is_some_and(|s| !known(s)) || section.is_none() && !kind.sections.is_empty() {
        wrong("section", Msg::new("bulletin-section-wrong"));
    }
    for (field, to) in ["report-to", "send-to", "issue-to"].iter().zip(&given.to) {
        if to.trim().chars().count() > LONGEST_LINE || to.contains(char::is_control) {
            let message = Msg::new("bulletin-to-wrong");
            wrong(field, message.with("most", LONGEST_LINE));
        }
    }
    if !given.author.trim().is_empty() && author.is_none() {
        let message = Msg::new("bulletin-author-unknown");
        wrong("author", message.with("staff_no", given.author.trim()));
    }
    if given.house && !kind.house {
        wrong("house", Msg::new("bulletin-house-wrong"));
    }
    if given.pictures.len() > MOST_PICTURES {
        let message = Msg::new("bulletin-pictures-many");
        wrong("file", message.with("most", MOST_PICTURES));
    }
    let level = match levels.take(&given.level, kind.level.as_deref()) {
        Ok(level) => level.code.clone(),
        Err(Error::Invalid(more)) => {
            errors.extend(more);
            String::new()
        }
        Err(_) => String::new(),
    };
    // What is more than usually secret is not for everybody.
    let place = |code: &str| levels.held().iter().position(|l| l.code == code);
    let usual = levels.take("", None).map_or(None, |l| place(&l.code));
    if given.house && place(&level) > usual {
        errors.push(FieldError {
            field: "house".into(),
            message: Msg::new("bulletin-house-level"),
        });
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let [report_to, send_to, issue_to] = given.to.each_ref().map(|to| to.trim().to_owned());
    Ok(Content {
        title: title.to_owned(),
        section: section.map(str::to_owned),
        text: text.to_owned(),
        author,
        level,
        house: given.house,
        report_to,
        send_to,
        issue_to,
        pictures: given.pictures.clone(),
        about: given.about,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::BulletinKinds;
    use commons::packs::Packs;

    #[test]
    fn what_is_more_than_usually_secret_is_not_open_to_everybody() {
        let own = include_str!("../../../packs/secrecy-cn.toml");
        let kinds = include_str!("../../../packs/bulletins-cn.toml");
        let packs = Packs::load(vec![
            ("secrecy-cn.toml".into(), own.into()),
            ("bulletins-cn.toml".into(), kinds.into()),
        ]);
        let packs = packs.expect("packs");
        let levels = Levels::read(&packs).expect("levels").up_to("work-secret");
        let (levels, kinds) = (
            levels.expect("a level"),
            BulletinKinds::read(&packs).expect("kinds"),
        );
        let kind = kinds.get("drill-bulletin").expect("a kind");
        let said = |level: &str, house: bool| {
            let given = Given {
                title: "t".into(),
                text: "x".into(),
                level: level.into(),
                house,
                ..Given::default()
            };
            let checked = check(kind, &given, None, &levels);
            checked.map_err(|e| e.iter().map(|e| e.message.key).collect::<Vec<_>>())
        };
        for (level, house) in [("public", true), ("internal", true), ("work-secret", false)] {
            assert!(said(level, house).is_ok(), "{level} {house}");
        }
        assert_eq!(
            said("work-secret", true).unwrap_err(),
            ["bulletin-house-level"]
        );
        assert_eq!(
            said("secret", true).unwrap_err(),
            ["secrecy-level-classified"]
        );
    }
}

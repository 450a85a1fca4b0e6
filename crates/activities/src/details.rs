//! What a kind asks for beyond the roster: parts, agenda, fields, number in a series, the two of a talk. No input or
//! output.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{FieldError, Id, Msg, PersonId, UnitId};
use serde::{Deserialize, Serialize};

use crate::decisions::NewDecision;
use crate::kind::{FieldKind, KindField, RosterOf};
use crate::{ActivityKind, ActivityKinds, NewFile};

/// What is entered beyond the roster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// The body or audience that is expected.
    pub of: Option<Id>,
    /// Who had which part.
    pub roles: Vec<(String, PersonId)>,
    /// The agenda in order.
    pub agenda: Vec<Item>,
    /// Fields by code.
    pub fields: BTreeMap<String, String>,
    /// Its place in a series.
    pub session: Option<Session>,
    /// The two of a talk.
    pub pair: Option<Pair>,
    /// Evidence.
    pub files: Vec<NewFile>,
    /// The plan that was held.
    pub plan: Option<Id>,
    /// Minutes of those who were not there the whole time.
    pub minutes: BTreeMap<PersonId, i64>,
    /// Whether people who signed in are left out on purpose.
    pub overrule: bool,
    /// What was decided without a vote, and who is to do it.
    pub decisions: Vec<NewDecision>,
    /// Units that take part beside the host.
    pub units: Vec<UnitId>,
}

/// A line of an agenda (议题).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Code of what packs offer; empty for a free line.
    #[serde(default)]
    pub code: String,
    /// What it was about; may be empty when the code says it.
    #[serde(default)]
    pub title: String,
}

/// Place in a series (系列、期、节).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Name of the series; one that is not known yet begins with it.
    pub series: String,
    /// Issue (期).
    pub issue: i64,
    /// Session (节).
    pub session: i64,
}

/// Two people who talked (谈话双方).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Who was talked with (谈话对象).
    pub person: PersonId,
    /// Who talked (谈话人).
    pub other: PersonId,
}

/// Lines an agenda can have.
pub(crate) const MOST_ITEMS: usize = 30;

impl Details {
    /// Checks all that needs no database.
    pub(crate) fn check(
        &self,
        kind: &ActivityKind,
        kinds: &ActivityKinds,
        errors: &mut Vec<FieldError>,
    ) {
        self.check_entered(kind, kinds, errors);
        for (n, decision) in self.decisions.iter().enumerate() {
            decision.check(&format!("decision-title-{n}"), errors);
        }
        let mut wrong = |field: &str, key: &'static str| {
            errors.push(FieldError {
                field: field.into(),
                message: Msg::new(key),
            })
        };
        let needs = matches!(kind.roster, RosterOf::Body | RosterOf::Audience) && !kind.pair;
        if needs != self.of.is_some() {
            wrong("of", "activity-of-missing");
        }
        match &self.session {
            Some(_) if !kind.series => wrong("series", "activity-no-series"),
            None if kind.series => wrong("series", "series-missing"),
            Some(s) => {
                let length = s.series.trim().chars().count();
                if !(1..=60).contains(&length) || s.series.chars().any(char::is_control) {
                    wrong("series", "series-missing");
                }
                if !(1..=9_999).contains(&s.issue) {
                    wrong("issue", "series-number");
                }
                if !(1..=9_999).contains(&s.session) {
                    wrong("session", "series-number");
                }
            }
            None => {}
        }
        match self.pair {
            Some(_) if !kind.pair => wrong("pair-person", "activity-no-pair"),
            None if kind.pair => wrong("pair-person", "pair-missing"),
            Some(pair) if pair.person == pair.other => wrong("pair-person", "pair-same"),
            _ => {}
        }
    }

    /// Checks what can be corrected later: parts, agenda, fields.
    pub(crate) fn check_entered(
        &self,
        kind: &ActivityKind,
        kinds: &ActivityKinds,
        errors: &mut Vec<FieldError>,
    ) {
        self.check_roles(kind, errors);
        self.check_agenda(kind, kinds, errors);
        self.check_fields(kind, errors);
    }

    fn check_roles(&self, kind: &ActivityKind, errors: &mut Vec<FieldError>) {
        let mut wrong = |code: &str, message: Msg| {
            errors.push(FieldError {
                field: format!("role-{code}-0"),
                message,
            })
        };
        for role in &kind.roles {
            let held: Vec<_> = self.roles.iter().filter(|(c, _)| *c == role.code).collect();
            let distinct: BTreeSet<_> = held.iter().map(|(_, p)| *p).collect();
            let named = |key| Msg::new(key).with("role", &role.name.zh);
            if role.required && held.is_empty() {
                wrong(&role.code, named("activity-role-missing"));
            }
            if held.len() > role.most {
                let message = named("activity-role-many").with("most", role.most);
                wrong(&role.code, message);
            }
            if distinct.len() < held.len() {
                wrong(&role.code, named("activity-role-twice"));
            }
        }
        for (code, _) in &self.roles {
            if kind.role(code).is_none() {
                wrong(code, Msg::new("activity-role-unknown").with("role", code));
            }
        }
    }

    fn check_agenda(
        &self,
        kind: &ActivityKind,
        kinds: &ActivityKinds,
        errors: &mut Vec<FieldError>,
    ) {
        let mut wrong = |place: usize, message: Msg| {
            errors.push(FieldError {
                field: format!("agenda-{place}"),
                message,
            })
        };
        let named = |key: &'static str, code: &str| {
            let name = kinds.item(code).map_or(code, |i| i.name.zh.as_str());
            Msg::new(key).with("item", name)
        };
        if kind.agenda.is_empty() && !self.agenda.is_empty() || self.agenda.len() > MOST_ITEMS {
            wrong(0, Msg::new("agenda-many").with("most", MOST_ITEMS));
            return;
        }
        for code in &kind.agenda_required {
            if !self.agenda.iter().any(|i| i.code == *code) {
                wrong(0, named("agenda-missing", code));
            }
        }
        for (place, item) in self.agenda.iter().enumerate() {
            if item.code.is_empty() && item.title.trim().is_empty() {
                wrong(place, Msg::new("agenda-empty"));
            }
            if item.title.chars().count() > 200 || item.title.chars().any(char::is_control) {
                wrong(place, Msg::new("agenda-long").with("most", 200));
            }
            if item.code.is_empty() {
                continue;
            }
            if !kind.agenda.contains(&item.code) {
                wrong(place, named("agenda-unknown", &item.code));
            }
            if place > 0 && kinds.item(&item.code).is_some_and(|i| i.first) {
                wrong(place, named("agenda-first", &item.code));
            }
        }
    }

    fn check_fields(&self, kind: &ActivityKind, errors: &mut Vec<FieldError>) {
        let mut wrong = |code: &str, message: Msg| {
            errors.push(FieldError {
                field: format!("field-{code}"),
                message,
            })
        };
        for field in &kind.fields {
            let text = self.fields.get(&field.code).map_or("", |t| t.trim());
            let key = match text.is_empty() {
                true if field.required => Some("activity-field-missing"),
                true => None,
                false => field.problem(text),
            };
            if let Some(key) = key {
                let message = Msg::new(key).with("field", &field.name.zh);
                wrong(&field.code, message);
            }
        }
        for code in self.fields.keys() {
            if !kind.fields.iter().any(|f| f.code == *code) {
                wrong(code, Msg::new("activity-field-unknown").with("field", code));
            }
        }
    }

    /// The fields that hold something, trimmed.
    pub(crate) fn filled(&self) -> BTreeMap<String, String> {
        let trimmed = self
            .fields
            .iter()
            .map(|(code, text)| (code.clone(), text.trim().to_owned()));
        trimmed.filter(|(_, text)| !text.is_empty()).collect()
    }
}

impl KindField {
    /// What is wrong with a text for it.
    fn problem(&self, text: &str) -> Option<&'static str> {
        let controls = |allowed: &[char]| {
            text.chars()
                .any(|c| c.is_control() && !allowed.contains(&c))
        };
        let fine = match self.kind {
            FieldKind::Text => text.chars().count() <= 200 && !controls(&[]),
            FieldKind::Long => text.chars().count() <= 4_000 && !controls(&['\n', '\r', '\t']),
            FieldKind::Number => {
                text.len() <= 15
                    && text.parse::<f64>().is_ok_and(f64::is_finite)
                    && text.chars().all(|c| c.is_ascii_digit() || ".-".contains(c))
            }
            FieldKind::Date => kernel::parse_date(text).is_some(),
            FieldKind::Choice => self.values.iter().any(|v| v.code == text),
        };
        (!fine).then_some(match self.kind {
            FieldKind::Text | FieldKind::Long => "activity-field-long",
            FieldKind::Number => "activity-field-number",
            FieldKind::Date => "activity-field-date",
            FieldKind::Choice => "activity-field-choice",
        })
    }
}

/// The issue and session that come next in a series.
pub fn next_session(taken: &BTreeSet<(i64, i64)>) -> (i64, i64) {
    taken.last().map_or((1, 1), |(i, s)| (*i, s + 1))
}

/// Whether an issue and session may be entered beside those of a series: neither twice nor past a gap. A series may
/// begin with any issue, since earlier ones may not be in the program; what was taken back leaves a hole that may be
/// filled.
pub fn session_fits(
    taken: &BTreeSet<(i64, i64)>,
    (issue, session): (i64, i64),
) -> Result<(), &'static str> {
    let has = |i: i64| taken.range((i, i64::MIN)..=(i, i64::MAX)).next().is_some();
    if taken.contains(&(issue, session)) {
        return Err("series-twice");
    }
    let follows = match session {
        1 => taken.is_empty() || has(issue) || has(issue - 1) || has(issue + 1),
        _ => taken.contains(&(issue, session - 1)),
    };
    if follows { Ok(()) } else { Err("series-gap") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small numbers drawn one after another, the same in every run.
    fn draws(seed: u64) -> impl FnMut(i64) -> i64 {
        let mut state = seed;
        move |below| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as i64) % below
        }
    }

    #[test]
    fn what_is_proposed_fits_and_nothing_leaves_a_gap() {
        for seed in 0..300 {
            let mut draw = draws(seed);
            let mut taken = BTreeSet::new();
            for _ in 0..60 {
                let next = next_session(&taken);
                assert_eq!(session_fits(&taken, next), Ok(()), "{taken:?}");
                if let Some((last, _)) = taken.last() {
                    assert_eq!(session_fits(&taken, (last + 1, 1)), Ok(()));
                    assert_eq!(session_fits(&taken, (last + 2, 1)), Err("series-gap"));
                    assert_eq!(
                        session_fits(&taken, (next.0, next.1 + 1)),
                        Err("series-gap")
                    );
                }
                let at = (draw(6) + 1, draw(5) + 1);
                if session_fits(&taken, at).is_ok() {
                    taken.insert(at);
                } else if draw(4) == 0 {
                    taken.insert(next);
                }
                for at in &taken {
                    assert_eq!(session_fits(&taken, *at), Err("series-twice"));
                }
            }
            // Without anything taken back, issues and the sessions of each follow one another without a gap.
            let issues: BTreeSet<i64> = taken.iter().map(|(i, _)| *i).collect();
            let (first, last) = (issues.first().unwrap(), issues.last().unwrap());
            assert_eq!(issues.len() as i64, last - first + 1);
            for issue in issues {
                let sessions: Vec<i64> = taken
                    .range((issue, 0)..(issue + 1, 0))
                    .map(|(_, s)| *s)
                    .collect();
                assert_eq!(sessions, (1..=sessions.len() as i64).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_hole_can_be_filled() {
        for seed in 0..200 {
            let mut draw = draws(seed);
            let mut taken = BTreeSet::new();
            for issue in 1..=draw(5) + 1 {
                for session in 1..=draw(4) + 1 {
                    taken.insert((issue, session));
                }
            }
            let at = *taken.iter().nth(draw(taken.len() as i64) as usize).unwrap();
            taken.remove(&at);
            assert_eq!(session_fits(&taken, at), Ok(()), "{at:?} in {taken:?}");
        }
    }
}

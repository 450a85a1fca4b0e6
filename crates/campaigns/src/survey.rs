//! The survey at the end (满意度测评): who took part answers once while it is open; nobody can tell from the rows who said
//! what, and below the smallest group there are no numbers.

use commons::forms::{self, Answers, Form, Tally, Value};
use identity::Actor;
use kernel::{Date, Error, FieldError, Id, Msg, PersonId, Result, UnitId};
use organization::{Organization, finding};
use serde_json::json;

use crate::model::{Campaign, Eyes, State};
use crate::service::Campaigns;
use crate::store::{self, parts, scores};

/// The days on which a survey is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First day.
    pub opens: Date,
    /// Last day.
    pub closes: Date,
}

/// What was answered, as far as it may be shown.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) form: Form,
    pub(crate) tally: Tally,
    /// What was written, by item; nothing below the smallest group.
    pub(crate) words: Vec<(String, Vec<String>)>,
}

impl Campaigns {
    /// Opens the survey from a day to a day.
    ///
    /// # Errors
    /// `Invalid` for `closes`; `Conflict` when the kind has none, or the campaign is not running.
    pub async fn open_survey(
        &self,
        id: Id,
        window: Window,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let (mut c, kind) = self.planned(tx, id, None, eyes).await?;
            let running = matches!(c.state, State::Running | State::Closing);
            if !running || kind.survey.is_none() {
                return Err(Error::Conflict(Msg::new("campaigns-not-running")));
            }
            if window.closes < window.opens || window.closes < self.env.today() {
                return Err(Error::field("closes", Msg::new("campaigns-window-wrong")));
            }
            // Once results were shown, one more answer would say who it was.
            let before = scores::window(tx, id).await?;
            if let (Some(form), Some(before)) = (kind.form(), before)
                && before.closes < self.env.today()
                && scores::answers(tx, id).await?.len() >= form.smallest_group as usize
            {
                return Err(Error::Conflict(Msg::new("campaigns-survey-shown")));
            }
            scores::put_window(tx, id, window).await?;
            let body = json!({ "opens": kernel::format_date(window.opens), "closes": kernel::format_date(window.closes) });
            self.happened(tx, &mut c, "survey", body, "", actor).await
        })
    }

    /// Surveys that a person may answer now, each with its last day.
    pub async fn surveys_of(&self, person: PersonId) -> Result<Vec<(Campaign, Date)>> {
        let today = self.env.today();
        let mut tx = self.db.read().await?;
        let home = Organization::units_on(&mut tx, &[(person, today)]).await?;
        let home: Vec<UnitId> = home.into_values().collect();
        let paths = finding::paths(&mut tx, &home).await?;
        let path: Vec<UnitId> = paths.into_values().flatten().collect();
        if path.is_empty() {
            return Ok(Vec::new());
        }
        store::open_surveys(&mut tx, &path, person, today).await
    }

    /// The survey of a campaign for one of those who take part: what is asked, and whether they answered. For everybody
    /// else there is none.
    pub(crate) async fn survey(
        &self,
        id: Id,
        person: PersonId,
    ) -> Result<(Campaign, Form, Window, bool)> {
        let mut tx = self.db.read().await?;
        self.asked(&mut tx, id, person).await
    }

    async fn asked(
        &self,
        tx: &mut db::Tx,
        id: Id,
        person: PersonId,
    ) -> Result<(Campaign, Form, Window, bool)> {
        let today = self.env.today();
        let c = store::one(tx, id).await?.ok_or(Error::NotFound)?;
        let kind = self.rule(tx, &c.rule).await?;
        let form = kind.form().ok_or(Error::NotFound)?;
        let window = scores::window(tx, id).await?.ok_or(Error::NotFound)?;
        let home = Organization::units_on(tx, &[(person, today)]).await?;
        let home: Vec<UnitId> = home.into_values().collect();
        let paths = finding::paths(tx, &home).await?;
        let units = parts::units(tx, id).await?;
        let joined = |u: &UnitId| units.iter().any(|t| t.joined && t.unit == *u);
        if !paths.values().flatten().any(joined)
            || !matches!(c.state, State::Running | State::Closing)
        {
            return Err(Error::NotFound);
        }
        let spoke = scores::spoke(tx, id, person).await?;
        Ok((c, form, window, spoke))
    }

    /// Takes what somebody answered, once. Neither the trail nor the record of the campaign says who or when.
    ///
    /// # Errors
    /// `Invalid` per item; `Conflict` when they answered before or it is not open; `NotFound` for who takes no part.
    pub async fn speak(&self, id: Id, person: PersonId, answers: &Answers) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let (_, form, window, _) = self.asked(tx, id, person).await?;
            let today = self.env.today();
            if today < window.opens || today > window.closes {
                return Err(Error::Conflict(Msg::new("campaigns-survey-not-open")));
            }
            let errors: Vec<FieldError> = forms::check(&form, answers, true)
                .into_iter()
                .map(|f| FieldError {
                    field: format!("q-{}", f.item),
                    message: f.message,
                })
                .collect();
            Error::if_any(errors)?;
            if !scores::put_voice(tx, id, person).await? {
                return Err(Error::Conflict(Msg::new("campaigns-spoke-before")));
            }
            // Ids carry the time otherwise.
            let lot = Id(self.env.random::<16>());
            scores::put_answer(tx, id, lot, answers).await
        })
    }

    /// What was answered: how often what was chosen, and words; nothing while so few answered that they could be told.
    pub(crate) async fn said(&self, c: &Campaign) -> Result<Option<(Window, Said)>> {
        let mut tx = self.db.read().await?;
        let kind = self.rule(&mut tx, &c.rule).await?;
        let Some((form, window)) = kind.form().zip(scores::window(&mut tx, c.id).await?) else {
            return Ok(None);
        };
        let answers = scores::answers(&mut tx, c.id).await?;
        let tally = Tally::of(&form, &answers);
        let mut words = Vec::new();
        // While it is open, one more answer would say who it was.
        let open = self.env.today() <= window.closes;
        if tally.items.is_some() && !open {
            for item in form.items() {
                let texts = answers
                    .iter()
                    .filter_map(|a| match &a.get(&item.code)?.value {
                        Value::Text(text) if !text.trim().is_empty() => Some(text.clone()),
                        _ => None,
                    });
                let texts: Vec<String> = texts.collect();
                if !texts.is_empty() {
                    words.push((item.code.clone(), texts));
                }
            }
        }
        let tally = match open {
            true => Tally {
                items: None,
                ..tally
            },
            false => tally,
        };
        Ok(Some((window, Said { form, tally, words })))
    }
}

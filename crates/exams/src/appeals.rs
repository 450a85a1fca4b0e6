//! Questions about results (成绩复核): whoever sat asks about one question of theirs, once; the unit that held the
//! examination answers by somebody else. It is a request of the kind `exam-appeal`, so its day, its reminders and what
//! waits for somebody are those of requests.

use identity::Actor;
use kernel::{Error, Id, Msg, PersonId, Result, Scope};
use requests::{Act, Ask, Due, Owner, Request, Said, Source};

use crate::Exams;
use crate::sit::Looked;
use crate::store::room as rows;

/// The kind of request.
pub(crate) const KIND: &str = "exam-appeal";
/// What requests name as their source.
const SOURCE: &str = "exam-attempt";
/// Characters of a question and of an answer.
const LONGEST: usize = 500;

/// Answers requests of the kind `exam-appeal` on the page of the question.
pub struct AppealOwner;

impl Owner for AppealOwner {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn href(&self, request: &Request) -> String {
        format!("/exams/appeals/{}", request.id)
    }
}

/// A question about a result, as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Appeal {
    /// The request.
    pub request: Request,
    /// Which question of the paper.
    pub item: u16,
    /// What was answered; empty as long as nothing was.
    pub answer: String,
}

fn text_of(text: &str) -> Result<String> {
    let text = text.trim().replace("\r\n", "\n");
    let strange = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    match text.chars().count() {
        2..=LONGEST if !text.contains(strange) => Ok(text),
        _ => Err(Error::field(
            "text",
            Msg::new("exam-appeal-text").with("most", LONGEST),
        )),
    }
}

impl Exams {
    fn asking(&self) -> Result<&requests::Requests> {
        self.requests.as_ref().ok_or(Error::NotFound)
    }

    /// Whether results can be asked about here.
    pub(crate) fn takes_appeals(&self) -> bool {
        let kinds = self.requests.as_ref().map(requests::Requests::kinds);
        kinds.is_some_and(|kinds| kinds.get(KIND).is_some())
    }

    /// Asks about a question of one's own result, once for each.
    ///
    /// # Errors
    /// `NotFound` for whose it is not; `Conflict` before the result is shown or when it was asked before; `Invalid`
    /// for `text`.
    pub async fn appeal(
        &self,
        (id, attempt, item): (Id, Id, u16),
        (title, text): (&str, &str),
        person: PersonId,
        actor: &Actor,
    ) -> Result<()> {
        let outturn = self.outturn(attempt, person).await?;
        let known = outturn.items.iter().any(|i| i.item == item);
        if !known {
            return Err(Error::Conflict(Msg::new("exam-appeal-early")));
        }
        let detail = text_of(text)?;
        let requests = self.asking()?;
        let kind = requests.kinds().get(KIND).ok_or(Error::NotFound)?;
        let unit = outturn.exam.terms.unit;
        let from = self.organization.unit_of(person, self.env.today()).await?;
        let ask = Ask {
            id,
            kind: KIND.to_owned(),
            title: title.chars().take(100).collect(),
            detail,
            unit: Some(unit),
            person: None,
            due: Due::In {
                days: kind.days,
                working: kind.working,
            },
            source: Some(Source {
                kind: SOURCE.to_owned(),
                id: attempt,
                title: outturn.exam.terms.title.clone(),
                href: format!("/my/exams/{attempt}"),
            }),
            from: from.unwrap_or(unit),
        };
        db::transaction!(self.db, |tx| {
            if !rows::put_appeal(tx, id, attempt, item).await? {
                return Err(Error::Conflict(Msg::new("exam-appeal-twice")));
            }
            requests.ask(tx, &ask, actor).await.map(drop)
        })
    }

    /// What was asked about an attempt; whoever shows it knows who may see it.
    pub(crate) async fn appeals(&self, attempt: Id) -> Result<Vec<Appeal>> {
        let Some(requests) = &self.requests else {
            return Ok(Vec::new());
        };
        let mut tx = self.db.read().await?;
        let asked = requests.of_source(&mut tx, SOURCE, &[attempt]).await?;
        let ids: Vec<Id> = asked.iter().map(|r| r.id).collect();
        let mut answers = requests.answers(&mut tx, &ids).await?;
        let items = rows::appealed(&mut tx, attempt).await?;
        let appeal = |request: Request| {
            let (_, item) = items.iter().find(|(id, _)| *id == request.id)?;
            Some(Appeal {
                item: *item,
                answer: answers.remove(&request.id).unwrap_or_default(),
                request,
            })
        };
        Ok(asked.into_iter().filter_map(appeal).collect())
    }

    /// A question about a result, for the unit that held the examination, with what it is about.
    ///
    /// # Errors
    /// `NotFound` outside of the scope.
    pub async fn appeal_of(&self, id: Id, scope: &Scope) -> Result<(Appeal, Option<Looked>)> {
        let attempt = rows::appeal(&mut self.db.read().await?, id).await?;
        let attempt = attempt.ok_or(Error::NotFound)?;
        let sitting = self.sitting(attempt).await?;
        self.exam(sitting.open.exam.id, scope).await?;
        let appeals = self.appeals(attempt).await?;
        let mut appeals = appeals.into_iter().filter(|a| a.request.id == id);
        let appeal = appeals.next().ok_or(Error::NotFound)?;
        let looked = match sitting.person {
            Some(person) => {
                let items = self.outturn(attempt, person).await?.items;
                items.into_iter().find(|i| i.item == appeal.item)
            }
            None => None,
        };
        Ok((appeal, looked))
    }

    /// Answers a question about a result; never one's own.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for one's own, or when it stands otherwise; `Invalid` for `text`.
    pub async fn answer_appeal(
        &self,
        id: Id,
        text: &str,
        scope: &Scope,
        (person, actor): (Option<PersonId>, &Actor),
    ) -> Result<()> {
        let (appeal, _) = self.appeal_of(id, scope).await?;
        let r = &appeal.request;
        let own = Some(r.asked_by) == actor.account
            || r.asked_person.is_some() && r.asked_person == person;
        if own {
            return Err(Error::Conflict(Msg::new("exam-appeal-own")));
        }
        let said = Said {
            text: text_of(text)?,
            ..Said::default()
        };
        let requests = self.asking()?;
        db::transaction!(self.db, |tx| {
            requests.act_in(tx, id, Act::Answer, &said, actor).await
        })
    }
}

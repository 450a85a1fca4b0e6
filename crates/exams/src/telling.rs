//! Who is told of what (通知): those on the list, when they are admitted to what is published, when that changes for
//! them, is called off, or their result is there, void or marked anew. Each hears of themselves alone, and no notice
//! says what anybody reached.

use std::collections::BTreeMap;

use db::Tx;
use kernel::{Id, Msg, PersonId, Result};
use notices::{Notice, Notices, Reader};

use crate::Exams;
use crate::model::Exam;
use crate::store::admission;

/// What a notice is about.
pub(crate) const ABOUT: &str = "exam";

/// Something that happened to one's own attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    /// It does not count any more (作废).
    Void,
    /// It counts again.
    Restored,
    /// It was marked anew with another result (改判).
    Marked,
    /// The result can be seen.
    Shown,
}

impl Exams {
    /// With the notices by which people are told.
    pub fn with_notices(mut self, notices: Notices) -> Self {
        self.notices = Some(notices);
        self
    }

    fn message(&self, key: &'static str, exam: &Exam) -> Msg {
        let (t, zone) = (&exam.terms, self.env.zone());
        Msg::new(key)
            .with("title", &t.title)
            .with("opens", t.opens.minute_text(zone))
            .with("closes", t.closes.minute_text(zone))
            .with("minutes", t.seconds / 60)
    }

    async fn tell(
        &self,
        tx: &mut Tx,
        exam: Id,
        to: Vec<PersonId>,
        (message, href): (Msg, String),
        once: Option<&str>,
    ) -> Result<()> {
        let Some(notices) = &self.notices else {
            return Ok(());
        };
        let readers: Vec<Reader> = to.into_iter().map(Reader::Person).collect();
        let notice = Notice {
            message,
            href,
            about: (ABOUT, exam.to_string()),
            dedupe: once.map(|what| format!("exam-{what}-{exam}")),
            confidential: false,
        };
        notices.send(tx, &readers, &notice).await
    }

    /// Tells people where and when they sit it; each once, by the room that they sit in.
    pub(crate) async fn tell_admitted(
        &self,
        tx: &mut Tx,
        exam: &Exam,
        people: &[(PersonId, String)],
    ) -> Result<()> {
        let mut rooms: BTreeMap<&str, Vec<PersonId>> = BTreeMap::new();
        for (person, room) in people {
            rooms.entry(room).or_default().push(*person);
        }
        for (room, people) in rooms {
            let message = match room {
                "" => self.message("exam-told-admitted", exam),
                room => self
                    .message("exam-told-admitted-room", exam)
                    .with("room", room),
            };
            let to = (message, format!("/sit/{}", exam.id));
            self.tell(tx, exam.id, people, to, Some("admitted")).await?;
        }
        Ok(())
    }

    /// Tells one of them what was changed for them: room, time, further attempts, or that they may not sit it.
    pub(crate) async fn tell_changed(
        &self,
        tx: &mut Tx,
        exam: &Exam,
        person: PersonId,
        now: &admission::Listed,
    ) -> Result<()> {
        let (key, href) = match now.revoked {
            Some(_) => ("exam-told-revoked", "/my/exams".to_owned()),
            None => ("exam-told-changed", format!("/sit/{}", exam.id)),
        };
        let message = self
            .message(key, exam)
            .with("extra", now.extra / 60)
            .with("more", now.more)
            .with(
                "room",
                if now.place.is_empty() {
                    "—"
                } else {
                    &now.place
                },
            );
        self.tell(tx, exam.id, vec![person], (message, href), None)
            .await
    }

    /// Tells all on the list that it does not take place.
    pub(crate) async fn tell_off(&self, tx: &mut Tx, exam: &Exam, why: &str) -> Result<()> {
        let people = admission::readers(tx, exam.id).await?;
        let people = people.into_iter().map(|(person, _)| person).collect();
        let message = self.message("exam-told-off", exam).with("why", why);
        let to = (message, "/my/exams".to_owned());
        self.tell(tx, exam.id, people, to, Some("off")).await
    }

    /// Tells those of some attempts what became of them; none: of all that were handed in.
    pub(crate) async fn tell_turned(
        &self,
        tx: &mut Tx,
        exam: &Exam,
        attempts: Option<&[Id]>,
        turned: Turned,
    ) -> Result<()> {
        let key = match turned {
            Turned::Void => "exam-told-void",
            Turned::Restored => "exam-told-restored",
            Turned::Marked => "exam-told-marked",
            Turned::Shown => "exam-told-shown",
        };
        let Some(attempts) = attempts else {
            let people = admission::sat(tx, exam.id).await?;
            let to = (self.message(key, exam), "/my/exams".to_owned());
            return self.tell(tx, exam.id, people, to, Some("shown")).await;
        };
        let href = match attempts {
            [one] => format!("/my/exams/{one}"),
            _ => "/my/exams".to_owned(),
        };
        let people = admission::whose(tx, attempts).await?;
        self.tell(tx, exam.id, people, (self.message(key, exam), href), None)
            .await
    }
}

//! Mail about notices: told in one letter to each reader, tried again later when the server is away.

use std::time::{Duration, UNIX_EPOCH};

use db::transaction;
use futures::future::BoxFuture;
use kernel::{Error, Id, Msg, PersonId, Result};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use web::Catalog;

use crate::service::Notices;
use crate::store::{self, Due};

/// Most lines that one run takes.
const BATCH: i64 = 200;
/// How long a run has its lines before another node may take them.
const CLAIM_SECONDS: i64 = 15 * 60;
/// First pause after a failure; doubled each time.
const PAUSE_SECONDS: i64 = 60;
/// Longest pause.
const LONGEST_SECONDS: i64 = 6 * 3600;
/// After so many tries, about two days, mail is given up.
const MOST_ATTEMPTS: i64 = 14;

/// Why a letter was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// It never will be: the address is refused.
    pub for_good: bool,
    /// In the server's words.
    pub reason: String,
}

/// Takes letters.
pub trait Courier: Send + Sync {
    /// Hands one over.
    fn send(&self, letter: Message) -> BoxFuture<'_, std::result::Result<(), Undelivered>>;
}

/// A mail server (SMTP).
pub struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

impl Smtp {
    /// The server at a URL: `smtps://user:password@host`, `smtp://host:25?tls=required`. Must be called inside the
    /// runtime.
    ///
    /// # Errors
    /// `Conflict` when it is no such URL; the message does not repeat it, for it holds a password.
    pub fn at(url: &str) -> Result<Self> {
        let patience = Some(Duration::from_secs(20));
        Ok(Self(builder(url)?.timeout(patience).build()))
    }

    /// Whether a URL is one of a server.
    ///
    /// # Errors
    /// As [`Smtp::at`].
    pub fn check(url: &str) -> Result<()> {
        builder(url).map(|_| ())
    }
}

fn builder(url: &str) -> Result<AsyncSmtpTransportBuilder> {
    let wrong = |_| Error::Conflict(Msg::new("notices-smtp-url"));
    AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(wrong)
}

impl Courier for Smtp {
    fn send(&self, letter: Message) -> BoxFuture<'_, std::result::Result<(), Undelivered>> {
        Box::pin(async move {
            let refused = |e: lettre::transport::smtp::Error| Undelivered {
                for_good: e.is_permanent(),
                reason: e.to_string(),
            };
            self.0.send(letter).await.map(|_| ()).map_err(refused)
        })
    }
}

/// What a run did, in letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Sent.
    pub sent: usize,
    /// Tried again later.
    pub later: usize,
    /// Given up, also because nobody knows an address.
    pub given_up: usize,
}

/// Whether a text can be the sender of mail.
pub fn is_sender(text: &str) -> bool {
    mailbox(text).is_some()
}

/// Whether an address can be written to.
pub(crate) fn mailbox(address: &str) -> Option<Mailbox> {
    address.parse().ok()
}

impl Notices {
    /// Sends what is due, one letter to each reader; for a job that runs every minute.
    pub async fn deliver(&self, texts: &Catalog) -> Result<Delivered> {
        let mut done = Delivered::default();
        let Some(courier) = &self.courier else {
            return Ok(done);
        };
        let now = self.env.now();
        let until = now.plus_seconds(CLAIM_SECONDS);
        let due = transaction!(self.db, |tx| store::claim_mail(tx, now, until, BATCH).await)?;
        let due = store::by_reader(due);
        let people: Vec<PersonId> = due.keys().copied().collect();
        let addresses = self.contacts.addresses(&people).await?;
        for (person, lines) in due {
            let ids: Vec<Id> = lines.iter().map(|line| line.notice.id).collect();
            let Some(to) = addresses.get(&person).and_then(|a| mailbox(a)) else {
                transaction!(self.db, |tx| store::drop_mail(tx, &ids).await)?;
                done.given_up += 1;
                continue;
            };
            match courier.send(self.letter(texts, to, &lines)?).await {
                Ok(()) => {
                    transaction!(self.db, |tx| store::drop_mail(tx, &ids).await)?;
                    done.sent += 1;
                }
                Err(why) => {
                    let tries = lines.iter().map(|line| line.attempts).max().unwrap_or(0);
                    let again = !why.for_good && tries + 1 < MOST_ATTEMPTS;
                    let pause = (PAUSE_SECONDS << tries.min(12)).min(LONGEST_SECONDS);
                    let next = again.then(|| self.env.now().plus_seconds(pause));
                    tracing::warn!(
                        reason = why.reason,
                        again,
                        "mail about notices was not taken"
                    );
                    transaction!(self.db, |tx| store::put_off(
                        tx,
                        &ids,
                        next,
                        now,
                        &why.reason
                    )
                    .await)?;
                    if again {
                        done.later += 1;
                    } else {
                        done.given_up += 1;
                    }
                }
            }
        }
        Ok(done)
    }

    /// The lines with their links; what is confidential is not repeated.
    fn letter(&self, texts: &Catalog, to: Mailbox, lines: &[Due]) -> Result<Message> {
        let settings = &self.settings;
        let lang = lines
            .iter()
            .find_map(|line| line.lang)
            .unwrap_or(settings.lang);
        let say = |line: &Due| {
            if line.confidential {
                texts.say(lang, "notices-mail-confidential", &[])
            } else {
                line.notice.said(texts, lang)
            }
        };
        let subject = match lines {
            [one] => say(one),
            many => texts.say(
                lang,
                "notices-mail-many",
                &[("count", &many.len().to_string())],
            ),
        };
        let product = texts.say(lang, "product", &[]);
        let mut text = String::new();
        for line in lines {
            let (said, id) = (say(line), line.notice.id);
            text.push_str(&format!("{said}\n{}/notices/{id}\n\n", settings.public_url));
        }
        text.push_str(&texts.say(lang, "notices-mail-foot", &[]));
        text.push_str(&format!("\n{}/notices/settings\n", settings.public_url));
        let from: Mailbox = settings.from.parse().map_err(Error::internal)?;
        let first = lines
            .first()
            .map_or_else(String::new, |l| l.notice.id.to_string());
        let message_id = format!("<{first}@{}>", from.email.domain());
        let at = u64::try_from(self.env.now().0).unwrap_or(0);
        Message::builder()
            .date(UNIX_EPOCH + Duration::from_micros(at))
            .message_id(Some(message_id))
            .from(from)
            .to(to)
            .subject(format!("[{product}] {subject}"))
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(Error::internal)
    }
}

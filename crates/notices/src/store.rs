//! The SQL of notices.

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Error, Id, PersonId, Result, Timestamp};
use web::Lang;
use web::table::{Order, Window};

use crate::model::{Choice, Notice, NoticeRow, Reader};

/// The tables of this crate.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "notices_20261122_tables",
    sql: "
    CREATE TABLE notice (
        id {blob} PRIMARY KEY,
        reader {blob} NOT NULL,
        message TEXT NOT NULL,
        args TEXT NOT NULL,
        href TEXT NOT NULL,
        about_kind TEXT NOT NULL,
        about_id TEXT NOT NULL,
        dedupe TEXT,
        confidential BOOLEAN NOT NULL,
        created_at BIGINT NOT NULL,
        read_at BIGINT,
        UNIQUE (reader, dedupe));
    CREATE INDEX notice_reader ON notice (reader, id);
    CREATE INDEX notice_unread ON notice (reader, id) WHERE read_at IS NULL;
    CREATE INDEX notice_created_at ON notice (created_at);
    CREATE TABLE notice_choice (
        reader {blob} PRIMARY KEY,
        mail BOOLEAN NOT NULL,
        lang TEXT NOT NULL);
    CREATE TABLE notice_mail (
        notice {blob} PRIMARY KEY REFERENCES notice (id),
        reader {blob} NOT NULL,
        next_at BIGINT NOT NULL,
        attempts BIGINT NOT NULL,
        failed_at BIGINT,
        last_error TEXT);
    CREATE INDEX notice_mail_next_at ON notice_mail (next_at);
    CREATE TABLE calendar_token (
        account {blob} PRIMARY KEY,
        person {blob} NOT NULL,
        token_hash {blob} NOT NULL UNIQUE,
        made_at BIGINT NOT NULL)",
}];

/// Writes notices, one for each reader; who has one with this key already keeps that one.
pub(crate) async fn put(tx: &mut Tx, list: &[(Id, Reader, &Notice)], at: Timestamp) -> Result<()> {
    let mut rows = Args::with_capacity(list.len() * 10);
    for (id, reader, notice) in list {
        let said = serde_json::to_string(&notice.message.args).map_err(Error::internal)?;
        rows.add(*id);
        rows.add(reader.id());
        rows.add(notice.message.key);
        rows.add(said);
        rows.add(&notice.href);
        rows.add(notice.about.0);
        rows.add(&notice.about.1);
        rows.add(notice.dedupe.as_deref());
        rows.add(notice.confidential);
        rows.add(at);
    }
    tx.insert_many(
        "INSERT INTO notice (id, reader, message, args, href, about_kind, about_id, dedupe, confidential, created_at) VALUES",
        10,
        "ON CONFLICT (reader, dedupe) DO NOTHING",
        rows,
    )
    .await?;
    Ok(())
}

/// Queues mail about those of these notices that were written and whose readers want it.
pub(crate) async fn put_mail(
    tx: &mut Tx,
    notices: &[Id],
    unless_chosen: bool,
    at: Timestamp,
) -> Result<()> {
    for chunk in notices.chunks(5_000) {
        let mut args = args![at, unless_chosen];
        let list = args.list(chunk.iter().copied());
        tx.execute(
            format!(
                "INSERT INTO notice_mail (notice, reader, next_at, attempts)
                 SELECT n.id, n.reader, $1, 0 FROM notice n LEFT JOIN notice_choice c ON c.reader = n.reader
                 WHERE COALESCE(c.mail, $2) AND n.id IN ({list})"
            ),
            args,
        )
        .await?;
    }
    Ok(())
}

const NOTICE: &str = "n.id, n.message, n.args, n.href, n.created_at, n.read_at";

fn notice(row: &Row) -> Result<NoticeRow> {
    let said: String = row.get(2)?;
    Ok(NoticeRow {
        id: row.get(0)?,
        key: row.get(1)?,
        args: serde_json::from_str(&said).map_err(Error::internal)?,
        href: row.get(3)?,
        at: row.get(4)?,
        read_at: row.get(5)?,
    })
}

fn readers(of: &[Reader], args: &mut Args) -> String {
    args.list(of.iter().map(|reader| reader.id()))
}

/// Notices before one, newest first.
pub(crate) async fn list(
    tx: &mut Tx,
    of: &[Reader],
    unread: bool,
    before: Option<Id>,
    most: i64,
) -> Result<Vec<NoticeRow>> {
    let mut args = Args::new();
    let of = readers(of, &mut args);
    let before = match before {
        Some(id) => format!("n.id < {}", args.push(id)),
        None => "1=1".to_owned(),
    };
    let unread = if unread { "n.read_at IS NULL" } else { "1=1" };
    let most = args.push(most);
    let sql = format!(
        "SELECT {NOTICE} FROM notice n WHERE n.reader IN ({of}) AND {before} AND {unread}
         ORDER BY n.id DESC LIMIT {most}"
    );
    tx.query(sql, args).await?.iter().map(notice).collect()
}

/// A page of notices by time, and how many there are.
pub(crate) async fn page(
    tx: &mut Tx,
    of: &[Reader],
    unread: bool,
    order: Order,
    window: Window,
) -> Result<(Vec<NoticeRow>, i64)> {
    let mut args = Args::new();
    let of = readers(of, &mut args);
    let unread = if unread { "n.read_at IS NULL" } else { "1=1" };
    let from = format!("FROM notice n WHERE n.reader IN ({of}) AND {unread}");
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) {from}");
    let total: i64 = tx.one(sql, args.clone()).await?.get(0)?;
    let (size, offset) = (args.push(window.size), args.push(window.offset(total)));
    let way = order.way();
    let sql = format!("SELECT {NOTICE} {from} ORDER BY n.id {way} LIMIT {size} OFFSET {offset}");
    let rows = tx.query(sql, args).await?;
    let rows: Result<Vec<NoticeRow>> = rows.iter().map(notice).collect();
    Ok((rows?, total))
}

pub(crate) async fn unread(tx: &mut Tx, of: &[Reader]) -> Result<i64> {
    let mut args = Args::new();
    let of = readers(of, &mut args);
    let sql = format!(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM notice WHERE reader IN ({of}) AND read_at IS NULL"
    );
    tx.one(sql, args).await?.get(0)
}

/// One notice of these readers.
pub(crate) async fn one(tx: &mut Tx, of: &[Reader], id: Id) -> Result<Option<NoticeRow>> {
    let mut args = args![id];
    let of = readers(of, &mut args);
    let sql = format!("SELECT {NOTICE} FROM notice n WHERE n.id = $1 AND n.reader IN ({of})");
    tx.optional(sql, args)
        .await?
        .as_ref()
        .map(notice)
        .transpose()
}

/// Marks one as read, or all; gives how many were not read before.
pub(crate) async fn mark(tx: &mut Tx, of: &[Reader], id: Option<Id>, at: Timestamp) -> Result<u64> {
    let mut args = args![at];
    let of = readers(of, &mut args);
    let which = match id {
        Some(id) => format!("id = {}", args.push(id)),
        None => "1=1".to_owned(),
    };
    let sql = format!(
        "UPDATE notice SET read_at = $1 WHERE reader IN ({of}) AND read_at IS NULL AND {which}"
    );
    tx.execute(sql, args).await
}

/// Marks what these were told about something as read.
pub(crate) async fn settle(
    tx: &mut Tx,
    of: &[Reader],
    (kind, id): (&str, &str),
    at: Timestamp,
) -> Result<()> {
    let mut args = args![at, kind, id];
    let of = readers(of, &mut args);
    let sql = format!(
        "UPDATE notice SET read_at = $1
         WHERE reader IN ({of}) AND read_at IS NULL AND about_kind = $2 AND about_id = $3"
    );
    tx.execute(sql, args).await.map(|_| ())
}

pub(crate) async fn choice(tx: &mut Tx, of: Reader) -> Result<Option<Choice>> {
    let sql = "SELECT mail, lang FROM notice_choice WHERE reader = $1";
    let row = tx.optional(sql, args![of.id()]).await?;
    row.map(|row| {
        Ok(Choice {
            mail: row.get(0)?,
            lang: lang(&row, 1)?,
        })
    })
    .transpose()
}

fn lang(row: &Row, at: usize) -> Result<Lang> {
    let code: String = row.get(at)?;
    Ok(Lang::from_code(&code).unwrap_or(Lang::Zh))
}

pub(crate) async fn put_choice(tx: &mut Tx, of: Reader, choice: Choice) -> Result<()> {
    tx.execute(
        "INSERT INTO notice_choice (reader, mail, lang) VALUES ($1, $2, $3)
         ON CONFLICT (reader) DO UPDATE SET mail = excluded.mail, lang = excluded.lang",
        args![of.id(), choice.mail, choice.lang.code()],
    )
    .await?;
    Ok(())
}

/// A line of mail that is due.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub reader: PersonId,
    pub attempts: i64,
    pub lang: Option<Lang>,
    pub confidential: bool,
    pub notice: NoticeRow,
}

/// The mail that is due longest, put off until `until`, so that no other node sends it meanwhile.
pub(crate) async fn claim_mail(
    tx: &mut Tx,
    now: Timestamp,
    until: Timestamp,
    most: i64,
) -> Result<Vec<Due>> {
    let sql = format!(
        "SELECT {NOTICE}, m.reader, m.attempts, c.lang, n.confidential, m.next_at
         FROM notice_mail m JOIN notice n ON n.id = m.notice LEFT JOIN notice_choice c ON c.reader = m.reader
         WHERE m.next_at <= $1 AND m.failed_at IS NULL ORDER BY m.next_at, m.notice LIMIT $2"
    );
    let mut due = Vec::new();
    for row in tx.query(sql, args![now, most]).await? {
        let found = Due {
            notice: notice(&row)?,
            reader: row.get(6)?,
            attempts: row.get(7)?,
            lang: row
                .get::<Option<String>>(8)?
                .and_then(|code| Lang::from_code(&code)),
            confidential: row.get(9)?,
        };
        let seen: Timestamp = row.get(10)?;
        let sql = "UPDATE notice_mail SET next_at = $3, attempts = attempts + 1
                   WHERE notice = $1 AND next_at = $2";
        if tx.execute(sql, args![found.notice.id, seen, until]).await? == 1 {
            due.push(found);
        }
    }
    Ok(due)
}

/// Takes mail off the table that was sent, or that nobody can get.
pub(crate) async fn drop_mail(tx: &mut Tx, notices: &[Id]) -> Result<()> {
    let mut args = Args::new();
    let list = args.list(notices.iter().copied());
    tx.execute(
        format!("DELETE FROM notice_mail WHERE notice IN ({list})"),
        args,
    )
    .await?;
    Ok(())
}

/// Puts mail off that was not taken, or gives it up.
pub(crate) async fn put_off(
    tx: &mut Tx,
    notices: &[Id],
    next: Option<Timestamp>,
    now: Timestamp,
    why: &str,
) -> Result<()> {
    let failed = if next.is_none() { Some(now) } else { None };
    let mut args = args![next.unwrap_or(now), failed, why];
    let list = args.list(notices.iter().copied());
    let sql = format!(
        "UPDATE notice_mail SET next_at = $1, failed_at = $2, last_error = $3 WHERE notice IN ({list})"
    );
    tx.execute(sql, args).await?;
    Ok(())
}

/// How much mail waits, and how much was given up.
pub(crate) async fn mail_state(tx: &mut Tx) -> Result<(i64, i64)> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT), CAST(COUNT(failed_at) AS BIGINT) FROM notice_mail";
    let row = tx.one(sql, args![]).await?;
    let (all, failed): (i64, i64) = (row.get(0)?, row.get(1)?);
    Ok((all - failed, failed))
}

/// Removes notices from before an instant; gives how many.
pub(crate) async fn expire(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let sql =
        "DELETE FROM notice_mail WHERE notice IN (SELECT id FROM notice WHERE created_at < $1)";
    tx.execute(sql, args![before]).await?;
    tx.execute("DELETE FROM notice WHERE created_at < $1", args![before])
        .await
}

/// Removes all notices to somebody, their choice and their mail.
pub(crate) async fn drop_reader(tx: &mut Tx, reader: Reader) -> Result<()> {
    let sql = "DELETE FROM notice_mail WHERE notice IN (SELECT id FROM notice WHERE reader = $1)";
    tx.execute(sql, args![reader.id()]).await?;
    for table in ["notice", "notice_choice"] {
        let sql = format!("DELETE FROM {table} WHERE reader = $1");
        tx.execute(sql, args![reader.id()]).await?;
    }
    Ok(())
}

/// Takes a name out of what notices say; gives how many said it.
pub(crate) async fn mask(tx: &mut Tx, name: &str, mark: &str) -> Result<usize> {
    // As it stands in the stored text, and as a pattern.
    let stored = serde_json::to_string(name).map_err(Error::internal)?;
    let stored = stored.trim_matches('"').replace('!', "!!");
    let pattern = format!("%{}%", stored.replace('%', "!%").replace('_', "!_"));
    let sql = "SELECT id, args FROM notice WHERE args LIKE $1 ESCAPE '!' ORDER BY id";
    let mut masked = 0;
    for row in tx.query(sql, args![pattern]).await? {
        let (id, said): (Id, String) = (row.get(0)?, row.get(1)?);
        let mut said: Vec<(String, String)> =
            serde_json::from_str(&said).map_err(Error::internal)?;
        let holding = said.iter_mut().filter(|(_, value)| value.contains(name));
        let mut found = false;
        for (_, value) in holding {
            *value = value.replace(name, mark);
            found = true;
        }
        if found {
            let said = serde_json::to_string(&said).map_err(Error::internal)?;
            tx.execute("UPDATE notice SET args = $2 WHERE id = $1", args![id, said])
                .await?;
            masked += 1;
        }
    }
    Ok(masked)
}

/// When the feed of an account was made, if it has one.
pub(crate) async fn feed_made(tx: &mut Tx, account: AccountId) -> Result<Option<Timestamp>> {
    let sql = "SELECT made_at FROM calendar_token WHERE account = $1";
    let row = tx.optional(sql, args![account]).await?;
    row.map(|row| row.get(0)).transpose()
}

pub(crate) async fn put_feed(
    tx: &mut Tx,
    account: AccountId,
    person: PersonId,
    hash: &[u8],
    at: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO calendar_token (account, person, token_hash, made_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account) DO UPDATE SET person = excluded.person, token_hash = excluded.token_hash,
            made_at = excluded.made_at",
        args![account, person, hash.to_vec(), at],
    )
    .await?;
    Ok(())
}

pub(crate) async fn end_feed(tx: &mut Tx, account: AccountId) -> Result<()> {
    let sql = "DELETE FROM calendar_token WHERE account = $1";
    tx.execute(sql, args![account]).await?;
    Ok(())
}

/// Whose feed has this hash, and in which language it speaks.
pub(crate) async fn feed(
    tx: &mut Tx,
    hash: &[u8],
) -> Result<Option<(AccountId, PersonId, Option<Lang>)>> {
    let sql = "SELECT t.account, t.person, c.lang FROM calendar_token t
               LEFT JOIN notice_choice c ON c.reader = t.person WHERE t.token_hash = $1";
    let row = tx.optional(sql, args![hash.to_vec()]).await?;
    row.map(|row| {
        let code: Option<String> = row.get(2)?;
        Ok((
            row.get(0)?,
            row.get(1)?,
            code.and_then(|c| Lang::from_code(&c)),
        ))
    })
    .transpose()
}

/// The addresses of the readers of rows that are due, asked once.
pub(crate) fn by_reader(due: Vec<Due>) -> HashMap<PersonId, Vec<Due>> {
    let mut grouped: HashMap<PersonId, Vec<Due>> = HashMap::new();
    for one in due {
        grouped.entry(one.reader).or_default().push(one);
    }
    grouped
}

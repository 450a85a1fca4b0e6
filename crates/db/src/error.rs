//! What a driver's error means for the person and for the retrying transaction.

use kernel::{Error, Msg};

/// Turns a driver error into the closed set.
pub(crate) fn convert(e: sqlx::Error) -> Error {
    match &e {
        sqlx::Error::Database(d) => {
            let code = d.code().unwrap_or_default();
            if d.is_unique_violation() {
                return Error::Conflict(
                    Msg::new("db-duplicate")
                        .with("constraint", d.constraint().unwrap_or(d.message())),
                );
            }
            match code.as_ref() {
                // PostgreSQL: serialization failure, deadlock, lock timeout.
                "40001" | "40P01" | "55P03" => Error::Retry(e.to_string()),
                // PostgreSQL: somebody else made the same table or type at the same moment.
                "42P07" | "42710" => {
                    Error::Conflict(Msg::new("db-duplicate").with("constraint", d.message()))
                }
                // SQLite: BUSY and its kinds, LOCKED.
                "5" | "261" | "517" | "773" | "6" | "262" => Error::Retry(e.to_string()),
                // SQLite FULL, PostgreSQL disk full.
                "13" | "53100" => Error::Unavailable(Msg::new("disk-full")),
                // SQLite IOERR_WRITE: what a quota or a limit on the size of files gives.
                "778" => {
                    tracing::error!(error = %e, "the database cannot be written");
                    Error::Unavailable(Msg::new("disk-full"))
                }
                // SQLite IOERR family (low byte 10), CANTOPEN (14), READONLY (8).
                c if c
                    .parse::<u32>()
                    .is_ok_and(|n| c.len() < 5 && matches!(n & 0xff, 10 | 14 | 8)) =>
                {
                    tracing::error!(error = %e, "the database cannot be read or written");
                    Error::Unavailable(Msg::new("database-away"))
                }
                // PostgreSQL: shutdown, starting up, too many connections, connection exceptions.
                "57P01" | "57P02" | "57P03" | "53300" | "25P03" => away(&e),
                c if c.starts_with("08") => away(&e),
                _ => Error::Internal(format!("{e} (code {code})")),
            }
        }
        // Protocol: a connection that was cut while it was being made.
        sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => away(&e),
        _ => Error::Internal(e.to_string()),
    }
}

fn away(e: &sqlx::Error) -> Error {
    tracing::warn!(error = %e, "the database is away");
    Error::Unavailable(Msg::new("database-away"))
}

//! What may be looked at later (作答信号): the window was left, something was pasted, another device came. It is
//! evidence for a person to judge and never a number that decides anything; it comes in batches and is kept in
//! batches.

use std::collections::HashMap;

use db::{BatchWriter, Tx};
use futures::future::BoxFuture;
use kernel::{Env, Id, Result, Timestamp};

use crate::store::room as rows;

/// Signals that are kept of one attempt; what comes after is no news.
const MOST: i64 = 500;

/// What was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalKind {
    /// The window was left for so many seconds (离开页面).
    FocusLost,
    /// So many characters were pasted (粘贴).
    Pasted,
    /// The full screen was left (退出全屏).
    FullscreenLeft,
    /// Another device asked for the attempt (另一台设备).
    OtherDevice,
}

impl SignalKind {
    /// As tables and the API have it.
    pub fn code(self) -> &'static str {
        match self {
            Self::FocusLost => "focus-lost",
            Self::Pasted => "pasted",
            Self::FullscreenLeft => "fullscreen-left",
            Self::OtherDevice => "other-device",
        }
    }

    /// From a table or the API.
    pub fn of_code(code: &str) -> Option<Self> {
        [
            Self::FocusLost,
            Self::Pasted,
            Self::FullscreenLeft,
            Self::OtherDevice,
        ]
        .into_iter()
        .find(|kind| kind.code() == code)
    }
}

/// A signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    /// What.
    pub kind: SignalKind,
    /// Seconds or characters, by the kind.
    pub amount: i64,
    /// When, by the server's clock as the client knows it.
    pub at: Timestamp,
}

/// Writes the signals of those who come together.
pub(crate) struct Signals(pub(crate) Env);

impl BatchWriter for Signals {
    type Item = (Id, Vec<Signal>);
    type Ack = ();

    fn write<'a>(
        &'a self,
        tx: &'a mut Tx,
        items: &'a [(Id, Vec<Signal>)],
    ) -> BoxFuture<'a, Result<Vec<Result<()>>>> {
        Box::pin(async move {
            let mut attempts: Vec<Id> = items.iter().map(|(attempt, _)| *attempt).collect();
            attempts.sort_unstable();
            attempts.dedup();
            let kept = rows::signalled(tx, &attempts).await?;
            let mut kept: HashMap<Id, i64> = kept.into_iter().collect();
            let mut new: Vec<(Id, Signal)> = Vec::new();
            for (attempt, signals) in items {
                let count = kept.entry(*attempt).or_default();
                for signal in signals {
                    let twice = |(a, s): &(Id, Signal)| {
                        (*a, s.at, s.kind) == (*attempt, signal.at, signal.kind)
                    };
                    if *count < MOST && !new.iter().any(twice) {
                        *count += 1;
                        new.push((*attempt, *signal));
                    }
                }
            }
            rows::put_signals(tx, &new, self.0.now()).await?;
            Ok(items.iter().map(|_| Ok(())).collect())
        })
    }
}

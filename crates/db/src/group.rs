//! Grouping: requests that arrive together share one durable transaction and are answered after it is on
//! disk (about 950 commits a second become tens of thousands of rows), or share one snapshot to read from.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Result};
use tokio::sync::{mpsc, oneshot};

use crate::{Db, Engine, Tx};

/// Batches that PostgreSQL works on at once, where their order does not matter.
const LANES: usize = 2;

/// What a batch does. Items were validated before they were queued.
pub trait BatchWriter: Send + Sync + 'static {
    /// One request.
    type Item: Send + Sync + 'static;
    /// Its acknowledgement.
    type Ack: Send + 'static;

    /// Writes the items; one answer per item, in order. An `Err` for the whole rolls all back, and
    /// the items are then tried one by one, so that a bad one harms nobody else.
    fn write<'a>(
        &'a self,
        tx: &'a mut Tx,
        items: &'a [Self::Item],
    ) -> BoxFuture<'a, Result<Vec<Result<Self::Ack>>>>;
}

type Waiting<W> = (
    <W as BatchWriter>::Item,
    oneshot::Sender<Result<<W as BatchWriter>::Ack>>,
);

/// The queues in front of a [`BatchWriter`]; cheap to clone.
pub struct GroupCommit<W: BatchWriter> {
    queues: Arc<[mpsc::Sender<Waiting<W>>]>,
}

impl<W: BatchWriter> Clone for GroupCommit<W> {
    fn clone(&self) -> Self {
        Self {
            queues: self.queues.clone(),
        }
    }
}

impl<W: BatchWriter> GroupCommit<W> {
    /// Starts the writer; it ends when all clones are dropped and the queue is empty.
    pub fn start(db: Db, writer: Arc<W>, capacity: usize, most_per_batch: usize) -> Self {
        Self::with_lanes(1, &db, &writer, (capacity, most_per_batch))
    }

    /// Starts a writer for whose items the order matters only within a lane. PostgreSQL works on the batch of one lane while
    /// that of another goes to disk; SQLite writes one after the other and has one lane.
    pub fn in_lanes(db: Db, writer: Arc<W>, capacity: usize, most_per_batch: usize) -> Self {
        let lanes = match db.engine() {
            Engine::Sqlite => 1,
            Engine::Postgres => LANES,
        };
        Self::with_lanes(lanes, &db, &writer, (capacity, most_per_batch))
    }

    fn with_lanes(
        lanes: usize,
        db: &Db,
        writer: &Arc<W>,
        (capacity, most): (usize, usize),
    ) -> Self {
        let lane = |_| {
            let (queue, waiting) = mpsc::channel(capacity);
            tokio::spawn(run(db.clone(), writer.clone(), waiting, most));
            queue
        };
        let queues = (0..lanes).map(lane).collect();
        Self { queues }
    }

    /// Queues an item and waits until it is on disk.
    ///
    /// # Errors
    /// `Busy` when the queue is full; what the writer says of this item.
    pub async fn submit(&self, item: W::Item) -> Result<W::Ack> {
        self.submit_in(0, item).await
    }

    /// The same in the lane of a key, such as a byte of an id: items of one key are written in the order in which they come.
    ///
    /// # Errors
    /// As above.
    pub async fn submit_in(&self, key: u8, item: W::Item) -> Result<W::Ack> {
        let (answer, answered) = oneshot::channel();
        self.queues[usize::from(key) % self.queues.len()]
            .try_send((item, answer))
            .map_err(|_| Error::Busy { retry_after: 1 })?;
        answered
            .await
            .unwrap_or_else(|_| Err(Error::Busy { retry_after: 1 }))
    }
}

async fn run<W: BatchWriter>(
    db: Db,
    writer: Arc<W>,
    mut waiting: mpsc::Receiver<Waiting<W>>,
    most: usize,
) {
    loop {
        let mut batch = Vec::new();
        if waiting.recv_many(&mut batch, most).await == 0 {
            return;
        }
        let (items, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let result = write(&db, &*writer, &items).await;
        match result {
            Ok(acks) => {
                for (answer, ack) in answers.into_iter().zip(acks) {
                    let _ = answer.send(ack);
                }
            }
            Err(e)
                if items.len() == 1 || matches!(e, Error::Unavailable(_) | Error::Busy { .. }) =>
            {
                answer_all(answers, e);
            }
            Err(e) => {
                tracing::debug!(error = %e, items = items.len(), "a batch failed and is written one by one");
                for (item, answer) in items.iter().zip(answers) {
                    let one = write(&db, &*writer, std::slice::from_ref(item)).await;
                    let _ = answer.send(one.and_then(|mut acks| {
                        acks.pop().unwrap_or_else(|| {
                            Err(Error::internal("a batch writer gave no answer"))
                        })
                    }));
                }
            }
        }
    }
}

/// What a batch of lookups reads.
pub trait BatchReader: Send + Sync + 'static {
    /// What is looked up.
    type Key: Send + Sync + 'static;
    /// What is found.
    type Found: Send + 'static;

    /// Looks the keys up in one snapshot, best in one query; one answer per key, in order.
    fn read<'a>(
        &'a self,
        tx: &'a mut Tx,
        keys: &'a [Self::Key],
    ) -> BoxFuture<'a, Result<Vec<Self::Found>>>;
}

type Asking<R> = (
    <R as BatchReader>::Key,
    oneshot::Sender<Result<<R as BatchReader>::Found>>,
);

/// The queue in front of a [`BatchReader`]: lookups that every request needs, and that arrive while
/// another is on its way, share the next snapshot. Nothing is kept, so nothing is out of date. Cheap to clone.
pub struct GroupRead<R: BatchReader> {
    queue: mpsc::Sender<Asking<R>>,
}

impl<R: BatchReader> Clone for GroupRead<R> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
        }
    }
}

impl<R: BatchReader> GroupRead<R> {
    /// Starts the reader; it ends when all clones are dropped.
    pub fn start(db: Db, reader: Arc<R>, capacity: usize, most_per_batch: usize) -> Self {
        let (queue, mut asking) = mpsc::channel::<Asking<R>>(capacity);
        tokio::spawn(async move {
            loop {
                let mut batch = Vec::new();
                if asking.recv_many(&mut batch, most_per_batch).await == 0 {
                    return;
                }
                let (keys, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
                let read =
                    AssertUnwindSafe(async { reader.read(&mut db.read().await?, &keys).await });
                match read.catch_unwind().await {
                    Ok(Ok(found)) => {
                        for (answer, found) in answers.into_iter().zip(found) {
                            let _ = answer.send(Ok(found));
                        }
                    }
                    Ok(Err(e)) => answer_all(answers, e),
                    Err(_) => answer_all(answers, Error::internal("a batch reader panicked")),
                }
            }
        });
        Self { queue }
    }

    /// Looks one key up.
    ///
    /// # Errors
    /// `Busy` when the queue is full; what the database says.
    pub async fn find(&self, key: R::Key) -> Result<R::Found> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .try_send((key, answer))
            .map_err(|_| Error::Busy { retry_after: 1 })?;
        answered
            .await
            .unwrap_or_else(|_| Err(Error::Busy { retry_after: 1 }))
    }
}

fn answer_all<A>(answers: Vec<oneshot::Sender<Result<A>>>, e: Error) {
    for answer in answers {
        let copy = match &e {
            Error::Unavailable(m) => Error::Unavailable(m.clone()),
            Error::Conflict(m) => Error::Conflict(m.clone()),
            Error::Invalid(f) => Error::Invalid(f.clone()),
            Error::NotFound => Error::NotFound,
            Error::Busy { retry_after } => Error::Busy {
                retry_after: *retry_after,
            },
            other => Error::Internal(other.to_string()),
        };
        let _ = answer.send(Err(copy));
    }
}

async fn write<W: BatchWriter>(
    db: &Db,
    writer: &W,
    items: &[W::Item],
) -> Result<Vec<Result<W::Ack>>> {
    let written =
        AssertUnwindSafe(async { crate::transaction!(db, |tx| writer.write(tx, items).await) });
    // A panic rolls back like an error; the queue must outlive it.
    let written = written.catch_unwind().await;
    written.unwrap_or_else(|_| Err(Error::internal("a batch writer panicked")))
}

//! The one thread that owns the connection: it takes what waits and commits it together.

use std::fmt;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::Sqlite;
use super::open::Database;
use crate::store::StoreError;

/// Operations that may wait. Each is a few hundred bytes, and more than this many are not served within [`ANSWER`].
const MAX_WAITING: usize = 4096;

/// Most operations that are committed together, so that the first of them does not wait for long.
const MAX_GROUP: usize = 512;

/// How long an answer may take. A request's own deadline is usually shorter.
const ANSWER: Duration = Duration::from_secs(3);

/// What an operation does to the database, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Access {
    /// It reads.
    Read,
    /// It writes what survives the process, `kill -9` included. A machine that loses power may lose the last of it.
    Write,
    /// It writes what survives a loss of power too.
    WriteThrough,
}

/// The way to the thread.
#[derive(Clone)]
pub(super) struct Queue(mpsc::Sender<Box<dyn Work>>);

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({} free)", self.0.capacity())
    }
}

/// An operation that waits, whatever its answer is.
trait Work: Send {
    fn access(&self) -> Access;
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;
    /// Does it; false if it failed and must leave no trace.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Answers, once it is known whether the group was committed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Task<T, F> {
    access: Access,
    work: Option<F>,
    outcome: Result<T, StoreError>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Work for Task<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
{
    fn access(&self) -> Access {
        self.access
    }

    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(&mut self, connection: &Connection) -> bool {
        if let Some(work) = self.work.take() {
            self.outcome = work(connection).map_err(StoreError::from);
        }
        self.outcome.is_ok()
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        // Whoever asked may be gone.
        let _gone = self.answer.send(committed.and(self.outcome));
    }
}

impl Sqlite {
    /// Has `work` done and committed by the thread. A work that fails leaves no trace.
    pub(super) async fn ask<T, F>(&self, access: Access, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let task = Task {
            access,
            work: Some(work),
            outcome: Err(StoreError::Stopped),
            answer,
        };
        self.queue
            .0
            .try_send(Box::new(task))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => StoreError::Busy,
                mpsc::error::TrySendError::Closed(_) => StoreError::Stopped,
            })?;
        match tokio::time::timeout(ANSWER, answered).await {
            Ok(Ok(outcome)) => outcome,
            // The thread ended with the operation in its hands.
            Ok(Err(_)) => Err(StoreError::Stopped),
            Err(_) => Err(StoreError::Late),
        }
    }
}

/// Starts the thread. It ends when every handle is gone and everything that waited is done.
pub(super) fn start(database: Database) -> Result<Queue, StoreError> {
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    std::thread::Builder::new()
        .name("store".to_owned())
        .spawn(move || serve(database, receiver))
        .map_err(|error| StoreError::Failed(error.to_string().into()))?;
    Ok(Queue(sender))
}

fn serve(mut database: Database, mut receiver: mpsc::Receiver<Box<dyn Work>>) {
    let mut through = None;
    while let Some(first) = receiver.blocking_recv() {
        let mut group = vec![first];
        while group.len() < MAX_GROUP
            && let Ok(next) = receiver.try_recv()
        {
            group.push(next);
        }
        group.retain(|work| !work.is_abandoned());
        let committed = commit(&mut database, &mut through, &mut group);
        for work in group {
            work.answer(committed.clone());
        }
    }
}

/// Does a group in one transaction. An operation that fails is undone alone; a transaction that fails undoes them all.
fn commit(
    database: &mut Database,
    through: &mut Option<bool>,
    group: &mut [Box<dyn Work>],
) -> Result<(), StoreError> {
    let Some(access) = group.iter().map(|work| work.access()).max() else {
        return Ok(());
    };
    database.check_place()?;
    let connection = &mut database.connection;
    let behavior = match access {
        Access::Read => TransactionBehavior::Deferred,
        Access::Write | Access::WriteThrough => {
            synchronise(connection, through, access == Access::WriteThrough)?;
            // The lock from the start: what is read here is still true when it is written.
            TransactionBehavior::Immediate
        }
    };
    let mut transaction = connection.transaction_with_behavior(behavior)?;
    if let [work] = group {
        // The transaction is its savepoint.
        if work.run(&transaction) {
            transaction.commit()?;
        }
        return Ok(());
    }
    for work in group {
        let savepoint = transaction.savepoint()?;
        if work.run(&savepoint) {
            savepoint.commit()?;
        } else if savepoint.is_autocommit() {
            // SQLite gave the whole transaction up (the disk is full, say), and what came before with it.
            return Err(StoreError::Failed("the transaction was given up".into()));
        } else {
            savepoint.finish()?;
        }
    }
    Ok(transaction.commit()?)
}

/// Sets how far a commit reaches, where it is not set so already: to the system (`NORMAL`), or to the disk (`FULL`).
fn synchronise(
    connection: &Connection,
    through: &mut Option<bool>,
    wanted: bool,
) -> rusqlite::Result<()> {
    if *through != Some(wanted) {
        let level = if wanted { "FULL" } else { "NORMAL" };
        connection.pragma_update(None, "synchronous", level)?;
        *through = Some(wanted);
    }
    Ok(())
}

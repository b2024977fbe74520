//! The connection that operations share: made when it is needed, given up when it fails, and made again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::{Cmd, FromRedisValue, Pipeline, Script, Value, cmd};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::super::StoreError;
use super::connector::Connector;
use super::failure::Failure;
use super::memory::Memory;
use super::reply::Reply;
use super::script::Arguments;
use super::session::{Identity, Session};

/// Operations that may be under way. More than this many are not answered in time.
const MAX_UNDER_WAY: usize = 4096;

/// How long nobody tries again after an attempt to connect has failed, at first and at most. The most is part of the time for
/// which nothing is used up after a server has come back, so that every replica is there by then.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// How often an operation begins again because the state or the server was another one.
const TRIES: usize = 2;

/// One connection at a time, shared by all operations.
#[derive(Debug)]
pub(super) struct Link {
    connector: Arc<Connector>,
    memory: Arc<Memory>,
    /// Whether what is written has to be confirmed by replicas.
    confirms: bool,
    line: Mutex<Line>,
    connecting: Semaphore,
    under_way: Semaphore,
}

#[derive(Debug, Default)]
struct Line {
    session: Option<Arc<Session>>,
    failed: Option<Failed>,
}

/// The last attempt to connect, if it failed.
#[derive(Clone, Debug)]
struct Failed {
    error: StoreError,
    at: Instant,
    pause: Duration,
}

impl Link {
    pub(super) fn new(connector: Arc<Connector>, memory: Arc<Memory>, confirms: bool) -> Self {
        Self {
            connector,
            memory,
            confirms,
            line: Mutex::default(),
            connecting: Semaphore::new(1),
            under_way: Semaphore::new(MAX_UNDER_WAY),
        }
    }

    /// Runs a script whose first arguments are the state's and the server's id. What it answers is what it did; that it was
    /// refused, because either is another one by now, is seen to here.
    pub(super) async fn script(
        &self,
        script: &Script,
        key: String,
        arguments: &Arguments,
    ) -> Result<Reply, StoreError> {
        Ok(self.script_at(script, key, arguments).await?.0)
    }

    /// The same, and which state and server did it.
    pub(super) async fn script_at(
        &self,
        script: &Script,
        key: String,
        arguments: &Arguments,
    ) -> Result<(Reply, Identity), StoreError> {
        let _permit = self.permit()?;
        for _ in 0..TRIES {
            let session = self.session().await?;
            let Identity { generation, run } = &session.identity;
            let all = Arguments::new()
                .key(key.clone())
                .arg(generation.as_bytes())
                .arg(run.as_bytes())
                .then(arguments);
            let answer: Value = self.take(&session, session.eval(script, &all).await)?;
            let reply = Reply::read(answer)?;
            match reply.word() {
                "moved" => self.give_up(&session),
                "settling" => return Err(StoreError::Settling),
                _ => {
                    self.confirm(&session).await?;
                    self.check_current(&session)?;
                    return Ok((reply, session.identity.clone()));
                }
            }
        }
        Err(StoreError::Settling)
    }

    /// What a server did that has been given up for another one meanwhile may be lost with it: nobody is told that it is done.
    fn check_current(&self, session: &Arc<Session>) -> Result<(), StoreError> {
        match self.current() {
            Some(current) if current.identity != session.identity => Err(StoreError::Settling),
            Some(_) | None => Ok(()),
        }
    }

    /// Runs a command that reads.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let _permit = self.permit()?;
        let session = self.session().await?;
        self.take(&session, session.ask(command).await)
    }

    /// Runs commands that read.
    pub(super) async fn pipe<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
    ) -> Result<T, StoreError> {
        let _permit = self.permit()?;
        let session = self.session().await?;
        self.take(&session, session.pipe(commands).await)
    }

    /// Who is at the other end, if anybody is.
    pub(super) async fn identity(&self) -> Result<Identity, StoreError> {
        Ok(self.session().await?.identity.clone())
    }

    /// Waits until enough replicas have what was written over this connection. That they have not is no undoing: it is done, but
    /// whoever asked is not told that it lasts.
    async fn confirm(&self, session: &Arc<Session>) -> Result<(), StoreError> {
        let (wanted, wait) = self.connector.confirmation();
        if !self.confirms || wanted == 0 {
            return Ok(());
        }
        let mut command = cmd("WAIT");
        command.arg(wanted).arg(wait.as_millis().to_string());
        let confirmed: u32 = self.take(session, session.ask(&command).await)?;
        if confirmed < wanted {
            return Err(StoreError::Unconfirmed { confirmed, wanted });
        }
        Ok(())
    }

    fn permit(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        self.under_way
            .try_acquire()
            .map_err(|_none_left| StoreError::Busy)
    }

    /// The connection that is there, or a new one. Of all who need a new one, one makes it and the others wait for it.
    async fn session(&self) -> Result<Arc<Session>, StoreError> {
        if let Some(session) = self.current() {
            return Ok(session);
        }
        let connecting = self.connecting.acquire().await;
        let _connecting = connecting.map_err(|_closed| StoreError::Stopped)?;
        if let Some(session) = self.current() {
            return Ok(session);
        }
        let failed = self.line().failed.clone();
        if let Some(failed) = &failed
            && failed.at.elapsed() < failed.pause
        {
            return Err(failed.error.clone());
        }
        let connected = self.connect().await;
        let mut line = self.line();
        match connected {
            Ok(session) => {
                line.failed = None;
                line.session = Some(Arc::clone(&session));
                Ok(session)
            }
            Err(error) => {
                let pause = failed.map_or(FIRST_PAUSE, |failed| failed.pause * 2);
                line.failed = Some(Failed {
                    error: error.clone(),
                    at: Instant::now(),
                    pause: pause.min(LONGEST_PAUSE),
                });
                Err(error)
            }
        }
    }

    /// Connects, and puts back what this process remembers and the state may not.
    async fn connect(&self) -> Result<Arc<Session>, StoreError> {
        let session = self.connector.connect().await?;
        self.memory.put_back(&session, &self.connector.keys).await?;
        Ok(Arc::new(session))
    }

    /// The value; a connection that failed is given up.
    fn take<T>(&self, session: &Arc<Session>, value: Result<T, Failure>) -> Result<T, StoreError> {
        value.map_err(|Failure { error, is_final }| {
            if is_final {
                self.give_up(session);
            }
            error
        })
    }

    fn give_up(&self, failed: &Arc<Session>) {
        let mut line = self.line();
        if line
            .session
            .as_ref()
            .is_some_and(|it| Arc::ptr_eq(it, failed))
        {
            line.session = None;
        }
    }

    fn current(&self) -> Option<Arc<Session>> {
        self.line().session.clone()
    }

    fn line(&self) -> std::sync::MutexGuard<'_, Line> {
        // Every change is one assignment: whoever panicked left nothing half done.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What this process remembers of what it wrote, to put it back where a server may have lost it: what was used up, and secrets.
//!
//! Revocations, conditions and approvals are in the memory that decisions read, and are put back from there.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::{Value, cmd, pipe};

use super::super::StoreError;
use super::keys::{Keys, Single};
use super::session::{Identity, Session};
use crate::model::time::Timestamp;

/// Most that is remembered of what was used up, the newest: about 6 MB. At a lifetime of one minute it is what 1,600 proofs a
/// second use.
const MAX_USED_UP: usize = 100_000;

/// Most that is put back with one command.
const TOGETHER: usize = 1000;

/// What is remembered.
#[derive(Default)]
pub(super) struct Memory(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    used_up: VecDeque<([u8; 32], Timestamp)>,
    secrets: BTreeMap<String, [u8; 32]>,
    /// Where everything that is remembered is.
    known: Option<Identity>,
}

impl std::fmt::Debug for Memory {
    /// Without any secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memory({} used up)", self.remembered().used_up.len())
    }
}

impl Memory {
    /// Something was used up at `now` until the end of `until`.
    pub(super) fn used_up(&self, digest: [u8; 32], until: Timestamp, now: Timestamp) {
        let mut remembered = self.remembered();
        while let Some((_, end)) = remembered.used_up.front()
            && (*end < now || remembered.used_up.len() >= MAX_USED_UP)
        {
            remembered.used_up.pop_front();
        }
        remembered.used_up.push_back((digest, until));
    }

    /// A secret, as the state has it.
    pub(super) fn secret(&self, name: &str, value: [u8; 32]) {
        // Their names are ours: there are a handful.
        self.remembered().secrets.insert(name.to_owned(), value);
    }

    /// Puts everything back, if `session` leads to another state or server than the last one did. Nothing that is there is
    /// lowered.
    pub(super) async fn put_back(&self, session: &Session, keys: &Keys) -> Result<(), StoreError> {
        let (used_up, secrets) = {
            let remembered = self.remembered();
            match &remembered.known {
                Some(known) if *known == session.identity => return Ok(()),
                Some(_) | None => (
                    remembered.used_up.iter().copied().collect::<Vec<_>>(),
                    remembered.secrets.clone(),
                ),
            }
        };
        let mut commands = pipe();
        for some in used_up.chunks(TOGETHER) {
            let mut command = cmd("ZADD");
            command.arg(keys.of(Single::Replay)).arg("GT");
            for (digest, until) in some {
                command.arg(until.millis()).arg(digest);
            }
            commands.add_command(command);
        }
        for (name, value) in &secrets {
            let mut command = cmd("HSETNX");
            command.arg(keys.of(Single::Secrets)).arg(name).arg(value);
            commands.add_command(command);
        }
        if !commands.is_empty() {
            let _counts: Value = session.pipe(&commands).await.map_err(|it| it.error)?;
        }
        self.remembered().known = Some(session.identity.clone());
        Ok(())
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        // Every change leaves something that is true.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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

/// Most that is remembered of what was used up, of each purpose: about 6 MB. Of proofs it is the newest; at a lifetime of one minute
/// it is what 1,600 proofs a second use.
const MAX_USED_UP: usize = 100_000;

/// Most that is put back with one command.
const TOGETHER: usize = 1000;

/// What something was used up as. Neither pushes the other out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A proof, which is good for a minute.
    Proof,
    /// A signed approval, which is good for hours.
    Approval,
}

/// What is remembered.
#[derive(Default)]
pub(super) struct Memory(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    proofs: VecDeque<([u8; 32], Timestamp)>,
    approvals: VecDeque<([u8; 32], Timestamp)>,
    secrets: BTreeMap<String, [u8; 32]>,
    /// Where everything that is remembered is.
    known: Option<Identity>,
}

impl std::fmt::Debug for Memory {
    /// Without any secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let remembered = self.remembered();
        let used_up = remembered.proofs.len() + remembered.approvals.len();
        write!(f, "Memory({used_up} used up)")
    }
}

impl Memory {
    /// Something was used up at `now` until the end of `until`.
    pub(super) fn used_up(
        &self,
        purpose: Purpose,
        digest: [u8; 32],
        until: Timestamp,
        now: Timestamp,
    ) {
        let mut remembered = self.remembered();
        let of_purpose = remembered.of(purpose);
        while let Some((_, end)) = of_purpose.front()
            && (*end < now || purpose == Purpose::Proof && of_purpose.len() >= MAX_USED_UP)
        {
            of_purpose.pop_front();
        }
        of_purpose.push_back((digest, until));
    }

    /// Whether one more can be remembered at `now` without forgetting one that is still good.
    pub(super) fn has_room(&self, purpose: Purpose, now: Timestamp) -> bool {
        let mut remembered = self.remembered();
        let of_purpose = remembered.of(purpose);
        if of_purpose.len() >= MAX_USED_UP {
            of_purpose.retain(|(_, end)| *end >= now);
        }
        of_purpose.len() < MAX_USED_UP
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
                Some(_) | None => (remembered.used_up(), remembered.secrets.clone()),
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

impl Remembered {
    const fn of(&mut self, purpose: Purpose) -> &mut VecDeque<([u8; 32], Timestamp)> {
        match purpose {
            Purpose::Proof => &mut self.proofs,
            Purpose::Approval => &mut self.approvals,
        }
    }

    /// All that was used up.
    fn used_up(&self) -> Vec<([u8; 32], Timestamp)> {
        let both = self.approvals.iter().chain(&self.proofs);
        both.copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn digest(number: usize) -> [u8; 32] {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        digest
    }

    #[test]
    fn proofs_push_no_approval_out_and_one_that_is_good_is_never_forgotten() {
        let memory = Memory::default();
        let now = Timestamp::from_seconds(1_800_000_000);
        let (soon, late) = (
            now.plus(Duration::from_mins(1)),
            now.plus(Duration::from_hours(1)),
        );
        memory.used_up(Purpose::Approval, [0xaa; 32], late, now);
        for number in 0..=MAX_USED_UP {
            memory.used_up(Purpose::Proof, digest(number), soon, now);
        }
        let used_up = memory.remembered().used_up();
        assert_eq!(used_up.len(), MAX_USED_UP + 1);
        assert_eq!(used_up[0], ([0xaa; 32], late));

        for number in 1..MAX_USED_UP {
            assert!(memory.has_room(Purpose::Approval, now));
            memory.used_up(Purpose::Approval, digest(number), soon, now);
        }
        assert!(!memory.has_room(Purpose::Approval, now));
        let after = soon.plus(Duration::from_secs(1));
        assert!(
            memory.has_room(Purpose::Approval, after),
            "the others are over"
        );
        assert_eq!(memory.remembered().approvals, [([0xaa; 32], late)]);
    }
}

//! Two processes on one file, killed in the middle of approving, using and revoking, again and again. Each is this test program, run
//! for the one test that is ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use countersign::model::approval::{Approval, ApprovalId};
use countersign::store::{Opened, Spent, Store, StoreSettings, Swapped};

use super::fixtures::{LIMITS, approved, decision, key, now, pending, revocation, subject};
use crate::harness::SOON;

const FILE: &str = "COUNTERSIGN_TEST_STATE";
const ROUND: &str = "COUNTERSIGN_TEST_ROUND";
const PROCESS: &str = "COUNTERSIGN_TEST_PROCESS";

/// Kills of both processes.
const ROUNDS: u32 = 12;

/// Acknowledgements of a round before the first kill.
const LINES: usize = 30;

/// After this, no further round begins.
const LONG_ENOUGH: Duration = Duration::from_secs(15);

/// Approvals of a round: more than it gets to.
const APPROVALS: u32 = 10_000;

fn open(file: &Path) -> Store {
    Store::open(&StoreSettings::in_file(file.to_owned())).unwrap()
}

/// The same in both processes: they meet at every approval.
fn asked(round: u32, number: u32) -> Approval {
    let mut new = pending("alice", key(u64::from(round * APPROVALS + number)), now());
    new.id = ApprovalId::parse(&format!("apr_{round:04}{number:018}")).unwrap();
    new
}

const fn uses(number: u32) -> u32 {
    1 + number % 3
}

/// Opens, approves, uses up and revokes, and prints what was acknowledged, until it is killed.
#[tokio::test]
#[ignore = "the other processes of the test below"]
async fn other_process() {
    let Some(file) = std::env::var_os(FILE) else {
        return;
    };
    let number = |name| std::env::var(name).unwrap().parse::<u32>().unwrap();
    let (round, process) = (number(ROUND), number(PROCESS));
    let store = open(Path::new(&file));
    for approval in 0..APPROVALS {
        one(&store, round, process, approval).await;
    }
}

async fn one(store: &Store, round: u32, process: u32, number: u32) {
    let new = asked(round, number);
    let known = match store.open_approval(new.clone(), LIMITS, now()).await {
        Ok(Opened::New(known) | Opened::Known(known)) => known,
        // The other process has used it up, or is busy.
        _ => match store.approval(&new.id).await {
            Ok(Some(known)) => known,
            _ => return,
        },
    };
    if known.version == 1 {
        let next = approved(&known, "bob", uses(number), now());
        if let Ok(Swapped::Done(_)) = store.change_approval(1, next).await {
            tell(&format!("approved {}", new.id));
        }
    }
    for attempt in 0..4 {
        let by = decision(usize::try_from(process * 100 + attempt).unwrap());
        if let Ok(Spent::Done(_)) = store.spend_approval(&new.id, 1, u32::MAX, &by, now()).await {
            tell(&format!("spent {} {by}", new.id));
        }
    }
    let who = format!("agent-{round}-{process}-{number}");
    if store
        .revoke(vec![revocation(subject(&who), now())])
        .await
        .is_ok()
    {
        tell(&format!("revoked {who}"));
    }
}

/// Says on standard output what was acknowledged, on a line of its own among those of the test runner.
fn tell(words: &str) {
    let mut out = std::io::stdout().lock();
    write!(out, "\n{words}\n").unwrap();
    out.flush().unwrap();
}

fn start(file: &Path, round: u32, process: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "state::killed::other_process",
            "--ignored",
            "--nocapture",
        ])
        .env(FILE, file)
        .env(ROUND, round.to_string())
        .env(PROCESS, process.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Ends a process when the test does, whatever becomes of it.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // SIGKILL, in the middle of its work.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Sends on every whole line of a process until it ends.
fn collect(child: &mut Child, lines: Sender<String>) -> std::thread::JoinHandle<()> {
    let mut pipe = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || {
        let mut line = String::new();
        while pipe.read_line(&mut line).is_ok_and(|read| read > 0) {
            // One that was cut in the middle was not said.
            if line.ends_with('\n') && lines.send(line.trim().to_owned()).is_err() {
                return;
            }
            line.clear();
        }
    })
}

/// What two processes said before they were killed.
fn round(file: &Path, round: u32) -> Vec<String> {
    let (sender, lines) = channel();
    let mut processes: Vec<_> = (0..2).map(|it| Killed(start(file, round, it))).collect();
    let readers: Vec<_> = processes
        .iter_mut()
        .map(|process| collect(&mut process.0, sender.clone()))
        .collect();
    drop(sender);
    let begun = Instant::now();
    let mut said = Vec::new();
    let of_work = |line: &String| line.contains(' ') && !line.starts_with("test");
    while said.len() < LINES && begun.elapsed() < SOON {
        match lines.recv_timeout(SOON) {
            Ok(line) => said.extend(Some(line).filter(of_work)),
            Err(error) => panic!("nothing is said: {error}"),
        }
    }
    // One of them works on for a moment while the other is dead.
    drop(processes.remove(usize::try_from(round % 2).unwrap()));
    said.extend(lines.iter().filter(of_work).take(LINES / 2));
    drop(processes);
    said.extend(lines.iter().filter(of_work));
    for reader in readers {
        reader.join().unwrap();
    }
    said
}

#[derive(Default)]
struct Told {
    approved: BTreeSet<String>,
    spent: BTreeMap<String, BTreeSet<String>>,
    revoked: BTreeSet<String>,
}

impl Told {
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["approved", id] => {
                assert!(self.approved.insert(id.to_owned()), "approved twice: {id}");
            }
            ["spent", id, by] => {
                let spent = self.spent.entry(id.to_owned()).or_default();
                assert!(spent.insert(by.to_owned()), "used twice by one: {id}");
            }
            ["revoked", who] => assert!(self.revoked.insert(who.to_owned())),
            _ => {}
        }
    }
}

#[tokio::test]
async fn what_killed_processes_were_told_is_still_true_and_nothing_is_used_too_often() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let begun = Instant::now();
    let mut told = Told::default();
    for number in 0..ROUNDS {
        if begun.elapsed() > LONG_ENOUGH {
            break;
        }
        let file = file.clone();
        let said = tokio::task::spawn_blocking(move || round(&file, number));
        for line in said.await.unwrap() {
            told.hear(&line);
        }
    }
    assert!(!told.approved.is_empty() && !told.spent.is_empty() && !told.revoked.is_empty());
    let store = open(&file);
    for id in told.approved.iter().chain(told.spent.keys()) {
        let id = ApprovalId::parse(id).unwrap();
        let kept = store
            .approval(&id)
            .await
            .unwrap()
            .expect("it was acknowledged");
        assert!(kept.version >= 2 && !kept.votes.is_empty(), "{kept:?}");
        assert!(
            kept.spent.len() <= usize::try_from(kept.uses).unwrap(),
            "{kept:?}"
        );
        let counted: BTreeSet<_> = kept
            .spent
            .iter()
            .map(|it| it.decision.to_string())
            .collect();
        assert_eq!(counted.len(), kept.spent.len());
        let said = told.spent.get(id.as_str()).cloned().unwrap_or_default();
        assert!(said.is_subset(&counted), "{said:?} in {kept:?}");
    }
    let kept = store.revocations().await.unwrap();
    let kept: BTreeSet<_> = kept.iter().map(|it| it.target.value().to_owned()).collect();
    assert!(told.revoked.is_subset(&kept));
}

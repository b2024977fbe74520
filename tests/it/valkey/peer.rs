//! The Valkey of the harness is a real one, and fails in the ways that other tests believe it fails.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::valkey::{Fsync, Line, LineMode, Login, RespAnswer, Sentinel, Valkey, ask};
use crate::harness::{Authority, Dialer, Pair, SOON, eventually};

const SET: [&str; 3] = ["SET", "a", "1"];
const GET: [&str; 2] = ["GET", "a"];

fn ok() -> RespAnswer {
    RespAnswer::Text("OK".into())
}

fn one() -> RespAnswer {
    RespAnswer::Text("1".into())
}

#[test]
fn what_was_acknowledged_outlives_a_kill_unless_nothing_is_kept() {
    for (fsync, kept) in [
        (Fsync::Always, one()),
        (Fsync::EverySecond, one()),
        (Fsync::Never, RespAnswer::Nil),
    ] {
        let valkey = Valkey::start(fsync);
        assert_eq!(valkey.ask(&SET), ok());
        valkey.kill();
        assert!(ask(valkey.address(), None, &GET).is_err());
        valkey.revive();
        assert_eq!(valkey.ask(&GET), kept, "{fsync:?}");
    }
}

#[test]
fn lost_files_and_a_wipe_leave_nothing() {
    let valkey = Valkey::start(Fsync::Always);
    valkey.ask(&SET);
    valkey.lose_files();
    valkey.revive();
    assert_eq!(valkey.ask(&GET), RespAnswer::Nil);
    valkey.ask(&SET);
    valkey.wipe();
    assert_eq!(valkey.ask(&GET), RespAnswer::Nil);
}

#[test]
fn a_server_with_a_password_turns_others_away() {
    let login = Login {
        user: "default".to_owned(),
        password: "harness".to_owned(),
    };
    let lines = ["requirepass harness", "user app on >app ~app:* +@all"];
    let valkey = Valkey::with(Fsync::Never, Some(&login), &lines);
    assert_eq!(valkey.ask(&SET), ok());
    let refused = ask(valkey.address(), None, &GET).unwrap();
    assert!(
        matches!(&refused, RespAnswer::Error(error) if error.starts_with("NOAUTH")),
        "{refused:?}"
    );
}

#[test]
fn a_paused_server_says_nothing_until_it_goes_on() {
    let valkey = Valkey::start(Fsync::Never);
    let line = Line::to(valkey.address());
    valkey.pause();
    let address = line.address();
    let asked = std::thread::spawn(move || ask(address, None, &SET));
    eventually(SOON, "the command was sent", || {
        (line.accepted() == 1).then_some(())
    });
    assert!(!asked.is_finished());
    valkey.resume();
    assert_eq!(asked.join().unwrap().unwrap(), ok());
}

#[test]
fn a_line_fails_as_it_is_told() {
    let valkey = Valkey::start(Fsync::Never);
    let line = Line::to(valkey.address());
    let address = line.address();
    assert_eq!(ask(address, None, &SET).unwrap(), ok());

    line.set(LineMode::Refuse);
    assert!(ask(address, None, &GET).is_err());

    for (mode, done) in [
        (LineMode::SwallowRequests, RespAnswer::Nil),
        (LineMode::SwallowAnswers, one()),
    ] {
        line.set(mode);
        let asked = std::thread::spawn(move || ask(address, None, &["SET", "b", "1"]));
        if done == one() {
            let reached = || (valkey.ask(&["GET", "b"]) == one()).then_some(());
            eventually(SOON, "the server does what it is told", reached);
        }
        let timed_out = asked.join().unwrap().unwrap_err();
        assert_eq!(timed_out.kind(), io::ErrorKind::WouldBlock, "{mode:?}");
        assert_eq!(valkey.ask(&["GET", "b"]), done);
    }

    let stalled = || {
        line.set(LineMode::Stall);
        let before = line.accepted();
        let asked = std::thread::spawn(move || ask(address, None, &GET));
        eventually(SOON, "a connection is taken", || {
            (line.accepted() > before).then_some(())
        });
        assert!(!asked.is_finished());
        asked
    };
    let asked = stalled();
    line.set(LineMode::Delay(Duration::from_millis(1)));
    assert_eq!(asked.join().unwrap().unwrap(), one());
    let asked = stalled();
    // A connection that is only about to begin is refused instead.
    line.set(LineMode::Refuse);
    line.cut();
    asked.join().unwrap().unwrap_err();
}

#[tokio::test]
async fn a_line_ends_tls_for_a_server_that_has_none() {
    let authority = Authority::new("stores");
    let valkey = Valkey::start(Fsync::Never);
    let trusted = authority.pem();
    let line = Line::tls(valkey.address(), &authority.server(), Some(&trusted));
    let ping = async |identity: Option<&Pair>| -> io::Result<String> {
        let mut stream = Dialer::new(line.address(), &trusted, identity)
            .dial()
            .await?;
        stream.write_all(b"PING\r\n").await?;
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let client = authority.client(&[], &["countersign"]);
    assert_eq!(ping(Some(&client)).await.unwrap(), "+PONG\r\n");
    ping(None).await.unwrap_err();
}

#[test]
fn a_line_leads_to_another_server_when_told() {
    let (first, second) = (Valkey::start(Fsync::Never), Valkey::start(Fsync::Never));
    let line = Line::to(first.address());
    ask(line.address(), None, &SET).unwrap();
    line.lead_to(second.address());
    assert_eq!(ask(line.address(), None, &GET).unwrap(), RespAnswer::Nil);
    assert_eq!(first.ask(&GET), one());
}

#[test]
fn a_replica_becomes_the_primary_by_hand_or_by_sentinel() {
    let (first, second) = (Valkey::start(Fsync::Never), Valkey::start(Fsync::Never));
    first.ask(&SET);
    second.follow(&first);
    assert_eq!(second.ask(&GET), one());
    assert!(matches!(second.ask(&SET), RespAnswer::Error(error) if error.starts_with("READONLY")));
    let sentinel = Sentinel::over(&first, 1);
    assert_eq!(sentinel.primary(), first.address());
    first.kill();
    eventually(SOON, "Sentinel has chosen the replica", || {
        (sentinel.primary() == second.address()).then_some(())
    });
    eventually(SOON, "the replica takes writes", || {
        (second.ask(&SET) == ok()).then_some(())
    });
    first.revive();
    second.follow(&first);
    second.promote();
    assert_eq!(second.ask(&SET), ok());
}

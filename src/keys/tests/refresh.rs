//! The life of a key set.

use std::time::{Duration, Instant};

use super::running::{Issuer, Running, eventually, ms};
use crate::keys::testing::{TestKey, jwks};
use crate::keys::{Algorithm, JwsError, Lookups};
use crate::outbound::testing::Reply;

#[tokio::test]
async fn keys_are_not_loaded_until_a_fetch_succeeds() {
    let key = TestKey::p256("a");
    let issuer = Issuer::start(Reply::status(503)).await;
    let running = Running::start(issuer.source());
    eventually(|| running.status().failures > 0).await;
    assert_eq!(running.check(&key), Err(JwsError::KeysNotLoaded));
    let status = running.status();
    assert_eq!((status.loaded, status.age, status.keys), (false, None, 0));
    assert_eq!(
        status.last_error.as_deref(),
        Some("the answer has status 503, not 200")
    );

    issuer.answer(Reply::ok(jwks(&[&key])));
    let running = running.loaded().await;
    assert_eq!(running.check(&key), Ok(()));
    let status = running.status();
    assert_eq!(
        (status.name.as_str(), status.keys, status.last_error),
        ("corp", 1, None)
    );
    assert!(status.fetches > status.failures && status.failures >= 1);
}

#[tokio::test]
async fn a_withdrawn_key_stops_working_at_the_next_refresh() {
    let (old, new) = (TestKey::p256("old"), TestKey::p256("new"));
    let issuer = Issuer::start(Reply::ok(jwks(&[&old]))).await;
    let mut source = issuer.source();
    source.refresh = ms(50);
    let running = Running::start(source).loaded().await;
    assert_eq!(running.check(&old), Ok(()));
    issuer.answer(Reply::ok(jwks(&[&new])));
    eventually(|| running.check(&old) == Err(JwsError::UnknownKey)).await;
    assert_eq!(running.check(&new), Ok(()));
    assert_eq!(running.status().withdrawn, 1);
}

#[tokio::test]
async fn keys_that_go_are_counted_and_keys_that_stay_are_not() {
    let [one, two, three] = ["one", "two", "three"].map(TestKey::p256);
    let issuer = Issuer::start(Reply::ok(jwks(&[&one, &two]))).await;
    let mut source = issuer.source();
    source.refresh = ms(20);
    let running = Running::start(source).loaded().await;
    assert_eq!(running.status().withdrawn, 0);
    issuer.answer(Reply::ok(jwks(&[&two, &one, &three])));
    eventually(|| running.status().keys == 3).await;
    assert_eq!(running.status().withdrawn, 0, "they stand in another order");
    issuer.answer(Reply::status(503));
    eventually(|| running.status().failures > 0).await;
    assert_eq!((running.status().keys, running.status().withdrawn), (3, 0));
    // The same id with another key: nothing that the old one signed is good any more.
    issuer.answer(Reply::ok(jwks(&[&TestKey::p256("one"), &two])));
    eventually(|| running.status().keys == 2).await;
    assert_eq!(running.status().withdrawn, 2);
}

#[tokio::test]
async fn each_look_up_is_counted_by_what_came_of_it() {
    let (key, stranger) = (TestKey::p256("a"), TestKey::p256("stranger"));
    let issuer = Issuer::start(Reply::status(503)).await;
    let running = Running::start(issuer.source());
    eventually(|| running.status().failures > 0).await;
    assert_eq!(running.check(&key), Err(JwsError::KeysNotLoaded));
    assert_eq!(running.status().lookups, Lookups::default(), "no keys yet");
    issuer.answer(Reply::ok(jwks(&[&key])));
    let running = running.loaded().await;
    for _ in 0..3 {
        assert_eq!(running.check(&key), Ok(()));
    }
    for _ in 0..2 {
        assert_eq!(running.check(&stranger), Err(JwsError::UnknownKey));
    }
    let unfit = running
        .keys
        .lookup(Some("a"), Algorithm::Rs256, Instant::now());
    assert!(unfit.is_err());
    let expected = Lookups {
        hits: 3,
        misses: 2,
        unfit: 1,
    };
    assert_eq!(running.status().lookups, expected);
}

#[tokio::test]
async fn a_new_key_is_fetched_as_soon_as_a_token_names_it() {
    let (old, new) = (TestKey::p256("old"), TestKey::p256("new"));
    let issuer = Issuer::start(Reply::ok(jwks(&[&old]))).await;
    let running = Running::start(issuer.source()).loaded().await;
    issuer.answer(Reply::ok(jwks(&[&old, &new])));
    assert_eq!(running.check(&new), Err(JwsError::UnknownKey));
    eventually(|| running.check(&new) == Ok(())).await;
    assert_eq!(issuer.server.hits(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_random_key_ids_causes_a_handful_of_fetches() {
    let key = TestKey::p256("a");
    let issuer = Issuer::start(Reply::ok(jwks(&[&key]))).await;
    let running = Running::start(issuer.source()).loaded().await;
    let now = Instant::now();
    for number in 0..100_000 {
        let kid = format!("random-{number}");
        assert!(
            running
                .keys
                .lookup(Some(&kid), Algorithm::Es256, now)
                .is_err()
        );
    }
    eventually(|| issuer.server.hits() == 2).await;
    tokio::time::sleep(ms(300)).await;
    // The first load, and the one refresh that the flood was worth within `min_interval` (30 s).
    assert_eq!(issuer.server.hits(), 2);
    assert!(running.keys.remembered_unknown() <= 10_000);
    assert_eq!(running.check(&key), Ok(()));
}

#[tokio::test]
async fn asked_refreshes_keep_their_distance() {
    let issuer = Issuer::start(Reply::ok(jwks(&[&TestKey::p256("a")]))).await;
    let mut source = issuer.source();
    source.min_interval = ms(200);
    let running = Running::start(source).loaded().await;
    let started = Instant::now();
    let mut number = 0;
    while started.elapsed() < ms(1_000) {
        number += 1;
        let kid = format!("random-{number}");
        assert!(
            running
                .keys
                .lookup(Some(&kid), Algorithm::Es256, Instant::now())
                .is_err()
        );
        tokio::time::sleep(ms(1)).await;
    }
    // The first load, one at once, and at most one for each 200 ms that passed.
    let most = 2 + started.elapsed().as_millis() / 200;
    let hits = issuer.server.hits();
    assert!(hits >= 3 && hits as u128 <= most, "{hits} of {most}");
}

#[tokio::test]
async fn an_id_that_stays_unknown_asks_only_once() {
    let issuer = Issuer::start(Reply::ok(jwks(&[&TestKey::p256("a")]))).await;
    let mut source = issuer.source();
    source.min_interval = ms(100);
    let running = Running::start(source).loaded().await;
    let stranger = TestKey::p256("stranger");
    let started = Instant::now();
    while started.elapsed() < ms(600) {
        assert_eq!(running.check(&stranger), Err(JwsError::UnknownKey));
        tokio::time::sleep(ms(5)).await;
    }
    assert_eq!(issuer.server.hits(), 2);
}

#[tokio::test]
async fn new_keys_clear_what_was_remembered_as_unknown() {
    let (old, new) = (TestKey::p256("old"), TestKey::p256("new"));
    let issuer = Issuer::start(Reply::ok(jwks(&[&old]))).await;
    let mut source = issuer.source();
    source.min_interval = ms(100);
    let running = Running::start(source).loaded().await;
    assert!(running.check(&TestKey::p256("stranger")).is_err());
    assert_eq!(running.keys.remembered_unknown(), 1);
    issuer.answer(Reply::ok(jwks(&[&new])));
    assert!(running.check(&new).is_err());
    eventually(|| running.check(&new) == Ok(())).await;
    assert_eq!(running.keys.remembered_unknown(), 0);
}

#[tokio::test]
async fn fetches_of_one_source_do_not_overlap() {
    let key = TestKey::p256("a");
    let issuer = Issuer::start(Reply::ok(jwks(&[&key]))).await;
    let mut source = issuer.source();
    source.min_interval = ms(1);
    let running = Running::start(source).loaded().await;
    let slow = Reply {
        delay: ms(3_000),
        ..Reply::ok(jwks(&[&key]))
    };
    issuer.answer(slow);
    let started = Instant::now();
    let mut number = 0;
    while started.elapsed() < ms(300) {
        number += 1;
        let kid = format!("random-{number}");
        assert!(
            running
                .keys
                .lookup(Some(&kid), Algorithm::Es256, Instant::now())
                .is_err()
        );
        tokio::time::sleep(ms(1)).await;
    }
    assert_eq!(issuer.server.hits(), 2);
}

#[tokio::test]
async fn stale_keys_serve_for_a_time_and_then_no_more() {
    let key = TestKey::p256("a");
    let issuer = Issuer::start(Reply::ok(jwks(&[&key]))).await;
    let mut source = issuer.source();
    (source.refresh, source.stale_for) = (ms(50), ms(2_000));
    let running = Running::start(source).loaded().await;
    issuer.answer(Reply::status(500));
    eventually(|| running.status().failures >= 2).await;
    assert_eq!(running.check(&key), Ok(()));
    assert!(!running.status().stale);
    eventually(|| running.check(&key) == Err(JwsError::KeysStale)).await;
    let status = running.status();
    assert!(status.stale && status.loaded && status.age.unwrap() > ms(2_000));

    issuer.answer(Reply::ok(jwks(&[&key])));
    eventually(|| running.check(&key) == Ok(())).await;
    assert_eq!(running.status().last_error, None);
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_changes_nothing_and_counts_as_failure() {
    let key = TestKey::p256("a");
    let issuer = Issuer::start(Reply::ok(jwks(&[&key]))).await;
    let mut source = issuer.source();
    source.refresh = ms(20);
    let running = Running::start(source).loaded().await;
    for (body, error) in [
        (r#"{"keys":[]}"#, "the set is empty"),
        (
            "<html>maintenance</html>",
            "the document is not a key set: not a JSON object",
        ),
        (
            r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#,
            "the set has no usable key: the key is symmetric",
        ),
    ] {
        issuer.answer(Reply::ok(body));
        eventually(|| running.status().last_error.as_deref() == Some(error)).await;
        assert_eq!(running.check(&key), Ok(()));
        assert_eq!(running.status().keys, 1);
    }
}

#[tokio::test]
async fn redirecting_dripping_and_oversized_endpoints_are_failures() {
    let body = jwks(&[&TestKey::p256("a")]);
    let redirect = Reply {
        headers: vec![("location".to_owned(), "/jwks.json".to_owned())],
        ..Reply::status(302)
    };
    let drip = Reply {
        drip: Some(ms(20)),
        ..Reply::ok(body)
    };
    let flood = Reply {
        length: None,
        ..Reply::ok(vec![b' '; 300_000])
    };
    for (reply, error) in [
        (
            redirect,
            "the answer is a redirect (status 302); redirects are not followed, configure the final URL",
        ),
        (drip, "no complete answer within 300ms"),
        (flood, "the answer is larger than 262144 bytes"),
    ] {
        let issuer = Issuer::start(reply).await;
        let mut source = issuer.source();
        source.limits.timeout = ms(300);
        let running = Running::start(source);
        eventually(|| running.status().last_error.as_deref() == Some(error)).await;
        assert!(!running.status().loaded);
    }
}

#[tokio::test]
async fn the_task_ends_when_it_is_cancelled() {
    let hangs = Reply {
        delay: Duration::from_mins(1),
        ..Reply::ok("")
    };
    let issuer = Issuer::start(hangs).await;
    let running = Running::start(issuer.source());
    eventually(|| issuer.server.hits() == 1).await;
    running.cancel.cancel();
    running.tasks.close();
    tokio::time::timeout(Duration::from_secs(5), running.tasks.wait())
        .await
        .unwrap();
}

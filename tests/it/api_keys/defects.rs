//! Every way in which a key can be wrong, through the port.

use super::{PEPPER, id_of, issue, keys, setup, verdict, with_key};
use crate::harness::{Ask, SOON, eventually};

/// A key with a sound checksum, made of other parts: what a scanner would take for a key.
fn sealed(head: &str) -> String {
    const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut crc = u32::MAX;
    for byte in head.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    let mut rest = !crc as usize;
    let mut digits = Vec::new();
    for _ in 0..6 {
        digits.insert(0, char::from(BASE62[rest % 62]));
        rest /= 62;
    }
    format!("{head}{}", digits.iter().collect::<String>())
}

#[tokio::test]
async fn a_key_is_right_in_every_character_or_refused() {
    let setup = setup();
    let key = issue(&setup, "billing-sync", &[]);
    let other = issue(&setup, "billing-other", &[]);
    let server = setup.start();
    assert_eq!(verdict(&server, &with_key(&key)).await, "allow");

    let (head, _checksum) = key.split_at(key.len() - 6);
    assert_eq!(sealed(head), key, "the checksum is what the page says");
    let parts: Vec<&str> = key.split('_').collect();
    let (id, secret) = (parts[1], &parts[2][..32]);
    let swap = |text: &str, at: usize| {
        let with = if text.as_bytes()[at] == b'a' {
            "b"
        } else {
            "a"
        };
        format!("{}{with}{}", &text[..at], &text[at + 1..])
    };
    let mut unknown = vec![
        sealed(&format!("cx_{id}_{secret}")),
        sealed(&format!("CS_{id}_{secret}")),
        sealed(&format!("cs_{}_{secret}", id_of(&other))),
        sealed(&format!("cs_{id}_{}", "a".repeat(32))),
    ];
    unknown.extend([0, 7, 15].map(|at| sealed(&format!("cs_{}_{secret}", swap(id, at)))));
    unknown.extend([0, 16, 31].map(|at| sealed(&format!("cs_{id}_{}", swap(secret, at)))));
    for key in &unknown {
        assert_eq!(
            verdict(&server, &with_key(key)).await,
            "401 api_key_unknown",
            "{key}"
        );
    }

    let mut malformed: Vec<String> = (0..key.len())
        .step_by(5)
        .map(|at| key[..at].to_owned())
        .collect();
    malformed.extend((0..key.len()).step_by(3).map(|at| swap(&key, at)));
    malformed.extend([
        format!("{key}a"),
        format!("x{key}"),
        format!("Bearer {key}"),
        format!("\"{key}\""),
        key.replace('_', "-"),
        format!("{key}ä"),
        key.replacen('c', "с", 1),
        "a".repeat(100_000 / 4),
        sealed("cs__"),
        sealed(&format!("cs_{id}_{secret}{secret}")),
    ]);
    for key in &malformed {
        let said = verdict(&server, &with_key(key)).await;
        let refused = said == "401 api_key_malformed" || said == "400 headers_too_large";
        assert!(refused, "{said}: {key:.80}");
    }
    // Two of them, also as two headers.
    let twice = with_key(&key).header("x-api-key", &key);
    assert!(verdict(&server, &twice).await.starts_with("400 "));
    assert_eq!(
        verdict(&server, &with_key(&format!("{key},{key}"))).await,
        "400 credential_ambiguous"
    );

    // What was presented is nowhere, whatever became of it.
    let records = eventually(SOON, "records", || {
        let all = |records: &Vec<_>| records.len() > unknown.len() + malformed.len();
        Some(server.records()).filter(all)
    });
    let said = format!("{records:?}\n{}\n{}", server.log(), server.output());
    let metrics = server.get("/metrics").body;
    for secret in unknown
        .iter()
        .chain([&key])
        .map(|key| key.split('_').nth(2).unwrap())
    {
        assert!(
            !said.contains(secret) && !metrics.contains(secret),
            "a secret was written"
        );
    }
}

#[expect(clippy::too_many_lines, reason = "one table, one row a request")]
#[tokio::test]
async fn a_key_counts_where_its_provider_does_and_never_beside_another_credential() {
    let setup = setup();
    let key = issue(&setup, "billing-sync", &[]);
    let bulk = [
        "issue",
        "--provider",
        "wholesale",
        "--id",
        "shop",
        "--owner",
        "x",
        "--expires",
        "1h",
    ];
    let bulk = keys(&setup, &bulk).stdout.trim_end().to_owned();
    let portal = [
        "issue",
        "--provider",
        "portal",
        "--id",
        "p",
        "--owner",
        "x",
        "--scope",
        "invoices:read",
    ];
    let portal = keys(&setup, &portal).stdout.trim_end().to_owned();
    let server = setup.start();
    let token = server
        .setup
        .corp
        .token("alice")
        .audience("https://invoices.example.com")
        .scope("invoices:read")
        .sign();
    let invoices = || Ask::new("GET", "invoices.example.com", "/v1/invoices");
    let bulk_list = || Ask::new("GET", "bulk.example.com", "/v1/bulk");
    for (ask, expected) in [
        (invoices().bearer(&token), "allow"),
        (bulk_list().header("x-wholesale-key", &bulk), "allow"),
        (
            invoices().header("cookie", format!("a=b; portal_key={portal}")),
            "allow",
        ),
        // The right key in another provider's place.
        (with_key(&bulk), "401 api_key_unknown"),
        (with_key(&portal), "401 api_key_unknown"),
        (
            bulk_list().header("x-wholesale-key", &key),
            "401 api_key_unknown",
        ),
        (
            invoices().header("cookie", format!("portal_key={key}")),
            "401 api_key_unknown",
        ),
        // A place that the route does not read is a credential all the same.
        (
            bulk_list().header("x-api-key", &key),
            "401 credential_unsupported",
        ),
        (
            invoices().header("x-wholesale-key", &bulk),
            "401 credential_unsupported",
        ),
        // Another header is none.
        (
            invoices().header("x-key", &key),
            "401 authentication_required",
        ),
        // Two credentials, whatever they are worth.
        (with_key(&key).bearer(&token), "400 credential_ambiguous"),
        (
            with_key("nonsense").bearer("nonsense"),
            "400 credential_ambiguous",
        ),
        (
            with_key(&key).header("cookie", format!("portal_key={portal}")),
            "400 credential_ambiguous",
        ),
        (
            invoices()
                .bearer(&token)
                .header("cookie", format!("portal_key={portal}")),
            "400 credential_ambiguous",
        ),
        (
            with_key(&key).header("x-wholesale-key", &bulk),
            "400 credential_ambiguous",
        ),
    ] {
        assert_eq!(verdict(&server, &ask).await, expected, "{ask:?}");
    }
}

#[tokio::test]
async fn the_key_stays_here_and_the_caller_is_known_behind_it() {
    let setup = setup();
    let key = issue(&setup, "billing-sync", &[]);
    let stranger = issue(&setup, "stranger", &[]);
    let bare = [
        "issue",
        "--provider",
        "partners",
        "--id",
        "billing-bare",
        "--owner",
        "x",
        "--group",
        "billing",
    ];
    let bare = keys(&setup, &bare).stdout.trim_end().to_owned();
    let server = setup.start();
    let client = server.client().await;
    let answer = client.check(&with_key(&key)).await;
    assert!(
        answer
            .ok()
            .headers_to_remove
            .contains(&"x-api-key".to_owned()),
        "{answer:?}"
    );
    assert_eq!(answer.sets("x-caller").as_deref(), Some("billing-sync"));
    // The policy decides about keys like about anybody.
    assert_eq!(
        verdict(&server, &with_key(&stranger)).await,
        "403 not_permitted"
    );
    assert_eq!(
        verdict(&server, &with_key(&bare)).await,
        "403 insufficient_scope"
    );
    // Without a key nothing is removed, and a refusal names the scheme that was tried.
    let refused = client.check(&with_key("nonsense")).await;
    let challenge = refused.header("www-authenticate").unwrap();
    assert_eq!(challenge, r#"ApiKey realm="https://invoices.example.com""#);
    let record = eventually(SOON, "a record", || server.records().into_iter().next());
    assert!(
        record.to_string().contains(id_of(&key)),
        "the key's id is in the record: {record}"
    );
}

#[tokio::test]
async fn networks_bind_a_key_and_an_unknown_address_is_outside() {
    let setup = setup();
    let networks = ["--network", "10.0.0.0/8", "--network", "2001:db8::/32"];
    let bound = issue(&setup, "billing-sync", &networks);
    let free = issue(&setup, "billing-free", &[]);
    let server = setup.start();
    for (ask, expected) in [
        (with_key(&bound).address("10.1.2.3"), "allow"),
        (with_key(&bound).address("2001:db8::7"), "allow"),
        (with_key(&bound).address("::ffff:10.1.2.3"), "allow"),
        (with_key(&bound).address("11.0.0.1"), "403 api_key_network"),
        (
            with_key(&bound).address("2001:db9::1"),
            "403 api_key_network",
        ),
        (with_key(&bound), "403 api_key_network"),
        // What the client says about its address is not asked.
        (
            with_key(&bound).header("x-forwarded-for", "10.1.2.3"),
            "403 api_key_network",
        ),
        (with_key(&free), "allow"),
        (with_key(&free).address("203.0.113.9"), "allow"),
    ] {
        assert_eq!(verdict(&server, &ask).await, expected, "{ask:?}");
    }
}

#[tokio::test]
async fn another_pepper_refuses_every_key() {
    let setup = setup();
    let key = issue(&setup, "billing-sync", &[]);
    setup.write("pepper", &PEPPER.replace('0', "1"));
    let server = setup.start();
    assert_eq!(
        verdict(&server, &with_key(&key)).await,
        "401 api_key_unknown"
    );
}

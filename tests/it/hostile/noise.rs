//! Random checks: whatever comes in, an explicit answer goes out, the process lives, and nothing but the good request's
//! own action is ever allowed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue, Metadata};
use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{ListValue, Struct, Timestamp, Value as ProtoValue};

use super::{is_forwarded_for, payments, setup};
use crate::harness::{Answer, Ask, Client, now};

/// How long random checks are sent, by each of the senders.
const LIMIT: Duration = Duration::from_secs(8);
const SENDERS: u64 = 4;

/// Pieces that parsers trip over.
const PIECES: &[&str] = &[
    "/",
    "//",
    ".",
    "..",
    "%2e",
    "%2F",
    "%",
    "%zz",
    "%00",
    "%25",
    "%c0%ae",
    "\\",
    ";",
    "#",
    "?",
    "&",
    "=",
    "+",
    ",",
    ":",
    "@",
    "*",
    "\0",
    "\r\n",
    "\t",
    " ",
    "\"",
    "{",
    "[",
    "ä",
    "\u{202e}",
    "\u{feff}",
    "😀",
    "v1",
    "payments",
    "healthz",
    "crm",
    "example.com",
    "localhost",
    "[::1]",
    "xn--",
    "GET",
    "POST",
    "Bearer ",
    "Basic ",
    "eyJhbGciOiJub25lIn0",
    "null",
    "-1",
    "99999999999999999999",
    "spiffe://example.org/ci/a",
    "URI=",
    "authorization",
    "x-user",
    "route",
    "limit",
];

/// `SplitMix64`: small, and the same sequence on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(most).unwrap()).unwrap()
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let count = self.below(most + 1);
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    fn text(&mut self) -> String {
        match self.below(8) {
            0 => String::new(),
            1 => String::from_utf8_lossy(&self.bytes(40)).into_owned(),
            2 if self.one_in(8) => self.piece().repeat(2000),
            _ => (0..=self.below(6)).map(|_| self.piece()).collect(),
        }
    }

    fn piece(&mut self) -> &'static str {
        PIECES[self.below(PIECES.len())]
    }

    /// Puts a piece somewhere into `text`, takes a part away, or replaces all of it.
    fn spoil(&mut self, text: &mut String) {
        let places: Vec<usize> = text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .collect();
        let at = places[self.below(places.len())];
        match self.below(4) {
            0 => *text = self.text(),
            1 => text.truncate(at),
            _ => text.insert_str(at, self.piece()),
        }
    }

    fn value(&mut self, depth: usize) -> ProtoValue {
        let kind = match self.below(if depth == 0 { 4 } else { 6 }) {
            0 => Some(Kind::NullValue(0)),
            1 => Some(Kind::NumberValue(f64::from_bits(self.next()))),
            2 => Some(Kind::StringValue(self.text())),
            3 => None,
            4 => Some(Kind::ListValue(ListValue {
                values: (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            })),
            _ => Some(Kind::StructValue(self.members(depth - 1))),
        };
        ProtoValue { kind }
    }

    fn members(&mut self, depth: usize) -> Struct {
        let fields = (0..self.below(4)).map(|_| (self.text(), self.value(depth)));
        Struct {
            fields: fields.collect(),
        }
    }

    fn metadata(&mut self) -> Metadata {
        let depth = self.below(20);
        Metadata {
            filter_metadata: (0..self.below(3))
                .map(|_| (self.text(), self.members(depth)))
                .collect(),
            typed_filter_metadata: HashMap::new(),
        }
    }

    fn header(&mut self) -> HeaderValue {
        HeaderValue {
            key: if self.one_in(3) {
                "authorization".to_owned()
            } else {
                self.text()
            },
            value: if self.one_in(3) {
                self.text()
            } else {
                String::new()
            },
            raw_value: match self.below(4) {
                0 => Vec::new(),
                1 => self.bytes(60),
                _ => self.text().into_bytes(),
            },
        }
    }
}

/// A check that starts as `ask`, and is spoilt in some places.
fn spoilt(random: &mut Random, ask: &Ask) -> CheckRequest {
    let mut check = ask.request();
    for _ in 0..=random.below(4) {
        spoil(random, &mut check);
    }
    check
}

fn spoil(random: &mut Random, check: &mut CheckRequest) {
    let Some(attributes) = check.attributes.as_mut() else {
        return;
    };
    match random.below(24) {
        0 => attributes.context_extensions = [(random.piece().to_owned(), random.text())].into(),
        1 => attributes.metadata_context = Some(random.metadata()),
        2 => attributes.route_metadata_context = Some(random.metadata()),
        3 => attributes.tls_session.get_or_insert_default().sni = random.text(),
        4 => attributes.source.get_or_insert_default().principal = random.text(),
        5 => attributes.source.get_or_insert_default().certificate = random.text(),
        6 => attributes.source.get_or_insert_default().service = random.text(),
        7 if random.one_in(10) => check.attributes = None,
        8 if random.one_in(10) => attributes.request = None,
        9 => {
            let (seconds, nanos) = (
                random.next().cast_signed(),
                i32::from_le_bytes(random.next().to_le_bytes()[..4].try_into().unwrap()),
            );
            attributes.request.get_or_insert_default().time = Some(Timestamp { seconds, nanos });
        }
        _ => {
            let request = attributes.request.get_or_insert_default();
            if random.one_in(40) {
                request.http = None;
            }
            spoil_http(random, request.http.get_or_insert_default());
        }
    }
}

fn spoil_http(random: &mut Random, http: &mut HttpRequest) {
    let headers = &mut http
        .header_map
        .get_or_insert_with(HeaderMap::default)
        .headers;
    match random.below(16) {
        0..=2 => random.spoil(&mut http.path),
        3 => random.spoil(&mut http.host),
        4 => random.spoil(&mut http.method),
        5 | 6 => headers.push(random.header()),
        7 if !headers.is_empty() => {
            let at = random.below(headers.len());
            headers[at] = random.header();
        }
        8 if !headers.is_empty() => {
            let at = random.below(headers.len());
            let bytes = &mut headers[at].raw_value;
            if !bytes.is_empty() {
                let place = random.below(bytes.len());
                bytes[place] = random.next().to_le_bytes()[0];
            }
        }
        9 => drop(http.headers.insert(random.text(), random.text())),
        10 => http.raw_body = random.bytes(200),
        11 => http.body = random.text(),
        12 => http.size = random.next().cast_signed(),
        13 => (http.query, http.fragment) = (random.text(), random.text()),
        14 => (http.scheme, http.protocol) = (random.text(), random.text()),
        _ => http.id = random.text(),
    }
}

/// What every answer must be, and what an allow may be about.
fn judge(answer: &Answer, actions: &[&str]) -> Result<(), String> {
    if answer.allows() {
        answer.ok();
        let about = (answer.told("route"), answer.told("action"));
        let expected = actions.contains(&about.1.as_str());
        return if expected {
            Ok(())
        } else {
            Err(format!("allowed: {about:?}"))
        };
    }
    let status = answer.status();
    if !(400..=499).contains(&status) && status != 503 {
        return Err(format!("HTTP status {status}"));
    }
    match answer.reason().as_str() {
        "" => Err("no reason".to_owned()),
        "internal" => Err("a panic, or another defect".to_owned()),
        _ if answer.header("x-decision-id").is_none() => Err("no decision id".to_owned()),
        _ => Ok(()),
    }
}

/// Sends random checks until the time is over; returns how many were sent, or the first that went wrong.
async fn send(client: Client, seed: u64) -> Result<usize, String> {
    let mut random = Random(seed);
    let good = payments();
    let anonymous = Ask::new("GET", "api.example.com", "/healthz");
    let started = Instant::now();
    let mut sent = 0;
    while started.elapsed() < LIMIT {
        // Whoever has the good token may ask for two things; whoever has none, for one.
        let (ask, actions): (_, &[&str]) = if random.one_in(3) {
            (&anonymous, &["health"])
        } else {
            (&good, &["payments.list", "payments.read", "health"])
        };
        let check = spoilt(&mut random, ask);
        let answered = client.send(check.clone()).await;
        let judged = answered
            .map_err(|status| status.to_string())
            .and_then(|answer| judge(&answer, actions));
        judged.map_err(|what| format!("seed {seed}, check {sent}: {what}\n{check:?}"))?;
        sent += 1;
    }
    Ok(sent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_input_panics_and_every_check_has_an_explicit_answer() {
    let server = setup().start();
    let mut senders = Vec::new();
    for sender in 0..SENDERS {
        let seed = now().cast_unsigned().wrapping_mul(SENDERS) + sender;
        senders.push(tokio::spawn(send(server.client().await, seed)));
    }
    let mut sent = 0;
    for sender in senders {
        sent += sender
            .await
            .unwrap()
            .unwrap_or_else(|wrong| panic!("{wrong}"));
    }
    assert!(sent > 100, "only {sent} checks in {LIMIT:?}");
    assert!(!server.log().contains("panic"), "{}", server.log());
    let answer = server.client().await.check(&payments()).await;
    assert!(is_forwarded_for(&answer, "alice"), "{answer:?}");
}

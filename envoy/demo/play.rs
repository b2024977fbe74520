//! `cargo demo play`: sends every scene through Envoy and compares what came with what was expected.

use std::process::ExitCode;

use anyhow::Context as _;
use reqwest::header::HOST;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::possession::{About, Key};
use crate::scenes::{Door, Expect, Proof, SCENES, Scene, Shown, Token};
use crate::up::{self, Demo};
use crate::{certs, client, token};

/// What the client got.
struct Got {
    status: u16,
    headers: reqwest::header::HeaderMap,
    /// The problem document, or what the upstream says it was asked.
    body: Value,
}

/// One line of the table.
struct Row {
    scene: &'static Scene,
    expected: String,
    got: String,
    good: bool,
}

/// The ways into Envoy.
struct Doors {
    plain: Client,
    runner: Client,
    vault_bot: Client,
}

/// Plays all scenes; success only if each went as expected. Uses the demo that is up, or one of its own.
pub(crate) async fn run(json: bool) -> anyhow::Result<ExitCode> {
    let plain = client::plain()?;
    let own = if up::is_up(&plain).await {
        None
    } else {
        eprintln!("no demo is up: bringing one up for the time …");
        Some(Demo::start().await?)
    };
    let folder = up::root().join(up::CERTS);
    let doors = Doors {
        plain,
        runner: client::workload(&folder, certs::RUNNER)?,
        vault_bot: client::workload(&folder, certs::VAULT_BOT)?,
    };
    let rows = play(&doors).await;
    // Waiting for children blocks.
    tokio::task::spawn_blocking(move || drop(own)).await?;
    let rows = rows?;
    if json {
        println!("{}", serde_json::to_string_pretty(&document(&rows))?);
    } else {
        print_table(&rows);
    }
    Ok(if rows.iter().all(|row| row.good) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn play(doors: &Doors) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::with_capacity(SCENES.len());
    for scene in SCENES {
        let got = send(doors, scene)
            .await
            .with_context(|| format!("{}: {} {}", scene.id, scene.who, scene.what))?;
        let faults = faults(&scene.expect, &got);
        let good = faults.is_empty();
        let got = std::iter::once(summary(got.status, reason(&got)))
            .chain(faults)
            .collect::<Vec<_>>()
            .join("; ");
        rows.push(Row {
            scene,
            expected: expected(&scene.expect),
            got,
            good,
        });
    }
    Ok(rows)
}

async fn send(doors: &Doors, scene: &Scene) -> anyhow::Result<Got> {
    let (issuer, query) = match scene.token {
        Token::Absent => return ask(doors, scene, &[]).await,
        Token::Corp(query) => ("corp", query),
        Token::Ci(query) => ("ci", query),
    };
    match scene.shown {
        Shown::Bearer => {
            let token = token::mint(issuer, query).await?;
            let credential = format!("Bearer {token}");
            ask(doors, scene, &[("authorization", &credential)]).await
        }
        Shown::Proven | Shown::Replayed => {
            let key = Key::generate()?;
            let query = format!("{query}&jkt={}", key.thumbprint()?);
            let token = token::mint(issuer, &query).await?;
            prove(doors, scene, &token, &key).await
        }
    }
}

/// Sends a request with a proof of the token's key: once to be told a nonce, and again with it.
async fn prove(doors: &Doors, scene: &Scene, token: &str, key: &Key) -> anyhow::Result<Got> {
    let (method, host, target) = parts(scene)?;
    let url = format!("https://{host}/{target}");
    let about = |nonce| About {
        method,
        url: &url,
        token,
        nonce,
    };
    let credential = format!("DPoP {token}");
    let first = key.proof(about(None))?;
    let refused = ask(
        doors,
        scene,
        &[("authorization", &credential), ("dpop", &first)],
    )
    .await?;
    let Some(nonce) = refused.headers.get("dpop-nonce") else {
        return Ok(refused);
    };
    let second = key.proof(about(Some(nonce.to_str()?)))?;
    let shown = [("authorization", &*credential), ("dpop", &*second)];
    let got = ask(doors, scene, &shown).await?;
    if scene.shown == Shown::Replayed {
        return ask(doors, scene, &shown).await;
    }
    Ok(got)
}

/// Method, host and target of a scene's request.
fn parts(scene: &Scene) -> anyhow::Result<(&str, &str, &str)> {
    let (method, rest) = scene
        .request
        .split_once(' ')
        .context("a request without a method")?;
    let (host, target) = rest.split_once('/').context("a request without a target")?;
    Ok((method, host, target))
}

/// Sends one request with these credentials.
async fn ask(doors: &Doors, scene: &Scene, credentials: &[(&str, &str)]) -> anyhow::Result<Got> {
    let (method, host, target) = parts(scene)?;
    let method = Method::from_bytes(method.as_bytes())?;
    let over_tls = format!("https://{host}:{}/{target}", up::MESH.port());
    let mut request = match scene.door {
        Door::Plain => doors
            .plain
            .request(method, format!("http://{}/{target}", up::ENVOY))
            .header(HOST, host),
        Door::Runner => doors.runner.request(method, over_tls),
        Door::VaultBot => doors.vault_bot.request(method, over_tls),
    };
    for (name, value) in credentials.iter().chain(scene.headers) {
        request = request.header(*name, *value);
    }
    let answer = request.send().await?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null);
    Ok(Got {
        status,
        headers,
        body,
    })
}

fn reason(got: &Got) -> Option<&str> {
    got.body.get("reason").and_then(Value::as_str)
}

/// Everything that is not as expected, in words.
fn faults(expect: &Expect, got: &Got) -> Vec<String> {
    let mut faults = Vec::new();
    if got.status != expect.status {
        faults.push(format!("status is not {}", expect.status));
    }
    if reason(got) != expect.reason {
        faults.push(format!(
            "reason is not `{}`",
            expect.reason.unwrap_or("absent")
        ));
    }
    faults.extend(expect.proofs.iter().filter_map(|proof| fault(*proof, got)));
    faults
}

fn fault(proof: Proof, got: &Got) -> Option<String> {
    let upstream = |name: &str| {
        got.body
            .get("headers")
            .and_then(|headers| headers.get(name))
            .map(shown)
    };
    match proof {
        Proof::Answer(name, text) => {
            let values = got
                .headers
                .get_all(name)
                .iter()
                .map(|value| value.to_str().unwrap_or("(not text)"));
            let all = values.collect::<Vec<_>>().join(", ");
            (!all.contains(text)).then(|| format!("{name} is `{all}`"))
        }
        Proof::Upstream(name, value) => {
            let seen = upstream(name);
            (seen.as_deref() != Some(value)).then(|| {
                format!(
                    "upstream saw {name}: {}",
                    seen.as_deref().unwrap_or("(none)")
                )
            })
        }
        Proof::UpstreamLacks(name) => {
            upstream(name).map(|seen| format!("upstream saw {name}: {seen}"))
        }
        Proof::Query(query) => {
            let seen = got.body.get("query").map(shown).unwrap_or_default();
            (seen != query).then(|| format!("upstream saw ?{seen}"))
        }
    }
}

/// A string as it is, anything else as JSON.
fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn summary(status: u16, reason: Option<&str>) -> String {
    reason.map_or_else(|| status.to_string(), |reason| format!("{status} {reason}"))
}

fn expected(expect: &Expect) -> String {
    let proofs = expect.proofs.iter().map(|proof| match proof {
        Proof::Answer(_, text) => (*text).to_owned(),
        Proof::Upstream(name, value) => format!("upstream sees {name}: {value}"),
        Proof::UpstreamLacks(name) => format!("upstream sees no {name}"),
        Proof::Query(query) => format!("upstream sees ?{query}"),
    });
    std::iter::once(summary(expect.status, expect.reason))
        .chain(proofs)
        .collect::<Vec<_>>()
        .join("; ")
}

fn document(rows: &[Row]) -> Value {
    let failed = rows.iter().filter(|row| !row.good).count();
    let rows: Vec<Value> = rows
        .iter()
        .map(|Row { scene, expected, got, good }| {
            json!({ "scene": scene.id, "who": scene.who, "what": scene.what, "request": scene.request, "expected": expected, "got": got, "ok": good })
        })
        .collect();
    json!({ "passed": rows.len() - failed, "failed": failed, "rows": rows })
}

fn print_table(rows: &[Row]) {
    let width = |text: fn(&Row) -> &str, title: &str| {
        rows.iter()
            .map(|row| text(row).chars().count())
            .chain([title.len()])
            .max()
            .unwrap_or(0)
    };
    let who = width(|row| row.scene.who, "who");
    let what = width(|row| row.scene.what, "what");
    let expected = width(|row| &row.expected, "expected");
    println!(
        "     {:<5} {:<who$}  {:<what$}  {:<expected$}  got",
        "scene", "who", "what", "expected"
    );
    for Row {
        scene,
        expected: wanted,
        got,
        good,
    } in rows
    {
        let mark = if *good { "ok  " } else { "FAIL" };
        println!(
            "{mark} {:<5} {:<who$}  {:<what$}  {wanted:<expected$}  {got}",
            scene.id, scene.who, scene.what
        );
    }
    let failed = rows.iter().filter(|row| !row.good).count();
    println!("{} of {} as expected", rows.len() - failed, rows.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn got(status: u16, challenge: &str, body: Value) -> Got {
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("www-authenticate", challenge.parse().unwrap());
        Got {
            status,
            headers,
            body,
        }
    }

    const EXPECT: Expect = Expect {
        status: 403,
        reason: Some("insufficient_scope"),
        proofs: &[Proof::Answer("www-authenticate", "scope=\"pay\"")],
    };

    #[test]
    fn an_answer_as_expected_has_no_faults() {
        let body = json!({ "reason": "insufficient_scope" });
        assert!(faults(&EXPECT, &got(403, "Bearer scope=\"pay\"", body)).is_empty());
    }

    #[test]
    fn status_reason_and_header_are_each_compared() {
        let all = faults(
            &EXPECT,
            &got(200, "Bearer", json!({ "reason": "forbidden" })),
        );
        assert_eq!(all.len(), 3, "{all:?}");
    }

    #[test]
    fn a_reason_where_none_is_expected_is_a_fault() {
        let expect = Expect {
            status: 200,
            reason: None,
            proofs: &[],
        };
        assert_eq!(
            faults(
                &expect,
                &got(200, "Bearer", json!({ "reason": "forbidden" }))
            )
            .len(),
            1
        );
    }

    #[test]
    fn what_the_upstream_saw_is_compared_exactly() {
        let seen = got(
            200,
            "Bearer",
            json!({ "query": "limit=1000", "headers": { "x-user": ["alice", "mallory"] } }),
        );
        for proof in [
            Proof::Upstream("x-user", "alice"),
            Proof::UpstreamLacks("x-user"),
            Proof::Query("limit=100"),
        ] {
            assert!(fault(proof, &seen).is_some());
        }
    }

    #[test]
    fn every_scene_names_method_host_and_target() {
        for scene in SCENES {
            let (_, rest) = scene.request.split_once(' ').unwrap();
            assert!(rest.contains('/'), "{}", scene.request);
        }
    }
}

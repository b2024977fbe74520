//! The two sections of the configuration.

use super::*;
use crate::model::finding::{Finding, Severity};

#[test]
fn metrics_are_on_loopback_unless_the_operator_insists() {
    let settings = |listen: &str, insecure| {
        let listen = listen.to_owned();
        MetricsSettings::try_from(MetricsSpec { listen, insecure })
    };
    for loopback in ["127.0.0.1:9192", "[::1]:0", "[::ffff:127.0.0.1]:1"] {
        assert!(
            !settings(loopback, false).unwrap().is_exposed(),
            "{loopback}"
        );
    }
    for exposed in [
        "0.0.0.0:9192",
        "[::]:9192",
        "10.0.0.1:80",
        "[::ffff:10.0.0.1]:1",
    ] {
        let error = settings(exposed, false).unwrap_err();
        assert!(
            error.to_string().contains("write `insecure: true`"),
            "{error}"
        );
        assert!(settings(exposed, true).unwrap().is_exposed());
    }
    let error = settings("localhost", false).unwrap_err();
    assert!(
        error.to_string().contains("for example `127.0.0.1:9192`"),
        "{error}"
    );
    assert!(MetricsSettings::try_from(MetricsSpec::default()).is_ok());
    let unknown = json!({"listen": "127.0.0.1:1", "port": 2});
    assert!(serde_json::from_value::<MetricsSpec>(unknown).is_err());
}

/// Checks a section written as JSON.
fn compile(spec: Json) -> (Option<AdminSettings>, Vec<Finding>) {
    let spec: AdminSpec = serde_json::from_value(spec).unwrap();
    let around = Surroundings {
        providers: &[ProviderName::new("corp").unwrap()],
        incomplete: false,
        files: true,
    };
    AdminSettings::compile(spec, &around)
}

fn secret(folder: &tempfile::TempDir, name: &str, text: &str) -> Json {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    json!({ "file": path })
}

/// Entries with a mistake, and what is said about each.
fn mistakes(good: &Json, short: &Json, foreign: &Json) -> Vec<(Json, &'static str)> {
    vec![
        (json!({}), "access[0]: an entry has exactly one of"),
        (
            json!({ "name": "a", "token": good, "provider": "corp" }),
            "access[0]: an entry has",
        ),
        (
            json!({ "name": "a", "token": good, "group": "x" }),
            "access[0]: an entry has",
        ),
        (json!({ "token": good }), "access[0]: a token says nothing"),
        (
            json!({ "name": "a b", "token": good }),
            "access[0].name: `a b` is not a name",
        ),
        (
            json!({ "name": "a", "token": short }),
            "access[0].token: the token is no secret",
        ),
        (
            json!({ "name": "a", "token": foreign }),
            "access[0].token: the token is no secret",
        ),
        (
            json!({ "name": "a", "token": { "file": "/nowhere" } }),
            "access[0].token: the secret's file",
        ),
        (
            json!({ "mtls": "dns:ops.example.com" }),
            "access[0].mtls: nobody verifies",
        ),
        (
            json!({ "provider": "crop", "group": "x" }),
            "access[0].provider: there is no provider `crop`",
        ),
        (
            json!({ "provider": "corp" }),
            "access[0]: everybody that the provider knows",
        ),
        (
            json!({ "provider": "corp", "kind": "human" }),
            "access[0]: everybody",
        ),
        (
            json!({ "provider": "corp", "group": [] }),
            "access[0].group: an empty list",
        ),
        (
            json!({ "provider": "corp", "id": "a", "kind": "robot" }),
            "access[0].kind: `robot`",
        ),
        (
            json!({ "provider": "corp", "id": "a", "kind": ["human", "anonymous"] }),
            "access[0].kind[1]: an anonymous",
        ),
    ]
}

#[test]
fn every_mistake_of_an_entry_is_found_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let good = secret(&folder, "good", TOKEN);
    let short = secret(&folder, "short", "too-short");
    let foreign = secret(
        &folder,
        "foreign",
        "with spaces, and it is long enough to be one",
    );
    let cases = mistakes(&good, &short, &foreign);
    for (entry, expected) in cases {
        let shown = entry.to_string();
        let (settings, findings) =
            compile(json!({ "audience": "https://ops.example.com", "access": [entry] }));
        let texts: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert!(settings.is_none(), "{shown}");
        assert!(texts[0].starts_with(expected), "{shown}: {texts:?}");
        assert!(!texts.concat().contains("too-short"), "{texts:?}");
    }
    let names = [
        "spiffe://*.org/ops",
        "spiffe://example.org",
        "ops",
        "dns:",
        "dns:*.example.com",
    ];
    for name in names {
        let (_, findings) = compile(json!({ "access": [{ "mtls": name }] }));
        assert_eq!(findings[0].code, "invalid-certificate-name", "{name}");
    }
    let twice = json!({ "name": "a", "token": good });
    let (_, findings) = compile(json!({ "access": [twice, twice] }));
    assert_eq!(
        findings[0].to_string(),
        "access[1].name: another entry is called `a` too"
    );
    let (_, findings) = compile(json!({ "access": [{ "provider": "corp", "group": "ops" }] }));
    assert_eq!(findings[0].code, "missing-audience");
}

#[test]
fn beyond_loopback_there_is_tls_and_somebody_who_is_listed_or_a_word_about_it() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("servers");
    let tls = tls_files(folder.path(), &authority.server(4000), None);
    let tls = json!({ "certificate": tls.certificate, "key": tls.key });
    let access = json!([{ "name": "ops", "token": secret(&folder, "token", TOKEN) }]);
    let compile = |more: Json| {
        let mut spec = json!({ "listen": "0.0.0.0:9193" });
        spec.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let (settings, findings) = compile(spec);
        let codes: Vec<_> = findings.iter().map(|it| (it.code, it.severity)).collect();
        (settings.is_some(), codes)
    };
    let refused = (false, vec![("exposed-listener", Severity::Error)]);
    assert_eq!(compile(json!({})), refused);
    assert_eq!(compile(json!({ "tls": tls })), refused);
    assert_eq!(compile(json!({ "access": access })), refused);
    assert_eq!(
        compile(json!({ "tls": tls, "access": access })),
        (true, vec![])
    );
    let warned = (true, vec![("insecure-listener", Severity::Warning)]);
    assert_eq!(compile(json!({ "insecure": true })), warned);
    let all = json!({ "insecure": true, "tls": tls, "access": access });
    assert_eq!(compile(all), (true, vec![]));
    let (found, codes) = compile(json!({ "listen": "none" }));
    assert!(found && codes.is_empty());
    let (found, codes) = compile(json!({ "listen": "localhost:1" }));
    assert!(!found && codes[0].0 == "invalid-setting");
    let (found, codes) = compile(json!({ "listen": "127.0.0.1:1", "url": "ops.example.com" }));
    assert!(!found && codes[0].0 == "invalid-setting");
}

#[test]
fn operators_are_told_where_the_listener_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let ops = secret(&folder, "ops", &"x".repeat(32));
    for (spec, expected) in [
        (json!({}), Some("http://127.0.0.1:9193")),
        (json!({ "listen": "127.0.0.1:0" }), None),
        (json!({ "listen": "none" }), None),
        (
            json!({ "listen": "0.0.0.0:9193", "insecure": true }),
            Some("http://127.0.0.1:9193"),
        ),
        (
            json!({ "listen": "[::]:9193", "insecure": true }),
            Some("http://[::1]:9193"),
        ),
        (
            json!({ "listen": "[::1]:1", "tls": { "certificate": "a", "key": "b" }, "access": [{ "name": "ops", "token": ops }] }),
            Some("https://[::1]:1"),
        ),
        (
            json!({ "listen": "127.0.0.1:0", "url": "https://ops.example.com" }),
            Some("https://ops.example.com"),
        ),
    ] {
        let settings = compile(spec.clone()).0;
        let reached = settings.as_ref().and_then(AdminSettings::reached_at);
        assert_eq!(reached.as_deref(), expected, "{spec}");
    }
}

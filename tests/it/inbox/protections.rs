//! What keeps others from deciding in a person's name, step by step over a plain socket.

use std::time::Duration;

use countersign::model::approval::Status;
use countersign::store::{OpenLimits, Opened, Store, StoreSettings};

use super::stage::{HOME, OPERATOR, Shop, cookie};
use crate::harness::{Reply, send, send_body};
use crate::state::fixtures::{ended, key, now, pending};

#[test]
fn nobody_sees_anything_without_signing_in() {
    let shop = Shop::start();
    let id = shop.refund("alice", "o-1", None);
    for path in ["/approvals".to_owned(), format!("/approvals/{id}")] {
        for cookie in ["", "countersign-session=AAAA", "countersign-session="] {
            let page = shop.look(&path, cookie);
            assert_eq!(page.status, 401, "{page:?}");
            let link = format!("href=\"/approvals/sign-in?next={path}\"");
            assert!(page.body.contains(&link), "{page:?}");
            assert!(!page.body.contains("o-1"), "{page:?}");
        }
        let program = send(shop.admin(), &format!("GET {path}"), "").unwrap();
        assert_eq!(program.status, 401, "{program:?}");
        assert_eq!(program.json()["code"], "authentication_required");
    }
}

#[test]
fn a_caller_writes_no_line_of_the_page_and_what_it_calls_is_there() {
    let shop = Shop::start();
    let cookie = shop.sign_in("ana");
    let id = shop.refund("alice", "o-9\nRisk\n0 of 100", None);
    let page = shop.look(&format!("/approvals/{id}"), &cookie);
    for text in ["tools/call refund", "o-9<span", "U+000A"] {
        assert!(page.body.contains(text), "no `{text}`: {page:?}");
    }
    assert!(!page.body.contains("o-9\n"), "{page:?}");
}

#[test]
fn a_form_counts_only_from_the_page_and_in_its_session() {
    let shop = Shop::start();
    let (ana, ben) = (shop.sign_in("ana"), shop.sign_in("ben"));
    let (mark, other) = (shop.mark(&ana), shop.mark(&ben));
    let form = format!("mark={mark}");
    let nearly = format!("mark={}", mark.chars().rev().collect::<String>());
    let two = format!("{form}&{form}");
    let others = format!("mark={other}");
    let ours = format!("cookie: {ana}\r\norigin: {HOME}\r\n");
    let same = "sec-fetch-site: same-origin\r\n";
    let page = format!("{ours}{same}");
    let bare = format!("cookie: {ana}\r\n{same}");
    let evil = format!("cookie: {ana}\r\norigin: http://evil.localhost\r\n");
    let null = format!("cookie: {ana}\r\norigin: null\r\n{same}");
    let cross = format!("{ours}sec-fetch-site: cross-site\r\n");
    let nobody = format!("origin: {HOME}\r\n{same}");
    let cases = [
        ("no mark", &*page, ""),
        ("an empty mark", &page, "mark="),
        ("another session's mark", &page, &others),
        ("a mark turned around", &page, &nearly),
        ("two marks", &page, &two),
        ("no origin", &bare, &form),
        ("another origin", &evil, &form),
        ("the origin of nothing", &null, &form),
        ("another site", &cross, &form),
        ("no session", &nobody, &form),
    ];
    let mut counted = Vec::new();
    for (number, (what, headers, form)) in cases.into_iter().enumerate() {
        let id = shop.refund("alice", &format!("o-{number}"), None);
        let reply = shop.post(&format!("/approvals/{id}/approve"), headers, form);
        let refused = [400, 401, 403].contains(&reply.status);
        if !refused || shop.status(&id) != "pending" {
            counted.push(what);
        }
    }
    assert_eq!(counted, Vec::<&str>::new());
    let id = shop.refund("alice", "o-right", None);
    let reply = shop.submit(&format!("/approvals/{id}/approve"), &ana, &form);
    let seen = format!("/approvals/{id}");
    assert_eq!(
        (reply.status, reply.header("location")),
        (303, Some(&*seen))
    );
    assert_eq!(shop.status(&id), "approved");
}

#[test]
fn looking_changes_nothing_and_a_cookie_is_no_credential_of_programs() {
    let shop = Shop::start();
    let id = shop.refund("alice", "o-1", None);
    let ana = shop.sign_in("ana");
    let mark = shop.mark(&ana);
    for verb in ["approve", "deny", "revoke"] {
        let path = format!("/approvals/{id}/{verb}");
        for method in ["GET", "HEAD"] {
            let headers = format!("cookie: {ana}\r\naccept: text/html\r\n");
            let reply = send(
                shop.admin(),
                &format!("{method} {path}?mark={mark}"),
                &headers,
            )
            .unwrap();
            assert_eq!(reply.status, 405, "{reply:?}");
        }
        let headers = format!("cookie: {ana}\r\norigin: {HOME}\r\n");
        let reply = send_body(shop.admin(), &format!("POST {path}"), &headers, "{}").unwrap();
        assert_eq!(reply.status, 401, "{reply:?}");
    }
    shop.look(&format!("/approvals/{id}"), &ana);
    assert_eq!(shop.status(&id), "pending");
}

#[test]
fn rules_decide_who_approves_and_say_so_to_people() {
    let shop = Shop::start();
    let own = shop.refund("ana", "o-own", None);
    let (ana, rae, alice) = (
        shop.sign_in("ana"),
        shop.sign_in("rae"),
        shop.sign_in("alice"),
    );
    let approve = |who: &str, id: &str| {
        let mark = shop.mark(who);
        shop.submit(
            &format!("/approvals/{id}/approve"),
            who,
            &format!("mark={mark}&reason=typed+before"),
        )
    };
    let refused = approve(&ana, &own);
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(
        refused
            .body
            .contains("nobody approves what they ask for themselves"),
        "{refused:?}"
    );
    assert!(refused.body.contains("typed before"), "{refused:?}");
    let refused = approve(&rae, &own);
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(
        refused.body.contains("it needs the approval of others"),
        "{refused:?}"
    );
    let page = shop.look(&format!("/approvals/{own}"), &alice);
    assert_eq!(page.status, 403, "{page:?}");
    assert!(
        page.body.contains("You may not do this") && !page.body.contains("o-own"),
        "{page:?}"
    );
    assert_eq!(shop.status(&own), "pending");
}

#[test]
fn taking_back_needs_a_stronger_sign_in_than_approving() {
    let shop = Shop::start();
    let id = shop.refund("alice", "o-1", None);
    let ana = shop.sign_in("ana");
    let form = format!("mark={}", shop.mark(&ana));
    assert_eq!(
        shop.submit(&format!("/approvals/{id}/approve"), &ana, &form)
            .status,
        303
    );
    let demanded = shop.submit(&format!("/approvals/{id}/revoke"), &ana, &form);
    assert_eq!(demanded.status, 401, "{demanded:?}");
    assert_eq!(shop.status(&id), "approved");
    let link = demanded
        .body
        .split("href=\"/approvals/sign-in?")
        .nth(1)
        .unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    assert_eq!(
        link,
        format!("next=/approvals/{id}&acr=phr+phrh&max_age=300")
    );
    let away = shop.look(&format!("/approvals/sign-in?{link}"), &ana);
    let target = away.header("location").unwrap();
    assert!(
        target.contains("acr_values=phr+phrh") && target.contains("max_age=300"),
        "{target}"
    );
}

#[test]
fn a_sign_in_is_good_once_in_the_browser_that_began_it() {
    let shop = Shop::start();
    let (callback, note) = shop.come_back("ana", "/approvals");
    let wrong = |path: &str, cookie: &str, status: u16| {
        let reply = shop.look(path, cookie);
        assert_eq!(reply.status, status, "{reply:?}");
        let opened = reply
            .headers("set-cookie")
            .iter()
            .any(|it| it.contains("session="));
        assert!(!opened, "{reply:?}");
    };
    wrong(&callback, "", 400);
    let (_, other) = shop.come_back("ben", "/approvals");
    wrong(&callback, &other, 400);
    let state = callback.split("state=").nth(1).unwrap();
    wrong(&callback.replace(state, "AAAA"), &note, 400);
    wrong(
        &format!("/approvals/callback?error=access_denied&state={state}"),
        &note,
        403,
    );
    wrong(
        &format!("/approvals/callback?code=AAAA&state={state}"),
        &note,
        502,
    );
    let reply = shop.look(&callback, &note);
    assert_eq!(reply.header("location"), Some("/approvals"));
    wrong(&callback, &note, 502);
}

#[test]
fn nobody_is_led_away_after_signing_in() {
    let shop = Shop::start();
    for next in [
        "https://example.com",
        "//example.com",
        "/reload",
        "/approvals/../reload",
    ] {
        let (callback, note) = shop.come_back("ana", next);
        let reply = shop.look(&callback, &note);
        assert_eq!(
            reply.header("location"),
            Some("/approvals"),
            "{next}: {reply:?}"
        );
    }
}

#[test]
fn a_session_ends_when_its_person_signs_out() {
    let shop = Shop::start();
    let ana = shop.sign_in("ana");
    let unmarked = shop.submit("/approvals/sign-out", &ana, "");
    assert_eq!(unmarked.status, 403, "{unmarked:?}");
    let form = format!("mark={}", shop.mark(&ana));
    let out = shop.submit("/approvals/sign-out", &ana, &form);
    assert_eq!(out.status, 200, "{out:?}");
    assert!(
        cookie(&out, "countersign-session").ends_with('='),
        "{out:?}"
    );
    assert_eq!(shop.look("/approvals", &ana).status, 401);
}

#[test]
fn cookies_are_kept_from_scripts_and_from_other_hosts() {
    let shop = Shop::start();
    let (callback, note) = shop.come_back("ana", "/approvals");
    let reply = shop.look(&callback, &note);
    let set = reply.headers("set-cookie");
    let session = set
        .iter()
        .find(|it| it.starts_with("countersign-session="))
        .unwrap();
    for part in [
        "; HttpOnly",
        "; SameSite=Lax",
        "; Path=/;",
        "; Max-Age=28800",
    ] {
        assert!(session.contains(part), "{session}");
    }
    assert!(
        set.iter()
            .any(|it| it.starts_with("countersign-sign-in=; ")),
        "{set:?}"
    );

    let tls = Shop::with(
        "https://inbox.example.com",
        "approvals: { providers: [corp], sign_in: { provider: corp, authorization_endpoint: ISSUER/authorize, token_endpoint: ISSUER/token, client_id: inbox } }\n",
    );
    let away = tls.look("/approvals/sign-in", "");
    let kept = away.header("set-cookie").unwrap();
    assert!(
        kept.starts_with("__Host-countersign-sign-in=") && kept.ends_with("; Secure"),
        "{kept}"
    );
    let target = away.header("location").unwrap();
    assert!(
        target.contains("redirect_uri=https%3A%2F%2Finbox.example.com%2Fapprovals%2Fcallback"),
        "{target}"
    );
}

#[test]
fn where_nobody_says_how_people_sign_in_they_show_a_token() {
    let shop = Shop::with_tokens();
    let form = shop.look("/approvals/sign-in", "");
    assert!(form.body.contains("type=\"password\""), "{form:?}");
    let enter = |token: &str| {
        shop.submit(
            "/approvals/sign-in",
            "",
            &format!("token={token}&next=/approvals"),
        )
    };
    let opened = |reply: &Reply| !reply.headers("set-cookie").is_empty();
    for wrong in [
        "",
        "nonsense",
        &shop.token("sub=ana&groups=crm-leads&aud=https://other.example.com"),
        &shop.token(&format!("sub=ana&groups=crm-leads&aud={HOME}&bad=expired")),
    ] {
        let reply = enter(wrong);
        assert!(
            [400, 401].contains(&reply.status) && !opened(&reply),
            "{reply:?}"
        );
        assert!(wrong.is_empty() || !reply.body.contains(wrong), "{reply:?}");
    }
    let good = shop.token(&format!("sub=ana&groups=crm-leads&aud={HOME}"));
    let foreign = shop.post("/approvals/sign-in", "", &format!("token={good}"));
    assert_eq!(foreign.status, 403, "{foreign:?}");
    let reply = enter(&good);
    assert_eq!(reply.status, 303, "{reply:?}");
    let ana = cookie(&reply, "countersign-session");
    assert_eq!(shop.look("/approvals", &ana).status, 200);
    assert!(!shop.server.log().contains(&good) && !shop.server.output().contains(&good));
}

#[test]
fn a_session_ends_when_its_person_is_revoked() {
    let shop = Shop::start();
    let id = shop.refund("alice", "o-1", None);
    let (ana, ben) = (shop.sign_in("ana"), shop.sign_in("ben"));
    let form = format!("mark={}", shop.mark(&ana));
    let operator = format!("authorization: Bearer {OPERATOR}\r\n");
    let body = r#"{ "identity": "corp/ana", "reason": "left" }"#;
    let said = send_body(shop.admin(), "POST /offboard", &operator, body).unwrap();
    assert_eq!(said.status, 200, "{said:?}");

    let one = format!("/approvals/{id}");
    let voted = shop.submit(&format!("{one}/approve"), &ana, &form);
    assert_eq!(voted.status, 401, "{voted:?}");
    // Also when the person comes back: it is over, and there is another sign-in.
    for kind in ["subject", "actor"] {
        let body = format!(r#"{{ "kind": "{kind}", "issuer": "corp", "value": "ana" }}"#);
        let said = send_body(shop.admin(), "POST /revocations/lift", &operator, &body).unwrap();
        assert_eq!(said.status, 200, "{said:?}");
    }
    for path in ["/approvals", &one] {
        let page = shop.look(path, &ana);
        assert_eq!(page.status, 401, "{page:?}");
        assert!(!page.body.contains("o-1"), "{page:?}");
    }
    assert_eq!(shop.look(&one, &shop.sign_in("ana")).status, 200);
    assert_eq!(shop.status(&id), "pending");
    // Everybody else goes on.
    assert_eq!(shop.look(&one, &ben).status, 200);
}

/// Asks for things and takes them back, so that they are newer than whatever waits.
async fn take_back(store: &Store, number: u64) {
    let limits = OpenLimits {
        per_requester: 1000,
        cooldown: Duration::ZERO,
    };
    let at = now().plus(Duration::from_secs(number));
    let new = pending("mallory", key(number), at);
    let opened = store.open_approval(new, limits, at).await.unwrap();
    let Opened::New(opened) = opened else {
        panic!("{opened:?}");
    };
    let next = ended(&opened, Status::Cancelled, at);
    store.change_approval(1, next).await.unwrap();
}

#[test]
fn what_was_taken_back_hides_nothing_that_waits() {
    let shop = Shop::start();
    shop.refund("alice", "o-1", None);
    let file = shop.server.setup.path("state.db");
    let store = Store::open(&StoreSettings::in_file(file)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for number in 1..=120 {
            take_back(&store, number).await;
        }
    });
    let ana = shop.sign_in("ana");
    let page = shop.look("/approvals", &ana);
    assert!(page.body.contains("One request waits"), "{page:?}");
    assert!(page.body.contains("o-1"), "{page:?}");
}

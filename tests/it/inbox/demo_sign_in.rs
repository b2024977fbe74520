//! Signing in at the demo's issuer, as clients and people see it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::harness::{Browser, DemoIssuer, Reply, send};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Of RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const BACK: &str = "http%3A%2F%2F127.0.0.1%3A1%2Fcallback";

fn authorize(more: &str) -> String {
    format!(
        "/corp/authorize?response_type=code&client_id=inbox&redirect_uri={BACK}&state=s1&nonce=n1&scope=openid\
         &resource=http%3A%2F%2Finbox.test&code_challenge={CHALLENGE}&code_challenge_method=S256{more}"
    )
}

fn post(issuer: &DemoIssuer, path: &str, form: &str) -> Reply {
    let head = format!(
        "content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n",
        form.len()
    );
    // The form stands where the empty line would, behind it.
    send(
        issuer.address,
        &format!("POST {path}"),
        &format!("{head}\r\n{form}"),
    )
    .unwrap()
}

fn code(issuer: &DemoIssuer, more: &str, person: &str) -> String {
    let reply = post(issuer, &authorize(more), &format!("person={person}"));
    assert_eq!(reply.status, 303, "{reply:?}");
    let back = reply.header("location").unwrap();
    assert!(back.ends_with("&state=s1"), "{back}");
    let code = back.split(['=', '&']).nth(1).unwrap();
    code.to_owned()
}

fn exchange(issuer: &DemoIssuer, code: &str, verifier: &str) -> Reply {
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri={BACK}&client_id=inbox&code_verifier={verifier}"
    );
    post(issuer, "/corp/token", &form)
}

fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn a_code_is_exchanged_once_by_who_has_the_verifier() {
    let issuer = DemoIssuer::start();
    let first = code(&issuer, "", "ana");
    let tokens = exchange(&issuer, &first, VERIFIER).json();
    let access = claims(&tokens["access_token"]);
    assert_eq!(access["sub"], "ana");
    assert_eq!(access["aud"], "http://inbox.test");
    assert_eq!(access["groups"][0], "crm-leads");
    assert_eq!(access["acr"], "pwd");
    let id = claims(&tokens["id_token"]);
    assert_eq!((&id["aud"], &id["nonce"]), (&"inbox".into(), &"n1".into()));
    assert_eq!(exchange(&issuer, &first, VERIFIER).status, 400, "used");
    let other = code(&issuer, "", "ana");
    let wrong = VERIFIER.replace('d', "e");
    assert_eq!(exchange(&issuer, &other, &wrong).status, 400, "{wrong}");
    assert_eq!(exchange(&issuer, "nothing", VERIFIER).status, 400);
}

#[test]
fn a_stronger_sign_in_is_one() {
    let issuer = DemoIssuer::start();
    let code = code(&issuer, "&acr_values=phr+phrh&max_age=0", "rae");
    let tokens = exchange(&issuer, &code, VERIFIER).json();
    let access = claims(&tokens["access_token"]);
    assert_eq!(access["acr"], "phr");
    assert!(access["auth_time"].is_i64());
}

#[test]
fn nobody_is_sent_to_another_machine() {
    let issuer = DemoIssuer::start();
    let elsewhere = authorize("").replace(BACK, "https%3A%2F%2Fexample.com%2F");
    assert_eq!(post(&issuer, &elsewhere, "person=ana").status, 400);
    let unbound = authorize("").replace("S256", "plain");
    assert_eq!(post(&issuer, &unbound, "person=ana").status, 400);
}

#[test]
fn a_person_sees_whom_they_can_be() {
    let issuer = DemoIssuer::start();
    let browser = Browser::start(&[]);
    let page = browser.page();
    page.open(&format!(
        "http://{}{}",
        issuer.address,
        authorize("&acr_values=phr")
    ));
    let text = page.text();
    assert!(text.contains("ana (crm-leads)"), "{text}");
    assert!(text.contains("with a passkey"), "{text}");
}

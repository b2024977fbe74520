//! The page as a person with a phone has it: a real browser, signed in at the demo's issuer.

use std::path::PathBuf;

use serde_json::json;

use super::stage::{HOME, Shop};
use crate::harness::{Browser, PHONE, Page};

fn browser(shop: &Shop) -> Browser {
    Browser::start(&[format!("MAP inbox.localhost:80 {}", shop.admin())])
}

fn picture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("inbox/{name}.png"))
}

/// Signs in from wherever the page is.
fn sign_in(page: &Page<'_>, person: &str) {
    page.follow("a[href^='/approvals/sign-in']");
    assert!(page.text().contains("Demo sign-in"), "{}", page.text());
    page.follow(&format!("button[value={person}]"));
}

/// What holds for every page: it fits the screen, runs and loads nothing, and its buttons can be hit with a thumb.
fn is_fit(page: &Page<'_>) {
    assert_eq!(page.run("document.documentElement.scrollWidth"), PHONE.0);
    assert_eq!(page.run("document.scripts.length"), 0);
    assert_eq!(
        page.run("performance.getEntriesByType('resource').length"),
        0
    );
    let small = page.run("[...document.querySelectorAll('button, .button, a.card')].filter(it => it.getBoundingClientRect().height < 44).map(it => it.innerText)");
    assert_eq!(small, json!([]), "too small for a thumb");
    let styled = page.run("getComputedStyle(document.querySelector('header')).display");
    assert_eq!(styled, "flex", "the style is refused");
    assert_eq!(page.complaints(), Vec::<String>::new());
}

#[test]
fn a_person_signs_in_sees_what_is_asked_and_approves() {
    let shop = Shop::start();
    let note = "for p\u{430}ypal \u{202e}txt.exe";
    let id = shop.refund("alice", "o-77", Some(note));
    let browser = browser(&shop);
    let page = browser.page();
    // A link from a message leads back to what it was about.
    page.open(&format!("{HOME}/approvals/{id}"));
    is_fit(&page);
    assert!(!page.text().contains("o-77"), "{}", page.text());
    sign_in(&page, "ana");
    assert_eq!(page.url(), format!("{HOME}/approvals/{id}"));
    let text = page.text();
    for fact in [
        "crm-bot",
        "alice",
        "orders.refund",
        "o-77",
        "4200",
        "U+0430",
        "U+202E",
        "high",
        "crm-leads",
        "refunds-are-approved",
    ] {
        assert!(text.contains(fact), "no `{fact}`: {text}");
    }
    assert!(!text.contains('\u{202e}'), "{text}");
    is_fit(&page);
    for scheme in ["light", "dark"] {
        page.prefer(scheme);
        page.picture(&picture(&format!("one-{scheme}")), true);
        page.picture(&picture(&format!("one-{scheme}-screen")), false);
    }
    page.fill("#reason", "known customer");
    page.follow("button.yes");
    assert_eq!(page.url(), format!("{HOME}/approvals/{id}"));
    let text = page.text();
    assert!(
        text.contains("ana has approved") && text.contains("known customer"),
        "{text}"
    );
    assert!(text.contains("Revoke") && !text.contains("Deny"), "{text}");
    assert_eq!(shop.status(&id), "approved");
    assert_eq!(shop.ask("alice", "o-77", Some(note)), "allowed");
    page.open(&format!("{HOME}/approvals/{id}"));
    assert!(page.text().contains("used"), "{}", page.text());
    is_fit(&page);
}

#[test]
fn a_person_denies_from_the_list_and_forgeries_do_nothing() {
    let shop = Shop::start();
    let (first, second) = (
        shop.refund("alice", "o-1", None),
        shop.refund("alice", "o-2", None),
    );
    let browser = browser(&shop);
    let page = browser.page();
    page.open(&format!("{HOME}/approvals"));
    page.picture(&picture("sign-in"), false);
    sign_in(&page, "ben");
    assert!(
        page.text().contains("2 requests wait for a decision"),
        "{}",
        page.text()
    );
    is_fit(&page);
    for scheme in ["light", "dark"] {
        page.prefer(scheme);
        page.picture(&picture(&format!("list-{scheme}")), false);
    }
    page.follow(&format!("a[href='/approvals/{second}']"));
    page.run("document.querySelector('form.card input[name=mark]').value = 'AAAA'");
    page.follow("button.yes");
    assert!(page.text().contains("Nothing was done"), "{}", page.text());
    assert_eq!(shop.status(&second), "pending");
    page.open(&format!("{HOME}/approvals/{second}"));
    page.fill("#reason", "not like this");
    page.follow("button.no");
    assert!(page.text().contains("ben has denied"), "{}", page.text());
    assert_eq!(shop.status(&second), "denied");
    page.picture(&picture("denied"), false);
    page.open(&format!("{HOME}/approvals/{first}"));
    let text = page.text();
    assert!(text.contains("Before"), "{text}");
    page.follow("header button");
    assert!(
        page.text().contains("You are signed out"),
        "{}",
        page.text()
    );
    page.open(&format!("{HOME}/approvals/{first}"));
    assert!(!page.text().contains("o-1"), "{}", page.text());
}

#[test]
fn a_person_signs_in_again_where_more_is_demanded() {
    let shop = Shop::start();
    let id = shop.refund("alice", "o-1", None);
    let browser = browser(&shop);
    let page = browser.page();
    page.open(&format!("{HOME}/approvals/{id}"));
    sign_in(&page, "ana");
    page.follow("button.yes");
    page.follow("button.no");
    assert!(
        page.text().contains("This needs a fresh sign-in"),
        "{}",
        page.text()
    );
    assert_eq!(shop.status(&id), "approved");
    page.picture(&picture("step-up"), false);
    page.follow("a[href*='acr=']");
    assert!(page.text().contains("with a passkey"), "{}", page.text());
    page.follow("button[value=ana]");
    assert_eq!(page.url(), format!("{HOME}/approvals/{id}"));
    page.follow("button.no");
    assert!(page.text().contains("revoked"), "{}", page.text());
    assert_eq!(shop.status(&id), "revoked");
}

#[test]
fn a_form_on_another_site_decides_nothing() {
    let shop = Shop::start();
    let id = shop.refund("alice", "o-1", None);
    let browser = browser(&shop);
    let page = browser.page();
    page.open(&format!("{HOME}/approvals/{id}"));
    sign_in(&page, "ana");
    let mark = page.run("document.querySelector('input[name=mark]').value");
    let mark = mark.as_str().unwrap();
    // Somebody even knows the mark, and lets the person's own browser send it, from the issuer's page.
    page.open(&format!("http://{}/corp/jwks.json", shop.issuer.address));
    page.leave(|| {
        page.run(&format!(
            "(() => {{ const form = document.createElement('form'); form.method = 'post'; \
             form.action = '{HOME}/approvals/{id}/approve'; form.innerHTML = '<input name=mark value={mark}>'; \
             document.body.append(form); form.submit(); }})()"
        ));
    });
    assert!(page.text().contains("cross_site"), "{}", page.text());
    assert_eq!(shop.status(&id), "pending");
    // Nor is the page shown inside another one.
    let framed = page.run("document.body.innerHTML");
    assert!(!framed.as_str().unwrap().contains("o-1"));
}

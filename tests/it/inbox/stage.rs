//! A shop whose agents wait for approvals, the demo's issuer, and the page behind a name of its own.

use std::fs;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::harness::{Ask, CONFIG, DemoIssuer, Reply, Server, Setup, get, send};

/// What people call the page; it is this machine for tests only.
pub(super) const HOME: &str = "http://inbox.localhost";

/// The token of an operator.
pub(super) const OPERATOR: &str = "0f5a4e1c9b7d3826f0e1d2c3b4a59687";

const POLICY: &str = include_str!("shop.yaml");

/// The sections that the page needs; `HOME` and `ISSUER` are replaced.
const SECTIONS: &str = "
approvals:
  providers: [corp]
  sign_in:
    provider: corp
    authorization_endpoint: ISSUER/authorize
    token_endpoint: ISSUER/token
    client_id: inbox
";

/// The shop.
pub(super) struct Shop {
    pub(super) issuer: DemoIssuer,
    pub(super) server: Server,
}

impl Shop {
    /// People sign in at the issuer.
    pub(super) fn start() -> Self {
        Self::with(HOME, SECTIONS)
    }

    /// People paste a token.
    pub(super) fn with_tokens() -> Self {
        Self::with(HOME, "approvals: { providers: [corp] }\n")
    }

    /// With another URL, or another section.
    pub(super) fn with(home: &str, sections: &str) -> Self {
        let issuer = DemoIssuer::start();
        let setup = Setup::new().replacing(
            "issuer: http://127.0.0.1:10080/corp ",
            &format!("issuer: {} ", issuer.iss()),
        );
        let keys = get(issuer.address, "/corp/jwks.json").unwrap().body;
        setup.replace("corp.jwks.json", &keys);
        let config = without(&without(&setup.read(CONFIG), "approvals:"), "admin:");
        let sections = sections.replace("ISSUER", &issuer.iss());
        let operator = "access: [{ name: ops, token: { file: ops.token } }]";
        let admin = format!("admin: {{ listen: '127.0.0.1:0', url: {home}, {operator} }}");
        setup.write("ops.token", OPERATOR);
        setup.write(CONFIG, &format!("{config}\n{admin}\n{sections}"));
        fs::remove_dir_all(setup.path("policies")).unwrap();
        setup.write("policies/shop.yaml", POLICY);
        let server = setup.start();
        Self { issuer, server }
    }

    /// Where the page is.
    pub(super) fn admin(&self) -> SocketAddr {
        self.server.admin()
    }

    /// An access token of the issuer, with these parameters.
    pub(super) fn token(&self, parameters: &str) -> String {
        let path = format!("/corp/token?{parameters}");
        let reply = get(self.issuer.address, &path).unwrap();
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body
    }

    /// An agent asks to refund an order for somebody; the id of the approval that it waits for.
    pub(super) fn refund(&self, person: &str, order: &str, note: Option<&str>) -> String {
        let answer = self.ask(person, order, note);
        assert!(answer.contains("approval_required"), "{answer}");
        let token = self.token(&format!("sub=ana&groups=crm-leads&aud={HOME}"));
        let bearer = format!("authorization: Bearer {token}\r\n");
        let listed = send(self.admin(), "GET /approvals", &bearer)
            .unwrap()
            .json();
        let all = listed["approvals"].as_array().unwrap();
        let own = all.iter().find(|it| it["resource"]["id"] == order);
        own.unwrap_or_else(|| panic!("{listed}"))["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The agent asks; what is answered.
    pub(super) fn ask(&self, person: &str, order: &str, note: Option<&str>) -> String {
        let token = self.token(&format!(
            "sub={person}&act=crm-bot&aud=https://shop.example.com/mcp"
        ));
        let mut arguments = json!({ "order": order, "cents": 4200 });
        if let Some(note) = note {
            arguments["note"] = json!(note);
        }
        let params = json!({ "name": "refund", "arguments": arguments });
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let ask = Ask::new("POST", "shop.example.com", "/mcp")
            .bearer(&token)
            .header("content-type", "application/json")
            .body(call.to_string());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let answer = runtime.block_on(async { self.server.client().await.check(&ask).await });
        if answer.allows() {
            return "allowed".to_owned();
        }
        answer.reason()
    }

    /// What programs read of an approval.
    pub(super) fn approval(&self, id: &str) -> Value {
        let token = self.token(&format!("sub=ben&groups=crm-leads&aud={HOME}"));
        let bearer = format!("authorization: Bearer {token}\r\n");
        let reply = send(self.admin(), &format!("GET /approvals/{id}"), &bearer).unwrap();
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    /// How it stands.
    pub(super) fn status(&self, id: &str) -> String {
        self.approval(id)["status"].as_str().unwrap().to_owned()
    }

    /// Looks at a page as a browser does.
    pub(super) fn look(&self, path: &str, cookie: &str) -> Reply {
        let headers = format!("accept: text/html,*/*;q=0.8\r\ncookie: {cookie}\r\n");
        send(self.admin(), &format!("GET {path}"), &headers).unwrap()
    }

    /// Sends a form with headers that each end their line.
    pub(super) fn post(&self, path: &str, headers: &str, form: &str) -> Reply {
        post(self.admin(), path, headers, form)
    }

    /// Sends a form as the page does.
    pub(super) fn submit(&self, path: &str, cookie: &str, form: &str) -> Reply {
        let headers =
            format!("origin: {HOME}\r\nsec-fetch-site: same-origin\r\ncookie: {cookie}\r\n");
        self.post(path, &headers, form)
    }

    /// Signs in as a browser does, step by step; the session's cookie.
    pub(super) fn sign_in(&self, person: &str) -> String {
        let (callback, note) = self.come_back(person, "/approvals");
        let reply = self.look(&callback, &note);
        assert_eq!(reply.status, 303, "{reply:?}");
        cookie(&reply, "countersign-session")
    }

    /// Goes to the issuer and comes back, up to the last step: its path, and the cookie that the browser has.
    pub(super) fn come_back(&self, person: &str, next: &str) -> (String, String) {
        let away = self.look(&format!("/approvals/sign-in?next={next}"), "");
        assert_eq!(away.status, 303, "{away:?}");
        let note = cookie(&away, "countersign-sign-in");
        let issuer = format!("http://{}", self.issuer.address);
        let target = away.header("location").unwrap().strip_prefix(&issuer);
        let form = format!("person={person}");
        let back = post(self.issuer.address, target.unwrap(), "", &form);
        let back = back.header("location").unwrap().strip_prefix(HOME);
        (back.unwrap().to_owned(), note)
    }

    /// The mark that forms of this session have.
    pub(super) fn mark(&self, cookie: &str) -> String {
        let page = self.look("/approvals", cookie);
        assert_eq!(page.status, 200, "{page:?}");
        let mark = page.body.split("name=\"mark\" value=\"").nth(1).unwrap();
        mark.split('"').next().unwrap().to_owned()
    }
}

/// A configuration without one section.
fn without(config: &str, section: &str) -> String {
    let mut inside = false;
    let kept = config.lines().filter(|line| {
        if !line.starts_with([' ', '#']) {
            inside = line.starts_with(section);
        }
        !inside
    });
    let kept: Vec<&str> = kept.collect();
    kept.join("\n") + "\n"
}

/// Sends a form.
pub(crate) fn post(address: SocketAddr, path: &str, headers: &str, form: &str) -> Reply {
    let kind = "content-type: application/x-www-form-urlencoded";
    let length = form.len();
    // The form stands behind the empty line, where the head would end.
    let rest = format!("{headers}{kind}\r\ncontent-length: {length}\r\n\r\n{form}");
    send(address, &format!("POST {path}"), &rest).unwrap()
}

/// `name=value` of a cookie that an answer sets, whose name ends so.
pub(crate) fn cookie(reply: &Reply, name: &str) -> String {
    let set = reply.headers("set-cookie");
    let set = set.iter().find(|it| it.contains(&format!("{name}=")));
    let set = set.unwrap_or_else(|| panic!("no `{name}`: {reply:?}"));
    set.split(';').next().unwrap().to_owned()
}

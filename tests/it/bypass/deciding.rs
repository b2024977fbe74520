//! What approvers and operators do, at the admin listener.

use serde_json::{Value, json};

use super::event::Condition;
use super::verb::{PageVisit, Vote};
use super::world::{HOME, OPS, World};
use crate::harness::{Reply, SOON, eventually, send_as, send_body};
use crate::inbox::{cookie, post};

impl World {
    /// A vote on what was waited for last, or its end: `approve`, `deny`, `revoke`.
    pub(super) fn vote(&self, replica: usize, vote: &Vote, verb: &str) -> String {
        let headers = format!("authorization: Bearer {}\r\n", self.approver(vote));
        let line = format!("{} /approvals/{}/{verb}", vote.method, self.waited_for());
        let body = r#"{"reason":"seen"}"#;
        let reply = send_body(self.servers[replica].admin(), &line, &headers, body);
        said(&reply.unwrap())
    }

    fn approver(&self, vote: &Vote) -> String {
        let issuer = match vote.account.as_str() {
            "corp" => &self.corp,
            "sister" => &self.sister,
            other => panic!("nobody has accounts at `{other}`"),
        };
        let groups: Vec<&str> = vote.groups.iter().map(String::as_str).collect();
        let token = issuer.token(&vote.by).audience(HOME).groups(&groups);
        match &vote.actor {
            Some(actor) => token.actor(actor).sign(),
            None => token.sign(),
        }
    }

    /// A browser's request to the page of what was waited for last.
    pub(super) fn page(&self, replica: usize, visit: &PageVisit) -> String {
        let address = self.servers[replica].admin();
        let session = visit.by.as_ref().map(|by| self.session(replica, by));
        let origin = visit.origin.as_deref().unwrap_or(HOME);
        let mut headers = format!("accept: text/html\r\norigin: {origin}\r\n");
        if origin == HOME {
            headers += "sec-fetch-site: same-origin\r\n";
        }
        if let Some(session) = &session {
            headers.extend(["cookie: ", session.as_str(), "\r\n"]);
        }
        let mut path = format!("/approvals/{}", self.waited_for());
        if !visit.verb.is_empty() {
            path.extend(["/", visit.verb.as_str()]);
        }
        let mark = match (&visit.mark, &visit.mark_of) {
            (Some(mark), _) => Some(mark.clone()),
            (None, Some(whose)) if Some(whose) == visit.by.as_ref() => {
                session.map(|session| self.mark(replica, &session))
            }
            (None, Some(whose)) => Some(self.mark(replica, &self.session(replica, whose))),
            (None, None) => None,
        };
        let form = mark.map(|mark| format!("mark={mark}")).unwrap_or_default();
        let reply = if visit.method == "POST" && !visit.json {
            post(address, &path, &headers, &form)
        } else if visit.json {
            let headers = headers.replace("text/html", "application/json");
            send_body(address, &format!("POST {path}"), &headers, "{}").unwrap()
        } else {
            let line = format!("{} {path}?{form}", visit.method);
            send_as(address, &line, &headers, ("", "")).unwrap()
        };
        reply.status.to_string()
    }

    /// Signs somebody in with a token; the session's cookie.
    fn session(&self, replica: usize, person: &str) -> String {
        let vote = Vote {
            by: person.to_owned(),
            account: "corp".to_owned(),
            groups: vec!["keepers".to_owned()],
            actor: None,
            method: "POST".to_owned(),
        };
        let headers = format!("origin: {HOME}\r\nsec-fetch-site: same-origin\r\n");
        let form = format!("token={}&next=/approvals", self.approver(&vote));
        let address = self.servers[replica].admin();
        let reply = post(address, "/approvals/sign-in", &headers, &form);
        cookie(&reply, "countersign-session")
    }

    /// The mark that forms of a session have.
    fn mark(&self, replica: usize, session: &str) -> String {
        let headers = format!("accept: text/html\r\ncookie: {session}\r\n");
        let address = self.servers[replica].admin();
        let page = send_body(address, "GET /approvals", &headers, "").unwrap();
        let mark = page.body.split("name=\"mark\" value=\"").nth(1);
        let mark = mark.unwrap_or_else(|| panic!("{page:?}"));
        mark.split('"').next().unwrap().to_owned()
    }

    /// An operator's request.
    pub(super) fn operate(&self, replica: usize, line: &str, body: &Value) -> String {
        let mut body = body.to_string();
        if let Some(id) = self.waited_for.last() {
            body = body.replace("$approval", id);
        }
        let headers = format!("authorization: Bearer {OPS}\r\n");
        let address = self.servers[replica].admin();
        said(&send_body(address, line, &headers, &body).unwrap())
    }

    pub(super) fn condition(&self, replica: usize, condition: &Condition) -> String {
        let Condition { name, value, lasts } = condition;
        let body = json!({ "value": value, "reason": "a fixture", "expires": lasts });
        self.operate(replica, &format!("PUT /conditions/{name}"), &body)
    }

    /// Changes the policy and waits until every server has it.
    pub(super) fn policy(&mut self, from: &str, to: &str) {
        let version = |world: &Self| -> Vec<Value> {
            let all = world.servers.iter();
            all.map(|server| server.status()["policy"]["version"].clone())
                .collect()
        };
        let before = version(self);
        self.change_policy(from, to);
        eventually(SOON, "every server has the policy", || {
            let now = version(self);
            let each = before.iter().zip(&now);
            each.into_iter().all(|(old, new)| old != new).then_some(())
        });
    }
}

/// The status, and its word: a code, or how an approval is now.
fn said(reply: &Reply) -> String {
    let body: Value = serde_json::from_str(&reply.body).unwrap_or_default();
    let word = body["code"].as_str().or(body["status"].as_str());
    match word {
        Some(word) => format!("{} {word}", reply.status),
        None => reply.status.to_string(),
    }
}

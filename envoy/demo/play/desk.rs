//! countersign's admin listener, as approvers and operators ask it: with a token of their own.

use anyhow::Context as _;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::Got;
use crate::scene::{Came, Token};
use crate::{operator, token, up};

/// Asks for something, and gives what came. The code of a refusal is its reason.
pub(super) async fn ask(
    client: &Client,
    who: Token,
    request: &str,
    body: &Value,
) -> anyhow::Result<Got> {
    let (method, path) = request
        .split_once(' ')
        .context("a request without a method")?;
    let method = Method::from_bytes(method.as_bytes())?;
    let mut asked = client.request(method, format!("http://{}{path}", up::ADMIN));
    asked = asked.header("accept", "application/json");
    if let Some(credential) = credential(who).await? {
        asked = asked.bearer_auth(credential);
    }
    if !body.is_null() {
        asked = asked.json(body);
    }
    let answer = asked.send().await?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let mut body: Value = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
    if let Some(code) = body.get("code").cloned()
        && let Value::Object(members) = &mut body
    {
        members.insert("reason".to_owned(), code);
    }
    if status < 400 {
        // What an approver has said is a member of this name as well.
        if let Value::Object(members) = &mut body {
            members.shift_remove("reason");
        }
    }
    Ok(Got {
        came: Came::Status(status),
        headers,
        body,
        took: None,
    })
}

async fn credential(who: Token) -> anyhow::Result<Option<String>> {
    Ok(match who {
        Token::Absent => None,
        Token::Corp(query) => Some(token::mint("corp", query).await?),
        Token::Ci(query) => Some(token::mint("ci", query).await?),
        Token::Operator => Some(operator::token()?),
    })
}

/// Somebody who may look at approvals, and take them back.
const APPROVER: Token = Token::Corp("sub=ana&groups=crm-leads&acr=phr&aud=http://127.0.0.1:9193");

/// Ends what an earlier play has left behind: approvals that wait or are good, an incident, and blocks that were made for this reason.
pub(super) async fn clean_up(client: &Client, reason: &str) -> anyhow::Result<()> {
    lift(client, reason).await?;
    let nothing = json!({});
    let incident = "DELETE /conditions/incident";
    ask(client, Token::Operator, incident, &nothing).await?;
    for status in ["pending", "approved"] {
        let list = format!("GET /approvals?limit=500&status={status}");
        let known = ask(client, APPROVER, &list, &Value::Null).await?;
        let known = known.body.get("approvals").and_then(Value::as_array);
        for approval in known.context("no list of approvals")? {
            let id = approval.get("id").and_then(Value::as_str);
            let end = format!("POST /approvals/{}/revoke", id.unwrap_or_default());
            ask(client, APPROVER, &end, &nothing).await?;
        }
    }
    Ok(())
}

/// Lifts every block that was made for this reason.
pub(super) async fn lift(client: &Client, reason: &str) -> anyhow::Result<Got> {
    let operator = Token::Operator;
    let known = ask(client, operator, "GET /revocations", &Value::Null).await?;
    let known = known.body.get("revocations").and_then(Value::as_array);
    for entry in known.context("no list of revocations")? {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        if text("reason") != Some(reason) || text("state") != Some("blocked") {
            continue;
        }
        let target = json!({
            "kind": text("kind"), "issuer": text("issuer"), "value": text("value"), "reason": "the demo goes on",
        });
        let lifted = ask(client, operator, "POST /revocations/lift", &target).await?;
        if lifted.came != Came::Status(200) {
            return Ok(lifted);
        }
    }
    Ok(Got {
        came: Came::Status(200),
        headers: reqwest::header::HeaderMap::new(),
        body: Value::Null,
        took: None,
    })
}

//! Pages as people read them, without a server.

use std::sync::Arc;
use std::time::Instant;

use axum::body::to_bytes;
use axum::http::header;
use axum::response::Response;
use maud::html;

use super::one::{Told, View};
use super::sessions::{AccessToken, Session, Sessions};
use super::{list, words};
use crate::approval::testing::{at, party, pending, voter};
use crate::model::approval::{Approval, Details, Status, Vote};
use crate::model::route::Resource;

const NOW: i64 = 1_800_000_300;

fn session() -> Session {
    let (sessions, now) = (Sessions::default(), Instant::now());
    let token = AccessToken::new("a.b.c").unwrap();
    let id = sessions.open(party("ana"), token, now).unwrap();
    sessions.find(&id, now).unwrap()
}

fn export(number: u32) -> Approval {
    let mut approval = Arc::unwrap_or_clone(pending(number, NOW - 300));
    approval.resource = Some(Resource {
        kind: Arc::from("customer_segment"),
        id: Arc::from("eu"),
    });
    approval.details = Details {
        arguments: Some(Arc::from(
"{\"note\":\"p<b> р\u{430}yp\u{430}l\u{202e}gpj.exe\",\"options\":{\"deep\":[1,2]},\"rows\":5000,\"segment\":\"eu\"}",
        )),
        request: Some(Arc::from("POST mcp.example.com /crm")),
        workload: Some(Arc::from("spiffe://example.org/agents/crm-bot")),
        risk: Some(30),
        ..Details::default()
    };
    approval
}

async fn text(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn dump() {
    let session = session();
    let mut done = export(2);
    done.status = Status::Consumed;
    let mut denied = export(3);
    denied.status = Status::Denied;
    denied.votes = vec![Vote { voter: voter("ben", &["crm-leads"]), approve: false, at: at(NOW - 100), reason: Some(Arc::from("Not before the audit is over.")) }];
    let all = vec![Arc::new(export(1)), Arc::new(done.clone()), Arc::new(denied.clone())];
    let page = list::page(&session, all, at(NOW));
    std::fs::write("/tmp/pagetry/list.html", text(page).await).unwrap();
    let before = [Arc::new(done), Arc::new(denied.clone())];
    let mut one = export(1);
    one.votes = vec![Vote { voter: voter("ben", &["crm-leads"]), approve: true, at: at(NOW - 100), reason: Some(Arc::from("Known customer, agreed with legal.")) }];
    let view = View { approval: &one, before: &before, told: None, now: at(NOW) };
    std::fs::write("/tmp/pagetry/one.html", text(view.page(&session)).await).unwrap();
}

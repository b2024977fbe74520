//! A gRPC client through Envoy: what it reads of a refusal, and that its call can be approved as it is, though it says no length.

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};

use super::process::Change;
use super::stage::{Stage, setup};
use crate::approvals::stage::Keeper;
use crate::harness::{SOON, eventually, eventually_async};

/// Any method does; the client of this one is at hand. Nothing is said of `bind`.
const POLICY: &str = "
version: 1
routes:
  calls:
    match: { host: calls.example.com }
    url: https://calls.example.com
    providers: [corp]
    actions:
      calls.check: { grpc: envoy.service.auth.v3.Authorization/Check }
rules:
  - { id: callers, permit: calls.*, to: { issuer: corp, group: callers } }
  - { id: calls-wait, guard: calls.*, require: [{ approval: { from: { issuer: corp, group: keepers } } }] }
";

const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

fn start(envoy: &[Change]) -> Stage {
    let setup = setup();
    setup.write("policies/calls.yaml", POLICY);
    Stage::start(envoy, setup)
}

/// What a person's call is answered.
async fn call(stage: &Stage, groups: &[&str]) -> Status {
    let token = stage.person("alice", "calls.example.com").groups(groups);
    let mut request = Request::new(CheckRequest::default());
    let bearer = format!("Bearer {}", token.sign());
    request
        .metadata_mut()
        .insert("authorization", bearer.parse().unwrap());
    let envoy = Endpoint::from_shared(format!("http://{}", stage.envoy.plain)).unwrap();
    let envoy = envoy.origin("http://calls.example.com".parse().unwrap());
    let channel = envoy.connect().await.unwrap();
    let answer = AuthorizationClient::new(channel).check(request).await;
    answer.map_or_else(|status| status, |_message| Status::new(Code::Ok, ""))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_reads_its_ticket_and_the_same_call_passes_once() {
    let stage = start(&[]);
    let refused = call(&stage, &["others"]).await;
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
    assert!(
        refused.message().contains("(not_permitted, decision "),
        "{refused:?}"
    );

    let waits = call(&stage, &["callers"]).await;
    assert_eq!(waits.code(), Code::PermissionDenied, "{waits:?}");
    let keeper = Keeper::of(&stage.server);
    let waiting = keeper.waiting().await;
    let told = waits.message();
    assert!(told.contains("(approval_required, decision "), "{told}");
    let ticket = format!("approval {}): http", waiting.id);
    assert!(told.contains(&ticket), "{told}");
    assert!(
        told.ends_with(&format!("/approvals/{}", waiting.id)),
        "{told}"
    );
    assert_eq!(stage.upstream.requests_to(PATH), 0);

    keeper.approve().await;
    eventually_async(SOON, "it passes", async || {
        call(&stage, &["callers"]).await;
        (stage.upstream.requests_to(PATH) == 1).then_some(())
    })
    .await;
    let again = call(&stage, &["callers"]).await;
    assert!(again.message().contains("approval_required"), "{again:?}");
    assert_eq!(stage.upstream.requests_to(PATH), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_filter_that_measures_bodies_nothing_of_it_is_approved() {
    let filter = "          - name: envoy.filters.http.buffer
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer
              max_request_bytes: 65536
";
    let stage = start(&[(filter, String::new())]);
    let refused = call(&stage, &["callers"]).await;
    assert_ne!(refused.code(), Code::Ok, "{refused:?}");
    assert!(
        refused.message().contains("(input_incomplete, "),
        "{refused:?}"
    );
    let cause = eventually(SOON, "the record of its cause", || {
        let records = stage.server.records();
        let cause = records.iter().find_map(|it| it["cause"].as_str());
        cause.map(str::to_owned)
    });
    assert!(cause.contains("envoy.filters.http.buffer"), "{cause}");
}

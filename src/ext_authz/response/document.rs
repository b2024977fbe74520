//! The answer to a request for a route's metadata (RFC 9728, section 3.2). It is public: it has no credential, says nothing
//! about the caller, and pages of any origin may read it, because clients run in browsers too.

use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckResponse, DeniedHttpResponse};
use envoy_types::pb::envoy::r#type::v3::{HttpStatus, StatusCode};
use envoy_types::pb::google::protobuf::Struct;

use super::mutation::header;
use super::rpc_status;
use super::status::Code;
use crate::model::decision::DecisionId;
use crate::model::reason::Reason;

/// How long a copy may be used, in seconds. Who asks again has to see a new issuer soon; who is refused asks again anyway.
const MAX_AGE: &str = "public, max-age=300";

/// The document as the answer. Its gRPC code is not 0: the request goes no further.
pub(super) fn response(id: &DecisionId, body: &str, metadata: Struct) -> CheckResponse {
    let headers = [
        ("content-type", "application/json"),
        ("cache-control", MAX_AGE),
        ("access-control-allow-origin", "*"),
        ("x-decision-id", id.as_str()),
    ];
    CheckResponse {
        status: Some(rpc_status(
            Code::PermissionDenied,
            Reason::Metadata.as_str(),
        )),
        dynamic_metadata: Some(metadata),
        http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
            status: Some(HttpStatus {
                code: StatusCode::Ok.into(),
            }),
            headers: headers
                .map(|(name, value)| header(name, value.to_owned()))
                .to_vec(),
            body: body.to_owned(),
        })),
    }
}

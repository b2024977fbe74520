//! The gRPC method that Envoy calls, `envoy.service.auth.v3.Authorization/Check`: its messages as bytes.
//!
//! tonic's own service decodes every message before anybody looks at it; this one hands over what came.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use envoy_types::pb::envoy::service::auth::v3::authorization_server::SERVICE_NAME;
use prost::bytes::Bytes;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};

use super::server::MAX_MESSAGE;
use super::service::Checks;
use super::wire::Bare;

/// The path of the method.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// Answers the method's calls. Cheap to clone; clones are the same service.
#[derive(Clone, Debug)]
pub(super) struct Method(Arc<Checks>);

impl Method {
    pub(super) fn new(checks: Checks) -> Self {
        Self(Arc::new(checks))
    }
}

impl NamedService for Method {
    const NAME: &'static str = SERVICE_NAME;
}

impl Service<http::Request<Body>> for Method {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != CHECK {
            let unknown = Status::unimplemented("").into_http();
            return Box::pin(std::future::ready(Ok(unknown)));
        }
        let method = self.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(Bare).max_decoding_message_size(MAX_MESSAGE);
            Ok(grpc.unary(method, request).await)
        })
    }
}

impl UnaryService<Bytes> for Method {
    type Response = Bytes;
    type Future = BoxFuture<Response<Bytes>, Status>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let checks = Arc::clone(&self.0);
        Box::pin(async move { Ok(Response::new(checks.check(&request).await)) })
    }
}

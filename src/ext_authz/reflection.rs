//! gRPC reflection, v1 and v1alpha: what `grpcurl` needs to call a check by hand.
//!
//! `descriptor.binpb` is a `FileDescriptorSet` of `envoy/service/auth/v3/external_auth.proto` and everything that it
//! imports, without comments. To make it again, from the protos that the `envoy-types` crate ships (the
//! Python package `grpcio-tools` brings the compiler):
//!
//! ```text
//! cd ~/.cargo/registry/src/*/envoy-types-0.7.*/proto
//! python3 -m grpc_tools.protoc -I data-plane-api -I xds -I protoc-gen-validate -I googleapis \
//!   --include_imports --descriptor_set_out=descriptor.binpb envoy/service/auth/v3/external_auth.proto
//! ```

use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;
use tonic::service::RoutesBuilder;
use tonic::{Code, Status};
use tonic_reflection::server::{Builder, Error};

/// `envoy.service.auth.v3.Authorization` and its imports.
pub(super) const DESCRIPTOR: &[u8] = include_bytes!("descriptor.binpb");

/// Adds both versions of the reflection service, describing checks, health and reflection itself.
pub(super) fn add(routes: &mut RoutesBuilder) {
    routes
        .add_service(OnDemand::by(|| builder().build_v1()))
        .add_service(OnDemand::by(|| builder().build_v1alpha()));
}

/// A service that is made when it is called first. Few are ever asked to describe themselves, and the descriptions of Envoy's
/// messages take more room than all that a small policy needs.
struct OnDemand<S> {
    make: fn() -> Result<S, Error>,
    made: Arc<OnceLock<Result<S, Error>>>,
}

impl<S> OnDemand<S> {
    fn by(make: fn() -> Result<S, Error>) -> Self {
        Self {
            make,
            made: Arc::default(),
        }
    }
}

impl<S> Clone for OnDemand<S> {
    fn clone(&self) -> Self {
        Self {
            make: self.make,
            made: Arc::clone(&self.made),
        }
    }
}

impl<S: NamedService> NamedService for OnDemand<S> {
    const NAME: &'static str = S::NAME;
}

type Answer = http::Response<Body>;

impl<S> Service<http::Request<Body>> for OnDemand<S>
where
    S: Service<
            http::Request<Body>,
            Response = Answer,
            Error = Infallible,
            Future = BoxFuture<Answer, Infallible>,
        > + Clone,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = BoxFuture<Answer, Infallible>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The services themselves are always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match self.made.get_or_init(self.make) {
            Ok(made) => made.clone().call(request),
            Err(error) => {
                let status = Status::new(Code::Internal, error.to_string());
                Box::pin(ready(Ok(status.into_http())))
            }
        }
    }
}

fn builder() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTOR)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use envoy_types::pb::google::protobuf::{FileDescriptorProto, FileDescriptorSet};
    use prost::Message;

    use super::*;

    #[test]
    fn the_descriptor_has_the_service_and_all_imports() {
        let set = FileDescriptorSet::decode(DESCRIPTOR).unwrap();
        let names: HashSet<&str> = set.file.iter().map(FileDescriptorProto::name).collect();
        for file in &set.file {
            for import in &file.dependency {
                assert!(names.contains(import.as_str()), "{import}");
            }
        }
        let service = set.file.iter().flat_map(|file| {
            let package = file.package();
            file.service
                .iter()
                .map(move |it| format!("{package}.{}", it.name()))
        });
        let expected =
            envoy_types::pb::envoy::service::auth::v3::authorization_server::SERVICE_NAME;
        assert_eq!(service.collect::<Vec<_>>(), [expected]);
    }
}

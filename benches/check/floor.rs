//! The floor (`stock.rs`) and countersign in this process, and the same client asking them in turn.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use countersign::ext_authz::Edge;
use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::envoy::service::auth::v3::authorization_server::AuthorizationServer;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};

use super::stock::AlwaysOk;
use super::world::World;

/// Calls in flight on the one connection.
const IN_FLIGHT: usize = 32;

/// What calls cost: client and server together, for both run in this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

/// Serves the floor for as long as `runtime` lives.
pub(crate) fn serve_floor(runtime: &Runtime) -> Result<SocketAddr> {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let _enter = runtime.enter();
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = Server::builder().add_service(AuthorizationServer::new(AlwaysOk));
    runtime.spawn(server.serve_with_incoming(incoming));
    Ok(address)
}

/// Serves countersign for as long as `runtime` lives.
pub(crate) fn serve(world: &World, runtime: &Runtime) -> Result<SocketAddr> {
    let edge = runtime.block_on(Edge::bind(world.grpc.clone(), world.authorizer.metrics()))?;
    let address = edge.bound().addr.context("no TCP listener")?;
    let authorizer = world.authorizer.clone();
    runtime.spawn(async move {
        // The sender lives as long as the server: readiness never changes.
        let (_ready, told) = watch::channel(true);
        edge.serve(authorizer, told, CancellationToken::new()).await
    });
    Ok(address)
}

/// One connection, which is what a worker of Envoy has.
pub(crate) fn connect(address: SocketAddr, runtime: &Runtime) -> Result<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true);
    Ok(runtime.block_on(endpoint.connect())?)
}

/// Makes at least `calls` calls, `IN_FLIGHT` at a time; what one of them costs.
pub(crate) fn call(
    channel: &Channel,
    requests: &Arc<Vec<CheckRequest>>,
    calls: usize,
    runtime: &Runtime,
) -> Result<Cost> {
    let each = calls.div_ceil(IN_FLIGHT);
    let (cpu, started) = (cpu_time()?, Instant::now());
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for lane in 0..IN_FLIGHT {
            let mut client = AuthorizationClient::new(channel.clone());
            let requests = Arc::clone(requests);
            tasks.spawn(async move {
                for number in 0..each {
                    let next = requests.get((lane * each + number) % requests.len());
                    let request = next.context("no request")?.clone();
                    let answer = client.check(request).await?.into_inner();
                    ensure!(
                        answer.status.is_some_and(|status| status.code == 0),
                        "refused"
                    );
                }
                Ok(())
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok::<(), anyhow::Error>(())
    })?;
    let made = u32::try_from(each * IN_FLIGHT)?;
    Ok(Cost {
        wall: started.elapsed() / made,
        cpu: cpu_time()?.saturating_sub(cpu) / made,
    })
}

/// The processor time that this process has used, from the 14th and 15th field of proc(5)'s `stat`, in hundredths of a
/// second.
pub(crate) fn cpu_time() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, behind_name) = stat.rsplit_once(')').context("no name in `stat`")?;
    let ticks: u64 = behind_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u64>)
        .sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

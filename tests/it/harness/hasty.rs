//! A caller whose timeout is over before it asks. The usual client would give up by itself; this one waits for the answer.

use std::net::SocketAddr;

use h2::client;
use prost::Message as _;
use prost::bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio::net::TcpStream;
use tonic::codegen::http::Request;

use super::{Answer, Ask};

const METHOD: &str = "/envoy.service.auth.v3.Authorization/Check";
/// The prefix of a message: one byte for compression, four for its length.
const PREFIX: usize = 5;

/// Asks with this `grpc-timeout` and returns the answer, however late.
pub(crate) async fn check_within(server: SocketAddr, ask: &Ask, timeout: &str) -> Answer {
    let stream = TcpStream::connect(server).await.unwrap();
    let (mut sender, connection) = client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::post(format!("http://{server}{METHOD}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", timeout)
        .body(())
        .unwrap();
    let (response, mut body) = sender.send_request(request, false).unwrap();
    body.send_data(frame(ask), true).unwrap();
    let response = response.await.unwrap();
    assert!(
        !response.headers().contains_key("grpc-status"),
        "{response:?}"
    );
    let mut body = response.into_body();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        bytes.put(chunk);
    }
    let trailers = body.trailers().await.unwrap().expect("trailers");
    assert_eq!(trailers["grpc-status"], "0", "{trailers:?}");
    connection.abort();
    bytes.advance(PREFIX);
    Answer(prost::Message::decode(bytes.freeze()).unwrap())
}

fn frame(ask: &Ask) -> Bytes {
    let message = ask.request().encode_to_vec();
    let mut bytes = BytesMut::with_capacity(PREFIX + message.len());
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.len()).unwrap());
    bytes.put_slice(&message);
    bytes.freeze()
}

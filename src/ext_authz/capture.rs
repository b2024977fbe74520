//! A captured `CheckRequest`, in protobuf's JSON form, for `explain`.

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};

use super::reflection::DESCRIPTOR;
use super::request::read_request;
use crate::model::request::AccessRequest;
use crate::model::time::Timestamp;
use crate::model::verdict::Denial;

const CHECK_REQUEST: &str = "envoy.service.auth.v3.CheckRequest";

/// Why a text is no `CheckRequest`.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The descriptors of this build cannot be read: a defect.
    #[error("the descriptor of `{CHECK_REQUEST}` cannot be read")]
    Descriptor,
    /// Not JSON, or not of this message.
    #[error("not a `CheckRequest` in protobuf's JSON form: {0}")]
    Json(#[from] serde_json::Error),
}

/// The canonical request of a captured check, or why there is none. Field names may be written `header_map` or
/// `headerMap` (<https://protobuf.dev/programming-guides/json/>).
pub fn access_request(
    json: &str,
    now: Timestamp,
) -> Result<Result<AccessRequest, Denial>, CaptureError> {
    let pool =
        DescriptorPool::decode(DESCRIPTOR).map_err(|_undecodable| CaptureError::Descriptor)?;
    let descriptor = pool
        .get_message_by_name(CHECK_REQUEST)
        .ok_or(CaptureError::Descriptor)?;
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let message = DynamicMessage::deserialize(descriptor, &mut deserializer)?;
    deserializer.end()?;
    Ok(read_request(&message.encode_to_vec(), now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_spellings_of_a_field() {
        for name in ["header_map", "headerMap"] {
            let json = format!(
                r#"{{"attributes":{{"request":{{"http":{{"method":"GET","host":"a.test","path":"/x?y=1",
                "{name}":{{"headers":[{{"key":"x-a","raw_value":"Yg=="}}]}}}}}}}}}}"#
            );
            let request = access_request(&json, Timestamp::from_seconds(1))
                .unwrap()
                .unwrap();
            assert_eq!(
                (request.path.as_str(), request.headers.get("x-a")),
                ("/x", Some("b"))
            );
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let unknown =
            access_request(r#"{"attribute":{}}"#, Timestamp::from_seconds(1)).unwrap_err();
        assert!(unknown.to_string().contains("attribute"), "{unknown}");
        assert!(access_request("nope", Timestamp::from_seconds(1)).is_err());
    }
}

//! Signed webhooks (Standard Webhooks 1.0): whoever has the secret signs id, time and body of a message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::hmac;
use super::secret::Secret;

/// What a secret starts with, so that it is taken for no other.
const PREFIX: &str = "whsec_";
/// Fewest and most bytes of a key.
const SIZE: std::ops::RangeInclusive<usize> = 24..=64;
/// The version of signatures that are understood: HMAC-SHA-256.
const VERSION: &str = "v1,";
/// Most signatures of one message: one for each secret while a sender changes its own.
const MAX_SIGNATURES: usize = 8;

/// The key that messages are signed with. It is never printed.
#[derive(Clone)]
pub struct WebhookKey(Box<[u8]>);

/// Why a secret is no key of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret is not `whsec_` and 24 to 64 bytes in base64")]
pub struct WebhookKeyError;

/// A message as it came.
#[derive(Clone, Copy)]
pub struct SignedMessage<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`, as it is written.
    pub timestamp: &'a str,
    /// The body, byte by byte.
    pub body: &'a [u8],
}

impl WebhookKey {
    /// The key that a secret holds.
    pub fn read(secret: &Secret) -> Result<Self, WebhookKeyError> {
        let text = std::str::from_utf8(secret.expose()).ok();
        let bytes = text.and_then(|text| STANDARD.decode(text.strip_prefix(PREFIX)?).ok());
        let key = bytes.filter(|bytes| SIZE.contains(&bytes.len()));
        key.map(|bytes| Self(bytes.into())).ok_or(WebhookKeyError)
    }

    /// The signature of a message, as `webhook-signature` has it.
    pub fn sign(&self, message: SignedMessage<'_>) -> String {
        let tag = hmac::sign(&self.0, &message.signed());
        format!("{VERSION}{}", STANDARD.encode(tag))
    }

    /// Whether one of `signatures` (with spaces between them) is that of the message; compared in constant time.
    pub fn is_signed(&self, message: SignedMessage<'_>, signatures: &str) -> bool {
        let signed = message.signed();
        let tags = signatures.split(' ').take(MAX_SIGNATURES);
        let mut tags = tags.filter_map(|it| STANDARD.decode(it.strip_prefix(VERSION)?).ok());
        tags.any(|tag| hmac::verify(&self.0, &signed, &tag))
    }
}

impl std::fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookKey(…)")
    }
}

impl std::fmt::Debug for SignedMessage<'_> {
    /// Without the body.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedMessage")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl SignedMessage<'_> {
    /// What is signed: neither id nor time has a full stop, so no two messages are the same here.
    fn signed(&self) -> Vec<u8> {
        let Self {
            id,
            timestamp,
            body,
        } = self;
        [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<WebhookKey, WebhookKeyError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, text).unwrap();
        let spec = super::super::secret::SecretSpec::File(file);
        WebhookKey::read(&Secret::load(&spec, folder.path()).unwrap())
    }

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const MESSAGE: SignedMessage<'_> = SignedMessage {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        body: br#"{"test": 2432232314}"#,
    };
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    /// The example that the libraries of Standard Webhooks are tested with.
    #[test]
    fn a_signature_is_that_of_everybody_else() {
        let key = key(&format!("{SECRET}\n")).unwrap();
        assert_eq!(key.sign(MESSAGE), SIGNATURE);
        assert!(key.is_signed(MESSAGE, SIGNATURE));
        assert!(key.is_signed(MESSAGE, &format!("v1a,x v1,AAAA {SIGNATURE}")));
        assert_eq!(format!("{key:?}"), "WebhookKey(…)");
    }

    #[test]
    fn what_is_not_signed_like_that_is_not_signed() {
        let key = key(SECRET).unwrap();
        for other in [
            SignedMessage {
                id: "msg",
                ..MESSAGE
            },
            SignedMessage {
                timestamp: "1614265331",
                ..MESSAGE
            },
            SignedMessage {
                body: b"{}",
                ..MESSAGE
            },
        ] {
            assert!(!key.is_signed(other, SIGNATURE));
        }
        let bare = SIGNATURE.strip_prefix("v1,").unwrap();
        for signatures in [
            "",
            "v1,",
            bare,
            &format!("v2,{bare}"),
            &format!("v1,{}", bare.split_at(20).0),
            &format!("{}{SIGNATURE}", "v1,AAAA ".repeat(MAX_SIGNATURES)),
        ] {
            assert!(!key.is_signed(MESSAGE, signatures), "{signatures}");
        }
    }

    #[test]
    fn a_secret_is_long_and_says_what_it_is() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        assert!(key(&of(24)).is_ok() && key(&of(64)).is_ok());
        for text in [
            &of(23),
            &of(65),
            "whsec_",
            "whsec_%%%",
            SECRET.split_at(6).1,
        ] {
            assert_eq!(key(text).err(), Some(WebhookKeyError), "{text}");
        }
    }
}

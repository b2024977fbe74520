//! A token before it is minted: good, until a row spoils it.

use serde_json::{Map, Value, json};

use crate::harness::Ask;

/// The `iss` of the sample configuration's providers.
pub(super) const CORP: &str = "http://127.0.0.1:10080/corp";
pub(super) const CI: &str = "http://127.0.0.1:10080/ci";

/// Stands in every payload, so that its bytes would be seen wherever they went.
const MARKER: &str = "do-not-repeat-4c1f0a9be7";

/// Where a token is sent.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// Of provider `corp`; needs group `payments` and scope `payments:read`.
    Payments,
    /// Of provider `corp`; needs group `crm` and scope `crm:read`, and lets agents act.
    Crm,
    /// Of both providers; needs nothing, also no credential.
    Health,
}

impl Place {
    pub(super) fn ask(self) -> Ask {
        match self {
            Self::Payments => Ask::payments("/v1/payments"),
            Self::Crm => Ask::new("GET", "crm.example.com", "/v1/customers"),
            Self::Health => Ask::new("GET", "api.example.com", "/healthz"),
        }
    }

    const fn audience(self) -> &'static str {
        match self {
            Self::Payments => "https://payments.example.com",
            Self::Crm => "https://crm.example.com",
            Self::Health => "https://api.example.com",
        }
    }
}

/// A token to be minted. Without a change it is good for its place.
pub(crate) struct Draft {
    pub(super) place: Place,
    pub(super) form: String,
    pub(super) algorithm: String,
    pub(super) key: String,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    header_tail: String,
    tail: String,
    payload: Option<String>,
    size: Option<usize>,
}

impl Draft {
    /// Alice of `corp`, signed with ES256.
    pub(super) fn new(place: Place, now: i64) -> Self {
        let claims = json!({
            "iss": CORP, "sub": "alice", "aud": place.audience(), "iat": now, "exp": now + 600, "client_id": "web",
            "groups": ["payments", "crm"], "scope": "payments:read crm:read", "note": MARKER,
        });
        Self {
            place,
            form: "jws".to_owned(),
            algorithm: "ES256".to_owned(),
            key: "ec".to_owned(),
            header: object(json!({ "alg": "ES256", "typ": "at+jwt", "kid": "ec" })),
            claims: object(claims),
            header_tail: String::new(),
            tail: String::new(),
            payload: None,
            size: None,
        }
    }

    /// A job of `ci`, signed with RS256.
    pub(super) fn ci(place: Place, now: i64) -> Self {
        let draft = Self::new(place, now).signed("RS256", "ci");
        draft.claim("iss", json!(CI)).claim("sub", json!("job"))
    }

    /// Alice in these groups, for a route of another test's own.
    pub(crate) fn elsewhere(audience: &str, groups: &[String], now: i64) -> Self {
        let draft = Self::new(Place::Health, now).claim("aud", json!(audience));
        draft.claim("groups", json!(groups))
    }

    /// Sends it elsewhere.
    pub(super) const fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// Sets a claim; `null` is a value like others.
    pub(crate) fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims.insert(name.to_owned(), value);
        self
    }

    /// Leaves out a claim.
    pub(crate) fn no_claim(mut self, name: &str) -> Self {
        self.claims.shift_remove(name).unwrap();
        self
    }

    /// Sets a member of the header; `null` is a value like others.
    pub(crate) fn header(mut self, name: &str, value: Value) -> Self {
        self.header.insert(name.to_owned(), value);
        self
    }

    /// Leaves out a member of the header.
    pub(crate) fn no_header(mut self, name: &str) -> Self {
        self.header.shift_remove(name).unwrap();
        self
    }

    /// Signs with another key, and says so in the header.
    pub(super) fn signed(self, algorithm: &str, key: &str) -> Self {
        self.secretly(algorithm, key)
            .header("alg", json!(algorithm))
            .header("kid", json!(key))
    }

    /// Signs with another key or algorithm than the header says.
    pub(crate) fn secretly(mut self, algorithm: &str, key: &str) -> Self {
        (self.algorithm, self.key) = (algorithm.to_owned(), key.to_owned());
        self
    }

    /// Makes something else of header, payload and key: see `mint.py`.
    pub(crate) fn form(mut self, form: &str) -> Self {
        form.clone_into(&mut self.form);
        self
    }

    /// Appends a member to the payload, as text, whatever is there already.
    pub(super) fn also(mut self, member: &str) -> Self {
        self.tail.push(',');
        self.tail.push_str(member);
        self
    }

    /// Appends a member to the header, as text, whatever is there already.
    pub(super) fn also_header(mut self, member: &str) -> Self {
        self.header_tail.push(',');
        self.header_tail.push_str(member);
        self
    }

    /// Takes this payload, whatever it is.
    pub(super) fn payload(mut self, text: &str) -> Self {
        self.payload = Some(text.to_owned());
        self
    }

    /// The payload as it would be, for rows that change it as a whole.
    pub(super) fn payload_text(&self) -> String {
        let text = Value::Object(self.claims.clone()).to_string();
        let text = format!("{}{}}}", text.strip_suffix('}').unwrap(), self.tail);
        self.payload.clone().unwrap_or(text)
    }

    /// Makes the token exactly this long, with white space in its JSON.
    pub(super) const fn size(mut self, bytes: usize) -> Self {
        self.size = Some(bytes);
        self
    }

    /// What `mint.py` reads.
    pub(crate) fn describe(&self, name: &str) -> Value {
        let header = Value::Object(self.header.clone()).to_string();
        let mut header = format!(
            "{}{}}}",
            header.strip_suffix('}').unwrap(),
            self.header_tail
        );
        let mut payload = self.payload_text();
        if let Some(size) = self.size {
            fill(&mut header, &mut payload, size);
        }
        json!({
            "name": name, "form": self.form, "algorithm": self.algorithm, "key": self.key,
            "header": header, "payload": payload,
        })
    }
}

/// Appends spaces until the token has `size` bytes. Base64 has no text of every length, so the header helps.
fn fill(header: &mut String, payload: &mut String, size: usize) {
    let encoded = |bytes: usize| (bytes * 4).div_ceil(3);
    // ES256 signs with 64 bytes; then there are two dots.
    let rest = encoded(64) + 2;
    for _ in 0..4 {
        let room = size - rest - encoded(header.len());
        let bytes = (payload.len()..=room).find(|bytes| encoded(*bytes) == room);
        if let Some(bytes) = bytes {
            payload.push_str(&" ".repeat(bytes - payload.len()));
            return;
        }
        header.push(' ');
    }
    panic!("no token has {size} bytes");
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    }
}

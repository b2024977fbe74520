//! One request to the endpoint, for everybody who waits for it.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, watch};

use super::answer::{self, Standing};
use super::failure::Failure;
use super::introspector::Shared;
use super::memory::Key;
use super::spec::ClientAuthSpec;
use crate::model::time::Timestamp;
use crate::outbound::Form;

/// How a request ended.
pub(super) type Outcome = Result<Standing, Failure>;

/// A request under way. However it ends, it lands: what was learned is remembered, and whoever waits is told.
pub(super) struct Flight {
    pub(super) shared: Arc<Shared>,
    pub(super) key: Key,
    pub(super) token: Box<str>,
    /// When it began, by both clocks.
    pub(super) asked: Instant,
    pub(super) now: Timestamp,
    pub(super) waiting: watch::Sender<Option<Outcome>>,
    /// Its place among those in flight.
    pub(super) _slot: OwnedSemaphorePermit,
    pub(super) outcome: Option<Outcome>,
}

impl Flight {
    /// Asks, within the endpoint's own time limit, whoever goes on waiting.
    pub(super) async fn run(mut self) {
        let outcome = self.ask().await;
        self.outcome = Some(outcome);
    }

    async fn ask(&self) -> Outcome {
        let source = &self.shared.source;
        let secret = self.secret().await?;
        let client = &*source.client;
        let mut fields = vec![("token", &*self.token), ("token_type_hint", "access_token")];
        let mut basic = None;
        match client.auth {
            ClientAuthSpec::Basic => basic = Some((&*client.id, &*secret)),
            ClientAuthSpec::Post => {
                fields.extend([("client_id", &*client.id), ("client_secret", &*secret)]);
            }
        }
        let form = Form {
            fields: &fields,
            basic,
        };
        let http = &self.shared.http;
        let body = http.post_form(&source.endpoint, &form, source.limits).await;
        let body = body.map_err(|error| Failure::Http(Arc::new(error)))?;
        answer::read(&body).map_err(Failure::Answer)
    }

    async fn secret(&self) -> Result<String, Failure> {
        let client = Arc::clone(&self.shared.source.client);
        let secret = tokio::task::spawn_blocking(move || client.secret()).await;
        let secret = secret.map_err(|_ended| Failure::GivenUp)?;
        let secret = secret.map_err(|error| Failure::Secret(Arc::new(error)))?;
        let text = String::from_utf8(secret.expose().to_vec());
        text.map_err(|_binary| Failure::SecretIsBinary)
    }
}

impl Drop for Flight {
    /// Lands, also when the request was given up or panicked.
    fn drop(&mut self) {
        let outcome = self.outcome.take().unwrap_or(Err(Failure::GivenUp));
        self.shared.land(&self.key, &outcome, self.asked, self.now);
        self.waiting.send_replace(Some(outcome));
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flight(…)")
    }
}

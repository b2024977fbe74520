//! Tells others what becomes of approvals: signed messages (Standard Webhooks 1.0), by tasks of their own.
//!
//! No request waits for it. Of several replicas one sends the message of an event: whoever claims it in the store. It is tried for
//! some minutes and then given up, and what finds no room is dropped; both are counted. So a message comes once or, where its answer
//! was lost, more than once with the same id; and not at all where the replica that has claimed it dies, or the receiver is away for
//! longer. Whoever must not miss anything lists approvals.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::reload::InForce;
use crate::approval::{Event, News, Notify, since};
use crate::ext_authz::now;
use crate::keys::secret::Secret;
use crate::keys::{SignedMessage, WebhookKey, base64url, random_bytes};
use crate::model::approval::Approval;
use crate::model::time::Timestamp;
use crate::outbound::{Headers, HttpClient, Limits, Method, OutboundError};
use crate::store::{Consumed, Store};
use crate::telemetry::{Metrics, Notice};

/// Most changes that wait to be looked at, and most messages that are being sent.
const QUEUE: usize = 1024;
const SENDING: usize = 64;
/// What is older is not told: a server that starts has read all of it again.
const FRESH: Duration = Duration::from_mins(10);
/// How long a claim is remembered: longer than anything is fresh.
const CLAIMED: Duration = Duration::from_hours(1);
/// How often a message is tried, and the pause after the first failure; each further one is twice as long, and up to half as long
/// again by chance.
const ATTEMPTS: u32 = 7;
const PAUSE: Duration = Duration::from_secs(1);
/// What one attempt may cost. Nobody reads the answer.
const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(10),
    max_bytes: 64 * 1024,
};

/// Takes changes of approvals, and tells whoever is configured.
pub(super) struct Notices {
    pub(super) in_force: Arc<InForce>,
    pub(super) store: Store,
    pub(super) metrics: Metrics,
    pub(super) http: HttpClient,
}

/// A message, ready to be sent.
struct Message {
    to: Notify,
    id: String,
    body: Vec<u8>,
}

impl Notices {
    /// Tells of what is handed to the function that is returned, which never waits, until `stop`.
    pub(super) fn spawn(
        self,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> impl Fn(&Arc<Approval>, News) + Send + Sync + 'static {
        let (sender, changes) = mpsc::channel(QUEUE);
        let metrics = self.metrics.clone();
        let inner = tasks.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.run(changes, &inner, &stop) => {}
            }
        });
        move |approval, news| {
            // A server that starts reads all of it again: what has no moment is told by those who saw it before.
            let known = news == News::Change;
            let fresh = since(approval).map_or(known, |at| at >= now().minus(FRESH));
            if fresh && sender.try_send(Arc::clone(approval)).is_err() {
                metrics.notice(Notice::Dropped);
            }
        }
    }

    async fn run(
        &self,
        mut changes: mpsc::Receiver<Arc<Approval>>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) {
        let places = Arc::new(Semaphore::new(SENDING));
        while let Some(approval) = changes.recv().await {
            for message in self.messages(&approval).await {
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                    self.metrics.notice(Notice::Dropped);
                    continue;
                };
                let (http, metrics, stop) = (self.http.clone(), self.metrics.clone(), stop.clone());
                tasks.spawn(async move {
                    let sent = tokio::select! {
                        () = stop.cancelled() => false,
                        sent = message.send(&http) => sent,
                    };
                    metrics.notice(if sent {
                        Notice::Delivered
                    } else {
                        Notice::Failed
                    });
                    drop(place);
                });
            }
        }
    }

    /// The messages that nobody else sends about what became of an approval.
    async fn messages(&self, approval: &Approval) -> Vec<Message> {
        let snapshot = self.in_force.snapshot.load_full();
        let (event, now) = (Event::of(approval), now());
        // A vote that decides nothing is no event.
        let undecided = event == Event::Opened && !approval.votes.is_empty();
        if undecided {
            return Vec::new();
        }
        let mut messages = Vec::new();
        let targets = snapshot.approvals.notify().iter();
        for to in targets.filter(|to| to.wants(event)) {
            let claim = to.claim(approval, event);
            let claimed = self.store.claim(claim, now.plus(CLAIMED), now).await;
            match claimed {
                Ok(Consumed::Seen) => continue,
                // Told twice is better than not at all.
                Ok(Consumed::Fresh | Consumed::Full) | Err(_) => {}
            }
            let url = snapshot.approvals.page(&approval.id);
            let body = told(approval, event, url.as_deref(), now);
            messages.push(Message {
                to: to.clone(),
                id: format!("msg_{}", base64url::encode(&claim)),
                body: body.to_string().into_bytes(),
            });
        }
        messages
    }
}

/// What a message says: who asks for what kind of thing, and nothing that a caller wrote into arguments, paths or queries.
fn told(approval: &Approval, event: Event, url: Option<&str>, now: Timestamp) -> Json {
    let requester = &approval.requester;
    json!({
        "type": format!("approval.{}", event.as_str()),
        "timestamp": since(approval).unwrap_or(now).to_string(),
        "data": {
            "id": approval.id.as_str(),
            "status": approval.status.as_str(),
            "version": approval.version,
            "tenant": approval.tenant.as_deref(),
            "route": approval.route.as_str(),
            "action": approval.action.as_str(),
            "tier": approval.tier.as_str(),
            "resource_type": approval.resource.as_ref().map(|it| &*it.kind),
            "requester": {
                "subject": requester.subject.id.to_string(),
                "actor": requester.actor.as_ref().map(|actor| actor.id.to_string()),
            },
            "pending_until": approval.pending_until.to_string(),
            "valid_until": approval.valid_until.map(|until| until.to_string()),
            "url": url,
        },
    })
}

impl Message {
    /// Whether it arrived, after some attempts.
    async fn send(self, http: &HttpClient) -> bool {
        let mut pause = PAUSE;
        for attempt in 1..=ATTEMPTS {
            match self.attempt(http).await {
                Ok(()) => return true,
                Err(Unsent::ForGood(error)) => {
                    tracing::warn!(id = %self.id, %error, "nobody could be told of an approval");
                    return false;
                }
                Err(Unsent::ForNow(error)) => {
                    tracing::debug!(id = %self.id, %error, attempt, "nobody could be told of an approval yet");
                }
            }
            if attempt < ATTEMPTS {
                tokio::time::sleep(pause + by_chance(pause / 2)).await;
                pause = pause.saturating_mul(2);
            }
        }
        tracing::warn!(id = %self.id, "nobody could be told of an approval: given up");
        false
    }

    async fn attempt(&self, http: &HttpClient) -> Result<(), Unsent> {
        let timestamp = now().seconds().to_string();
        let secret = self.to.secret.clone();
        let load = move || Secret::load(&secret, Path::new(""));
        let loaded = tokio::task::spawn_blocking(load).await;
        let secret = loaded.map_err(|error| Unsent::ForGood(error.to_string()))?;
        let secret = secret.map_err(|error| Unsent::ForNow(error.to_string()))?;
        let key = WebhookKey::read(&secret).map_err(|error| Unsent::ForNow(error.to_string()))?;
        let signature = key.sign(SignedMessage {
            id: &self.id,
            timestamp: &timestamp,
            body: &self.body,
        });
        let mut headers = Headers::default();
        let set = headers.set("content-type", "application/json")
            && headers.set("webhook-id", &self.id)
            && headers.set("webhook-timestamp", &timestamp)
            && headers.set("webhook-signature", &signature);
        if !set {
            return Err(Unsent::ForGood("the headers cannot be set".to_owned()));
        }
        let body = Some(self.body.clone());
        let answer = http
            .send(Method::Post, &self.to.url, headers, body, LIMITS)
            .await;
        match answer.map(|answer| answer.status()) {
            Ok(200..=299) => Ok(()),
            Ok(status @ (408 | 425 | 429 | 500..)) => {
                Err(Unsent::ForNow(format!("status {status}")))
            }
            Ok(status) => Err(Unsent::ForGood(format!("status {status}"))),
            Err(error @ OutboundError::Redirect { .. }) => Err(Unsent::ForGood(error.to_string())),
            Err(error) => Err(Unsent::ForNow(error.to_string())),
        }
    }
}

/// Why an attempt failed.
enum Unsent {
    /// It may be better in a moment.
    ForNow(String),
    /// It will not.
    ForGood(String),
}

/// At most so long, by chance, so that not all who failed at once come back at once.
fn by_chance(most: Duration) -> Duration {
    let part = random_bytes::<1>().map_or(0, |[byte]| u32::from(byte));
    most.saturating_mul(part) / 256
}

//! Conditions through the admin listener: what is true at the moment, who said so, why, and until when.
//!
//! What is said is durable before it is answered. It counts for every request that comes after each replica has read it.

use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::access::Operator;
use super::change::{Change, Outcome, carry_out};
use super::gate::Gate;
use super::json::{pretty, read};
use super::problem::Problem;
use crate::model::condition::ConditionSetting;
use crate::model::duration::HumanDuration;
use crate::model::name::ConditionName;
use crate::model::suggest::suggest;
use crate::model::time::Timestamp;

/// Longest reason, in characters.
const MAX_REASON: usize = 256;
/// Longest time that a setting counts: a year. One that counts until somebody changes it has no end at all.
const MAX_DAYS: u64 = 366;

/// What is said of a condition.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    pub(super) value: bool,
    pub(super) reason: String,
    /// How long it counts (`1h`), or until when (RFC 3339); without it, until somebody says otherwise.
    pub(super) expires: Option<String>,
}

/// What is said when a condition is left to its file again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cleared {
    reason: Option<String>,
}

/// Every declared condition, and what somebody has said of it.
pub(super) async fn list(State(gate): State<Arc<Gate>>) -> Response {
    let now = (gate.state.clock)();
    let snapshot = (gate.state.snapshot)();
    let live = &snapshot.live.conditions;
    let values = live.over(&snapshot.conditions, now);
    let shown = snapshot.conditions.iter().map(|(name, file)| {
        let set = live.get(name).filter(|set| set.value(now).is_some());
        json!({
            "name": name.as_str(),
            "value": values.get(name),
            "file": file,
            "set": set.as_deref().map(shown),
        })
    });
    let conditions: Vec<Json> = shown.collect();
    pretty(StatusCode::OK, &json!({ "conditions": conditions }))
}

fn shown(setting: &ConditionSetting) -> Json {
    let ConditionSetting {
        name: _,
        value,
        by,
        reason,
        at,
        expires,
        version: _,
    } = setting;
    json!({
        "value": value,
        "by": by,
        "reason": reason,
        "at": at.to_string(),
        "expires": expires.map(|until| until.to_string()),
    })
}

/// Says what is true.
pub(super) async fn set(
    State(gate): State<Arc<Gate>>,
    Extension(operator): Extension<Operator>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let said: Said = match read(request).await {
        Ok(said) => said,
        Err(problem) => return problem.into_response(),
    };
    let own = Arc::clone(&gate);
    let by = operator.called();
    let act = async move { ended(say(&own, &name, said, by).await) };
    let action = "conditions.set";
    carry_out(gate, Change { operator, action }, act).await
}

/// Leaves a condition to its file again.
pub(super) async fn clear(
    State(gate): State<Arc<Gate>>,
    Extension(operator): Extension<Operator>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let asked: Cleared = match read(request).await {
        Ok(asked) => asked,
        Err(problem) => return problem.into_response(),
    };
    let own = Arc::clone(&gate);
    let by = operator.called();
    let act = async move { ended(unsay(&own, &name, asked, by).await) };
    let action = "conditions.clear";
    carry_out(gate, Change { operator, action }, act).await
}

/// Nothing was changed if there is a problem.
pub(super) fn ended(result: Result<Outcome, Problem>) -> Outcome {
    result.unwrap_or_else(|problem| Outcome::new("refused", problem))
}

async fn say(gate: &Gate, name: &str, said: Said, by: Arc<str>) -> Result<Outcome, Problem> {
    Keeping::of(gate, name, said, by)?.keep(gate).await
}

async fn unsay(gate: &Gate, name: &str, asked: Cleared, by: Arc<str>) -> Result<Outcome, Problem> {
    let now = (gate.state.clock)();
    let reason = asked.reason.as_deref().unwrap_or("cleared");
    let setting = ConditionSetting {
        name: declared(gate, name)?,
        value: false,
        by,
        reason: reason_of(reason)?,
        at: now,
        // What has expired is as if nobody had said anything.
        expires: Some(now),
        version: 0,
    };
    let result = "cleared";
    let keeping = Keeping {
        setting,
        result,
        in_order: false,
    };
    keeping.keep(gate).await
}

/// What is to be kept, checked.
pub(super) struct Keeping {
    setting: ConditionSetting,
    /// The word that the record uses.
    result: &'static str,
    /// Whether it is left alone if something was said since.
    in_order: bool,
}

impl Keeping {
    /// What is said, by whoever `by` is.
    pub(super) fn of(gate: &Gate, name: &str, said: Said, by: Arc<str>) -> Result<Self, Problem> {
        let Said {
            value,
            reason,
            expires,
        } = said;
        let now = (gate.state.clock)();
        let setting = ConditionSetting {
            name: declared(gate, name)?,
            value,
            by,
            reason: reason_of(&reason)?,
            at: now,
            expires: expires.map(|text| until(&text, now)).transpose()?,
            version: 0,
        };
        let result = if value { "true" } else { "false" };
        Ok(Self {
            setting,
            result,
            in_order: false,
        })
    }

    /// The same, so since `at`: it undoes nothing that was said of a later time.
    pub(super) fn since(mut self, at: Timestamp) -> Self {
        self.setting.at = at;
        self.in_order = true;
        self
    }

    /// Keeps it: whoever is answered can rely on it.
    pub(super) async fn keep(self, gate: &Gate) -> Result<Outcome, Problem> {
        let Self {
            setting,
            result,
            in_order,
        } = self;
        let known = (gate.state.snapshot)().live.conditions.get(&setting.name);
        // A store that lost everything does not know what was said before.
        let setting = match known.as_deref() {
            Some(known) if in_order && known.at > setting.at => return Err(overtaken()),
            known => setting.after(known),
        };
        let (name, reason) = (setting.name.to_string(), Arc::clone(&setting.reason));
        let expires = setting.expires.filter(|_| result != "cleared");
        let store = &gate.state.store;
        let kept = if in_order {
            store.advance_condition(setting).await
        } else {
            store.set_condition(setting).await.map(Some)
        };
        let kept = kept.map_err(|error| {
            tracing::error!(%error, "a condition could not be kept");
            let detail = "the store cannot keep it now: what was true before still is";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail)
        })?;
        let kept = kept.ok_or_else(overtaken)?;
        let body = json!({
            "name": name,
            "result": result,
            "expires": expires.map(|until| until.to_string()),
            "position": kept.position.to_string(),
        });
        let outcome = Outcome::new(result, pretty(StatusCode::OK, &body)).on(name);
        Ok(outcome.because(reason).until(expires))
    }
}

fn overtaken() -> Problem {
    let detail =
        "something was said of this condition that is so since a later time than `at`: that stays";
    Problem::new(StatusCode::CONFLICT, "message_outdated", detail)
}

/// A condition that some policy declares.
fn declared(gate: &Gate, text: &str) -> Result<ConditionName, Problem> {
    let snapshot = (gate.state.snapshot)();
    let mut names = snapshot.conditions.keys();
    if let Some(name) = names.find(|name| name.as_str() == text) {
        return Ok(name.clone());
    }
    let names = snapshot.conditions.keys().map(ConditionName::as_str);
    let detail = match suggest(text, names) {
        Some(near) => format!("no policy declares this condition: did you mean `{near}`?"),
        None => "no policy declares this condition: see `GET /conditions`".to_owned(),
    };
    Err(Problem::new(
        StatusCode::NOT_FOUND,
        "condition_unknown",
        detail,
    ))
}

fn reason_of(text: &str) -> Result<Arc<str>, Problem> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= MAX_REASON;
    if fits && !text.contains(char::is_control) {
        return Ok(Arc::from(text));
    }
    let detail = format!("`reason` has 1 to {MAX_REASON} characters in one line");
    Err(invalid(detail))
}

fn until(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let duration = text.parse::<HumanDuration>().ok();
    let moment = duration.map(|duration| now.plus(duration.get()));
    let moment = moment.or_else(|| Timestamp::parse_date_time(text));
    let last = now.plus(std::time::Duration::from_hours(MAX_DAYS * 24));
    moment
        .filter(|moment| (now..=last).contains(moment) && *moment != now)
        .ok_or_else(|| {
            let detail = format!(
                "`expires` is a duration such as `1h` or a time to come such as `2026-01-31T12:00:00Z`, at most {MAX_DAYS} days ahead"
            );
            invalid(detail)
        })
}

fn invalid(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "condition_invalid", detail)
}

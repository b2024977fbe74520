//! Somebody leaves while they call.

use std::time::Duration;

use anyhow::bail;
use serde_json::json;
use tokio::time::Instant;

use super::send::{Doors, Parts, ask};
use super::{Got, desk};
use crate::scene::{Came, Scene, Token};
use crate::token;

/// Why, as the entries say it: by this they are found again.
pub(super) const REASON: &str = "leaves, in the demo";

/// How long calls go on at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// Off-boards `owner` while calls flow, one after the other, with one token that stays the same. Gives the first refusal, and
/// how long after the beginning of the off-boarding it came.
pub(super) async fn leave(
    doors: &Doors,
    scene: &Scene,
    owner: &str,
    parts: Parts<'_>,
) -> anyhow::Result<Got> {
    let Token::Ci(query) = scene.token else {
        bail!("whoever leaves has a token of the build system");
    };
    let credential = format!("Bearer {}", token::mint("ci", query).await?);
    let shown = [("authorization", credential.as_str())];
    let before = ask(doors, scene, parts, &shown).await?;
    if before.came != Came::Status(200) {
        return Ok(before);
    }
    let begun = Instant::now();
    let body = json!({ "owner": owner, "reason": REASON });
    let calls = async {
        loop {
            let mut got = ask(doors, scene, parts, &shown).await?;
            let took = begun.elapsed();
            if got.came != Came::Status(200) || took > PATIENCE {
                got.took = Some(took);
                return anyhow::Ok(got);
            }
        }
    };
    let offboard = desk::ask(&doors.plain, Token::Operator, "POST /offboard", &body);
    let (said, got) = tokio::try_join!(offboard, calls)?;
    if said.came != Came::Status(200) {
        return Ok(said);
    }
    Ok(got)
}

//! `countersign approvals list`.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::super::Exit;
use super::super::output::{counted, print};
use super::super::remote::{Remote, RemoteArgs};
use super::text::{at, minute, plain, requester, resource};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign approvals list --status pending
  countersign approvals list --requester corp/crm-bot --limit 200
  countersign approvals list --json | jq -r '.approvals[].id'")]
pub(super) struct ListArgs {
    /// Only these: `pending`, `approved`, `denied`, `cancelled`, `revoked`, `consumed` or `expired`.
    #[arg(long, value_parser = ["pending", "approved", "denied", "cancelled", "revoked", "consumed", "expired"])]
    status: Option<String>,
    /// Only those whose subject or actor this is, as `issuer/id`.
    #[arg(long, value_name = "ISSUER/ID")]
    requester: Option<String>,
    /// Only those behind this place, as the page before named it.
    #[arg(long, value_name = "NEXT")]
    before: Option<String>,
    /// How many are looked at, from 1 to 500.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) fn run(args: &ListArgs) -> Exit {
    args.remote.run(|remote| list(args, remote))
}

async fn list(args: &ListArgs, remote: Remote) -> Result<Exit> {
    let said = remote.get(&args.path()).await?.body;
    if remote.json {
        print(format_args!("{said:#}\n"));
        return Ok(Exit::Ok);
    }
    let none = Vec::new();
    let approvals = said.get("approvals").and_then(Value::as_array);
    let approvals = approvals.unwrap_or(&none);
    print(table(approvals));
    print(format_args!("{}\n", counted(approvals.len(), "approval")));
    if let Some(next) = said.get("next").and_then(Value::as_str) {
        print(format_args!("older ones: --before {}\n", plain(next)));
    }
    Ok(Exit::Ok)
}

impl ListArgs {
    fn path(&self) -> String {
        let Self {
            status,
            requester,
            before,
            limit,
            remote: _,
        } = self;
        let mut path = format!("/approvals?limit={limit}");
        let more = [
            ("status", status),
            ("requester", requester),
            ("before", before),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                path.extend(["&", name, "=", &encoded(value)]);
            }
        }
        path
    }
}

/// Percent-encoded, but for what stands for itself everywhere (RFC 3986, section 2.3).
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex(byte >> 4), hex(byte)]);
        }
    }
    out
}

/// The last four bits as a digit.
fn hex(bits: u8) -> char {
    char::from_digit(u32::from(bits & 0xf), 16)
        .unwrap_or_default()
        .to_ascii_uppercase()
}

fn table(approvals: &[Value]) -> String {
    let head = [
        "ID",
        "STATUS",
        "SINCE",
        "UNTIL",
        "TIER",
        "ACTION",
        "RESOURCE",
        "REQUESTER",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(approvals.iter().map(row));
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}", width = *width))
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    });
    lines.collect()
}

fn row(approval: &Value) -> [String; 8] {
    let decided = approval.get("valid_until").is_some_and(|it| !it.is_null());
    let until = if decided {
        "/valid_until"
    } else {
        "/pending_until"
    };
    [
        at(approval, "/id"),
        at(approval, "/status"),
        minute(approval, "/created"),
        minute(approval, until),
        at(approval, "/tier"),
        at(approval, "/action"),
        resource(approval),
        requester(approval),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_has_what_a_person_needs_first() {
        let one = json!({
            "id": "apr_0123456789abcdefghijkl", "status": "pending", "created": "2026-11-22T01:30:00Z",
            "pending_until": "2026-11-22T01:45:00Z", "valid_until": null, "tier": "high", "action": "customers.export",
            "resource": { "type": "customer_segment", "id": "e\u{202e}u" },
            "requester": { "subject": { "issuer": "corp", "id": "alice" }, "actor": { "issuer": "corp", "id": "crm-bot" } },
        });
        let text = table(&[one]);
        let line = "apr_0123456789abcdefghijkl  pending  2026-11-22 01:30  2026-11-22 01:45  high  customers.export  customer_segment e\\u{202e}u  corp/crm-bot for corp/alice\n";
        assert!(text.ends_with(line), "{text}");
        assert_eq!(encoded("corp/a b&c=é"), "corp%2Fa%20b%26c%3D%C3%A9");
    }
}

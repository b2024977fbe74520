//! A policy of any number of rules, as files.
//!
//! Half of the generated rules and more cover one action, the one that is asked: 3 of 10 permit it to one id, 2 of 10 to
//! one group, 1 of 10 forbids it to one id under a condition, 1 of 10 guards it for one group with a `must`. The other
//! 3 of 10 permit other actions, of which there is one for every hundred rules, at most a thousand. Whatever the number,
//! four rules concern the caller: the permit of its group, a guard with a `must`, a guard that sets a header and caps a
//! query parameter, and a forbid of another group. The tool that is called has as many of the same kinds, and its `must` reads
//! its arguments.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::tokens::AUDIENCE;

/// Rules that concern the caller, of the API and of the tool.
const OWN: usize = 8;
/// Rules in a file; a large policy is several files.
const PER_FILE: usize = 20_000;

/// Writes a policy with `rules` rules into `folder`, which is made.
pub(crate) fn write(folder: &Path, rules: usize) -> Result<()> {
    fs::create_dir(folder)?;
    let generated = rules
        .checked_sub(OWN)
        .context("fewer rules than the caller's own")?;
    let others = (rules / 100).clamp(1, 1000);
    fs::write(folder.join("api.yaml"), own_policy(others)?)?;
    for first in (0..generated).step_by(PER_FILE) {
        let mut text = "version: 1\nrules:\n".to_owned();
        for number in first..generated.min(first + PER_FILE) {
            writeln!(text, "  - {}", rule(number, others))?;
        }
        fs::write(folder.join(format!("rules-{first:06}.yaml")), text)?;
    }
    Ok(())
}

fn own_policy(others: usize) -> Result<String> {
    let mut text = format!(
        r#"
version: 1
rules:
  - {{ id: payments-read, permit: accounts.read, to: {{ issuer: corp, group: payments }}, when: 'request.method == "GET"' }}
  - {{ id: own-department, guard: accounts.read, must: 'has(subject.claims.department) && subject.claims.department == "payments"' }}
  - {{ id: small-pages, guard: accounts.read, constrain: {{ headers: {{ x-user: subject.id }}, query: {{ cap: {{ limit: 100 }} }} }} }}
  - {{ id: no-contractors, forbid: accounts.read, to: {{ issuer: corp, group: contractors }} }}
  - {{ id: payments-export, permit: customers.export, to: {{ issuer: corp, group: payments }}, when: 'request.method == "POST"' }}
  - {{ id: small-exports, guard: customers.export, must: 'args.rows <= 1000 && args.segment != "all"' }}
  - {{ id: exporters-are-known, guard: customers.export, constrain: {{ headers: {{ x-user: subject.id }} }} }}
  - {{ id: no-contractors-export, forbid: customers.export, to: {{ issuer: corp, group: contractors }} }}
routes:
  tools:
    match: {{ host: mcp.example.com, path: /crm }}
    url: https://mcp.example.com/crm
    audience: {AUDIENCE}
    providers: [corp]
    protocol: mcp
    server: crm
    actions:
      customers.export: {{ tool: export_customers, scope: accounts:read, args: {{ segment: string, rows: int, note: {{ type: string, optional: true }} }} }}
  api:
    match: {{ host: api.example.com }}
    url: {AUDIENCE}
    providers: [corp]
    actions:
      accounts.read: {{ http: "GET /v1/accounts/{{id}}", scope: accounts:read, query: {{ limit: {{ type: int, optional: true }} }} }}
"#
    );
    for number in 0..others {
        writeln!(
            text,
            "      others.read-{number}: {{ http: \"GET /v1/others-{number}/{{id}}\" }}"
        )?;
    }
    Ok(text)
}

fn rule(number: usize, others: usize) -> String {
    let on = "accounts.read";
    match number % 10 {
        0..=2 => {
            format!("{{ id: r{number}, permit: {on}, to: {{ issuer: corp, id: user-{number} }} }}")
        }
        3 | 4 => format!(
            "{{ id: r{number}, permit: {on}, to: {{ issuer: corp, group: team-{number} }} }}"
        ),
        5 => format!(
            "{{ id: r{number}, forbid: {on}, to: {{ issuer: corp, id: user-{number} }}, unless: 'request.hour > 6' }}"
        ),
        6 => format!(
            "{{ id: r{number}, guard: {on}, to: {{ issuer: corp, group: team-{number} }}, must: 'has(query.limit) && query.limit <= 50' }}"
        ),
        _ => {
            let other = (number / 10) % others;
            format!(
                "{{ id: r{number}, permit: others.read-{other}, to: {{ issuer: corp, group: team-{number} }} }}"
            )
        }
    }
}

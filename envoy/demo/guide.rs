//! What `cargo demo` prints when everything is up.

/// Commands to paste, each of which shows one thing.
const GUIDE: &str = r#"
Envoy is on http://127.0.0.1:10000 and asks countersign about every request. Paste into another terminal:

  # a token (this issuer gives one to anybody: `cargo demo token --help`), and a call that is allowed
  TOKEN=$(cargo demo token --sub alice --groups payments --scope payments:read)
  curl -i -H "Authorization: Bearer $TOKEN" -H 'Host: payments.example.com' http://127.0.0.1:10000/v1/payments

  # the same token may not pay: 403, and `www-authenticate` names the scope that is missing
  curl -i -H "Authorization: Bearer $TOKEN" -H 'Host: payments.example.com' http://127.0.0.1:10000/v1/payments -d '{}'

  # without a token: fine for health, 401 elsewhere
  curl -i -H 'Host: api.example.com' http://127.0.0.1:10000/healthz
  curl -i -H 'Host: payments.example.com' http://127.0.0.1:10000/v1/payments

  # tools of an MCP server, called by an agent for alice: it lists customers, and waits for an approval to export them
  TOKEN=$(cargo demo token --sub alice --actor crm-bot --groups crm --scope 'crm:read crm:export' --aud https://mcp.example.com/crm)
  tool() { curl -i -H "Authorization: Bearer $TOKEN" -H 'Host: mcp.example.com' -H 'Content-Type: application/json' \
    -H 'Accept: application/json, text/event-stream' http://127.0.0.1:10000/crm \
    -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"'"$1"'","arguments":'"$2"'}}'; echo; }
  tool list_customers '{"limit": 2}'
  tool export_customers '{"segment": "eu", "rows": 10}'

  # people look at what waits for them, and decide, at http://127.0.0.1:9193/approvals: choose to be ana of the CRM's leads, with a
  # security key, and approve the export. Then the same call passes, once. `countersign approvals` does the same in a terminal

  # an incident is open for ten minutes, and somebody leaves: an operator says so, with this demo's token (`revoke … --lift` undoes it)
  alias countersign='cargo run --quiet --bin countersign --'
  countersign conditions set incident true --reason 'a drill' --for 10m --token-file target/demo/ops.token
  countersign offboard log-shipper --reason 'is replaced' --token-file target/demo/ops.token

  cargo demo play                                  # every scene, as a table
  $EDITOR config/policies/                         # the next decision follows your edit, without a restart
  curl -s http://127.0.0.1:9192/metrics            # countersign: decisions by verdict and reason, latency, ages
  curl -s http://127.0.0.1:9193/status             # countersign: policy version, key sets, last reload
  curl -s 'http://127.0.0.1:9901/stats?filter=authz'  # what Envoy counted
  tail -f target/demo/envoy.log                    # Envoy's access log, one decision a line (countersign's: countersign.log)

Ctrl-C takes everything down.
"#;

/// Prints the guide to standard output.
pub(crate) fn print() {
    print!("{GUIDE}");
}

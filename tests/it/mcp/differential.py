"""Reads a JSON-RPC message a line (in hexadecimal digits) with Python's own reader, and prints what it says."""

import json
import sys

for line in sys.stdin:
    message = json.loads(bytes.fromhex(line))
    params = message["params"]
    print(json.dumps([message["method"], params["name"], params.get("arguments", {})]), flush=True)

"""Reads a JSON-RPC message a line (in base64) with Python's own reader, and prints what it says."""

import base64
import json
import sys

for line in sys.stdin:
    message = json.loads(base64.b64decode(line))
    params = message["params"]
    print(json.dumps([message["method"], params["name"], params.get("arguments", {})]), flush=True)

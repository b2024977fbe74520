"""A client that shows proofs of possession (RFC 9449), made by joserfc: one question a line, one answer a line, JSON.

It shares no line of code with what verifies them. A question names the client (each has a key of its own), the
algorithm and the claims that differ from what a well-behaved client would write; null leaves a claim out.
"""

import base64
import hashlib
import json
import sys
import time
import uuid
import warnings

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

KEYS = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "ES384": lambda: ECKey.generate_key("P-384"),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
    "RS256": lambda: RSAKey.generate_key(2048),
}


def main():
    warnings.simplefilter("ignore")
    keys = {}
    for line in sys.stdin:
        asked = json.loads(line)
        name = (asked["client"], asked["alg"])
        key = keys.get(name) or keys.setdefault(name, KEYS[asked["alg"]]())
        answer = {"thumbprint": key.thumbprint(), "proof": proof(asked, key)}
        print(json.dumps(answer), flush=True)


def proof(asked, key):
    header = {"typ": "dpop+jwt", "alg": asked["alg"], "jwk": key.as_dict(private=False)}
    token = hashlib.sha256(asked["token"].encode()).digest()
    claims = {
        "jti": str(uuid.uuid4()),
        "htm": asked["method"],
        "htu": asked["url"],
        "iat": int(time.time()),
        "ath": base64.urlsafe_b64encode(token).rstrip(b"=").decode(),
        **asked["claims"],
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=[asked["alg"]])


main()

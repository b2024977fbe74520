"""Mints JWT-SVIDs with joserfc, and the bundle of their trust domain, as a foreign issuer would.

Reads a list of `{name, key, header, claims}` on standard input and writes the bundles and the tokens to standard output.
"""

import json
import sys

from joserfc import jwt
from joserfc.jwk import ECKey

asked = json.load(sys.stdin)
keys = {name: ECKey.generate_key("P-256", {"kid": name}) for name in ["first", "second", "stranger"]}


def bundle(sequence, name):
    """SPIFFE Trust Domain and Bundle, section 4: the keys of both kinds of SVID."""
    public = keys[name].as_dict(private=False)
    others = [
        {**keys["stranger"].as_dict(private=False), "use": use, "kid": "stranger"}
        for use in ["x509-svid", "sig"]
    ]
    return {
        "spiffe_sequence": sequence,
        "spiffe_refresh_hint": 1,
        "keys": [*others, {**public, "use": "jwt-svid", "kid": name}],
    }


def mint(token):
    key = keys[token["key"]]
    header = {"alg": "ES256", "kid": token["key"], **token["header"]}
    return jwt.encode(header, token["claims"], key)


json.dump(
    {
        "bundles": [bundle(1, "first"), bundle(2, "second")],
        "tokens": {token["name"]: mint(token) for token in asked},
    },
    sys.stdout,
)

"""Mints hostile tokens with joserfc, so that no line of code is shared with what verifies them.

Reads one description on standard input and writes one answer to standard output, both JSON. Header and payload come
as finished text and are signed as they are: joserfc's own checks would refuse to write most of them.
"""

import base64
import datetime
import hashlib
import hmac
import json
import sys
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from joserfc import jwe
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

KINDS = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


def main():
    # Weak keys and algorithms are the point.
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    keys = {key["name"]: KINDS[key["kty"]].generate_key(key["size"]) for key in asked["keys"]}
    json.dump(
        {
            "public": {name: key.as_dict(private=False) for name, key in keys.items()},
            "private": {name: key.as_dict(private=True) for name, key in keys.items()},
            "tokens": {token["name"]: mint(token, keys) for token in asked["tokens"]},
        },
        sys.stdout,
    )


def mint(token, keys):
    header = with_keys(token["header"], keys)
    if token["form"] == "jwe":
        return jwe.encrypt_compact(json.loads(header), token["payload"], keys[token["key"]])
    message = f"{encode(header.encode())}.{encode(token['payload'].encode())}"
    if token["form"] == "jws":
        algorithm = JWSRegistry.algorithms[token["algorithm"]]
        signature = algorithm.sign(message.encode(), keys[token["key"]])
    else:
        signature = confused(token["form"], keys[token["key"]], message.encode())
    return f"{message}.{encode(signature)}"


def confused(form, key, message):
    """An HMAC whose secret is the published key; by hand, because joserfc refuses to take one for a secret."""
    published = {
        "hmac-pem": key.as_pem(private=False),
        "hmac-der": key.as_der(private=False),
        "hmac-jwk": json.dumps(key.as_dict(private=False)).encode(),
    }
    return hmac.new(published[form], message, hashlib.sha256).digest()


def with_keys(header, keys):
    """Puts public keys where the header wants them: `"@jwk:name"` and `"@x5c:name"`."""
    for name, key in keys.items():
        header = header.replace(f'"@jwk:{name}"', json.dumps(key.as_dict(private=False)))
        if f'"@x5c:{name}"' in header:
            header = header.replace(f'"@x5c:{name}"', json.dumps(certificate(key)))
    return header


def certificate(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "corp")])
    now = datetime.datetime.now(datetime.timezone.utc)
    pair = serialization.load_pem_private_key(key.as_pem(private=True), None)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(pair.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(pair, hashes.SHA256())
    )
    return base64.b64encode(built.public_bytes(serialization.Encoding.DER)).decode()


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


main()

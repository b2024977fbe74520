"""What verifies minted tokens, and what makes the key files that sign them: joserfc and cryptography, no line of ours.

Reads one question on standard input and writes one answer to standard output, both JSON.
"""

import datetime
import json
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet


def main():
    asked = json.load(sys.stdin)
    answer = keys() if asked["what"] == "keys" else verify(asked)
    json.dump(answer, sys.stdout)


def verify(asked):
    """What an upstream does: signature by the published key, type, issuer, audience and dates."""
    try:
        token = jwt.decode(asked["token"], KeySet.import_key_set(asked["jwks"]), algorithms=["ES256", "EdDSA", "Ed25519"])
        if token.header["typ"] != "txntoken+jwt":
            return {"error": "type"}
        jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": asked["issuer"]},
            aud={"essential": True, "value": asked["audience"]},
            exp={"essential": True},
            iat={"essential": True},
        ).validate(token.claims)
    except (JoseError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {"header": token.header, "claims": token.claims}


def keys():
    p256, p384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
    small = rsa.generate_private_key(65537, 2048)
    return {
        "p256": private(p256),
        "p256-too": private(ec.generate_private_key(ec.SECP256R1())),
        "ed25519": private(ed25519.Ed25519PrivateKey.generate()),
        "p384": private(p384),
        "rsa": private(small),
        "pkcs1": private(small, PrivateFormat.TraditionalOpenSSL),
        "sec1": private(p256, PrivateFormat.TraditionalOpenSSL),
        "openssh": private(p256, PrivateFormat.OpenSSH),
        "encrypted": private(p256, lock=BestAvailableEncryption(b"secret")),
        "public": p256.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        "certificate": certificate(p256),
    }


def private(key, form=PrivateFormat.PKCS8, lock=None):
    return key.private_bytes(Encoding.PEM, form, lock or NoEncryption()).decode()


def certificate(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authz")])
    now = datetime.datetime.now(datetime.timezone.utc)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(Encoding.PEM).decode()


main()

"""Signatures of providers' calls: RSA under a certificate (Amazon SNS), ECDSA under a public key (SendGrid)."""

import base64
import binascii
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key


def by_certificate(certificate: bytes, signature: str, signed: bytes, *, sha1: bool, now: float) -> bool:
    """True if `signature` (base64) was made over `signed` with the key of this PEM certificate, which is valid at `now`:
    RSA, PKCS #1 v1.5, with SHA-1 or SHA-256."""
    try:
        known = x509.load_pem_x509_certificate(certificate)
        key, octets = known.public_key(), base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        return False
    today = datetime.fromtimestamp(now, UTC)
    if not isinstance(key, rsa.RSAPublicKey) or not known.not_valid_before_utc <= today <= known.not_valid_after_utc:
        return False
    try:
        key.verify(octets, signed, padding.PKCS1v15(), hashes.SHA1() if sha1 else hashes.SHA256())  # noqa: S303  (SNS' version 1)
    except InvalidSignature:
        return False
    return True


def is_public_key(text: str) -> bool:
    """Whether this is an elliptic-curve public key as SendGrid shows it: DER in base64."""
    return _public_key(text) is not None


def by_public_key(text: str, signature: str, signed: bytes) -> bool:
    """True if `signature` (DER in base64) was made over `signed` with the private key to this one: ECDSA with SHA-256."""
    key = _public_key(text)
    if key is None:
        return False
    try:
        key.verify(base64.b64decode(signature, validate=True), signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _public_key(text: str) -> ec.EllipticCurvePublicKey | None:
    try:
        key = load_der_public_key(base64.b64decode("".join(text.split()), validate=True))
    except (ValueError, binascii.Error, TypeError):
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) else None

"""The three profiles: what they accept, and every attack they have to refuse."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from common.qsh import qsh
from connect.tokens import (
    BadToken,
    claimed_issuer,
    install_kid,
    read_install_key,
    verify_context,
    verify_forge,
    verify_install,
    verify_tenant,
)
from tests.contracts import contract

NOW = 1_700_000_000.0
SITE = "a-client-key"
SECRET = "a-shared-secret-of-at-least-32-octets"
OURS = "https://mail.example.com"
QSH = qsh("POST", "/connect/installed", "")
ISSUE = {"iss": SITE, "aud": [OURS], "iat": NOW, "exp": NOW + 180, "qsh": QSH}
CALL = {"iss": SITE, "iat": NOW, "exp": NOW + 180, "qsh": QSH, "sub": "account"}


@pytest.fixture(scope="module")
def private() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def pem(key: RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def raw(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def reason_install(token: str, key: RSAPrivateKey, *, now: float = NOW, client_key: str = SITE) -> str:
    try:
        install_kid(token)
        public = read_install_key(pem(key))
        verify_install(token, public, client_key=client_key, base_url=OURS, expected_qsh=QSH, now=now)
    except BadToken as error:
        return error.reason
    return ""


def reason_tenant(token: str, *, now: float = NOW, client_key: str = SITE) -> str:
    try:
        assert claimed_issuer(token)
        verify_tenant(token, SECRET, client_key=client_key, expected_qsh=QSH, now=now)
    except BadToken as error:
        return error.reason
    return ""


# --- install


def test_atlassians_word_about_an_installation_is_accepted(private: RSAPrivateKey) -> None:
    token = jwt.encode(ISSUE, private, "RS256", headers={"kid": "a-kid"})
    assert install_kid(token) == "a-kid"
    assert reason_install(token, private) == ""


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"aud": "https://evil.example.com"}, "aud"),
        ({"aud": [OURS + ".evil.example.com"]}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": [7]}, "aud"),
        ({"iss": "another-site"}, "iss"),
        ({"iss": None}, "iss"),
        ({"qsh": qsh("POST", "/connect/uninstalled", "")}, "qsh"),
        ({"qsh": "context-qsh"}, "qsh"),
        ({"qsh": None}, "qsh"),
        ({"exp": NOW - 11}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"iat": NOW + 60}, "nbf"),
        ({"nbf": NOW + 60}, "nbf"),
    ],
)
def test_an_install_token_with_a_wrong_claim_is_refused(
    private: RSAPrivateKey, changed: dict[str, Any], reason: str
) -> None:
    claims = {name: value for name, value in {**ISSUE, **changed}.items() if value is not None}
    assert reason_install(raw_signed(claims, private), private) == reason


def raw_signed(claims: dict[str, Any], key: RSAPrivateKey) -> str:
    """Signed without PyJWT's own look at the claims."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, "RS256", headers={"kid": "a-kid"})


def test_our_address_may_be_written_with_a_slash_or_alone(private: RSAPrivateKey) -> None:
    for audience in (OURS, OURS + "/", [OURS + "/"], ["other", OURS]):
        token = raw_signed({**ISSUE, "aud": audience}, private)
        assert reason_install(token, private) == "", audience


def test_an_install_token_of_another_key_is_refused(private: RSAPrivateKey) -> None:
    stranger = generate_private_key(65537, 2048)
    assert reason_install(jwt.encode(ISSUE, stranger, "RS256", headers={"kid": "a-kid"}), private) == "signature"


def test_the_algorithm_is_never_taken_from_an_install_token(private: RSAPrivateKey) -> None:
    kid = {"kid": "a-kid"}
    assert reason_install(raw({"alg": "none", **kid}, ISSUE), private) == "alg"
    assert reason_install(raw({"alg": "NONE", **kid}, ISSUE), private) == "alg"
    assert reason_install(raw({"alg": "rs256", **kid}, ISSUE), private) == "alg"
    assert reason_install(raw({"alg": "RS512", **kid}, ISSUE), private) == "alg"
    assert reason_install(raw({**kid}, ISSUE), private) in ("alg", "malformed")
    assert reason_install(jwt.encode(ISSUE, SECRET, "HS256", headers=kid), private) == "alg"
    # The public key as an HMAC secret: whoever has it could sign.
    confused = hs256({"alg": "HS256", **kid}, ISSUE, pem(private))
    assert reason_install(confused, private) == "alg"


def hs256(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    import hashlib
    import hmac

    signed = raw(header, claims).rpartition(".")[0]
    digest = hmac.digest(key, signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    "kid",
    ["", "../etc/passwd", "a/b", "a?b", "a%2fb", ".", "..", "a b", "a\n", "x" * 101, "http://evil", None, 7, ["a"]],
)
def test_a_key_id_is_a_plain_name(kid: Any) -> None:
    token = raw({"alg": "RS256", **({} if kid is None else {"kid": kid})}, ISSUE, b"x")
    with pytest.raises(BadToken) as caught:
        install_kid(token)
    assert caught.value.reason in ("kid", "malformed")


def test_only_large_rsa_keys_are_install_keys(private: RSAPrivateKey) -> None:
    assert read_install_key(pem(private)).key_size == 2048
    small = generate_private_key(65537, 1024)
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    for data in (pem(small), curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), b"<html>", b""):
        with pytest.raises(ValueError):
            read_install_key(data)


# --- tenant


def test_jira_calls_with_the_tenants_secret() -> None:
    token = jwt.encode(CALL, SECRET, "HS256")
    assert claimed_issuer(token) == SITE
    caller = verify_tenant(token, SECRET, client_key=SITE, expected_qsh=QSH, now=NOW)
    assert (caller.client_key, caller.account) == (SITE, "account")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": "another-site"}, "iss"),
        ({"qsh": qsh("POST", "/connect/webhooks", "a=1")}, "qsh"),
        ({"qsh": "context-qsh"}, "qsh"),
        ({"qsh": None}, "qsh"),
        ({"exp": NOW - 11}, "exp"),
        ({"exp": None}, "exp"),
        ({"iat": NOW + 60}, "nbf"),
    ],
)
def test_a_tenant_token_with_a_wrong_claim_is_refused(changed: dict[str, Any], reason: str) -> None:
    claims = {name: value for name, value in {**CALL, **changed}.items() if value is not None}
    assert reason_tenant(hs256({"alg": "HS256"}, claims, SECRET.encode())) == reason


def test_a_tenant_token_of_another_algorithm_or_secret_is_refused(private: RSAPrivateKey) -> None:
    assert reason_tenant(jwt.encode(CALL, SECRET + "x", "HS256")) == "signature"
    assert reason_tenant(raw({"alg": "none"}, CALL)) == "alg"
    assert reason_tenant(jwt.encode(CALL, private, "RS256")) == "alg"
    assert reason_tenant(jwt.encode(CALL, SECRET * 2, "HS384")) == "alg"


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "x" * 20_000, "e30.e30.e30", "\u00e4.\u00e4.\u00e4"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(BadToken):
        claimed_issuer(token)
    with pytest.raises(BadToken):
        install_kid(token)


def signed_text(payload: bytes) -> str:
    return jwt.PyJWS().encode(payload, SECRET, "HS256")


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 6000,
        b"[1]",
        b"7",
        b"\xff",
        b"",
        b'{"iss": "a-client-key", "exp": NaN}',
        b'{"iss": "a-client-key", "exp": 1e999}',
        b'{"iss": "a-client-key", "exp": 1' + b"0" * 400 + b"}",
        b'{"iss": "a-client-key", "exp": true}',
        b'{"iss": "a-client-key", "exp": -1}',
        b'{"iss": ["a-client-key"], "exp": 1700000100}',
    ],
)
def test_even_a_signed_oddity_is_refused_and_breaks_nothing(payload: bytes) -> None:
    assert reason_tenant(signed_text(payload)) in ("malformed", "exp", "iss")


@given(st.text(max_size=200) | st.from_regex(r"\A[A-Za-z0-9_-]{0,80}(\.[A-Za-z0-9_-]{0,80}){1,4}\Z"))
def test_whatever_is_sent_as_a_token_is_refused(text: str) -> None:
    assert reason_tenant(text)
    with pytest.raises(BadToken):
        install_kid(text)


def test_a_context_token_names_a_person_and_is_good_for_the_page_only() -> None:
    token = jwt.encode({**CALL, "qsh": "context-qsh"}, SECRET, "HS256")
    assert verify_context(token, SECRET, client_key=SITE, now=NOW).account == "account"
    assert reason_tenant(token) == "qsh"
    nameless = jwt.encode({"iss": SITE, "exp": NOW + 9, "qsh": "context-qsh"}, SECRET, "HS256")
    for other, reason in ((nameless, "sub"), (jwt.encode(CALL, SECRET, "HS256"), "qsh")):
        with pytest.raises(BadToken) as caught:
            verify_context(other, SECRET, client_key=SITE, now=NOW)
        assert caught.value.reason == reason


# --- Atlassian's vectors


def verdict(case: dict[str, Any], keys: dict[str, Any]) -> str:
    """What the profiles say about a vector, in the vectors' own words."""
    token, now = case["token"], case["at"]
    try:
        if case.get("kind") == "forge":
            verify_forge(token, keys["jwks"], app_id=keys["forgeAppId"], now=now)
            return "accept"
        expected = qsh(case["method"], case["path"], "")
        if case["path"] in ("/installed", "/uninstalled"):
            assert install_kid(token) == keys["connectInstallKid"]
            key = read_install_key(keys["publicKeyPem"].encode())
            site, ours = keys["clientKey"], keys["appBaseUrl"]
            verify_install(token, key, client_key=site, base_url=ours, expected_qsh=expected, now=now)
            return "accept"
        issuer = claimed_issuer(token)
        assert issuer in (keys["clientKey"], keys["appKey"])
        try:
            verify_tenant(token, case["secret"], client_key=issuer, expected_qsh=expected, now=now)
        except BadToken as error:
            if error.reason != "qsh":
                raise
            verify_context(token, case["secret"], client_key=issuer, now=now)
            return "accept-if-context-allowed"
        return "accept"
    except BadToken as error:
        return f"reject:{error.reason}"


def test_every_token_vector_comes_out_as_it_says() -> None:
    vectors = contract("jwt-vectors.json")
    got = {case["name"]: verdict(case, vectors["tokenKeys"]) for case in vectors["tokens"]}
    said = {case["name"]: case["expect"].partition(" ")[0] for case in vectors["tokens"]}
    assert got == said
    assert len(said) == 15


def test_a_forge_token_is_refused_for_an_unknown_key(private: RSAPrivateKey) -> None:
    entry = jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True) | {"kid": "k", "alg": "RS256"}
    claims = {"iss": "forge/invocation-token", "aud": "ari:app", "iat": NOW, "exp": NOW + 25}
    token = jwt.encode(claims, private, "RS256", headers={"kid": "k"})
    assert verify_forge(token, {"keys": [entry]}, app_id="ari:app", now=NOW)["aud"] == "ari:app"
    wrong: list[dict[str, Any]] = [{"keys": []}, {"keys": [entry, entry]}, {}, {"keys": [{**entry, "kid": "other"}]}]
    for keys in wrong:
        with pytest.raises(BadToken):
            verify_forge(token, keys, app_id="ari:app", now=NOW)
    with pytest.raises(BadToken):
        verify_forge(
            jwt.encode(claims, SECRET, "HS256", headers={"kid": "k"}), {"keys": [entry]}, app_id="ari:app", now=NOW
        )

"""Page sessions: only connect's own, unexpired, unaltered tokens are taken."""

import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.crypto import derive
from common.sessions import (
    LIFETIME,
    BadSession,
    Session,
    UnknownKey,
    issue,
    private_key,
    public_jwk,
    read_jwks,
    verify,
)

NOW = 1_800_000_000.25
PRIVATE = private_key(derive(b"m" * 32, "page session"))
FOREIGN = private_key(derive(b"n" * 32, "page session"))
JWK = public_jwk(PRIVATE)
KEYS = read_jwks({"keys": [JWK]})
SESSION = Session("tenantaaaaaaaaaa", "5b10:account", True, NOW + LIFETIME)
TOKEN = issue(PRIVATE, SESSION)
CLAIMS: dict[str, Any] = jwt.decode(TOKEN, options={"verify_signature": False})


def signed(claims: dict[str, Any], key: Any = PRIVATE, algorithm: str = "EdDSA", **headers: Any) -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": JWK["kid"], **headers})


def test_a_session_comes_back_as_it_was_issued() -> None:
    assert verify(KEYS, TOKEN, NOW) == SESSION


def test_the_project_and_the_issue_come_back_too() -> None:
    scoped = Session("tenantaaaaaaaaaa", "5b10:account", False, NOW + LIFETIME, project="10000", issue="10100")
    assert verify(KEYS, issue(PRIVATE, scoped), NOW) == scoped


def test_a_token_of_a_release_before_project_and_issue_still_holds() -> None:
    assert not {"project", "issue"} & CLAIMS.keys()
    assert verify(KEYS, signed(CLAIMS), NOW) == SESSION


@pytest.mark.parametrize("scope", [{"project": 10000}, {"issue": ""}, {"project": ["10000"]}])
def test_a_scope_that_is_no_id_is_refused(scope: dict[str, Any]) -> None:
    with pytest.raises(BadSession):
        verify(KEYS, signed(CLAIMS | scope), NOW)


def test_a_session_ends_after_ten_minutes() -> None:
    assert verify(KEYS, TOKEN, NOW + LIFETIME - 1) == SESSION
    with pytest.raises(BadSession, match="expired"):
        verify(KEYS, TOKEN, NOW + LIFETIME)


def test_the_same_seed_gives_the_same_key() -> None:
    assert public_jwk(private_key(derive(b"m" * 32, "page session"))) == JWK


def test_the_public_key_holds_nothing_private() -> None:
    assert set(JWK) == {"kty", "crv", "x", "kid", "use", "alg"}


def test_a_key_of_another_kid_is_reported_as_unknown() -> None:
    with pytest.raises(UnknownKey):
        verify(KEYS, issue(FOREIGN, SESSION), NOW)


def test_a_token_without_kid_is_reported_as_unknown() -> None:
    with pytest.raises(UnknownKey):
        verify(KEYS, jwt.encode(CLAIMS, PRIVATE, algorithm="EdDSA"), NOW)


REFUSED = {
    "nothing": "",
    "not a token": "abc",
    "two parts": TOKEN.rsplit(".", 1)[0],
    "a foreign signature under our kid": signed(CLAIMS, FOREIGN),
    "no signature": signed(CLAIMS, None, "none"),
    "HS256 with the public key as secret": signed(CLAIMS, base64.urlsafe_b64decode(JWK["x"] + "="), "HS256"),
    "another issuer": signed({**CLAIMS, "iss": "elsewhere"}),
    "another audience": signed({**CLAIMS, "aud": "elsewhere"}),
    "no audience": signed({name: CLAIMS[name] for name in CLAIMS if name != "aud"}),
    "no end": signed({name: CLAIMS[name] for name in CLAIMS if name != "exp"}),
    "no tenant": signed({name: CLAIMS[name] for name in CLAIMS if name != "tenant"}),
    "no admin mark": signed({name: CLAIMS[name] for name in CLAIMS if name != "admin"}),
    "an admin mark that is no truth value": signed({**CLAIMS, "admin": "yes"}),
    "a tenant that is no text": signed({**CLAIMS, "tenant": 7}),
    "an end that is no number": signed({**CLAIMS, "exp": True}),
    "a session of a year": signed({**CLAIMS, "exp": NOW + 31_536_000}),
    "an unknown critical header": signed(CLAIMS, crit=["b65"], b65=False),
}


@pytest.mark.parametrize("name", REFUSED)
def test_any_other_token_is_refused(name: str) -> None:
    with pytest.raises(BadSession) as caught:
        verify(KEYS, REFUSED[name], NOW)
    assert caught.value.status == 401
    assert caught.value.remedy


def test_the_claims_this_table_alters_are_otherwise_good() -> None:
    assert verify(KEYS, signed(CLAIMS), NOW) == SESSION


@given(place=st.integers(0, len(TOKEN) - 1), letter=st.sampled_from("abcXYZ019-_."))
def test_no_altered_token_gives_another_session(place: int, letter: str) -> None:
    altered = TOKEN[:place] + letter + TOKEN[place + 1 :]
    try:
        session = verify(KEYS, altered, NOW)
    except BadSession:
        return
    # base64 has spare bits in the last character of a part: the same octets in another spelling are the same token
    assert session == SESSION
    assert _octets(altered) == _octets(TOKEN)


@given(st.text(max_size=200))
def test_no_text_makes_verify_fail_otherwise(text: str) -> None:
    with pytest.raises(BadSession):
        verify(KEYS, text, NOW)


def test_other_keys_of_the_document_are_passed_over() -> None:
    document = {"keys": [{"kty": "RSA", "kid": "x", "n": "1", "e": "AQAB"}, "junk", None, {"kty": "OKP"}, JWK]}
    assert list(read_jwks(document)) == [JWK["kid"]]


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"keys": []}, {"keys": "x"}, {"keys": [{**JWK, "x": "short"}]}, {"keys": [{**JWK, "x": "é"}]}],
)
def test_a_document_without_a_key_is_an_error(document: Any) -> None:
    with pytest.raises(ValueError):
        read_jwks(document)


def _octets(token: str) -> list[bytes]:
    parts = token.split(".")
    decoded = [base64.urlsafe_b64decode(part + "==") for part in parts]
    return [json.dumps(json.loads(decoded[0]), sort_keys=True).encode(), *decoded[1:]]

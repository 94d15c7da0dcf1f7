"""A request to Jira is authorised by the tenant's scheme: a token bound to it, a bearer token, or Basic."""

import base64

import jwt
import pytest

from common.credentials import Credentials, LookupUser
from common.errors import Permanent
from common.jira_auth import authorization
from common.qsh import qsh
from tests.contracts import contract

NOW = 1_700_000_000.5


def credentials(secret: str, scheme: str = "connect", app_key: str = "app", client_key: str = "client") -> Credentials:
    return Credentials(
        tenant="tenant",
        scheme=scheme,
        base_url="https://a.atlassian.net",
        site_url="https://a.atlassian.net",
        app_key=app_key,
        client_key=client_key,
        secret=secret,
        email="ann@example.com",
        account_id=None,
        lookup=LookupUser("finder@example.com", "its-token"),
        person_tokens=False,
        thread_keys=(),
        expires_at=9e9,
    )


def test_the_token_is_bound_to_method_path_and_query_for_three_minutes() -> None:
    secret = "a-secret-of-at-least-32-octets-length"
    value = authorization(credentials(secret), "GET", "/rest/api/3/user", "accountId=712020%3Aa", NOW)
    scheme, _, token = value.partition(" ")
    claims = jwt.decode(
        token, secret, ["HS256"], options={"verify_exp": False, "verify_iat": False, "verify_aud": False}
    )
    assert scheme == "JWT"
    assert claims == {
        "iss": "app",
        "aud": ["client"],
        "iat": 1_700_000_000,
        "exp": 1_700_000_180,
        "qsh": qsh("GET", "/rest/api/3/user", "accountId=712020%3Aa"),
    }
    assert jwt.get_unverified_header(token)["alg"] == "HS256"


def test_it_is_the_token_of_atlassians_vector() -> None:
    vectors = contract("jwt-vectors.json")
    keys = vectors["tokenKeys"]
    [vector] = [one for one in vectors["tokens"] if one["name"] == "app to Jira REST call"]
    ours = credentials(vector["secret"], app_key=keys["appKey"], client_key=keys["clientKey"])
    value = authorization(ours, vector["method"], vector["path"], "", 1_700_000_000)
    assert claims(value[4:]) == claims(vector["token"])


def claims(token: str) -> object:
    return jwt.decode(token, options={"verify_signature": False})


def test_an_unknown_scheme_is_refused_with_a_remedy() -> None:
    with pytest.raises(Permanent, match="oauth3") as caught:
        authorization(credentials("x" * 40, "oauth3"), "GET", "/", "", NOW)
    assert caught.value.remedy


def test_forge_sends_the_token_of_the_invocation() -> None:
    assert authorization(credentials("the.token", "forge"), "GET", "/", "", NOW) == "Bearer the.token"


def test_an_api_token_goes_as_basic_with_the_address_of_its_account() -> None:
    value = authorization(credentials("api:tokän", "token"), "GET", "/", "", NOW)
    assert value.startswith("Basic ")
    assert base64.b64decode(value[6:]).decode() == "ann@example.com:api:tokän"


@pytest.mark.parametrize("scheme", ["connect", "forge", "token"])
def test_the_look_up_user_goes_as_basic_to_the_site_whatever_the_scheme(scheme: str) -> None:
    looking = credentials("s" * 40, scheme).as_lookup()
    assert looking is not None
    value = authorization(looking, "GET", "/", "", NOW)
    assert base64.b64decode(value[6:]).decode() == "finder@example.com:its-token"
    assert (looking.base_url, looking.lookup, looking.person_tokens) == (looking.site_url, None, False)

"""Signed requests for credentials, and the vendor that remembers the answers, with connect down and up again."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from common.credentials import PATH, PERSON_PATH, WINDOW, Credentials, LookupUser, check_request, sign_request
from common.errors import Permanent, Temporary
from common.http import Http
from common.nets import Nets
from common.thread_tokens import ThreadKey
from common.vendor import Vendor
from tests.wire import Call, Reply, Wire

NOW = 1_700_000_000.0
KEYS = {"inbound-worker": b"i" * 32, "outbound-worker": b"o" * 32}
NONCE = "0123456789abcdef"
BODY = b'{"tenant": "t"}'


def signed(**changes: object) -> dict[str, str]:
    values = {"key": KEYS["inbound-worker"], "role": "inbound-worker", "now": NOW, "nonce": NONCE} | changes
    return sign_request(method="POST", path=PATH, body=BODY, **values)  # type: ignore[arg-type]


def refused(headers: Mapping[str, str], *, method: str = "POST", path: str = PATH, body: bytes = BODY) -> bool:
    try:
        check_request(KEYS, method, path, headers, body, NOW)
    except Permanent as fault:
        return fault.status == 401
    return False


def test_a_role_signs_and_is_recognised() -> None:
    assert check_request(KEYS, "POST", PATH, signed(), BODY, NOW) == ("inbound-worker", NONCE)
    assert check_request(KEYS, "POST", PATH, signed(now=NOW - WINDOW), BODY, NOW)
    assert check_request(KEYS, "POST", PATH, signed(now=NOW + WINDOW), BODY, NOW)


def test_the_key_itself_is_never_sent() -> None:
    assert "iiii" not in json.dumps(signed())


def test_everything_signed_is_protected() -> None:
    good = signed()
    assert refused(good, method="GET")
    assert refused(good, path="/api/connect/keys")
    assert refused(good, body=b'{"tenant": "u"}')
    for name in good:
        assert refused({**good, name: good[name] + "1"}), name
        assert refused({other: text for other, text in good.items() if other != name}), name
    assert not refused(good)


def test_other_roles_times_and_nonces_are_refused() -> None:
    assert refused(signed(role="connect"))
    assert refused(signed(role="outbound-worker"))  # signed with inbound's key
    assert refused(signed(role="", key=b""))
    assert refused(signed(now=NOW - WINDOW - 1))
    assert refused(signed(now=NOW + WINDOW + 1))
    assert refused(signed(nonce="short"))
    assert refused(signed(nonce="x" * 65))
    assert refused({**signed(), "X-Mailbridge-Signature": "ä" * 64})
    assert refused({**signed(), "X-Mailbridge-Time": "٣"})


CREDENTIALS = Credentials(
    tenant="t",
    scheme="connect",
    base_url="https://a.atlassian.net",
    site_url="https://a.atlassian.net",
    app_key="app",
    client_key="client",
    secret="do-not-show-this",
    email=None,
    account_id=None,
    lookup=LookupUser("finder@example.com", "nor-show-this"),
    person_tokens=False,
    thread_keys=(ThreadKey(2, b"b" * 32), ThreadKey(1, b"a" * 32)),
    expires_at=NOW + 3600,
)


def test_credentials_survive_the_way_through_json() -> None:
    assert Credentials.from_json(json.loads(json.dumps(CREDENTIALS.to_json()))) == CREDENTIALS


def test_credentials_do_not_show_their_secrets() -> None:
    assert "show-this" not in repr(CREDENTIALS)
    assert "bbbb" not in repr(CREDENTIALS)


@pytest.mark.parametrize(
    "changed",
    [
        {"secret": None},
        {"thread_keys": [{"version": 1, "key": "!"}]},
        {"thread_keys": [{"version": "1", "key": ""}]},
        {"thread_keys": ["x"]},
        {"expires_at": "x"},
        {"expires_at": True},
        {"tenant": 7},
        {"lookup": {"email": "a@b"}},
        {"lookup": "a@b"},
        {"person_tokens": 1},
        {"email": 3},
        {"client_key": None},
        {"scheme": "token"},
    ],
)
def test_what_is_not_credentials_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Credentials.from_json({**CREDENTIALS.to_json(), **changed})


def test_credentials_that_lack_a_field_are_refused() -> None:
    whole = CREDENTIALS.to_json()
    for name in whole:
        with pytest.raises(ValueError):
            Credentials.from_json({other: value for other, value in whole.items() if other != name})


def test_forge_and_token_need_no_keys_of_connect() -> None:
    bare = {**CREDENTIALS.to_json(), "app_key": None, "client_key": None}
    assert Credentials.from_json({**bare, "scheme": "forge"}).client_key is None
    assert Credentials.from_json({**bare, "scheme": "token", "email": "ann@example.com"}).email == "ann@example.com"


class Connect:
    """connect, as far as a vendor sees it; the test switches it."""

    def __init__(self) -> None:
        self.now = NOW
        self.secret = "first"
        self.status = 200
        self.detail = ""
        self.bodies: list[Any] = []
        self.life = 3600.0
        self.gate: threading.Event | None = None
        self.entered = threading.Event()

    def __call__(self, call: Call) -> Reply:
        secret = self.secret
        self.entered.set()
        if self.gate:
            assert self.gate.wait(30)
        check_request(KEYS, call.method, call.path, Titled(call.headers), call.body, self.now)
        self.bodies.append(call.json)
        if self.status != 200:
            return Reply(self.status, {"detail": self.detail} if self.detail else None)
        values = {**CREDENTIALS.to_json(), "tenant": call.json["tenant"], "secret": secret}
        return Reply(200, {**values, "expires_at": self.now + self.life})


class Titled(dict[str, str]):
    def get(self, name: str, default: str = "", /) -> str:  # type: ignore[override]
        return super().get(name.lower(), default)


@pytest.fixture
def connect() -> Connect:
    return Connect()


@pytest.fixture(scope="module")
def server() -> Iterator[Wire]:
    with Wire(lambda _: Reply(500)) as server:
        yield server


@pytest.fixture
def wire(server: Wire, connect: Connect) -> Wire:
    return server.reset(connect)


@pytest.fixture
def vendor(connect: Connect, wire: Wire) -> Vendor:
    http = Http(Nets.everything(), 20.0)
    return Vendor(http, wire.url, "inbound-worker", KEYS["inbound-worker"], clock=lambda: connect.now)


def test_credentials_are_asked_for_once_and_remembered(vendor: Vendor, wire: Wire) -> None:
    first = vendor.get("t")
    assert first.secret == "first"
    assert first.thread_keys == CREDENTIALS.thread_keys
    assert vendor.get("t") is first
    assert vendor.get("u").tenant == "u"
    assert len(wire.calls) == 2


def test_they_are_renewed_shortly_before_they_end(vendor: Vendor, wire: Wire, connect: Connect) -> None:
    vendor.get("t")
    connect.secret = "second"
    connect.now += 3299
    assert vendor.get("t").secret == "first"
    connect.now += 2
    assert vendor.get("t").secret == "second"


def test_they_live_an_hour_at_most_whatever_connect_says(vendor: Vendor, connect: Connect) -> None:
    connect.life = 1e9
    vendor.get("t")
    connect.status = 503
    connect.now += 3599
    assert vendor.get("t").secret == "first"
    connect.now += 2
    with pytest.raises(Temporary):
        vendor.get("t")


def test_while_connect_is_down_the_old_ones_serve_until_they_end(vendor: Vendor, wire: Wire, connect: Connect) -> None:
    vendor.get("t")
    connect.status = 503
    connect.now += 3400
    assert vendor.get("t").secret == "first"
    asked = len(wire.calls)
    assert vendor.get("t").secret == "first"
    assert len(wire.calls) == asked  # not at every call: connect may be slow to fail
    connect.now += 16
    vendor.get("t")
    assert len(wire.calls) == asked + 1
    connect.status, connect.secret = 200, "second"
    connect.now += 16
    assert vendor.get("t").secret == "second"


def test_without_any_credentials_connect_being_down_is_temporary(vendor: Vendor, connect: Connect) -> None:
    connect.status = 500
    with pytest.raises(Temporary):
        vendor.get("t")


def test_who_waits_while_connect_fails_does_not_ask_again_at_once(vendor: Vendor, wire: Wire, connect: Connect) -> None:
    connect.status = 500
    for _ in range(5):
        with pytest.raises(Temporary):
            vendor.get("t")
    assert len(wire.calls) == 1
    connect.status = 200
    connect.now += 3
    assert vendor.get("t").secret == "first"


@pytest.mark.parametrize(("status", "kind"), [(401, Temporary), (404, Permanent), (409, Temporary), (400, Temporary)])
def test_a_refusal_is_a_fault_of_the_right_kind(
    vendor: Vendor, connect: Connect, status: int, kind: type[Exception]
) -> None:
    connect.status = status
    with pytest.raises(kind) as caught:
        vendor.get("t")
    if isinstance(caught.value, Permanent):
        assert caught.value.status == status


def test_an_uninstalled_tenant_gets_no_more_credentials_from_memory(vendor: Vendor, connect: Connect) -> None:
    vendor.get("t")
    connect.status = 404
    connect.now += 3400
    with pytest.raises(Permanent):
        vendor.get("t")


def test_forgotten_credentials_are_asked_for_anew(vendor: Vendor, connect: Connect) -> None:
    vendor.get("t")
    connect.secret = "second"
    vendor.forget("t")
    assert vendor.get("t").secret == "second"


def test_a_refused_secret_does_not_drop_newer_ones(vendor: Vendor, wire: Wire, connect: Connect) -> None:
    old = vendor.get("t")
    connect.secret = "second"
    vendor.forget("t", old)
    newer = vendor.get("t")
    vendor.forget("t", old)  # another thread's call with the old secret comes back late
    assert vendor.get("t") is newer
    assert len(wire.calls) == 2


def test_credentials_fetched_before_a_change_are_not_kept_after_it(vendor: Vendor, connect: Connect) -> None:
    connect.gate = threading.Event()
    got = []
    thread = threading.Thread(target=lambda: got.append(vendor.get("t").secret))
    thread.start()
    assert connect.entered.wait(30)
    connect.secret = "second"
    vendor.forget("t")  # tenant.changed comes in while the old answer is on its way
    connect.gate.set()
    thread.join(30)
    assert got == ["first"]
    assert vendor.get("t").secret == "second"


def test_credentials_forgotten_while_connect_fails_stay_forgotten(vendor: Vendor, connect: Connect) -> None:
    vendor.get("t")
    connect.now += 3400
    connect.status, connect.gate = 503, threading.Event()
    connect.entered.clear()
    got = []
    thread = threading.Thread(target=lambda: got.append(vendor.get("t").secret))
    thread.start()
    assert connect.entered.wait(30)
    vendor.forget("t")
    connect.gate.set()
    thread.join(30)
    assert got == ["first"]  # the call that had begun
    with pytest.raises(Temporary):
        vendor.get("t")


def test_many_threads_ask_once(vendor: Vendor, wire: Wire, connect: Connect) -> None:
    connect.gate = threading.Event()
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(vendor.get("t").secret)) for _ in range(20)]
    for thread in threads:
        thread.start()
    assert connect.entered.wait(30)
    connect.gate.set()
    for thread in threads:
        thread.join(30)
    assert got == ["first"] * 20
    assert len(wire.calls) == 1


def test_a_refused_secret_is_told_to_connect_until_a_newer_one_came(vendor: Vendor, connect: Connect) -> None:
    used = vendor.get("t")
    vendor.forget("t", used)
    connect.status, connect.detail = 409, "Jira refused the newest token."
    with pytest.raises(Temporary, match="refused the newest") as caught:
        vendor.get("t")
    assert caught.value.retry_after == 60.0
    connect.status, connect.secret, connect.now = 200, "second", connect.now + 60
    assert vendor.get("t").secret == "second"
    digest = hashlib.sha256(b"first").hexdigest()
    assert connect.bodies == [{"tenant": "t"}, {"tenant": "t", "refused": digest}, {"tenant": "t", "refused": digest}]


def test_what_was_refused_is_said_by_nobody_who_did_not_use_it(vendor: Vendor, connect: Connect) -> None:
    old = vendor.get("t")
    vendor.forget("t")
    vendor.get("t")
    vendor.forget("t", old)  # a late thread: newer ones have been fetched meanwhile
    vendor.get("t")
    assert connect.bodies == [{"tenant": "t"}, {"tenant": "t"}]


# --- tokens of persons


def test_a_persons_token_is_asked_for_and_remembered_until_it_ends(wire: Wire, connect: Connect) -> None:
    vendor = persons_vendor(wire, connect, Reply(200, {"secret": "anns", "expires_at": NOW + 600}))
    for _ in range(2):
        credentials = vendor.person("t", "ann")
        assert credentials is not None
        assert (credentials.secret, credentials.scheme, credentials.account_id) == ("anns", "forge", "ann")
    assert [call.path for call in wire.calls] == [PATH, PERSON_PATH]
    assert wire.calls[1].json == {"tenant": "t", "account_id": "ann"}
    connect.now += 541
    vendor.person("t", "ann")
    assert len(wire.calls) == 3
    vendor.forget_person("t", "ann")
    vendor.person("t", "ann")
    assert len(wire.calls) == 4


def test_none_is_remembered_too_and_a_fault_is_not(wire: Wire, connect: Connect) -> None:
    vendor = persons_vendor(wire, connect, Reply(404))
    assert vendor.person("t", "ann") is None
    assert vendor.person("t", "ann") is None
    assert len(wire.calls) == 2
    for bad in (Reply(500), Reply(200, {"secret": 7, "expires_at": NOW}), Reply(200, b"<html>")):
        vendor = persons_vendor(wire, connect, bad)
        with pytest.raises(Temporary):
            vendor.person("t", "ann")


def test_where_no_tokens_of_persons_can_be_had_nobody_asks(vendor: Vendor, wire: Wire) -> None:
    assert vendor.person("t", "ann") is None
    assert [call.path for call in wire.calls] == [PATH]


def persons_vendor(wire: Wire, connect: Connect, answer: Reply) -> Vendor:
    def say(call: Call) -> Reply:
        check_request(KEYS, call.method, call.path, Titled(call.headers), call.body, connect.now)
        if call.path == PERSON_PATH:
            return answer
        return Reply(200, {**CREDENTIALS.to_json(), "person_tokens": True, "expires_at": connect.now + 3600})

    wire.reset(say)
    http = Http(Nets.everything(), 20.0)
    return Vendor(http, wire.url, "inbound-worker", KEYS["inbound-worker"], clock=lambda: connect.now)

"""The page says whether Atlassian lets this app ask for addresses: found out, remembered for a day, never by API token."""

import pytest

from common.http import Http
from common.jira import JiraSites
from common.nets import Nets
from connect.email_api import EmailApi
from connect.site_view import Access
from connect.vending import OwnCredentials
from tests.connect.conftest import Connect
from tests.wire import Call, Reply, Wire


class Clock:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("status", "state"),
    [(200, "works"), (404, "works"), (400, "refused"), (403, "refused"), (401, "unknown"), (503, "unknown")],
)
def test_what_the_answer_means_and_how_long_it_counts(connect: Connect, wire: Wire, status: int, state: str) -> None:
    tenant = connect.tenant(connect.installed()).id
    rest, asked = wire.answer, []

    def answer(call: Call) -> Reply:
        if call.path.endswith("/user/email"):
            asked.append(call.query)
            return Reply(status, {"accountId": "the-app"})
        return rest(call)

    wire.answer = answer
    clock = Clock()
    source = OwnCredentials(connect.config, connect.store)
    http = Http(Nets(connect.config.settings.allow_networks), 5.0)
    api = EmailApi(JiraSites(http, source, connect.config.settings), clock)
    assert api.of(tenant, "connect", None) == Access("unknown", None)
    assert api.of(tenant, "token", "alice") == Access("unknown", None)
    assert asked == []
    for _ in range(2):
        assert api.of(tenant, "connect", "the-app") == Access(state, clock.now)
    assert asked == ["accountId=the-app"]
    clock.now += 700 if state == "unknown" else 86_401
    api.of(tenant, "connect", "the-app")
    assert len(asked) == 2
    http.close()

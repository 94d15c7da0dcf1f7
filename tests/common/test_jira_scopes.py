"""A 401 because of a missing scope is about one call; it must not cost the token that all other calls are made with."""

from collections.abc import Iterator

import pytest

from common.errors import Permanent, PersonRefused
from common.http import Http
from common.jira import JiraSites
from common.nets import Nets
from tests.common.test_jira import Known, settings
from tests.wire import Reply, Wire

NO_SCOPE = Reply(401, {"code": 401, "message": "Unauthorized; scope does not match"})


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with Wire(lambda _: NO_SCOPE) as server:
        yield server


def test_a_missing_scope_is_told_to_be_approved_and_the_token_kept(wire: Wire) -> None:
    known = Known(wire.url, "forge")
    site = JiraSites(Http(Nets.everything()), known, settings()).site("a-tenant")
    with pytest.raises(Permanent, match="scope does not match") as caught:
        site.myself()
    assert (caught.value.status, caught.value.remedy) == (
        403,
        "Approve the update of Mailbridge in Jira's Manage apps.",
    )
    with pytest.raises(Permanent):
        site.create_issue({"summary": "x"}, {})
    assert known.forgotten == []
    assert not issubclass(caught.type, PersonRefused)
    assert len(wire.calls) == 2

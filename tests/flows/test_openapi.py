"""Whatever is sent, no service breaks, and each answers as its OpenAPI document says: status, type and shape (schemathesis)."""

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.connect.jira_side import Atlassian
from tests.flows.tenant_data import SUP, connect_data, inbound_data, outbound_data, own_site
from tests.flows.three_services import BASE_URL, Services, services
from tests.wire import Wire

EXAMPLES = int(
    os.environ.get("OPENAPI_EXAMPLES", "12")
)  # for each operation, of what fits the document and of what does not
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
QUIETLY = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SERVICES = ("connect", "inbound", "outbound")


class World:
    """The services with two tenants, and what of them there is to name."""

    def __init__(self, made: Services, outside: str) -> None:
        self.made, self.outside = made, outside
        self.tenant = connect_data(made, outside, "a")
        self.own = own_site(made, outside)["own_tenant"]
        self.names = {"issue": "10100", "key": SUP["key"], **outbound_data(made, self.tenant)}
        self.counter = itertools.count()

    def prepare(self, case: Any) -> None:
        """Half of the cases name something that is there, by turns for both tenants; no host but this machine is asked."""
        number = next(self.counter)
        if number % 6 == 0:  # it may have been detached by the case before
            self.own = own_site(self.made, self.outside)["own_tenant"]
        if number % 2:
            fresh = inbound_data(self.made, self.tenant, SUP)
            id = fresh["mail" if "/mails/" in case.path else "mailbox"]
            known = {**self.names, "id": id}
            case.path_parameters = {
                name: known.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
        tenant = self.tenant if number % 4 < 2 else self.own
        case.headers.pop("X-Mailbridge-Session", None)
        case.headers.update(
            {"Authorization": f"Bearer {self.made.token(tenant)}", "X-Mailbridge-Page": "1", "Origin": BASE_URL}
        )
        if isinstance(case.body, dict):
            case.body.update({name: _near(value) for name, value in case.body.items() if name in ("host", "url")})


def _near(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9.-]+", value):
        return "127.0.0.1"
    return "http://127.0.0.1:1" if isinstance(value, str) and re.match(r"https?://", value) else value


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    with Wire(Atlassian()) as wire, services(folder, wire) as made:
        yield World(made, wire.url)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_answers_as_its_document_says(world: World, service: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_wsgi(f"/api/{service}/openapi.json", world.made.apps[service], config=_config())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 4
    sent, wrong = 0, []
    for operation in operations:

        @QUIETLY
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: Any) -> None:
            nonlocal sent
            world.prepare(case)
            case.call_and_validate(checks=CHECKS)
            sent += 1

        try:
            check()
        except Unsatisfiable:  # nothing can be wrong about a request that takes nothing
            assert mode is GenerationMode.NEGATIVE
        except FailureGroup as group:
            wrong.append(f"{operation.method.upper()} {operation.path}: {group}")
    assert wrong == [], "\n".join(wrong)
    assert sent >= len(operations)


def _config() -> SchemathesisConfig:
    generation = GenerationConfig(deterministic=True, with_security_parameters=False)
    return SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(generation=generation)))

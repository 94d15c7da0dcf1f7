"""Every object of every overlay is what its kind's strict schema knows, and the schemas notice what is wrong."""

import copy
from typing import Any

import pytest

from tests.deploy.manifests import HOW, OVERLAYS, Object, named, render, secrets_template, title
from tests.deploy.schemas import problems

ALL = [(overlay, one) for overlay in OVERLAYS for one in render(overlay)]


@pytest.mark.parametrize(("overlay", "one"), ALL, ids=[f"{overlay}: {title(one)}" for overlay, one in ALL])
def test_an_object_keeps_to_its_schema(overlay: str, one: Object) -> None:
    assert problems(one) == [], HOW


def test_the_template_of_the_secrets_keeps_to_its_schema() -> None:
    assert [problem for one in secrets_template() for problem in problems(one)] == []


def test_an_unknown_kind_is_a_problem() -> None:
    (problem, _) = problems({"apiVersion": "example.com/v1", "kind": "Wish", "metadata": {"name": "x"}})
    assert "knows no Wish" in problem


def test_a_misspelt_or_mistyped_field_is_a_problem() -> None:
    deployment = copy.deepcopy(named(render("single-node"), "Deployment", "connect-web"))
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["readynessProbe"] = container.pop("readinessProbe")
    assert any("readynessProbe" in problem for problem in problems(deployment))
    deployment = copy.deepcopy(named(render("single-node"), "Deployment", "connect-web"))
    deployment["spec"]["replicas"] = "one"
    assert any("replicas" in problem for problem in problems(deployment))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["spec", "triggers", 0, "metadata", "mode"], "QueueLenght"),
        (["spec", "triggers", 0, "metadata", "value"], 10),
        (["spec", "triggers", 0, "metadata", "queueLength"], "10"),
        (["spec", "triggers", 0, "metadata", "queueName"], "inbound-mail-received"),
        (["spec", "triggers", 0, "type"], "rabbit"),
        (["spec", "triggers", 0, "authenticationReference"], {"name": "rabbitmq"}),
        (["spec", "maxReplicas"], 4),
        (["spec", "minReplicaCount"], "two"),
        (["spec", "scaleTargetRef"], {}),
    ],
)
def test_a_mistake_in_a_scaled_object_is_a_problem(path: list[Any], value: object) -> None:
    scaled = copy.deepcopy(named(render("production"), "ScaledObject", "inbound-worker"))
    place: Any = scaled
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert problems(scaled) != []


@pytest.mark.parametrize(
    ("kind", "name", "field"),
    [
        ("RabbitmqCluster", "rabbitmq", "replica"),
        ("Cluster", "postgres", "instance"),
        ("Database", "connect", "database"),
    ],
)
def test_a_misspelt_field_of_an_operators_kind_is_a_problem(kind: str, name: str, field: str) -> None:
    wrong = copy.deepcopy(named(render("production"), kind, name))
    wrong["spec"][field] = 3
    assert problems(wrong) != []

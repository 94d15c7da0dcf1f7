"""Strict schemas for what the manifests hold: a field that a schema does not know is an error, and so is a kind nobody knows.

Core kinds by kubernetes-validate; KEDA's objects by the schemas in cloudcoil-models-keda, closed; the other operators' kinds and
the metadata of KEDA's rabbitmq trigger (which no schema of theirs covers) by small closed schemas of our own, which know the
fields we use. Sources: https://keda.sh/docs/2.16/scalers/rabbitmq-queue/, https://cloudnative-pg.io/docs/ (API reference),
https://www.rabbitmq.com/kubernetes/operator/using-operator, https://prometheus-operator.dev/docs/api-reference/api/.
"""

from functools import lru_cache
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]
from cloudcoil.models.keda import v1alpha1 as keda

from tests.deploy.manifests import Object

#: The oldest Kubernetes we speak to: the first whose Deployments may sleep before they stop without a shell (PodLifecycleSleepAction).
OLDEST, NEWEST = "1.30", "1.37"

Schema = dict[str, Any]


def problems(one: Object) -> list[str]:
    """What is wrong with an object, in its schemas' words."""
    schema = _own(one["apiVersion"], one["kind"])
    if schema is not None:
        errors = jsonschema.Draft202012Validator(schema).iter_errors(one)
        return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors] + _trigger_problems(
            one
        )
    found = []
    for version in (OLDEST, NEWEST):
        try:
            kubernetes_validate.validate(one, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            found.append(f"Kubernetes {version}: {'.'.join(map(str, error.path))}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError:
            found.append(f"Kubernetes {version} knows no {one['kind']} of {one['apiVersion']}, and neither do we")
    return found


def _trigger_problems(one: Object) -> list[str]:
    if one["kind"] != "ScaledObject":
        return []
    validator = jsonschema.Draft202012Validator(RABBITMQ_TRIGGER)
    return [
        f"trigger {number}: {error.message}"
        for number, trigger in enumerate(one["spec"].get("triggers", []))
        for error in validator.iter_errors(trigger)
    ]


@lru_cache
def _own(api_version: str, kind: str) -> Schema | None:
    if api_version == "keda.sh/v1alpha1" and kind in ("ScaledObject", "TriggerAuthentication"):
        schema: Schema = _closed(getattr(keda, kind).model_json_schema(by_alias=True))
        return schema
    return OPERATORS.get((api_version, kind))


def _closed(schema: Any) -> Any:
    """The schema with every object of known fields closed to others."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            _closed(part)
    elif isinstance(schema, list):
        for part in schema:
            _closed(part)
    return schema


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": sorted(required),
        "additionalProperties": False,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1}


def _kind(api_version: str, kind: str, spec: Schema) -> Schema:
    metadata = _object({"name": NAME}, {"namespace": NAME, "labels": TEXTS, "annotations": TEXTS})
    return _object({"apiVersion": {"const": api_version}, "kind": {"const": kind}, "metadata": metadata, "spec": spec})


TEXT = {"type": "string", "minLength": 1}
NAME = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
COUNT = {"type": "integer", "minimum": 1}
SIZE = {"type": "string", "pattern": "^[0-9]+(Mi|Gi|Ti)$"}
DURATION = {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"}
AMOUNTS = {
    "type": "object",
    "properties": {"cpu": {"type": "string", "pattern": "^[0-9]+m?$"}, "memory": SIZE},
    "required": ["cpu", "memory"],
    "additionalProperties": False,
}
RESOURCES = _object({"requests": AMOUNTS, "limits": AMOUNTS})
SELECTOR = _object(
    {},
    {
        "matchLabels": TEXTS,
        "matchExpressions": _list(
            _object(
                {"key": TEXT, "operator": {"enum": ["In", "NotIn", "Exists", "DoesNotExist"]}}, {"values": _list(TEXT)}
            )
        ),
    },
)

CONTAINERS = _list(
    _object(
        {"name": NAME},
        {
            "securityContext": _object(
                {},
                {
                    "allowPrivilegeEscalation": {"type": "boolean"},
                    "readOnlyRootFilesystem": {"type": "boolean"},
                    "capabilities": _object({"drop": _list(TEXT)}),
                },
            )
        },
    )
)
#: What we override in the pods of an operator's StatefulSet.
POD = _object(
    {"containers": CONTAINERS},
    {
        "initContainers": CONTAINERS,
        "securityContext": _object(
            {"runAsUser": COUNT, "runAsGroup": COUNT, "fsGroup": COUNT},
            {"runAsNonRoot": {"type": "boolean"}, "seccompProfile": _object({"type": TEXT})},
        ),
    },
)

#: Every value of a trigger's metadata is text; numbers in quotes.
RABBITMQ_TRIGGER = _object(
    {
        "type": {"const": "rabbitmq"},
        "metadata": _object(
            {
                "queueName": {"type": "string", "pattern": r"^(connect|inbound|outbound)\.[a-z]+\.[a-z]+$"},
                "mode": {"const": "QueueLength"},
                "value": {"type": "string", "pattern": r"^[1-9][0-9]*$"},
            },
            {
                "protocol": {"enum": ["amqp", "http", "auto"]},
                "activationValue": {"type": "string", "pattern": r"^[0-9]+$"},
                "vhostName": TEXT,
                "unsafeSsl": {"enum": ["true", "false"]},
            },
        ),
        "authenticationRef": _object({"name": NAME}),
    },
    {"name": NAME, "metricType": {"enum": ["AverageValue", "Value"]}},
)

OPERATORS: dict[tuple[str, str], Schema] = {
    (schema["properties"]["apiVersion"]["const"], schema["properties"]["kind"]["const"]): schema
    for schema in (
        _kind(
            "rabbitmq.com/v1beta1",
            "RabbitmqCluster",
            _object(
                {
                    "replicas": {"enum": [1, 3, 5, 7]},
                    "persistence": _object({"storage": SIZE}, {"storageClassName": NAME}),
                },
                {
                    "image": TEXT,
                    "resources": RESOURCES,
                    "rabbitmq": _object({}, {"additionalConfig": TEXT, "additionalPlugins": _list(TEXT)}),
                    "override": _object(
                        {"statefulSet": _object({"spec": _object({"template": _object({"spec": POD})})})}
                    ),
                },
            ),
        ),
        _kind(
            "postgresql.cnpg.io/v1",
            "Cluster",
            _object(
                {"instances": COUNT, "storage": _object({"size": SIZE}, {"storageClass": NAME})},
                {
                    "imageName": TEXT,
                    "inheritedMetadata": _object({}, {"labels": TEXTS, "annotations": TEXTS}),
                    "resources": RESOURCES,
                    "postgresql": _object(
                        {},
                        {
                            "parameters": TEXTS,
                            "synchronous": _object({"method": {"enum": ["any", "first"]}, "number": COUNT}),
                        },
                    ),
                    "managed": _object(
                        {
                            "roles": _list(
                                _object(
                                    {"name": NAME, "passwordSecret": _object({"name": NAME})},
                                    {"ensure": {"enum": ["present", "absent"]}, "login": {"type": "boolean"}},
                                )
                            )
                        }
                    ),
                },
            ),
        ),
        _kind(
            "postgresql.cnpg.io/v1",
            "Database",
            _object({"name": NAME, "owner": NAME, "cluster": _object({"name": NAME})}),
        ),
        _kind(
            "monitoring.coreos.com/v1",
            "PodMonitor",
            _object(
                {
                    "selector": SELECTOR,
                    "podMetricsEndpoints": _list(_object({"port": NAME}, {"path": TEXT, "interval": DURATION})),
                }
            ),
        ),
        _kind(
            "monitoring.coreos.com/v1",
            "PrometheusRule",
            _object(
                {
                    "groups": _list(
                        _object(
                            {
                                "name": TEXT,
                                "rules": _list(
                                    _object(
                                        {"alert": TEXT, "expr": TEXT},
                                        {"for": DURATION, "labels": TEXTS, "annotations": TEXTS},
                                    )
                                ),
                            }
                        )
                    )
                }
            ),
        ),
    )
}

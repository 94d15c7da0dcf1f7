"""What we ask of our manifests beyond their schemas: a sentence each, as the test's name."""

import re
from collections.abc import Callable

import pytest

from common import metrics, process
from common.amqp_topology import queue_name
from common.db_engine import POOL, RUSH
from common.messages import TOPICS
from tests.architecture.source import ROOT as REPOSITORY
from tests.architecture.source import settings_table
from tests.deploy.image import read_image
from tests.deploy.manifests import (
    KUBECTL,
    OVERLAYS,
    Object,
    containers,
    labels_of_pod,
    named,
    of_kind,
    ours,
    pod,
    render,
    secrets_template,
    title,
    workloads,
)

#: The seven processes of the design and the flags they have in common.
COMMANDS = {
    "connect-web": "connect.app:create_app()",
    "connect-worker": "connect.worker",
    "inbound-web": "inbound.app:create_app()",
    "inbound-fetcher": "inbound.fetcher",
    "inbound-worker": "inbound.worker",
    "outbound-web": "outbound.app:create_app()",
    "outbound-worker": "outbound.worker",
}
CONNECTIONS = POOL + RUSH + 1  # of one process to the database: its pool at its largest, and the listener

needs_kubectl = pytest.mark.skipif(
    not KUBECTL, reason="replicas and patches are applied by kubectl kustomize, which is not here"
)


@pytest.fixture(params=OVERLAYS)
def objects(request: pytest.FixtureRequest) -> tuple[Object, ...]:
    """Every object of an overlay, for each overlay."""
    return render(request.param)


def breakers(objects: tuple[Object, ...], fine: Callable[[Object, Object], bool]) -> list[str]:
    """The containers (with their workload) that are not fine."""
    rows = [(workload, container) for workload in workloads(objects) for container in containers(workload)]
    assert len(rows) >= 10
    return [f"{title(workload)}: {container['name']}" for workload, container in rows if not fine(workload, container)]


def test_each_process_of_the_design_is_a_deployment_and_nothing_else_is(objects: tuple[Object, ...]) -> None:
    found = {one["metadata"]["name"]: containers(one)[0]["command"] for one in of_kind(objects, "Deployment")}
    assert {name: command[-1] for name, command in found.items()} == COMMANDS
    for name, command in found.items():
        assert command[0] == ("gunicorn" if name.endswith("-web") else "python")


def test_a_web_process_is_started_as_its_image_starts_it(objects: tuple[Object, ...]) -> None:
    for service in ("connect", "inbound", "outbound"):
        command = containers(named(objects, "Deployment", f"{service}-web"))[0]["command"]
        assert tuple(command) == read_image(service).command


def test_each_service_has_a_job_that_migrates_its_tables(objects: tuple[Object, ...]) -> None:
    commands = [containers(one)[0]["command"] for one in of_kind(objects, "Job")]
    assert commands == [["python", "-m", f"{service}.migrate"] for service in ("connect", "inbound", "outbound")]


def test_a_pod_runs_the_image_of_its_own_service(objects: tuple[Object, ...]) -> None:
    for one in ours(objects):
        service = containers(one)[0]["command"][-1].partition(".")[0]
        assert containers(one)[0]["image"].split(":")[0].endswith(f"mailbridge/{service}")


def test_nobody_runs_as_root(objects: tuple[Object, ...]) -> None:
    for one in workloads(objects):
        security = pod(one)["securityContext"]
        assert security["runAsNonRoot"] is True and security["runAsUser"] > 0 and security["runAsGroup"] > 0, title(one)


def test_our_pods_run_as_the_user_of_their_image(objects: tuple[Object, ...]) -> None:
    for one in ours(objects):
        image = read_image(containers(one)[0]["image"].split(":")[0].rpartition("/")[2])
        security = pod(one)["securityContext"]
        assert image.user == f"{security['runAsUser']}:{security['runAsGroup']}"


def test_the_root_file_system_is_read_only(objects: tuple[Object, ...]) -> None:
    assert breakers(objects, lambda _, one: one["securityContext"]["readOnlyRootFilesystem"] is True) == []


def test_tmp_is_an_empty_directory_of_limited_size(objects: tuple[Object, ...]) -> None:
    def fine(workload: Object, container: Object) -> bool:
        names = [mount["name"] for mount in container["volumeMounts"] if mount["mountPath"] == "/tmp"]
        volumes = {volume["name"]: volume for volume in pod(workload)["volumes"]}
        return len(names) == 1 and "sizeLimit" in volumes[names[0]]["emptyDir"]

    assert breakers(objects, fine) == []


def test_every_capability_is_dropped_and_none_can_be_gained(objects: tuple[Object, ...]) -> None:
    def fine(_: Object, one: Object) -> bool:
        security = one["securityContext"]
        return security["capabilities"] == {"drop": ["ALL"]} and security["allowPrivilegeEscalation"] is False

    assert breakers(objects, fine) == []


def test_system_calls_are_filtered(objects: tuple[Object, ...]) -> None:
    for one in workloads(objects):
        assert pod(one)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, title(one)


def test_no_pod_shares_anything_with_its_node(objects: tuple[Object, ...]) -> None:
    for one in workloads(objects):
        assert not pod(one).keys() & {"hostNetwork", "hostPID", "hostIPC"}, title(one)
        assert not [volume for volume in pod(one).get("volumes", []) if "hostPath" in volume], title(one)


def test_no_pod_has_a_token_for_the_kubernetes_api(objects: tuple[Object, ...]) -> None:
    for one in workloads(objects):
        assert pod(one)["automountServiceAccountToken"] is False, title(one)


def test_everything_has_requests_and_limits_of_processor_and_memory(objects: tuple[Object, ...]) -> None:
    def fine(_: Object, one: Object) -> bool:
        return all(one["resources"][kind].keys() >= {"cpu", "memory"} for kind in ("requests", "limits"))

    assert breakers(objects, fine) == []


def test_an_image_has_a_tag_that_does_not_move(objects: tuple[Object, ...]) -> None:
    def fine(_: Object, one: Object) -> bool:
        return re.search(r":\d+\.\d+[\w.-]*$", one["image"]) is not None

    if KUBECTL:
        assert breakers(objects, fine) == []


def test_every_process_has_three_probes_at_a_port_it_has(objects: tuple[Object, ...]) -> None:
    for one in of_kind(objects, "Deployment"):
        (container,) = containers(one)
        names = {port["name"] for port in container["ports"]}
        paths = {}
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            get = container[kind]["httpGet"]
            assert get["port"] in names, title(one)
            paths[kind] = get["path"]
        # Liveness never asks for anybody else: a dead database must not restart all that wait for it.
        assert paths == {"startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}, title(
            one
        )


def test_a_process_may_take_its_grace_period_before_it_is_killed(objects: tuple[Object, ...]) -> None:
    for one in of_kind(objects, "Deployment"):
        (container,) = containers(one)
        before = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        gunicorn = [word for word in container["command"] if word.startswith("--graceful-timeout=")]
        own = (
            int(gunicorn[0].partition("=")[2]) if gunicorn else process.GRACE + 2
        )  # the last resort of common/process.py
        assert pod(one)["terminationGracePeriodSeconds"] >= before + own + 3, title(one)


def test_a_web_process_goes_on_for_a_moment_after_it_is_told_to_stop(objects: tuple[Object, ...]) -> None:
    for one in of_kind(objects, "Deployment"):
        if one["metadata"]["name"].endswith("-web"):
            assert containers(one)[0]["lifecycle"]["preStop"]["sleep"]["seconds"] >= 5


def test_a_rollout_takes_no_process_away_before_the_next_is_ready(objects: tuple[Object, ...]) -> None:
    for one in of_kind(objects, "Deployment"):
        assert one["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}, title(one)


def test_every_deployment_has_a_disruption_budget_that_lets_a_node_be_drained(objects: tuple[Object, ...]) -> None:
    budgets = {one["metadata"]["name"]: one["spec"] for one in of_kind(objects, "PodDisruptionBudget")}
    for one in of_kind(objects, "Deployment"):
        budget = budgets.pop(one["metadata"]["name"])
        assert budget["selector"]["matchLabels"].items() <= labels_of_pod(one).items()
        assert budget["maxUnavailable"] == 1 and "minAvailable" not in budget
    assert budgets == {}


def test_every_selector_selects_the_pods_of_its_own_workload_only(objects: tuple[Object, ...]) -> None:
    for one in of_kind(objects, "Deployment", "StatefulSet"):
        selector = one["spec"]["selector"]["matchLabels"]
        assert [title(other) for other in workloads(objects) if selector.items() <= labels_of_pod(other).items()] == [
            title(one)
        ]


def test_every_service_leads_to_a_port_of_exactly_one_workload(objects: tuple[Object, ...]) -> None:
    for one in of_kind(objects, "Service"):
        if one["metadata"]["name"] == "closed":
            assert "selector" not in one["spec"]
            continue
        selector = one["spec"]["selector"]
        found = [other for other in workloads(objects) if selector.items() <= labels_of_pod(other).items()]
        assert len(found) == 1, title(one)
        ports = {port["name"] for port in containers(found[0])[0]["ports"]}
        assert {port["targetPort"] for port in one["spec"]["ports"]} <= ports, title(one)


def test_a_secret_is_a_mounted_file_and_never_a_variable(objects: tuple[Object, ...]) -> None:
    def fine(_: Object, one: Object) -> bool:
        secretive = re.compile("KEY|SECRET|PASSWORD|DATABASE_URL|BROKER_URL|TOKEN")
        plain = [
            entry["name"]
            for entry in one.get("env", [])
            if secretive.search(entry["name"]) and not entry.get("value", "").startswith("/etc/")
        ]
        references = [entry for entry in one.get("env", []) if "secretKeyRef" in entry.get("valueFrom", {})]
        return not plain and not references and not [entry for entry in one.get("envFrom", []) if "secretRef" in entry]

    assert breakers(objects, fine) == []
    for one in of_kind(objects, "ConfigMap"):
        assert not [name for name in one["data"] if re.search("KEY$|SECRET|PASSWORD|DATABASE_URL|BROKER_URL", name)]


def test_every_file_that_a_setting_names_is_mounted_from_a_secret_of_the_template(objects: tuple[Object, ...]) -> None:
    known = {one["metadata"]["name"]: set(one["stringData"]) for one in secrets_template()}
    for one in workloads(objects):
        files = set()
        volumes = {volume["name"]: volume for volume in pod(one)["volumes"]}
        for mount in containers(one)[0]["volumeMounts"]:
            secret = volumes.get(mount["name"], {}).get("secret")
            if secret is None:
                continue
            assert mount["readOnly"] is True and secret["defaultMode"] == 0o440, title(one)
            items = secret.get("items") or [{"key": key, "path": key} for key in known[secret["secretName"]]]
            assert {item["key"] for item in items} <= known[secret["secretName"]], title(one)
            files |= {f"{mount['mountPath']}/{item['path']}" for item in items}
        named_files = {entry["value"] for entry in containers(one)[0].get("env", []) if entry["name"].endswith("_FILE")}
        assert named_files <= files, title(one)
        if one in ours(objects):
            assert named_files == files, f"{title(one)} mounts a secret that it does not read"


def test_only_the_workers_and_connect_hold_keys_to_jiras_credentials(objects: tuple[Object, ...]) -> None:
    holders = {
        one["metadata"]["name"]: sorted(
            entry["name"] for entry in containers(one)[0]["env"] if "ROLE_KEY" in entry["name"]
        )
        for one in ours(objects)
    }
    both = ["MAILBRIDGE_ROLE_KEY_INBOUND_FILE", "MAILBRIDGE_ROLE_KEY_OUTBOUND_FILE"]
    own = ["MAILBRIDGE_ROLE_KEY_FILE"]
    assert {name: keys for name, keys in holders.items() if keys} == {
        "connect-web": both, "connect-worker": both, "inbound-worker": own, "outbound-worker": own,
    }  # fmt: skip


def test_the_template_of_the_secrets_holds_no_secret() -> None:
    for one in secrets_template():
        for name, text in one["stringData"].items():
            assert name == "username" or "CHANGE-ME" in text, f"{title(one)} {name}"


def test_every_setting_is_one_that_the_readme_knows(objects: tuple[Object, ...]) -> None:
    known = settings_table((REPOSITORY / "README.md").read_text(encoding="utf-8"))
    given = set(named(objects, "ConfigMap", "mailbridge")["data"])
    for one in ours(objects):
        given |= {entry["name"].removesuffix("_FILE") for entry in containers(one)[0].get("env", [])}
    assert given - known == set()


def test_the_ingress_speaks_tls_with_the_host_of_the_base_url(objects: tuple[Object, ...]) -> None:
    base = named(objects, "ConfigMap", "mailbridge")["data"]["MAILBRIDGE_BASE_URL"]
    for one in of_kind(objects, "Ingress"):
        (rule,) = one["spec"]["rules"]
        assert base == f"https://{rule['host']}"
        assert one["spec"]["tls"] == [{"hosts": [rule["host"]], "secretName": "mailbridge-tls"}]


def test_everything_is_in_the_namespace_whose_pods_are_held_to_the_restricted_standard(
    objects: tuple[Object, ...],
) -> None:
    (namespace,) = of_kind(objects, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    if KUBECTL:
        others = [one for one in objects if one["kind"] != "Namespace"]
        assert {one["metadata"]["namespace"] for one in others} == {namespace["metadata"]["name"]}


def test_the_database_takes_every_connection_of_the_largest_scale_and_of_a_rollout(objects: tuple[Object, ...]) -> None:
    most = {
        one["spec"]["scaleTargetRef"]["name"]: one["spec"]["maxReplicaCount"]
        for one in of_kind(objects, "ScaledObject")
    }
    processes = 0
    for one in of_kind(objects, "Deployment"):
        surge = one["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
        processes += most.get(one["metadata"]["name"], one["spec"].get("replicas", 1)) + surge
    needed = processes * CONNECTIONS + len(of_kind(objects, "Job"))
    assert needed <= _max_connections(objects)


@needs_kubectl
def test_no_number_of_replicas_is_given_twice(objects: tuple[Object, ...]) -> None:
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in of_kind(objects, "ScaledObject")}
    for one in of_kind(objects, "Deployment"):
        assert ("replicas" in one["spec"]) == (one["metadata"]["name"] not in scaled), title(one)


def test_a_worker_is_scaled_by_the_queues_that_its_service_has_and_by_all_of_them() -> None:
    scaled = of_kind(render("production"), "ScaledObject")
    assert {one["spec"]["scaleTargetRef"]["name"] for one in scaled} == {"inbound-worker", "outbound-worker"}
    for one in scaled:
        service = one["spec"]["scaleTargetRef"]["name"].partition("-")[0]
        # A tenant's coming and going, and a person's erasure, are too rare to scale by.
        rare = ("tenant", "erasure", "erased")
        heard = [topic.name for topic in TOPICS.values() if service in topic.receivers]
        topics = [name for name in heard if not any(word in name for word in rare)]
        queues = [trigger["metadata"]["queueName"] for trigger in one["spec"]["triggers"]]
        assert sorted(queues) == sorted(queue_name(service, topic) for topic in topics)


def test_no_worker_is_scaled_to_none_for_it_carries_the_outbox() -> None:
    for one in of_kind(render("production"), "ScaledObject"):
        assert one["spec"]["minReplicaCount"] >= 2 and "idleReplicaCount" not in one["spec"]


def test_keda_reads_the_address_of_the_broker_from_the_same_secret_as_the_workers() -> None:
    objects = render("production")
    (reference,) = named(objects, "TriggerAuthentication", "rabbitmq")["spec"]["secretTargetRef"]
    volumes = {one["name"]: one for one in pod(named(objects, "Deployment", "inbound-worker"))["volumes"]}
    secret = volumes["broker"]["secret"]
    assert reference == {"parameter": "host", "name": secret["secretName"], "key": secret["items"][0]["key"]}
    for scaled in of_kind(objects, "ScaledObject"):
        assert {trigger["authenticationRef"]["name"] for trigger in scaled["spec"]["triggers"]} == {"rabbitmq"}


def test_production_runs_the_very_pods_that_are_lived_on_the_single_node() -> None:
    """tests/deploy/test_lived.py starts those of the overlay single-node; the settings' map differs by its hash only."""

    def pods(overlay: str) -> dict[str, str]:
        return {
            title(one): re.sub(r"'mailbridge-\w{10}'", "'mailbridge'", str(pod(one))) for one in ours(render(overlay))
        }

    assert pods("production") == pods("single-node")


@needs_kubectl
def test_in_production_no_web_process_fetcher_or_worker_is_alone() -> None:
    objects = render("production")
    least = {
        one["spec"]["scaleTargetRef"]["name"]: one["spec"]["minReplicaCount"]
        for one in of_kind(objects, "ScaledObject")
    }
    for one in of_kind(objects, "Deployment"):
        assert one["spec"].get("replicas", least.get(one["metadata"]["name"])) >= 2, title(one)
        assert pod(one)["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"


def test_what_the_rabbitmq_operator_makes_keeps_to_the_restricted_standard_too() -> None:
    """CloudNativePG's pods do by themselves; the RabbitMQ Cluster Operator's only when told (its containers by their names)."""
    override = named(render("production"), "RabbitmqCluster", "rabbitmq")["spec"]["override"]
    spec = override["statefulSet"]["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    both = {one["name"]: one["securityContext"] for one in (*spec["initContainers"], *spec["containers"])}
    assert both.keys() == {"setup-container", "rabbitmq"}
    for security in both.values():
        assert security["capabilities"] == {"drop": ["ALL"]} and security["allowPrivilegeEscalation"] is False


def test_in_production_each_service_has_a_database_and_a_role_of_its_own() -> None:
    objects = render("production")
    cluster = named(objects, "Cluster", "postgres")
    template = {one["metadata"]["name"]: one for one in secrets_template()}
    for service in ("connect", "inbound", "outbound"):
        assert named(objects, "Database", service)["spec"] == {
            "name": service, "owner": service, "cluster": {"name": "postgres"},
        }  # fmt: skip
        (role,) = (role for role in cluster["spec"]["managed"]["roles"] if role["name"] == service)
        secret = template[role["passwordSecret"]["name"]]
        assert secret["type"] == "kubernetes.io/basic-auth" and secret["stringData"]["username"] == service


def test_an_alert_asks_only_for_metrics_that_there_are() -> None:
    known = {sample.name for metric in metrics.REGISTRY.collect() for sample in metric.samples}
    known |= {metric.name for metric in metrics.REGISTRY.collect()}
    known |= {f"{name}_bucket" for name in known} | {f"{name}_total" for name in known}
    for group in named(render("production"), "PrometheusRule", "mailbridge")["spec"]["groups"]:
        for rule in group["rules"]:
            assert set(re.findall(r"\bmailbridge_\w+", rule["expr"])) <= known, rule["alert"]


def test_prometheus_reads_every_process_and_no_job() -> None:
    objects = render("production")
    (monitor,) = of_kind(objects, "PodMonitor")
    ports = {endpoint["port"] for endpoint in monitor["spec"]["podMetricsEndpoints"]}
    assert {endpoint["path"] for endpoint in monitor["spec"]["podMetricsEndpoints"]} == {"/metrics"}
    for one in of_kind(objects, "Deployment"):
        assert {port["name"] for port in containers(one)[0]["ports"]} <= ports
    (closed_to,) = (row for row in monitor["spec"]["selector"]["matchExpressions"] if row["operator"] == "NotIn")
    jobs = {labels_of_pod(one)["app.kubernetes.io/component"] for one in of_kind(objects, "Job")}
    assert set(closed_to["values"]) == jobs


def _max_connections(objects: tuple[Object, ...]) -> int:
    clusters = of_kind(objects, "Cluster")
    if clusters:
        return int(clusters[0]["spec"]["postgresql"]["parameters"]["max_connections"])
    words = containers(named(objects, "StatefulSet", "postgres"))[0]["args"]
    return int(next(word for word in words if word.startswith("max_connections=")).partition("=")[2])

"""Who reaches whom: the flows of the design as a table, and nothing else through the NetworkPolicies."""

from itertools import product

import pytest

from tests.deploy.flows import End, allowed, pod_end
from tests.deploy.manifests import Object, labels_of_pod, of_kind, ours, render, workloads

NAMESPACE = "mailbridge"
WEB = {"connect-web", "inbound-web", "outbound-web"}
WORKERS = {"connect-worker", "inbound-worker", "outbound-worker"}
PROCESSES = WEB | WORKERS | {"inbound-fetcher"}
JOBS = {"migrate-connect", "migrate-inbound", "migrate-outbound"}
TCP = (22, 25, 53, 80, 143, 443, 465, 587, 993, 2525, 4369, 5432, 5672, 6443, 8000, 8080, 9090, 15672, 25672)

Flow = tuple[str, str, str, int]


def flows(senders: set[str], receiver: str, *ports: int, protocol: str = "TCP") -> set[Flow]:
    """The table's rows for these senders."""
    return {(sender, receiver, protocol, port) for sender in senders for port in ports}


#: The design: web processes ask connect for keys, workers for credentials; all use PostgreSQL; who has a relay or a consumer uses
#: RabbitMQ; who speaks to Jira, to mailboxes and to outgoing servers does so at public addresses; names are looked up.
DESIGN = (
    flows({"ingress"}, "connect-web", 8080)
    | flows({"ingress"}, "inbound-web", 8080)
    | flows({"ingress"}, "outbound-web", 8080)
    | flows({"inbound-web", "outbound-web", "inbound-worker", "outbound-worker"}, "connect-web", 8080)
    | flows(PROCESSES | JOBS, "postgres", 5432)
    | flows(WORKERS | {"inbound-fetcher"}, "rabbitmq", 5672)
    | flows({"connect-web"} | WORKERS, "public", 443)
    | flows({"inbound-web", "inbound-fetcher"}, "public", 143, 993)
    | flows({"outbound-web", "outbound-worker"}, "public", 25, 465, 587, 2525)
    | flows(PROCESSES | JOBS, "names", 53)
    | flows(PROCESSES | JOBS, "names", 53, protocol="UDP")
)
#: Besides in production: KEDA and Prometheus, and what the operators' own pods need.
MONITORED = {("monitoring", name, "TCP", port) for name in PROCESSES | JOBS for port in (8080, 9090)}
STORES = (
    flows({"keda"}, "rabbitmq", 5672)
    | flows({"rabbitmq-operator"}, "rabbitmq", 15672)
    | flows({"rabbitmq"}, "rabbitmq", 4369, 25672)
    | flows({"postgres-operator"}, "postgres", 5432, 8000)
    | flows({"postgres"}, "postgres", 5432, 8000)
    | flows({"rabbitmq", "postgres"}, "names", 53)
    | flows({"rabbitmq", "postgres"}, "names", 53, protocol="UDP")
)
#: The stores' operators' pods talk to the API server, which no selector names: these ports are open to whoever is outside.
OUTSIDE = (
    "public",
    "public6",
    "inside",
    "metadata",
    "stranger",
    "ingress",
    "names",
    "other-system-pod",
    "keda",
    "monitoring",
)
API_SERVER = {
    (store, name, "TCP", port)
    for store in ("rabbitmq", "postgres")
    for name in (*OUTSIDE, "rabbitmq-operator", "postgres-operator")
    for port in (443, 6443)
}


def ends(objects: tuple[Object, ...]) -> list[End]:
    """Everybody there is: our pods as the manifests label them, the stores, those in other namespaces, addresses outside."""
    found = [pod_end(one["metadata"]["name"], NAMESPACE, labels_of_pod(one)) for one in workloads(objects)]
    known = {end.name for end in found}
    stores = {
        # As the operators label them: CloudNativePG by inheritedMetadata, the RabbitMQ Cluster Operator by the cluster's name.
        "postgres": {"cnpg.io/cluster": "postgres", **_inherited(objects)},
        "rabbitmq": {"app.kubernetes.io/name": "rabbitmq", "app.kubernetes.io/component": "rabbitmq"},
    }
    found += [pod_end(name, NAMESPACE, labels) for name, labels in stores.items() if name not in known]
    return [
        *found,
        pod_end("stranger-inside", NAMESPACE, {"app": "stranger"}),
        pod_end(
            "stranger",
            "default",
            {"app.kubernetes.io/name": "mailbridge", "app.kubernetes.io/component": "connect-worker"},
        ),
        pod_end("ingress", "ingress-nginx", {"app.kubernetes.io/name": "ingress-nginx"}),
        pod_end("names", "kube-system", {"k8s-app": "kube-dns"}),
        pod_end("other-system-pod", "kube-system", {"k8s-app": "metrics-server"}),
        pod_end("keda", "keda", {"app": "keda-operator"}),
        pod_end("monitoring", "monitoring", {"app.kubernetes.io/name": "prometheus"}),
        pod_end("rabbitmq-operator", "rabbitmq-system", {"app.kubernetes.io/name": "rabbitmq-cluster-operator"}),
        pod_end("postgres-operator", "cnpg-system", {"app.kubernetes.io/name": "cloudnative-pg"}),
        End("public", address="104.192.142.10"),
        End("public6", address="2401:1d80:3000::1"),
        End("inside", address="10.1.2.3"),
        End("metadata", address="169.254.169.254"),
    ]


def seen(objects: tuple[Object, ...]) -> set[Flow]:
    """Every flow that begins or ends at a pod of ours or a store and is let through. public6 is public, once seen to be the same."""
    policies = of_kind(objects, "NetworkPolicy")
    everybody = ends(objects)
    found: set[Flow] = set()
    for sender, receiver in product(everybody, everybody):
        if NAMESPACE not in (sender.namespace, receiver.namespace) or (sender is receiver and sender.name in PROCESSES):
            continue
        for protocol, ports in (("TCP", TCP), ("UDP", (53, 123))):
            for port in ports:
                if allowed(policies, NAMESPACE, sender, receiver, protocol, port):
                    found.add((sender.name, receiver.name, protocol, port))
    return found


def test_on_a_single_node_exactly_the_flows_of_the_design_are_open() -> None:
    both = DESIGN | {(sender, "public6", *rest) for sender, receiver, *rest in DESIGN if receiver == "public"}
    assert seen(render("single-node")) ^ both == set()


def test_in_production_only_the_operators_and_the_monitoring_come_in_besides() -> None:
    both = DESIGN | {(sender, "public6", *rest) for sender, receiver, *rest in DESIGN if receiver == "public"}
    assert seen(render("production")) ^ (both | MONITORED | STORES | API_SERVER) == set()


@pytest.mark.parametrize("overlay", ["single-node", "production"])
def test_every_pod_of_ours_is_selected_by_the_policy_that_denies(overlay: str) -> None:
    (deny,) = (one for one in of_kind(render(overlay), "NetworkPolicy") if one["metadata"]["name"] == "default-deny")
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert len(ours(render(overlay))) == len(PROCESSES | JOBS)


def _inherited(objects: tuple[Object, ...]) -> dict[str, str]:
    clusters = of_kind(objects, "Cluster")
    labels: dict[str, str] = clusters[0]["spec"]["inheritedMetadata"]["labels"] if clusters else {}
    return labels

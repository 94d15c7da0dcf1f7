"""What NetworkPolicies allow, computed as Kubernetes defines it: https://kubernetes.io/docs/concepts/services-networking/network-policies/.

A flow is allowed when the sender's egress and the receiver's ingress both allow it; a pod that no policy of a direction selects is
open in that direction. Only what our policies use is understood; anything else is an error.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Policy = Mapping[str, Any]


@dataclass(frozen=True)
class End:
    """One end of a flow: a pod by its namespace and labels, or (labels None) an address outside the cluster."""

    name: str
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] | None = None
    address: str = ""

    def has(self, selector: Mapping[str, Any]) -> bool:
        """True if the label selector takes this pod."""
        return _takes(selector, dict(self.labels or ()))


def pod_end(name: str, namespace: str, labels: Mapping[str, str]) -> End:
    """A pod with these labels."""
    return End(name, namespace, tuple(sorted(labels.items())))


def allowed(policies: Sequence[Policy], namespace: str, sender: End, receiver: End, protocol: str, port: int) -> bool:
    """True if the policies (all of `namespace`) let the flow through."""
    out = _open(policies, namespace, "Egress", sender, receiver, protocol, port)
    into = _open(policies, namespace, "Ingress", receiver, sender, protocol, port)
    return out and into


def _open(
    policies: Sequence[Policy], namespace: str, direction: str, own: End, other: End, protocol: str, port: int
) -> bool:
    if own.labels is None or own.namespace != namespace:
        return True  # nobody's policies are about it
    chosen = [
        one["spec"]
        for one in policies
        if direction in one["spec"]["policyTypes"] and own.has(one["spec"]["podSelector"])
    ]
    key, peers = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    rules = [rule for spec in chosen for rule in spec.get(key, [])]
    return not chosen or any(
        _port_fits(rule, protocol, port) and _peer_fits(rule.get(peers), namespace, other) for rule in rules
    )


def _port_fits(rule: Mapping[str, Any], protocol: str, port: int) -> bool:
    return "ports" not in rule or any(one == {"protocol": protocol, "port": port} for one in rule["ports"])


def _peer_fits(peers: Sequence[Mapping[str, Any]] | None, namespace: str, other: End) -> bool:
    return peers is None or any(_is_peer(peer, namespace, other) for peer in peers)


def _is_peer(peer: Mapping[str, Any], namespace: str, other: End) -> bool:
    assert peer.keys() <= {"podSelector", "namespaceSelector", "ipBlock"}, peer
    if "ipBlock" in peer:
        if other.labels is not None:
            return False
        address, block = ipaddress.ip_address(other.address), peer["ipBlock"]
        inside = [ipaddress.ip_network(text) for text in (block["cidr"], *block.get("except", []))]
        return address in inside[0] and not any(address in network for network in inside[1:])
    if other.labels is None:
        return False
    if "namespaceSelector" in peer:
        if not _takes(peer["namespaceSelector"], {"kubernetes.io/metadata.name": other.namespace}):
            return False
    elif other.namespace != namespace:
        return False
    return "podSelector" not in peer or other.has(peer["podSelector"])


def _takes(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    assert selector.keys() <= {"matchLabels", "matchExpressions"}, selector
    for row in selector.get("matchExpressions", []):
        assert row["operator"] == "In", row
        if labels.get(row["key"]) not in row["values"]:
            return False
    wanted: Mapping[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()

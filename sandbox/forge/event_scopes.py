"""Which events a manifest may name, and the scopes each needs: Atlassian's own table where it lies beside the repository,
else the events that this stand-in tells of."""

import json

from sandbox import contract
from sandbox.forge.manifest import INSTALLED, UPGRADED, Scopes

TOLD = (
    "avi:jira:created:issue", "avi:jira:updated:issue", "avi:jira:deleted:issue", "avi:jira:assigned:issue",
    "avi:jira:commented:issue", "avi:jira:deleted:comment", "avi:jira:created:attachment",
)  # fmt: skip


def known() -> dict[str, list[Scopes]]:
    """Event → the sets of scopes of which one must be granted; lifecycle events need none."""
    events: dict[str, list[Scopes]] = {event: [frozenset({"read:jira-work"})] for event in TOLD}
    path = contract.FOLDER / "forge-event-scopes.json"
    if path.is_file():
        for one in json.loads(path.read_text(encoding="utf-8"))["mapping"]:
            ways = [frozenset(scopes) for scopes in one["oAuthScopes"].values() if scopes]
            events[one["productEvent"]] = ways or [frozenset()]
    return events | {INSTALLED: [frozenset()], UPGRADED: [frozenset()]}

"""Which of the scopes that the Forge app needs an administrator has granted. Pure.

A new scope makes a new major version of the app, and an installation stays with its old one until somebody approves it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from connect.forge_manifest import SCOPES

REMEDY = "Approve the update of Mailbridge in Jira's Manage apps."


@dataclass(frozen=True, slots=True)
class Scope:
    """granted: None while nobody told. remedy: empty unless it is missing."""

    name: str
    granted: bool | None
    why: str
    remedy: str


def judge(granted: Iterable[str] | None) -> list[Scope]:
    """Each scope that is needed; `granted`: those of the installation's version, None where they are not known."""
    known = None if granted is None else frozenset(granted)
    return [_judged(name, why, None if known is None else name in known) for name, why in SCOPES.items()]


def _judged(name: str, why: str, granted: bool | None) -> Scope:
    return Scope(name, granted, why, REMEDY if granted is False else "")

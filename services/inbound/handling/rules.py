"""What a mailbox's rule says: one project, one issue type and a default reporter for what is new. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_SUMMARY = 255
NO_SUBJECT = "(no subject)"


@dataclass(frozen=True, slots=True)
class Rule:
    """One published version of a mailbox's rule; ids and keys are Jira's."""

    version: int
    project_id: str
    project_key: str
    issue_type_id: str
    issue_type_name: str
    reporter_id: str | None = None
    reporter_name: str = ""

    @classmethod
    def read(cls, version: int, body: Mapping[str, Any]) -> "Rule":
        """The rule that `rule_version.body` holds: {"project", "issue_type", "default_reporter"} as in the API."""
        reporter = body.get("default_reporter") or {}
        return cls(
            version=version,
            project_id=str(body["project"]["id"]),
            project_key=str(body["project"]["key"]),
            issue_type_id=str(body["issue_type"]["id"]),
            issue_type_name=str(body["issue_type"]["name"]),
            reporter_id=reporter.get("account_id"),
            reporter_name=str(reporter.get("name") or ""),
        )


def summary(subject: str) -> str:
    """The subject as an issue's summary: one line of at most 255 UTF-16 units, which is how Jira counts, never empty."""
    line = re.sub(r"[\s\x00-\x1f\x7f]+", " ", subject).strip()
    encoded = line.encode("utf-16-le", "replace")
    if len(encoded) > 2 * LONGEST_SUMMARY:
        line = encoded[: 2 * (LONGEST_SUMMARY - 1)].decode("utf-16-le", "ignore").rstrip() + "…"
    return line or NO_SUBJECT

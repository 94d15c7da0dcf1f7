"""Writes the Forge manifest of a Mailbridge at an address of its own: `python -m connect.forge_manifest --base-url https://…`.

`frontend/manifest.yml` is what this writes for the placeholders below; docs/forge.md says how to deploy it. Everything but `main`
is pure. Sources: Atlassian's manifest reference as its own tool (npm @forge/manifest) checks it; the Forge remote contract.
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import yaml

from connect.descriptor import PROPERTY, SEARCHABLE

PLACEHOLDER_URL = "https://mailbridge.example.com"
PLACEHOLDER_APP = "ari:cloud:ecosystem::app/00000000-0000-0000-0000-000000000000"
#: The realms of data residency that Forge knows a remote by.
REGIONS = ("EU", "US", "AU", "DE", "SG", "CA", "IN", "KR", "JP", "GB", "CH")
#: Module keys: by them the page and connect tell by which door a person came in.
ADMIN_PAGE, PROJECT_PAGE, ISSUE_PANEL = "mailbridge-admin", "mailbridge-project", "mailbridge-issue"

#: The least set; docs/forge.md repeats each with its reason.
SCOPES: Mapping[str, str] = {
    "read:jira-work": "read issues, comments, change logs, projects and issue types, and be told of events",
    "write:jira-work": "create issues and comments, attach files, mark them as ours, notify people by Jira itself",
    "read:jira-user": "find the Jira account that belongs to a sender's address, and read its groups",
    "manage:jira-configuration": "ask Jira what other people may see and do, which it tells to administrators alone",
    "read:email-address:jira": "read the address of a person who is to get a mail, where they hide it from other people",
    "read:app-system-token": "receive the token by which Mailbridge, outside Atlassian's cloud, calls Jira as the app",
}
#: With --post-as-people: what a token in a person's name may do.
IMPERSONATED = ("read:jira-work", "write:jira-work")

# No filter `ignoreSelf`: a comment that Mailbridge makes from a mail must still reach the other people of the issue, and
# whether Forge counts what was written in a person's name as "self" is not documented. Our own work is known by its property.
EVENTS = (
    "avi:jira:created:issue",
    "avi:jira:updated:issue",
    # Told beside `updated` or instead of it: both name the same change log, so one event comes of both.
    "avi:jira:assigned:issue",
    "avi:jira:deleted:issue",
    "avi:jira:commented:issue",  # a new comment or a changed one
    "avi:jira:deleted:comment",
)

_REMOTE, _RESOURCE = "mailbridge", "page"
#: Endpoint key → path below the base URL. The page's own calls name their path themselves.
ROUTES: Mapping[str, str] = {
    "events": "/forge/events",
    "installed": "/forge/installed",
    "upgraded": "/forge/upgraded",
    "tick": "/forge/tick",
    "uninstalling": "/forge/uninstalling",
}
_HEAD = """\
# Forge manifest of Mailbridge, written by `python -m connect.forge_manifest`.
# Write it anew instead of editing it; docs/forge.md says how, and why each scope is asked for.
"""


class BadArgument(ValueError):
    """An argument that cannot stand in a manifest; the message names it and the remedy."""


def main(arguments: Sequence[str]) -> int:
    """Write the manifest to --out or to standard output; 2 with one sentence on a bad argument."""
    try:
        given = _parser().parse_args(arguments)
        text = manifest_text(
            given.base_url, given.app_id, regions_of(given.region), post_as_people=given.post_as_people
        )
        if given.out is None:
            sys.stdout.write(text)
        else:
            Path(given.out).write_text(text, encoding="utf-8")
    except BadArgument as problem:
        print(f"forge_manifest: {problem}", file=sys.stderr)
        return 2
    except OSError as problem:
        print(f"forge_manifest: --out {given.out} cannot be written: {problem.strerror}.", file=sys.stderr)
        return 2
    return 0


def manifest_text(
    base_url: str,
    app_id: str = PLACEHOLDER_APP,
    regions: Mapping[str, str] | None = None,
    *,
    post_as_people: bool = False,
) -> str:
    """The manifest as YAML, keys in the order in which people read them."""
    data = manifest(base_url, app_id, regions or {}, post_as_people=post_as_people)
    return _HEAD + yaml.dump(data, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def manifest(base_url: str, app_id: str, regions: Mapping[str, str], *, post_as_people: bool = False) -> dict[str, Any]:
    """The manifest of the app `app_id` whose remote is at `base_url`, and at `regions` for sites with data residency."""
    home = _https("--base-url", base_url)
    if not re.fullmatch(r"ari:cloud:ecosystem::app/[0-9a-fA-F-]{36}", app_id):
        raise BadArgument(
            f"--app-id {app_id!r} is no app's id: give ari:cloud:ecosystem::app/… as `forge register` wrote it."
        )
    addresses = {"default": home} | {name: _https(f"--region {name}", url) for name, url in regions.items()}
    return {
        "app": {"id": app_id, "runtime": {"name": "nodejs22.x"}},
        "permissions": {
            "scopes": _impersonated_scopes() if post_as_people else list(SCOPES),
            "external": {"fetch": {"backend": [{"remote": _REMOTE}]}},
        },
        "resources": [{"key": _RESOURCE, "path": "dist"}],
        "remotes": [
            {
                "key": _REMOTE,
                "baseUrl": home if len(addresses) == 1 else addresses,
                "operations": ["storage", "compute", "fetch"],
                "storage": {"inScopeEUD": True},
            }
        ],
        "modules": {**_pages(), **_told(), **_kept(home)},
    }


def regions_of(texts: Sequence[str]) -> dict[str, str]:
    """`EU=https://…` arguments as a mapping."""
    regions: dict[str, str] = {}
    for text in texts:
        name, sign, url = text.partition("=")
        if not sign or name not in REGIONS:
            raise BadArgument(f"--region {text!r} names no region: give one of {', '.join(REGIONS)} and =https://….")
        if name in regions:
            raise BadArgument(f"--region {name} is given twice: give one address a region.")
        regions[name] = url
    return regions


def _pages() -> dict[str, Any]:
    """What people see in Jira: one page, told apart by its module key."""
    resolver = {"resource": _RESOURCE, "resolver": {"endpoint": "page"}}
    return {
        "jira:adminPage": [{"key": ADMIN_PAGE, "title": "Mailbridge", **resolver, "useAsGetStarted": True}],
        "jira:projectSettingsPage": [{"key": PROJECT_PAGE, "title": "Mailbridge", **resolver}],
        # No viewportSize: the panel is as high as what it shows.
        "jira:issuePanel": [
            {"key": ISSUE_PANEL, "title": "Mail", "icon": f"resource:{_RESOURCE};icon.svg", **resolver}
        ],
    }


def _told() -> dict[str, Any]:
    """How Forge reaches connect. Lifecycle events carry no type in their body, so each has a path of its own."""
    token = {"auth": {"appSystemToken": {"enabled": True}}}
    return {
        "trigger": [
            {"key": "issue-events", "endpoint": "events", "events": list(EVENTS)},
            {"key": "app-installed", "endpoint": "installed", "events": ["avi:forge:installed:app"]},
            {"key": "app-upgraded", "endpoint": "upgraded", "events": ["avi:forge:upgraded:app"]},
        ],
        # A system token lives about an hour, and only an invocation brings a new one.
        "scheduledTrigger": [{"key": "every-five-minutes", "endpoint": "tick", "interval": "fiveMinute"}],
        "preUninstall": [{"key": "before-uninstall", "endpoint": "uninstalling"}],
        "endpoint": [
            {"key": "page", "remote": _REMOTE, **token},
            *({"key": key, "remote": _REMOTE, "route": {"path": path}, **token} for key, path in ROUTES.items()),
        ],
    }


def _kept(home: str) -> dict[str, Any]:
    values = [{"path": path, "type": "string", "searchAlias": alias} for path, alias in SEARCHABLE.items()]
    return {
        "jira:entityProperty": [
            {"key": "mailbridge-property", "entityType": "issue", "propertyKey": PROPERTY, "values": values}
        ],
        "connectToForgeMigration": [
            {
                "key": "from-connect",
                "migrationGuideUrl": f"{home}/moving-to-forge.html",
                "willMigrateToForgeBeforeEOS": "YES",
            }
        ],
    }


def _impersonated_scopes() -> dict[str, dict[str, bool]]:
    return {scope: {"allowImpersonation": True} if scope in IMPERSONATED else {} for scope in SCOPES}


def _https(argument: str, url: str) -> str:
    parts = urlsplit(url)
    try:
        whole = parts.scheme == "https" and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole or parts.query or parts.fragment or "@" in parts.netloc or re.search(r"\s", url):
        raise BadArgument(
            f"{argument} {url!r} is no https:// address without user, query and fragment: Forge calls nothing else."
        )
    return url.rstrip("/")


class _Plain(yaml.SafeDumper):
    """YAML for people: what occurs twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadArgument(f"{message[:1].upper()}{message[1:]}; --help lists what can be given.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m connect.forge_manifest", description="Writes Mailbridge's Forge manifest (YAML).")
    parser.add_argument("--base-url", required=True, help="where Jira reaches your Mailbridge: https://…")
    parser.add_argument("--app-id", default=PLACEHOLDER_APP, help="the id that `forge register` gave your app")
    parser.add_argument(
        "--region", action="append", default=[], metavar="EU=https://…", help="a region's own address; again for more"
    )
    parser.add_argument(
        "--post-as-people",
        action="store_true",
        help="ask for impersonation: comments by mail appear under their author's name",
    )
    parser.add_argument("--out", help="the file to write; standard output without")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

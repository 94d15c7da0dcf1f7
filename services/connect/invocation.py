"""What a verified Forge invocation token says: which installation, where its Jira is, who looks at which page. Pure.

Only `app` is promised in every token; `context` comes with pages and may be missing elsewhere (Atlassian, "Forge Remote
essentials"). So the cloud id is read from `app.apiBaseUrl`, and the site's own address may be unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connect.addresses import cloud_id_of, is_site

_INSTALLATION = "ari:cloud:ecosystem::installation/"
PAGES = frozenset({"page", "mailbridge-admin", "mailbridge-project", "mailbridge-issue"})
"""Keys of the manifest's modules by which people's pages call."""


class BadInvocation(ValueError):
    """A genuine token whose words cannot be taken; `str()` names the claim."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call by Forge. issued_at: by Atlassian's clock, seconds since 1970.

    account, project, issue: who looks at the page and what it is about; from_page: a person's page made the call, so that
    its path, its body and its other headers may be that person's own words.
    """

    installation_id: str
    cloud_id: str
    api_base_url: str
    site_url: str | None
    environment: str | None
    app_version: str | None
    issued_at: float
    jti: str | None
    from_page: bool
    account: str | None
    project: str | None
    issue: str | None


def read_invocation(claims: Mapping[str, Any], *, allow_plain: bool) -> Invocation:
    """The claims of a verified token; raises BadInvocation. Plain http addresses only with `allow_plain`."""
    app, context = _object(claims, "app"), _object(claims, "context")
    extension, module = _object(context, "extension"), _object(app, "module")
    id = app.get("installationId")
    if not isinstance(id, str) or not id.startswith(_INSTALLATION) or len(id) > 255:
        raise BadInvocation(f"app.installationId is no {_INSTALLATION}….")
    api = app.get("apiBaseUrl")
    cloud_id = cloud_id_of(api, allow_plain=allow_plain) if isinstance(api, str) and len(api) <= 500 else None
    if not isinstance(api, str) or cloud_id is None:
        raise BadInvocation(
            "app.apiBaseUrl is not https://api.atlassian.com/ex/jira/…: install the app in Jira; "
            "in a sandbox, set MAILBRIDGE_ALLOW_PLAIN."
        )
    if context.get("cloudId") not in (None, cloud_id):
        raise BadInvocation("context.cloudId and app.apiBaseUrl name two sites.")
    site = context.get("siteUrl")
    taken = isinstance(site, str) and len(site) <= 500 and is_site(site, allow_plain=allow_plain)
    return Invocation(
        installation_id=id,
        cloud_id=cloud_id,
        api_base_url=api,
        site_url=str(site).rstrip("/") if taken else None,
        environment=_text(_object(app, "environment").get("type"), 40),
        app_version=_text(app.get("appVersion"), 40),
        issued_at=float(claims["iat"]),
        jti=_text(claims.get("jti"), 255),
        from_page=_is_page(extension, module),
        account=_person(claims, context),
        project=_id(_object(extension, "project")),
        issue=_id(_object(extension, "issue")),
    )


def _is_page(extension: Mapping[str, Any], module: Mapping[str, Any]) -> bool:
    """Whether one of the app's pages called. Triggers are core modules; what people see are Jira's."""
    kinds = (extension.get("type"), module.get("type"))
    return any(isinstance(kind, str) and kind.startswith("jira:") for kind in kinds) or module.get("key") in tuple(
        PAGES
    )


def _person(claims: Mapping[str, Any], context: Mapping[str, Any]) -> str | None:
    """The account id of who looks at the page; both places that name it must agree."""
    principal, account = _text(claims.get("principal"), 128), _text(context.get("accountId"), 128)
    if principal and account and principal != account:
        raise BadInvocation("principal and context.accountId name two people.")
    return principal or account


def _object(part: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = part.get(name)
    if value is not None and not isinstance(value, dict):
        raise BadInvocation(f"{name} is not a JSON object.")
    return value or {}


def _id(part: Mapping[str, Any]) -> str | None:
    """Jira's id of a project or an issue: digits, in JSON a text or a number."""
    value = part.get("id")
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if text.isascii() and text.isdigit() and len(text) <= 19 else None


def _text(value: Any, longest: int) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= longest else None

"""What the connect processes read from the environment, once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from common.env import BadSetting, Env, Settings
from connect.site_address import BadAddress, is_email, is_token, site_address

_PAGE_DIR = Path(__file__).resolve().parents[2] / "frontend" / "dist"
_FORGE_JWKS = "https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json"
_FORGE_GRAPHQL = "https://api.atlassian.com/graphql"


@dataclass(frozen=True, slots=True)
class Oidc:
    """The OpenID provider by which people log in, and whom of its people we let in: addresses, or `@domain`."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    allowed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JiraSite:
    """The one site that the environment names, and whose API token it is called with."""

    url: str
    email: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the connect service.

    app_key: the key of our descriptor. keys_url: where Atlassian's install keys are, by kid. all_js: Connect's host
    script for the page. role_keys: by role, the key its credential requests are signed with. page_dir: the built page.
    forge_app_id: the ARI of the Forge app, None without one. forge_jwks_url: where the keys of invocation tokens are.
    forge_graphql_url: where tokens of persons are had. login: the page has a login of its own, by password and, where
    `oidc` is given, by an OpenID provider. jira_site: the site to attach by an API token. jira_poll: seconds between
    two looks at a Jira that tells us nothing.
    """

    settings: Settings
    role_keys: Mapping[str, bytes] = field(repr=False)
    app_key: str = "mailbridge-for-jira"
    keys_url: str = "https://connect-install-keys.atlassian.com"
    all_js: str = "https://connect-cdn.atl-paas.net/all.js"
    page_dir: Path = _PAGE_DIR
    forge_app_id: str | None = None
    forge_jwks_url: str = _FORGE_JWKS
    forge_graphql_url: str = _FORGE_GRAPHQL
    login: bool = False
    oidc: Oidc | None = None
    jira_site: JiraSite | None = None
    jira_poll: float = 60.0

    @classmethod
    def read(cls, env: Env, *, login: bool = False) -> "Config":
        """Read the shared settings and the service's own; raises BadSetting. login: what MAILBRIDGE_LOGIN is when not set."""
        role_keys = {
            "inbound-worker": env.key("MAILBRIDGE_ROLE_KEY_INBOUND"),
            "outbound-worker": env.key("MAILBRIDGE_ROLE_KEY_OUTBOUND"),
        }
        if len(set(role_keys.values())) < len(role_keys):
            raise BadSetting(
                "MAILBRIDGE_ROLE_KEY_INBOUND and MAILBRIDGE_ROLE_KEY_OUTBOUND are the same: make two keys."
            )
        return cls(
            settings=Settings.read(env),
            role_keys=role_keys,
            app_key=_app_key(env),
            keys_url=env.url("MAILBRIDGE_CONNECT_KEYS_URL", "https://connect-install-keys.atlassian.com"),
            all_js=env.url("MAILBRIDGE_CONNECT_ALL_JS", "https://connect-cdn.atl-paas.net/all.js"),
            page_dir=Path(env.text("MAILBRIDGE_PAGE_DIR", str(_PAGE_DIR))),
            forge_app_id=_forge_app_id(env),
            forge_jwks_url=env.url("MAILBRIDGE_FORGE_JWKS_URL", _FORGE_JWKS),
            forge_graphql_url=env.url("MAILBRIDGE_FORGE_GRAPHQL_URL", _FORGE_GRAPHQL),
            login=(on := env.flag("MAILBRIDGE_LOGIN", login)),
            oidc=_oidc(env, on),
            jira_site=_jira_site(env),
            jira_poll=env.seconds("MAILBRIDGE_JIRA_POLL_SECONDS", 60.0, least=10.0),
        )


def _app_key(env: Env) -> str:
    key = env.text("MAILBRIDGE_APP_KEY", "mailbridge-for-jira")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", key):
        raise BadSetting(f"MAILBRIDGE_APP_KEY is {key!r}: give up to 64 letters, digits, dots, dashes and underscores.")
    return key


def _forge_app_id(env: Env) -> str | None:
    id = env.optional("MAILBRIDGE_FORGE_APP_ID")
    if id is not None and not re.fullmatch(r"ari:cloud:ecosystem::app/[A-Za-z0-9-]{1,64}", id):
        raise BadSetting(
            f"MAILBRIDGE_FORGE_APP_ID is {id!r}: give the app's id from its manifest, ari:cloud:ecosystem::app/…."
        )
    return id


def _jira_site(env: Env) -> JiraSite | None:
    names = ("MAILBRIDGE_JIRA_URL", "MAILBRIDGE_JIRA_EMAIL", "MAILBRIDGE_JIRA_API_TOKEN")
    url, email, token = (env.optional(name) for name in names)
    if url is None and email is None and token is None:
        return None
    if url is None or email is None or token is None:
        missing = [name for name, value in zip(names, (url, email, token), strict=True) if value is None]
        raise BadSetting(f"{' and '.join(missing)} not set: attaching a site by an API token needs all three.")
    try:
        site = site_address(url, allow_plain=env.flag("MAILBRIDGE_ALLOW_PLAIN", False))
    except BadAddress as error:
        raise BadSetting(f"MAILBRIDGE_JIRA_URL is {url!r}: {error} {error.remedy}") from None
    if not is_email(email):
        raise BadSetting("MAILBRIDGE_JIRA_EMAIL is not an e-mail address: give the one of the account in Jira.")
    if not is_token(token):
        raise BadSetting("MAILBRIDGE_JIRA_API_TOKEN is not an API token: give it in one piece, as Atlassian shows it.")
    return JiraSite(site, email, token)


def _oidc(env: Env, login: bool) -> Oidc | None:
    names = (
        "MAILBRIDGE_OIDC_ISSUER",
        "MAILBRIDGE_OIDC_CLIENT_ID",
        "MAILBRIDGE_OIDC_CLIENT_SECRET",
        "MAILBRIDGE_OIDC_ALLOWED",
    )
    missing = [name for name in names if env.optional(name) is None]
    if len(missing) == len(names):
        return None
    if missing:
        raise BadSetting(f"{' and '.join(missing)} not set: logging in by OpenID Connect needs all four.")
    if not login:
        raise BadSetting("MAILBRIDGE_OIDC_ISSUER is set, but the page has no login: set MAILBRIDGE_LOGIN=on too.")
    issuer = env.text("MAILBRIDGE_OIDC_ISSUER")  # an issuer is compared as it stands, with its trailing slash
    if env.url("MAILBRIDGE_OIDC_ISSUER").startswith("http://") and not env.flag("MAILBRIDGE_ALLOW_PLAIN", False):
        raise BadSetting(f"MAILBRIDGE_OIDC_ISSUER is {issuer!r}: give an https address.")
    allowed = tuple(one.lower() for one in env.words("MAILBRIDGE_OIDC_ALLOWED"))
    wrong = [one for one in allowed if not re.fullmatch(r"[^@\s]*@[^@\s]+", one)]
    if wrong or not allowed:
        named = f"holds {wrong[0]!r}" if wrong else "is empty"
        raise BadSetting(f"MAILBRIDGE_OIDC_ALLOWED {named}: give addresses, or @example.com for a whole domain.")
    return Oidc(issuer, env.text("MAILBRIDGE_OIDC_CLIENT_ID"), env.text("MAILBRIDGE_OIDC_CLIENT_SECRET"), allowed)

"""What the operator says about signing in at Microsoft and Google: the installation's own app registrations, and addresses.

Without a client id nobody can sign in at that provider, and the page shows no button; app-only access with the customer's own
registration needs none of it.
"""

from dataclasses import dataclass

from common.env import BadSetting, Env

_COMMON = "common"
_LOGIN = "https://login.microsoftonline.com"
_GOOGLE_AUTH = "https://accounts.google.com/o/oauth2/v2/auth"
_GOOGLE_TOKEN = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_GRAPH = "https://graph.microsoft.com/v1.0"


@dataclass(frozen=True, slots=True)
class Client:
    """An app registration; the secret is empty for a public client, for which PKCE has to do."""

    id: str
    secret: str


@dataclass(frozen=True, slots=True)
class OauthSettings:
    """Client ids and secrets (None: not configured) and the providers' addresses, without trailing slashes.

    microsoft_tenant: whose accounts may sign in ("common", or a directory's id for an app of one directory).
    """

    microsoft: Client | None = None
    google: Client | None = None
    microsoft_tenant: str = _COMMON
    microsoft_login_url: str = _LOGIN
    google_auth_url: str = _GOOGLE_AUTH
    google_token_url: str = _GOOGLE_TOKEN
    graph_url: str = _GRAPH

    @classmethod
    def read(cls, env: Env) -> "OauthSettings":
        """From the environment; raises BadSetting."""
        return cls(
            microsoft=_client(env, "MAILBRIDGE_MICROSOFT_CLIENT_ID", "MAILBRIDGE_MICROSOFT_CLIENT_SECRET"),
            google=_client(env, "MAILBRIDGE_GOOGLE_CLIENT_ID", "MAILBRIDGE_GOOGLE_CLIENT_SECRET"),
            microsoft_tenant=_word(env, "MAILBRIDGE_MICROSOFT_TENANT", _COMMON),
            microsoft_login_url=env.url("MAILBRIDGE_MICROSOFT_LOGIN_URL", _LOGIN),
            google_auth_url=env.url("MAILBRIDGE_GOOGLE_AUTH_URL", _GOOGLE_AUTH),
            google_token_url=env.url("MAILBRIDGE_GOOGLE_TOKEN_URL", _GOOGLE_TOKEN),
            graph_url=env.url("MAILBRIDGE_GRAPH_URL", _GRAPH),
        )

    @property
    def providers(self) -> tuple[str, ...]:
        """Where people can sign in: what the page has buttons for."""
        return tuple(name for name in ("microsoft", "google") if getattr(self, name) is not None)


def _client(env: Env, id_name: str, secret_name: str) -> Client | None:
    id, secret = env.optional(id_name), env.optional(secret_name)
    if id is None and secret is not None:
        raise BadSetting(f"{secret_name} is set without {id_name}: set both or neither.")
    return None if id is None else Client(id, secret or "")


def _word(env: Env, name: str, default: str) -> str:
    text = env.text(name, default)
    if not text.replace("-", "").replace(".", "").isalnum():
        raise BadSetting(f"{name} is {text!r}: give common, organizations or a directory's id.")
    return text

"""What counts of a Forge manifest: who is called where, by which event, with which scopes. Pure; `read_manifest` reads one."""

from dataclasses import dataclass

INSTALLED, UPGRADED = "avi:forge:installed:app", "avi:forge:upgraded:app"
INTERVALS = {"fiveMinute": 5, "hour": 60, "day": 1440, "week": 10080}  # in minutes
PAGES = ("jira:adminPage", "jira:globalPage", "jira:projectSettingsPage", "jira:issuePanel")
Scopes = frozenset[str]


class BadManifest(Exception):
    """The manifest cannot be installed; `problems` are sentences."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Endpoint:
    """Where a call goes: `base_url` of the remote, `route` below it (None: the page names the path itself)."""

    key: str
    remote: str
    base_url: str
    route: str | None
    system_token: bool
    user_token: bool


@dataclass(frozen=True)
class Trigger:
    """Events and the endpoint that is told of them."""

    key: str
    events: tuple[str, ...]
    endpoint: Endpoint
    ignore_self: bool


@dataclass(frozen=True)
class Timer:
    """A module that is called without a body: on a schedule (`minutes` apart), or before the app is uninstalled (0)."""

    key: str
    endpoint: Endpoint
    minutes: int = 0


@dataclass(frozen=True)
class Page:
    """A module that people see. `endpoint`: where its invokeRemote goes."""

    kind: str
    key: str
    title: str
    resource: str
    endpoint: Endpoint | None


@dataclass(frozen=True)
class Manifest:
    """All that counts of a manifest. `impersonating`: the scopes with allowImpersonation. `remotes`, `resources`: key → base URL,
    path. `inline_styles`: permissions.content.styles has unsafe-inline."""

    app: str  # the UUID in the app's ARI
    scopes: Scopes
    impersonating: Scopes
    remotes: dict[str, str]
    resources: dict[str, str]
    pages: tuple[Page, ...]
    triggers: tuple[Trigger, ...]
    schedules: tuple[Timer, ...]
    before_uninstall: tuple[Timer, ...]
    inline_styles: bool

    @property
    def app_ari(self) -> str:
        """The app's id as tokens name it."""
        return f"ari:cloud:ecosystem::app/{self.app}"

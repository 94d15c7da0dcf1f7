"""What the inbound processes read from the environment, once."""

from dataclasses import dataclass, field

from common.env import Env, Settings
from inbound.sources.oauth_settings import OauthSettings

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the inbound service. Sizes in octets, times in seconds.

    role_key is None where MAILBRIDGE_ROLE_KEY is not set: the web process and the fetcher need none, the worker
    refuses to start without it.
    """

    settings: Settings
    role_key: bytes | None
    max_mail_bytes: int = 40 * _MEGABYTE
    concurrency: int = 16
    imap_timeout: float = 30.0
    poll_seconds: float = 60.0
    attempts: int = 5
    give_up_after: float = 3 * 86_400.0
    oauth: OauthSettings = field(default_factory=OauthSettings)
    keep_days: int = 30
    egress_addresses: tuple[str, ...] = ()
    allow_no_password: bool = False

    @classmethod
    def read(cls, env: Env) -> "Config":
        """Read the shared settings and the service's own; raises BadSetting."""
        return cls(
            settings=Settings.read(env),
            role_key=env.role_key("MAILBRIDGE_ROLE_KEY_INBOUND"),
            max_mail_bytes=env.integer("MAILBRIDGE_MAX_MAIL_BYTES", 40 * _MEGABYTE, least=10_000),
            concurrency=env.integer("MAILBRIDGE_INBOUND_CONCURRENCY", 16, least=1, most=128),
            imap_timeout=env.seconds("MAILBRIDGE_IMAP_TIMEOUT", 30.0, least=1.0, most=600.0),
            poll_seconds=env.seconds("MAILBRIDGE_POLL_SECONDS", 60.0, least=1.0, most=3600.0),
            keep_days=env.integer("MAILBRIDGE_KEEP_DAYS", 30, least=1, most=3650),
            egress_addresses=env.words("MAILBRIDGE_EGRESS_ADDRESSES"),
            allow_no_password=env.flag("MAILBRIDGE_ALLOW_NO_PASSWORD", False),
            oauth=OauthSettings.read(env),
        )

    @property
    def unfinished(self) -> int:
        """How many mails of one tenant may be under way at a time: as many as may call its Jira, and a few that are next.

        Fewer than `concurrency`, so that a tenant with thousands of mails leaves threads free for the others.
        """
        return self.settings.jira_parallel + max(1, self.settings.jira_parallel // 4)

    @property
    def work_seconds(self) -> float:
        """How long a worker may be at a mail without a word, its claim being renewed meanwhile. Every intended write begins
        this time anew, so it has to outlast one call with its wait for a turn and a second try after a rotated secret."""
        return 5 * self.settings.jira_timeout + 60.0

"""What the outbound processes read from the environment, once."""

from dataclasses import dataclass

from common.env import Env, Settings

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the outbound service; times in seconds.

    role_key is None where MAILBRIDGE_ROLE_KEY is not set: the web process needs none, the worker refuses to start
    without it.
    """

    settings: Settings
    role_key: bytes | None
    concurrency: int = 8
    smtp_timeout: float = 30.0
    attempts: int = 100
    give_up_after: float = 2 * _DAY
    retention: float = 30 * _DAY

    @classmethod
    def read(cls, env: Env) -> "Config":
        """Read the shared settings and the service's own; raises BadSetting."""
        return cls(
            settings=Settings.read(env),
            role_key=env.role_key("MAILBRIDGE_ROLE_KEY_OUTBOUND"),
            concurrency=env.integer("MAILBRIDGE_OUTBOUND_CONCURRENCY", 8, least=1, most=128),
            smtp_timeout=env.seconds("MAILBRIDGE_SMTP_TIMEOUT", 30.0, least=1.0, most=300.0),
            retention=env.integer("MAILBRIDGE_OUTBOUND_KEEP_DAYS", 30, least=1, most=3650) * _DAY,
        )

    @property
    def sending_seconds(self) -> float:
        """How long one sending may take, its claim being renewed meanwhile: every answer of the server may be as slow as
        is allowed."""
        return 20 * self.smtp_timeout + 60.0

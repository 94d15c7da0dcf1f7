"""Rights given or taken besides roles and groups, as an administrator does it with a permission scheme."""

from dataclasses import asdict, dataclass
from typing import Any

GLOBAL_PERMISSIONS = frozenset({"ADMINISTER", "USER_PICKER", "BULK_CHANGE", "CREATE_SHARED_OBJECTS", "SYSTEM_ADMIN"})


@dataclass(frozen=True)
class Ruling:
    """An account has a permission or has it not, whatever its roles say. `project`: a key, or None for everywhere."""

    account: str
    permission: str
    granted: bool
    project: str | None = None

    def as_json(self) -> dict[str, Any]:
        """What the control API shows."""
        shown = asdict(self)
        shown["accountId"] = shown.pop("account")
        return shown


class Rulings:
    """All rulings; one about a project stands above one about everywhere."""

    def __init__(self) -> None:
        self._rulings: dict[tuple[str, str, str | None], Ruling] = {}

    def set(self, ruling: Ruling) -> None:
        """The newest about the same thing counts."""
        self._rulings[ruling.account, ruling.permission, ruling.project] = ruling

    def clear(self) -> None:
        """Roles and groups alone decide again."""
        self._rulings.clear()

    def all(self) -> list[Ruling]:
        """What was ruled."""
        return list(self._rulings.values())

    def decide(self, account: str, permission: str, project: str | None, otherwise: bool) -> bool:
        """What was ruled for this project, else for everywhere, else `otherwise`."""
        for place in (project, None):
            ruling = self._rulings.get((account, permission, place))
            if ruling is not None:
                return ruling.granted
        return otherwise

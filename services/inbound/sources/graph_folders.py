"""The folders of a mailbox at Microsoft Graph: by name, by path, and which there are."""

from collections.abc import Iterator
from urllib.parse import quote

from inbound.sources import Unusable
from inbound.sources.graph_calls import GraphCalls
from inbound.sources.graph_faults import Gone

_KNOWN = ("inbox", "archive", "junkemail", "deleteditems", "sentitems", "drafts")  # names that Graph itself knows
_MOST = 500
_DEPTH = 5


class GraphFolders:
    """Those of the mailbox that `calls` are about; user: its name, for words."""

    def __init__(self, calls: GraphCalls, user: str) -> None:
        self._calls = calls
        self._user = user

    def found(self, name: str, field: str) -> str:
        """The id of a folder by its name or path; a name that Graph itself knows is its id. Unusable for the setting `field`
        where there is none."""
        if name.lower() in _KNOWN:
            return name.lower()
        path = ""
        for part in name.split("/"):
            under = f"/mailFolders/{quote(path)}/childFolders" if path else "/mailFolders"
            found = [id for shown, id, _ in self._listed(under) if shown.lower() == part.lower()]
            if not found:
                raise self.missing(name, field)
            path = found[0]
        return path

    def names(self) -> tuple[str, ...]:
        """Their paths, at most 500; those below a folder are looked at where Graph says that there are any."""
        return tuple(sorted(self._names()))[:_MOST]

    def missing(self, name: str, field: str) -> Unusable:
        """The fault where there is no such folder."""
        names = self.names()
        remedy = f"Choose one of these: {', '.join(names[:20])}." if names else "Name another folder."
        return Unusable(f"The mailbox has no folder {name!r}.", remedy=remedy, field=field, folders=names)

    def _names(self, under: str = "/mailFolders", within: str = "", depth: int = 0) -> list[str]:
        names: list[str] = []
        for shown, id, below in self._listed(under):
            if len(names) >= _MOST:
                break
            names.append(within + shown)
            if below and depth < _DEPTH:
                names += self._names(f"/mailFolders/{quote(id)}/childFolders", f"{within}{shown}/", depth + 1)
        return names

    def _listed(self, path: str) -> Iterator[tuple[str, str, bool]]:
        """(name, id, whether there are folders below it)."""
        try:
            for page in self._calls.pages(path, "list the folders"):
                for item in page.get("value") or ():
                    if isinstance(item, dict) and isinstance(item.get("id"), str):
                        yield str(item.get("displayName") or ""), item["id"], bool(item.get("childFolderCount"))
        except Gone:
            raise Unusable(
                f"Microsoft Graph knows no mailbox {self._user}.",
                remedy="Give the mailbox's user name (user principal name) as Microsoft 365 shows it.",
                field="secret",
            ) from None

"""One installed Forge app, and the ids and contexts that follow from it."""

from dataclasses import dataclass
from typing import Any

from sandbox.forge.manifest import Manifest, Page
from sandbox.jira.model import Issue, Project
from sandbox.jira.site import Site


@dataclass
class ForgeApp:
    """`installation`, `environment`: UUIDs; a reinstallation has a new installation, the account stays the app's."""

    manifest: Manifest
    installation: str
    environment: str
    account: str
    version: str
    installer: str

    @property
    def ari(self) -> str:
        """ari:cloud:ecosystem::app/<uuid>"""
        return self.manifest.app_ari

    @property
    def installation_ari(self) -> str:
        """By which a remote tells its tenants apart."""
        return f"ari:cloud:ecosystem::installation/{self.installation}"

    @property
    def environment_ari(self) -> str:
        """As the vector of an invocation token has it."""
        return f"ari:cloud:ecosystem::environment/{self.manifest.app}/{self.environment}"

    @property
    def name(self) -> str:
        """A manifest names its pages, not the app."""
        return self.manifest.pages[0].title if self.manifest.pages else "Forge app"

    def page(self, key: str) -> Page | None:
        """The module of that key that people see."""
        return next((page for page in self.manifest.pages if page.key == key), None)


@dataclass(frozen=True)
class View:
    """A page of an app that somebody looks at, and of which issue or project."""

    app: ForgeApp
    page: Page
    account: str
    issue: Issue | None = None
    project: Project | None = None

    def extension(self, site: Site) -> dict[str, Any]:
        """`context.extension`: the module's type, and the issue and project around it (contracts/samples/forge/view-context.json;
        Atlassian's manifest reference for the fields of a panel and a settings page)."""
        around: dict[str, Any] = {"type": self.page.kind}
        if self.issue is not None:
            kind = site.issue_types[self.issue.issue_type]
            around["issue"] = {"id": self.issue.id, "key": self.issue.key, "type": kind.name, "typeId": kind.id}
            around["isNewToIssue"] = False
        if self.project is not None:
            around["project"] = {"id": self.project.id, "key": self.project.key, "type": self.project.type}
        return around

    @property
    def local_id(self) -> str:
        """`localId` of the context."""
        app = self.app
        return f"ari:cloud:ecosystem::extension/{app.manifest.app}/{app.environment}/static/{self.page.key}"

"""What Jira is told about us: the Connect descriptor `atlassian-connect.json`. Pure.

Source: Atlassian, "App descriptor"; the shape is held against its JSON schema by a test.
"""

from typing import Any

WEBHOOKS = "/connect/webhooks"
PROPERTY = "mailbridge"
#: The parts of the property that people may search issues by, each under an alias of ours.
SEARCHABLE = {
    "mail": "mailbridgeMail",
    "from.address": "mailbridgeFrom",
    "cc.address": "mailbridgeCc",
    "mailbox": "mailbridgeMailbox",
}
EVENTS = (
    "jira:issue_created",
    "jira:issue_updated",
    "jira:issue_deleted",
    "comment_created",
    "comment_updated",
    "comment_deleted",
)

NAME = "Mailbridge for Jira"
SCOPES = {
    "READ": "Issues, comments, people and projects are read.",
    # Connect also asks it for reading issues in bulk.
    "WRITE": "Mails become issues, comments, attachments and properties.",
    # People may hide their address from other people, and most do; without this scope GET /user/email does not
    # answer, and reporters, assignees and watchers with an account would silently get no mail. Atlassian grants the
    # call to approved app keys only: elsewhere `Jira.user_email` comes back empty and only visible addresses are used.
    "ACCESS_EMAIL_ADDRESSES": "People who hide their address get mail too, once Atlassian has approved this app for it.",
    # Not asked for: DELETE, PROJECT_ADMIN and ADMIN (nothing here deletes or administers), ACT_AS_USER (comments are
    # made by the app in people's names).
}
"""The scopes, and what each is for."""


def descriptor(base_url: str, app_key: str) -> dict[str, Any]:
    """The descriptor of the app that lives at `base_url` (without a trailing slash)."""
    return {
        "key": app_key,
        "name": NAME,
        "description": "Email becomes issues and comments; what happens in Jira becomes email.",
        "baseUrl": base_url,
        "vendor": {"name": "Mailbridge", "url": base_url},
        "links": {"self": f"{base_url}/atlassian-connect.json"},
        "authentication": {"type": "jwt"},
        "apiVersion": 1,
        "apiMigrations": {"gdpr": True, "signed-install": True, "context-qsh": True},
        "lifecycle": {name: f"/connect/{name}" for name in ("installed", "enabled", "disabled", "uninstalled")},
        "scopes": list(SCOPES),
        "modules": {
            "adminPages": [
                _page("mailbridge-admin", "Mailbridge") | {"location": "admin_plugins_menu/mailbridge-mail"}
            ],
            "webSections": [
                {"key": "mailbridge-mail", "name": {"value": "Mail"}, "location": "admin_plugins_menu", "weight": 100}
            ],
            "jiraProjectAdminTabPanels": [
                _module("mailbridge-project", "Mailbridge", "&project.key={project.key}")
                | {"location": "projectgroup4", "conditions": [{"condition": "user_is_project_admin"}]}
            ],
            # Who may see the issue may see its mail: connect asks Jira before the page gets a session.
            "webPanels": [_module("mailbridge-issue", "Mail") | {"location": "atl.jira.view.issue.right.context"}],
            "configurePage": _page("mailbridge-configure", "Configure"),
            "postInstallPage": _page("mailbridge-start", "Get started"),
            "jiraEntityProperties": [_searchable()],
            "webhooks": [{"event": event, "url": WEBHOOKS} for event in EVENTS],
        },
    }


def _page(key: str, name: str) -> dict[str, Any]:
    return _module(key, name) | {"conditions": [{"condition": "user_is_admin"}]}


def _module(key: str, name: str, around: str = "") -> dict[str, Any]:
    # One page for all of them; the query tells it by which door somebody came in.
    return {"key": key, "name": {"value": name}, "url": f"/?page={key}{around}"}


def _searchable() -> dict[str, Any]:
    extractions = [{"objectName": path, "type": "string", "alias": alias} for path, alias in SEARCHABLE.items()]
    return {
        "key": "mailbridge-property",
        "name": {"value": "Mailbridge"},
        "entityType": "issue",
        "keyConfigurations": [{"propertyKey": PROPERTY, "extractions": extractions}],
    }

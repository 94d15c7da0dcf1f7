"""The descriptor is valid, points to addresses that exist, and asks for little."""

import jsonschema

from connect.descriptor import descriptor
from connect.forge_manifest import ISSUE_PANEL, PROJECT_PAGE
from tests.contracts import contract

BASE = "https://mail.example.com/mailbridge"
WHOLE = descriptor(BASE, "an-app-key")


def test_the_descriptor_is_valid_under_atlassians_schema() -> None:
    validator = jsonschema.Draft7Validator(contract("connect-descriptor.schema.json"))
    assert [error.message for error in validator.iter_errors(WHOLE)] == []


def test_installing_is_signed_and_tokens_have_their_qsh() -> None:
    assert WHOLE["apiMigrations"] == {"gdpr": True, "signed-install": True, "context-qsh": True}
    assert WHOLE["authentication"] == {"type": "jwt"}
    assert (WHOLE["key"], WHOLE["baseUrl"]) == ("an-app-key", BASE)


def test_no_scope_is_asked_for_that_nothing_needs() -> None:
    assert WHOLE["scopes"] == ["READ", "WRITE", "ACCESS_EMAIL_ADDRESSES"]


def test_every_webhook_goes_to_one_address() -> None:
    webhooks = WHOLE["modules"]["webhooks"]
    assert {hook["url"] for hook in webhooks} == {"/connect/webhooks"}
    assert sorted(hook["event"] for hook in webhooks) == [
        "comment_created", "comment_deleted", "comment_updated",
        "jira:issue_created", "jira:issue_deleted", "jira:issue_updated",
    ]  # fmt: skip


def test_the_pages_are_for_admins_and_lie_at_the_root() -> None:
    modules = WHOLE["modules"]
    pages = [*modules["adminPages"], modules["configurePage"], modules["postInstallPage"]]
    assert all(page["url"].startswith("/?page=") for page in pages)
    assert all(page["conditions"] == [{"condition": "user_is_admin"}] for page in pages)
    assert len({page["key"] for page in pages}) == 3
    section = modules["webSections"][0]
    assert modules["adminPages"][0]["location"] == f"{section['location']}/{section['key']}"


def test_projects_and_issues_have_a_page_of_their_own() -> None:
    [project], [issue] = WHOLE["modules"]["jiraProjectAdminTabPanels"], WHOLE["modules"]["webPanels"]
    assert project["url"] == "/?page=mailbridge-project&project.key={project.key}"
    assert project["conditions"] == [{"condition": "user_is_project_admin"}]
    assert issue["url"] == "/?page=mailbridge-issue"
    # The page knows these doors by the same names under Forge.
    assert (project["key"], issue["key"]) == (PROJECT_PAGE, ISSUE_PANEL)


def test_the_property_is_indexed() -> None:
    [configuration] = WHOLE["modules"]["jiraEntityProperties"][0]["keyConfigurations"]
    assert configuration["propertyKey"] == "mailbridge"
    assert {part["objectName"] for part in configuration["extractions"]} == {
        "mail", "from.address", "cc.address", "mailbox",
    }  # fmt: skip

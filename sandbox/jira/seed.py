"""The site as it starts: a small company, its groups and roles, three projects."""

from sandbox.jira.model import Group, IssueType, Project, Role, Status, User

MEMBER_RIGHTS = frozenset(
    {
        "BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "ADD_COMMENTS", "CREATE_ATTACHMENTS", "ASSIGN_ISSUES",
        "ASSIGNABLE_USER", "TRANSITION_ISSUES", "EDIT_OWN_COMMENTS", "DELETE_OWN_COMMENTS", "VIEW_VOTERS_AND_WATCHERS",
    }
)  # fmt: skip
AGENT_RIGHTS = MEMBER_RIGHTS | {"SERVICEDESK_AGENT", "MODIFY_REPORTER", "MANAGE_WATCHERS"}
ADMIN_RIGHTS = AGENT_RIGHTS | {
    "ADMINISTER_PROJECTS", "DELETE_ISSUES", "EDIT_ALL_COMMENTS", "DELETE_ALL_COMMENTS", "DELETE_ALL_ATTACHMENTS",
}  # fmt: skip

ADMINISTRATORS, DEVELOPERS, APPS, AGENTS, CUSTOMERS = 10002, 10001, 10003, 10004, 10005

ALICE = "712020:aaaaaaaa-0000-4000-8000-000000000001"
BOB = "712020:aaaaaaaa-0000-4000-8000-000000000002"
DORA = "712020:aaaaaaaa-0000-4000-8000-000000000003"
ERIK = "712020:aaaaaaaa-0000-4000-8000-000000000004"
INES = "712020:aaaaaaaa-0000-4000-8000-000000000005"
CLEO = "qm:bbbbbbbb-0000-4000-8000-000000000006"


def users() -> list[User]:
    """Alice administers, Bob is an agent, Dora hides her address, Erik sees only TEST, Ines has left, Cleo is a customer."""
    return [
        User(ALICE, "Alice Agent", "alice@acme.example"),
        User(BOB, "Bob Builder", "bob@acme.example"),
        User(DORA, "Dora Discreet", "dora@acme.example", email_shown=False),
        User(ERIK, "Erik External", "erik@partner.example"),
        User(INES, "Ines Inactive", "ines@acme.example", active=False),
        User(CLEO, "Cleo Customer", "cleo@customer.example", kind="customer"),
    ]


def groups() -> list[Group]:
    """The groups of the site."""
    return [
        Group("10000000-0000-4000-8000-000000000001", "jira-administrators", {ALICE}),
        Group("10000000-0000-4000-8000-000000000002", "jira-users-acme", {ALICE, BOB, DORA, INES}),
        Group("10000000-0000-4000-8000-000000000003", "support-agents", {ALICE, BOB}),
    ]


def roles() -> list[Role]:
    """The project roles of the site."""
    return [
        Role(DEVELOPERS, "Developers", MEMBER_RIGHTS),
        Role(ADMINISTRATORS, "Administrators", ADMIN_RIGHTS),
        Role(APPS, "atlassian-addons-project-access", ADMIN_RIGHTS),
        Role(AGENTS, "Service Desk Team", AGENT_RIGHTS),
        Role(CUSTOMERS, "Service Desk Customers", frozenset()),
    ]


def issue_types() -> list[IssueType]:
    """The issue types of the site."""
    return [
        IssueType("10001", "Story"),
        IssueType("10002", "Task"),
        IssueType("10003", "Sub-task", subtask=True),
        IssueType("10004", "Bug"),
        IssueType("10010", "Email request"),
    ]


def statuses() -> list[Status]:
    """The one workflow: any status can follow any other."""
    return [
        Status("10000", "To Do", "new"),
        Status("10001", "In Progress", "indeterminate"),
        Status("10002", "Done", "done"),
    ]


def projects() -> list[Project]:
    """TEST (software, everyone), SUP (service project, agents), HR (administrators only)."""
    return [
        Project(
            "10000", "TEST", "Test", "software", ALICE, ("10002", "10004", "10001", "10003"),
            {DEVELOPERS: {ERIK}}, {ADMINISTRATORS: {"jira-administrators"}, DEVELOPERS: {"jira-users-acme"}},
        ),
        Project(
            "10001", "SUP", "Support", "service_desk", ALICE, ("10010", "10002", "10004", "10003"),
            {DEVELOPERS: {DORA}, CUSTOMERS: {CLEO}},
            {ADMINISTRATORS: {"jira-administrators"}, AGENTS: {"support-agents"}},
        ),
        Project("10002", "HR", "People office", "business", ALICE, ("10002", "10003"), {},
                {ADMINISTRATORS: {"jira-administrators"}}),
    ]  # fmt: skip

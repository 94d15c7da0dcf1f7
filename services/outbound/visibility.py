"""What a person may read by mail: no more than Jira would show them. Pure.

An internal or restricted comment reaches nobody without an account, and an account only if Jira says that it may see
it; where Jira would not say, nobody. Plain items reach the issue's own people unless Jira says that they may not see
the issue. Customers of a service project see their requests through its portal, not through the project's
permissions: they are treated like people without an account.
"""

from outbound.facts import Account, Restriction, Rights

_CANNOT_SEE = "Jira says that this person may not see the issue."


def why_not(restriction: Restriction, account: Account | None, rights: Rights) -> str:
    """Why this person may not read something under this restriction; "" if they may."""
    outside = account is None or account.kind == "customer"
    if restriction.kind == "none":
        return _CANNOT_SEE if not outside and rights.browse is False else ""
    what = _name(restriction)
    if outside:
        return f"{what}: it does not leave Jira to people without an account there."
    if rights.browse is False:
        return _CANNOT_SEE
    if rights.browse and _belongs(restriction, rights):
        return ""
    return f"{what}, and Jira does not say that this person may see it."


def needs_rights(account: Account) -> bool:
    """True if `why_not` depends on what Jira says about the account."""
    return account.kind != "customer"


def _belongs(restriction: Restriction, rights: Rights) -> bool:
    names = {name for name in (restriction.value, restriction.identifier) if name}
    if restriction.kind == "internal":
        return rights.agent is True
    if restriction.kind == "role":
        return bool(names & rights.roles)
    if restriction.kind == "group":
        return bool(names & rights.groups)
    return False


def _name(restriction: Restriction) -> str:
    if restriction.kind == "internal":
        return "The comment is internal"
    if restriction.kind in ("role", "group"):
        return f"The comment is restricted to the {restriction.kind} {restriction.value or restriction.identifier}"
    return "The comment is restricted in a way that Mailbridge does not know"

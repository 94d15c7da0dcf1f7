"""A window's decision: who reads which items by mail, who does not and why. Pure; tells, sees and suppresses in that order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from outbound import audience, suppress, visibility
from outbound.facts import Account, Address, Candidate, Issue, Item, Known, Recipient, Restriction, Rights
from outbound.reach import BY_JIRA, sentence

NO_SENDER = "No outgoing server is set up."
INACTIVE = "This person's Jira account is deactivated."


@dataclass(frozen=True, slots=True)
class Considered:
    """One candidate for one item, by the item's index."""

    item: int
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class People:
    """What was looked up about the accounts, by id: rights, addresses (None: nobody tells) and who told them (`reach`)."""

    rights: Mapping[str, Rights]
    addresses: Mapping[str, str | None]
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Whom we do not write to: reasons by an address's mark, how an address is marked, and whether we can send at all."""

    suppressed: Mapping[str, str]
    mark: Callable[[str], str]
    can_send: bool = True


def consider(items: Sequence[Item], issue: Issue, known: Known) -> tuple[tuple[Considered, ...], tuple[Address, ...]]:
    """Everyone who might be told each item, and who takes part from now on because a mail brought them in."""
    taking_part = list(audience.participants(issue, known))
    newcomers: list[Address] = []
    found: list[Considered] = []
    for index, item in enumerate(items):
        found += [Considered(index, one) for one in audience.tell(item, issue, taking_part, known)]
        brought = audience.introduced(item, taking_part, known)
        taking_part += brought
        newcomers += brought
    return tuple(found), tuple(newcomers)


def lookups(
    considered: Sequence[Considered], items: Sequence[Item], issue: Issue, known: Known
) -> tuple[tuple[str, ...], ...]:
    """The account ids whose rights, and those whose addresses, the decision needs.

    Where people without an account are told, also the address of whoever did it: they may be the same person.
    """
    told = [one.candidate.account for one in considered if one.candidate.account and not one.candidate.no]
    rights = [account.id for account in told if account.active and visibility.needs_rights(account)]
    addresses = [one.candidate.account.id for one in considered if one.candidate.account]
    outside = {one.item for one in considered if one.candidate.address}
    actors = [audience.doer(items[index], issue, known) for index in sorted(outside)]
    addresses += [actor for actor in actors if actor]
    return tuple(dict.fromkeys(rights)), tuple(dict.fromkeys(addresses))


def decide(
    considered: Sequence[Considered],
    items: Sequence[Item],
    issue: Issue,
    known: Known,
    people: People,
    refusals: Refusals,
) -> tuple[Recipient, ...]:
    """One Recipient a person, in the order in which they were first considered."""
    considered = [_known_better(one, items[one.item], issue, known, people) for one in considered]
    groups: dict[str, list[Considered]] = {}
    for one in considered:
        groups.setdefault(_person(one.candidate, people), []).append(one)
    return tuple(_recipient(key, group, items, issue, known, people, refusals) for key, group in groups.items())


def _known_better(one: Considered, item: Item, issue: Issue, known: Known, people: People) -> Considered:
    """The same with the address that Jira told of an account: it may turn out to be the writer's."""
    account = one.candidate.account
    if account is None or not people.addresses.get(account.id):
        return one
    candidate = replace(one.candidate, account=replace(account, address=people.addresses[account.id]))
    if not candidate.no and audience.did_it(candidate, item, issue, known):
        candidate = replace(candidate, no=audience.OWN_DOING)
    return Considered(one.item, candidate)


def _person(candidate: Candidate, people: People) -> str:
    """The same for one person's account and address, once Jira has told the account's address."""
    if candidate.address:
        return candidate.address.key
    assert candidate.account
    address = people.addresses.get(candidate.account.id)
    return address.strip().lower() if address else f"account {candidate.account.id}"


def _recipient(
    key: str,
    group: Sequence[Considered],
    items: Sequence[Item],
    issue: Issue,
    known: Known,
    people: People,
    refusals: Refusals,
) -> Recipient:
    account = next((one.candidate.account for one in group if one.candidate.account), None)
    written = next((one.candidate.address for one in group if one.candidate.address), None)
    shown = people.addresses.get(account.id) if account else None
    address = shown or (written.address.strip() if written else None)
    reasons: list[str] = []
    told: list[int] = []
    no = ""
    considered = tuple(dict.fromkeys(one.item for one in group))
    for index in considered:
        here = [one.candidate for one in group if one.item == index]
        refused = _why_not(items[index], here, account, key, issue, known, people)
        if refused:
            no = no or refused
        else:
            told.append(index)
            reasons += [candidate.reason for candidate in here]
    if told:
        no = _unreachable(account, address, known, refusals)
    name = (account.name if account else "") or (written.name if written else "")
    by_jira = account is not None and address is None and bool(told) and not no
    source = people.sources.get(account.id, "") if account and shown else ""
    return Recipient(
        kind="notify" if by_jira else "account" if account else "address",
        name=name,
        address=address,
        account_id=account.id if account else None,
        considered=considered,
        items=tuple(told),
        reasons=tuple(dict.fromkeys(reasons)) or (group[0].candidate.reason,),
        no=no,
        way=BY_JIRA if by_jira else sentence(source),
    )


def _why_not(
    item: Item,
    here: Sequence[Candidate],
    account: Account | None,
    key: str,
    issue: Issue,
    known: Known,
    people: People,
) -> str:
    own = next((candidate.no for candidate in here if candidate.no), "")
    if own:
        return own
    actor = people.addresses.get(audience.doer(item, issue, known) or "")
    if actor and actor.strip().lower() == key:
        return audience.OWN_DOING
    restriction = item.comment.restriction if item.comment else Restriction()
    rights = people.rights.get(account.id, Rights()) if account else Rights()
    return visibility.why_not(restriction, account, rights)


def _unreachable(account: Account | None, address: str | None, known: Known, refusals: Refusals) -> str:
    if account and not account.active:
        return INACTIVE
    if address is None:  # then Jira sends it, where we are set up to send anything at all
        return "" if refusals.can_send else NO_SENDER
    if audience.is_own(address, known.own):
        return "This is an address of Mailbridge's own."
    if reason := suppress.why_not(address, refusals.suppressed, refusals.mark(address)):
        return reason
    return "" if refusals.can_send else NO_SENDER

"""How mail servers word a failure when they send no RFC 3464 report: who writes, with which words, where the recipients stand. Pure."""

import re

from inbound.html import tree
from inbound.htmltext import text_of
from inbound.parsed import ParsedMail

MAX_TEXT = 100_000
_MAILERS = re.compile(
    r"^(?:mailer[-_.]?daemon|mail[-_.]?daemon|postmaster|post[-_.]?master|mailer|maildelivery|mail[-_.]delivery|mailsystem|mail\.system|mailadm|bounce|bounces|"
    r"mdaemon|mmdf|uucp|uucpd|smtpd?|no-?reply|noreply|root|administrator|admin|sysadmin|mxdaemon|message[-_]?delivery|sender|system|"
    r"exchange|microsoftexchange[0-9a-f]*|complaints|gmail-noreply|delivery)(?:[+=.-].*)?(?:@|$)",
    re.IGNORECASE,
)
_STRONG_MAILERS = re.compile(r"mailer[-_.]?daemon|mail[-_. ]?delivery|postmaster|mdaemon|mail[-_.]?system|bounce", re.IGNORECASE)
_SUBJECT = re.compile(
    r"deliver|undeliver|return(?:ed|ing) (?:mail|message|e-?mail|to sender)|failure notice|mail (?:system )?error|user unknown|unzustellbar|non remis|não entregue|bounce|"
    r"could ?n[o']t (?:be )?(?:sent|send|deliver)|warning.*mail|mail.*warning|rejected|failed|failure|nachricht.*fehler|zustellung|配信|宛先不明|送信できません|delayed|"
    r"no such user|not? be(?:en)? sent|nondeliver|non-?deliver|message status|mail status report|notification|notice|mailbox|erreur|error|impossible|échec|fehlgeschlagen|"
    r"returned|unable|unreachable|mail could not|over quota|недоставл|не доставлен|onbestelbaar|non recapitabile|退信|投递失败",
    re.IGNORECASE,
)
_STRONG_SUBJECT = re.compile(
    r"undeliver|delivery (?:status notification|failure|has failed|report|notification|problem|delayed)|returned (?:mail|to sender)|failure notice|mail delivery (?:failed|failure|error|problem|system)|"
    r"message (?:could not|not) (?:be )?deliver|unzustellbar|delivery.{0,20}fail|mail could not be delivered|returning message|non remis|unable to deliver|nondeliverable",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"could ?n[o']t be delivered|cannot be delivered|can't be delivered|could not deliver|unable to deliver|unable to be delivered|wasn't able to deliver|was not delivered|"
    r"wasn't delivered|not been delivered|not be delivered|undeliver|delivery (?:has )?fail|failed delivery|fail(?:ed|ure) to deliver|delivery to .{0,200}fail|permanent(?:ly)? (?:fatal )?(?:error|fail)|"
    r"fatal error|returned to (?:you|sender|its sender)|did not reach|user unknown|unknown user|no such user|unknown (?:recipient|address|mailbox)|mailbox (?:is )?(?:full|unavailable|not found|unknown|disabled)|"
    r"over quota|quota exceeded|(?:recipient|address|mailbox|user|account)[^.\n]{0,60}(?:rejected|not found|unknown|does not exist|doesn't exist|disabled|invalid|full|unavailable)|"
    r"no such (?:person|mailbox|address|recipient|account)|host unknown|unknown host|unrouteable|unroutable|connection (?:refused|timed out)|delivery .{0,40}delayed|message .{0,40}delayed|still being retried|"
    r"relaying denied|relay(?:ing)? not permitted|rejected|message .{0,60}(?:blocked|refused)|transaction failed|retry time|\b[45]\d\d[ -][#(]?[45]\.\d\.\d|(?:^|\s)5[0-5]\d[ -]\S|"
    r"konnte nicht zugestellt|nicht zustellbar|n'a pas pu être|não (?:pôde|foi)|配信(?:でき|不)|お届けできません|送信できません|存在しない|あて先|宛先|не доставлено|не может быть доставлено|could not be sent|unable to send|"
    r"no longer (?:on|at|with|in|valid)|is not (?:a )?(?:known|valid|active)|inactive (?:user|account|mailbox)|errors occurred|problem (?:delivering|with)|non-?deliver|impossible (?:de|d')|undelivered|"
    r"wasn't found|were not reached|was not reached|have exceeded|unsuccessful|failed addresses|mail failure|bounced|badly formatted|not listed in",
    re.IGNORECASE | re.MULTILINE,
)
_SUCCESS = re.compile(r"successfully (?:delivered|relayed|sent)|was delivered to|has been delivered|delivery (?:was )?success|relayed to", re.IGNORECASE)
# Where the returned mail begins; addresses below are the sender's business.
_RETURNED = re.compile(
    r"^[ \t>*|-]*(?:-{2,}[ \t=]*(?:this is a copy|below this line|original message|unsent message|returned (?:message|mail)|message (?:header|body|content|text)|undelivered message|header|the header|"
    r"start of (?:the )?(?:original|returned)|forwarded message|body of|included is|your (?:message|mail)|rejected message|original mail|text of|copy of|the body|start of message|transmission failed message|"
    r"returned text|failed message|beginning of the|message follows|enclosed|attached|mail header|nachrichtenkopf)|"
    r"(?:the )?(?:original|returned|undelivered|unsent|rejected) message (?:follows|headers?|was|is|text|below|included|appears|details)|original message(?:s)?:?[ \t]*$|content of (?:the )?original|"
    r"(?:the )?(?:text of )?(?:your|the) (?:original )?(?:message|mail|e-?mail) (?:text )?(?:follows|is (?:enclosed|attached|below|included)|headers?|was:?$|appears)|"
    r"(?:below|following) is (?:a copy|the)|copy of (?:the|your)|here is (?:a copy|your)|returned message follows|message headers? follow|the header of the|first \d+ lines|return-path:|received: from|received: by|received: \(|"
    r"the first.{0,20}lines of|message contents|headers? of (?:the )?(?:original|failed|your)|元のメール|以下は|----- 元|the message that caused|headers from|diagnostic information for administrators|"
    r"generating server:|message header:|-{3,}[ \t]*original message)",
    re.IGNORECASE | re.MULTILINE,
)
_A = r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)*"
_ADDRESS = re.compile(_A)
# Ordered from the surest: the first pattern that finds somebody wins.
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        rf"^[ \t]*final-recipient:[ \t]*(?:rfc822|[\w-]+)?[ \t]*;?[ \t]*<?({_A})",
        rf"^[ \t]*(?:to|failed)-?recipients?:[ \t]*<?({_A})",
        rf"^[ \t]*<({_A})>:?[ \t]*(?:\(expanded from[^)]*\))?:?[ \t]*(?:$|\.\.\.|\(|host|[^\n>]{{0,200}}(?:said|reject|unknown|fail|not|5\d\d|4\d\d|error|lookup|sorry|unable|user|mail|connect|delivery))",
        rf"^[ \t]*(?:failed recipient|failed address|recipient(?:'s)?(?: e-?mail)?(?: address)?|recipients?|user|undeliverable address|address|to|original recipient|addressed? to|e-?mail address|your message to)[ \t]*[:=][ \t]*<?\"?(?:mailto:|smtp:)?({_A})",
        rf"RCPT TO: ?<({_A})>",
        rf"<({_A})>\.\.\.",
        rf"[45]\d\d[ -](?:[45]\.\d{{1,3}}\.\d{{1,3}} )?[^\n]{{0,60}}?<?({_A})>?",
        rf"(?:delivered to|deliver (?:mail|message|it|your message)? ?to|delivery to|recipients?|to the following (?:recipient|address)(?:es|s|\(s\)|\(es\))?|addresses|unknown user|user unknown|unknown|sent to|message to|mail to|mailbox|user|address)[:\s]+[\"'<(\[]*({_A})",
        rf"^[ \t]{{1,}}\"?<?({_A})>?\"?[ \t:]*(?:\(|$|\.\.\.|,|;|-)",
        rf"^[ \t]*<?({_A})>?[ \t]*[:,]?[ \t]*(?:$|on \w{{3}}|\(|-|\.\.\.)",
        rf"[<\"'(\[]({_A})[>\"')\]]",
        rf"({_A})",
    )
)


def from_a_mailer(mail: ParsedMail) -> bool:
    """Does a machine that delivers mail write: by its address, its name, a null return path or its unmistakable subject?"""
    sender = mail.sender
    if mail.header("x-failed-recipients") or any(value.strip() == "<>" for value in mail.header_all("return-path")):
        return True
    if _STRONG_SUBJECT.search(mail.subject):
        return True
    if sender is None:
        return bool(_SUBJECT.search(mail.subject))
    if _STRONG_MAILERS.search(sender.address.partition("@")[0]) or _STRONG_MAILERS.search(sender.name):
        return True
    return bool(_MAILERS.match(sender.address) and _SUBJECT.search(mail.subject))


def notification(mail: ParsedMail) -> str:
    """The server's own words: the text above the returned mail."""
    text = mail.text if mail.text.strip() else text_of(tree(mail.html)) if mail.html else ""
    text = text[:MAX_TEXT]
    for match in _RETURNED.finditer(text):
        if text[: match.start()].strip() and (_ADDRESS.search(text[: match.start()]) or _FAILURE.search(text[: match.start()])):
            return text[: match.start()]
    return text


def says_failure(mail: ParsedMail, text: str) -> bool:
    """Do the words tell of a failure or a delay?"""
    return bool(mail.header("x-failed-recipients") or _FAILURE.search(text) or _STRONG_SUBJECT.search(mail.subject))


def says_success(mail: ParsedMail, text: str) -> bool:
    """Do they tell that the mail arrived?"""
    return bool(_SUCCESS.search(text)) and not _FAILURE.search(text)


def recipients_in(mail: ParsedMail, text: str) -> list[str]:
    """The addresses that the mail did not reach."""
    failed = mail.header("x-failed-recipients")
    if failed:
        return _distinct(_ADDRESS.findall(failed), mail)
    for pattern in _PATTERNS:
        found = _distinct([match for match in pattern.findall(text)], mail)
        if found:
            return found
    returned = re.search(rf"^to:.*?({_A})", mail.report.returned, re.IGNORECASE | re.MULTILINE)
    return [returned[1]] if returned else []


def _distinct(addresses: list[str], mail: ParsedMail) -> list[str]:
    sender = mail.sender.address.lower() if mail.sender else ""
    out: dict[str, str] = {}
    for address in addresses:
        address = address.strip(".'`").removeprefix("mailto:")
        low = address.lower()
        if low == sender or _STRONG_MAILERS.match(low) or low.startswith(("postmaster@", "abuse@")):
            continue
        out.setdefault(low, address)
    return list(out.values())

"""How mail servers word a failure when they send no RFC 3464 report: who writes, in which words, about whom. Pure."""

import json
import re

from inbound.reading.htmltext import visible_text
from inbound.reading.parsed import ParsedMail

MAX_TEXT = 100_000
_MAILERS = re.compile(
    r"^(?:mailer[-_.]?daemon|mail[-_.]?daemon|postmaster|post[-_.]?master|mailer|maildelivery|mail[-_.]delivery|"
    r"mailsystem|mail\.system|mailadm|bounce|bounces|"
    r"mdaemon|mmdf|uucp|uucpd|smtpd?|no-?reply|noreply|root|administrator|admin|sysadmin|mxdaemon|"
    r"message[-_]?delivery|sender|system|"
    r"exchange|microsoftexchange[0-9a-f]*|complaints|gmail-noreply|delivery)(?:[+=.-].*)?(?:@|$)",
    re.IGNORECASE,
)
_STRONG_MAILERS = re.compile(
    r"mailer[-_.]?daemon|mail[-_. ]?delivery|post[-_.]?master|mdaemon|mail[-_.]?system|bounce", re.IGNORECASE
)
_SUBJECT = re.compile(
    r"deliver|undeliver|return(?:ed|ing) (?:mail|message|e-?mail|to sender)|failure notice|mail (?:system )?error|"
    r"user unknown|unzustellbar|non remis|não entregue|bounce|"
    r"could ?n[o']t (?:be )?(?:sent|send|deliver)|warning.*mail|mail.*warning|rejected|failed|failure|"
    r"nachricht.*fehler|zustellung|配信|宛先不明|送信できません|delayed|"
    r"no such user|not? be(?:en)? sent|nondeliver|non-?deliver|message status|mail status report|notification|notice|"
    r"mailbox|erreur|error|impossible|échec|fehlgeschlagen|"
    r"returned|unable|unreachable|mail could not|over quota|недоставл|не доставлен|onbestelbaar|non recapitabile|"
    r"退信|"
    r"投递失败",
    re.IGNORECASE,
)
_STRONG_SUBJECT = re.compile(
    r"undeliver|delivery (?:status notification|failure|has failed|report|notification|problem|delayed)|"
    r"returned (?:mail|to sender)|failure notice|mail delivery (?:failed|failure|error|problem|system)|"
    r"message (?:could not|not) (?:be )?deliver|unzustellbar|delivery.{0,20}fail|mail could not be delivered|"
    r"returning message|non remis|unable to deliver|nondeliverable",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"could ?n[o']t be delivered|cannot be delivered|can't be delivered|could not deliver|unable to deliver|"
    r"unable to be delivered|wasn't able to deliver|was not delivered|"
    r"wasn't delivered|not been delivered|not be delivered|undeliver|delivery (?:has )?fail|failed delivery|"
    r"fail(?:ed|ure) to deliver|delivery to .{0,200}fail|permanent(?:ly)? (?:fatal )?(?:error|fail)|"
    r"fatal error|returned to (?:you|sender|its sender)|did not reach|user unknown|unknown user|no such user|"
    r"unknown (?:recipient|address|mailbox)|mailbox (?:is )?(?:full|unavailable|not found|unknown|disabled)|"
    r"over quota|quota exceeded|(?:recipient|address|mailbox|user|account)[^.\n]{0,60}(?:rejected|not found|unknown|"
    r"does not exist|doesn't exist|disabled|invalid|full|unavailable)|"
    r"no such (?:person|mailbox|address|recipient|account)|host unknown|unknown host|unrouteable|unroutable|"
    r"connection (?:refused|timed out)|delivery .{0,40}delayed|message .{0,40}delayed|still being retried|"
    r"relaying denied|relay(?:ing)? not permitted|rejected|message .{0,60}(?:blocked|refused)|transaction failed|"
    r"retry time|\b[45]\d\d[ -][#(]?[45]\.\d\.\d|(?:^|\s)5[0-5]\d[ -]\S|"
    r"konnte nicht zugestellt|nicht zustellbar|n'a pas pu être|não (?:pôde|foi)|配信(?:でき|不)|お届けできません|"
    r"送信できません|存在しない|"
    r"あて先|宛先|не доставлено|не может быть доставлено|could not be sent|unable to send|"
    r"no longer (?:on|at|with|in|valid)|is not (?:a )?(?:known|valid|active)|inactive (?:user|account|mailbox)|"
    r"errors occurred|problem (?:delivering|with)|non-?deliver|impossible (?:de|d')|undelivered|"
    r"not able to deliver|invalid final delivery|domain does not exist|exceeding .{0,20}quota|delivery problems|"
    r"delivery errors?|error .{0,60}deliver|not delivered|"
    r"has been returned|not yet been delivered|has been postponed|incorrectly constructed|did not exactly match|"
    r"duplicated message-id|invalid (?:user|address|recipient)|"
    r"wasn't found|were not reached|was not reached|have exceeded|unsuccessful|failed addresses|mail failure|bounced|"
    r"badly formatted|not listed in",
    re.IGNORECASE | re.MULTILINE,
)
_SUCCESS = re.compile(
    r"successfully (?:delivered|relayed|sent)|was delivered to|has been delivered|delivery (?:was )?success|"
    r"relayed to",
    re.IGNORECASE,
)
# Where the returned mail begins; addresses below are the sender's business.
_RETURNED = re.compile(
    r"^[ \t>*|]{0,8}(?:-{2,80}+[ \t=]{0,8}(?:this is a copy|below this line|original message|unsent message|"
    r"returned (?:message|mail)|message (?:header|body|content|text)|undelivered message|header|the header|"
    r"start of (?:the )?(?:original|returned)|forwarded message|body of|included is|your (?:message|mail)|"
    r"rejected message|original mail|text of|copy of|the body|start of message|transmission failed message|"
    r"returned text|failed message|beginning of the|message follows|enclosed|attached|mail header|nachrichtenkopf)|"
    r"(?:the )?(?:original|returned|undelivered|unsent|rejected) message (?:follows|headers?|was|is|text|below|"
    r"included|appears|details)|original message(?:s)?:?[ \t]*$|content of (?:the )?original|"
    r"(?:the )?(?:text of )?(?:your|the) (?:original )?(?:message|mail|e-?mail) (?:text )?(?:follows|is (?:enclosed|"
    r"attached|below|included)|headers?|was:?$|appears)|"
    r"(?:below|following) is (?:a copy|the)|copy of (?:the|your)|here is (?:a copy|your)|returned message follows|"
    r"message headers? follow|the header of the|first \d+ lines|return-path:|received: from|received: by|"
    r"received: \(|"
    r"the first.{0,20}lines of|message contents|headers? of (?:the )?(?:original|failed|your)|元のメール|以下は|"
    r"----- 元|"
    r"the message that caused|headers from|diagnostic information for administrators|"
    r"generating server:|message header:|-{3,80}+[ \t]{0,8}original message)",
    re.IGNORECASE | re.MULTILINE,
)
_A = r"(?:\"[^\"\s]{1,64}\"|[\w.!#$%&'*+/=?^`{|}~-]{1,64})@[\w-]+(?:\.[\w-]+)*"
_ADDRESS = re.compile(_A)
# Behind such words come the recipients; the addresses before them are of the mail, its sender or its first recipients.
_INTRODUCTION = re.compile(
    r"did not reach the following recipient(?:\(s\)|s)?:|following (?:address|recipient)(?:es|s|\(es\)|"
    r"\(s\))?[^\n]{0,80}(?:\n[^\n@]{0,80})?[:\n-]|"
    r"(?:was|were) not delivered to:?|undeliverable to|could not be delivered to[^\n]{0,80}:?|"
    r"not delivered to the following:?|addressed to e-?mail address ?:|"
    r"deliver(?:ing)? your (?:mail|message) to|your message (?:cannot|could not) be delivered to[^\n]{0,60}|"
    r"permanent error\.|original address:|"
    r"generated from|to\s+which\s+your message was addressed,",
    re.IGNORECASE,
)
# Whom to ask, and who wrote: not whom the mail did not reach.
_NOT_RECIPIENTS = re.compile(
    rf"(?:contact|assistance|please (?:e-?)?mail|mail from|message from|\bfrom|連絡|sent by|reply to|postmaster at|"
    rf"return-path|sender)[^\n@]{{0,40}}?<?{_A}>?",
    re.IGNORECASE,
)
# Ordered from the surest: the first pattern that finds somebody wins.
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        rf"^[ \t]*original address:[ \t]*<?({_A})",
        rf"^[ \t]*final-recipient:[ \t]*(?:rfc822|[\w-]+)?[ \t]*;?[ \t]*<?({_A})",
        rf"^[ \t]*(?:to|failed)-?recipients?:[ \t]*<?({_A})",
        rf"^[ \t]*<({_A})>:?[ \t]*(?:\(expanded from[^)]*\))?:?[ \t]*(?:$|\.\.\.|\(|host|[^\n>]{{0,200}}(?:said|"
        rf"reject|unknown|fail|not|5\d\d|4\d\d|error|lookup|sorry|unable|user|mail|connect|delivery))",
        rf"(?:^[45]\d\d |RCPT TO: ?)<({_A})>",
        rf"^[ \t]*(?:failed recipient|failed address|recipient(?:'s)?(?: e-?mail)?(?: address)?|recipients?|user|"
        rf"undeliverable address|address|to|original recipient|addressed? to|e-?mail address|intended recipient|"
        rf"your message to|rcpt to)[ \t]*[:=][ \t]*<?\"?(?:mailto:|smtp:)?({_A})",
        rf"<({_A})>\.\.\.",
        rf"SMTP=({_A})",
        rf"[45]\d\d[ -](?:[45]\.\d{{1,3}}\.\d{{1,3}} )?[^\n]{{0,60}}?<?({_A})>?",
        rf"(?:delivered to|deliver (?:mail|message|it|your message)? ?to|delivery to|recipients?|"
        rf"to the following (?:recipient|address)(?:es|s|\(s\)|\(es\))?|addresses|unknown user|user unknown|unknown|"
        rf"sent to|message to|mail to|mailbox|user|address)[:\s]+[\"'<(\[]*({_A})",
        rf"^[ \t]{{1,}}\"?<?({_A})>?\"?[ \t:]*(?:\(|$|\.\.\.|,|;|-)",
        rf"^[ \t]*<?({_A})>?[ \t]*[:,]?[ \t]*(?:$|on \w{{3}}|\(|-|\.\.\.)",
        rf"[<\"'(\[]({_A})[>\"')\]]",
        rf"({_A})",
    )
)
# In the section that an introduction opens, an address at the beginning of a line is a recipient.
_ANY_SMTP = re.compile(rf"SMTP=({_A})", re.IGNORECASE)
_LIST_OPENS = re.compile(r"(?:recipient|address|deliver)[^\n]{0,200}:[ \t]*\n(?:[ \t]*\n)?", re.IGNORECASE)
_BOX = re.compile(r"^[ \t]+<?([A-Za-z0-9][\w.+-]{1,63})>?[ \t]*$")  # indented and alone on its line
_LISTED = re.compile(rf"^[ \t\"'<*-]*(?:smtp:|mailto:)?({_A})", re.IGNORECASE | re.MULTILINE)


def from_a_mailer(mail: ParsedMail) -> bool:
    """Does a machine that delivers mail write: by its address, its name, a null return path or its unmistakable subject?"""
    sender = mail.sender
    if mail.header("x-failed-recipients") or any(value.strip() == "<>" for value in mail.header_all("return-path")):
        return True
    if _STRONG_SUBJECT.search(mail.subject):
        return True
    if sender is None:
        return bool(_SUBJECT.search(mail.subject))
    if _certain_mailer(mail):
        return True
    return bool(_MAILERS.match(sender.address) and _SUBJECT.search(mail.subject))


def _certain_mailer(mail: ParsedMail) -> bool:
    sender = mail.sender
    return sender is not None and bool(
        _STRONG_MAILERS.search(sender.address.partition("@")[0]) or _STRONG_MAILERS.search(sender.name)
    )


def notification(mail: ParsedMail) -> str:
    """The server's own words: the text above the returned mail."""
    text = _body(mail)
    at = _returned_at(text)
    return text[:at]


def _body(mail: ParsedMail) -> str:
    text = mail.text if mail.text.strip() else visible_text(mail.html) if mail.html else ""
    return text[:MAX_TEXT]


def _returned_at(text: str) -> int:
    # Something of a notification stands above it: an address or a failure. Each is looked for once, since the marks of a
    # returned mail may come by the thousand; none of them spans two lines.
    first = min((match.end() for pattern in (_ADDRESS, _FAILURE) if (match := pattern.search(text))), default=None)
    if first is None:
        return len(text)
    return next((match.start() for match in _RETURNED.finditer(text) if match.start() >= first), len(text))


def says_failure(mail: ParsedMail, text: str) -> bool:
    """Do the words tell of a failure or a delay?

    A subject alone says so only with the returned mail, without any words, or when a mailer daemon names somebody.
    """
    if mail.header("x-failed-recipients") or _FAILURE.search(text):
        return True
    if not _STRONG_SUBJECT.search(mail.subject):
        return False
    returned = not text.strip() or any(a.content_type == "message/rfc822" for a in mail.attachments)
    return returned or (_ADDRESS.search(text) is not None and _certain_mailer(mail))


def says_success(mail: ParsedMail, text: str) -> bool:
    """Do they tell that the mail arrived?"""
    return bool(_SUCCESS.search(text)) and not _FAILURE.search(text)


def ses_notice(text: str) -> list[tuple[str, bool]] | None:
    """(address, permanent) of Amazon SES's bounce notice, [] for its notices of success and complaint, None for other texts."""
    if '"notificationType"' not in text[:2_000]:
        return None
    try:
        notice = json.JSONDecoder(strict=False).raw_decode(text[text.index("{") :])[0]
        if notice["notificationType"] != "Bounce":
            return []
        permanent = notice["bounce"].get("bounceType") == "Permanent"
        return [(str(who["emailAddress"]), permanent) for who in notice["bounce"]["bouncedRecipients"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def recipients_in(mail: ParsedMail, text: str) -> list[str]:
    """The addresses that the mail did not reach."""
    failed = mail.header("x-failed-recipients")
    if failed:
        return _distinct(_ADDRESS.findall(failed), mail, all_of_them=True)
    introductions = list(_INTRODUCTION.finditer(text))
    for match in introductions:
        section = text[match.end() :]
        paragraph = re.split(r"\n[ \t]*\n(?=[^\n@]*(?:\n|$))", section.lstrip("\n \t-:"), maxsplit=1)[0]
        found = _distinct(_LISTED.findall(paragraph), mail, all_of_them=True) or _distinct(
            _ANY_SMTP.findall(paragraph), mail
        )
        if found:
            return found
    text = _NOT_RECIPIENTS.sub(" ", text)
    for pattern in _PATTERNS:
        found = _distinct(pattern.findall(text), mail)
        if found:
            return found
    return _of_the_returned_mail(mail) or _boxes_of_the_server(mail, text)


def _boxes_of_the_server(mail: ParsedMail, text: str) -> list[str]:
    """Recipients that the server names by their box alone: they are boxes of its own domain."""
    domain = mail.sender.address.rpartition("@")[2].lower() if mail.sender and _certain_mailer(mail) else ""
    if "." not in domain:
        return []
    for match in _LIST_OPENS.finditer(text):
        listed = re.split(r"\n[ \t]*\n", text[match.end() : match.end() + 4_000], maxsplit=1)[0].split("\n")
        boxes = [box[1] for line in listed if (box := _BOX.match(line))]
        if boxes:
            return _distinct([f"{box}@{domain}" for box in boxes], mail)
    return []


def _of_the_returned_mail(mail: ParsedMail) -> list[str]:
    """Whom the mail that came back was for, if that was one person."""
    body = _body(mail)
    carried = [
        a.content[:64_000].decode("utf-8", "replace")
        for a in mail.attachments
        if a.content_type in ("message/rfc822", "text/rfc822-headers")
    ]
    for source in (mail.report.returned, *carried, body[_returned_at(body) :]):
        match = re.search(
            r"^[ \t>]*(?:to|x-original-to|envelope-to):[ \t]*(.*(?:\n[ \t]+.*)*)", source, re.IGNORECASE | re.MULTILINE
        )
        found = _ADDRESS.findall(match[1]) if match else []
        if len(found) == 1:
            return [found[0]]
    return []


def _distinct(addresses: list[str], mail: ParsedMail, *, all_of_them: bool = False) -> list[str]:
    sender = mail.sender.address.lower() if mail.sender else ""
    out: dict[str, str] = {}
    for address in addresses:
        address = address.strip(".'`").removeprefix("mailto:")
        low = address.lower()
        if not all_of_them and (
            low == sender or _STRONG_MAILERS.match(low) or low.startswith(("postmaster@", "abuse@"))
        ):
            continue
        out.setdefault(low, address)
    return list(out.values())

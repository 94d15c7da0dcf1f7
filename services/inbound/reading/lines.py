"""What one line, or a few together, of a plain mail are: quoted, an attribution, a quoted mail's header, a rule. Pure; linear."""

import re
from collections.abc import Sequence
from functools import lru_cache

from inbound.reading.quotes import FIELD, ON, SENT_FROM, SEPARATOR_FORWARDED, SEPARATOR_ORIGINAL, WROTE, field_kind_of

LONGEST = 600  # characters of a line or of joined lines that can be an introduction; keeps every pattern's work bounded
LONGEST_NAME = 80
_QUOTED = re.compile(r"^[ \t\u00a0]{0,4}(?:>|&gt;|[|│](?=[ \t]|$)|[A-Z][A-Za-z]{1,12}>(?=[ \t>]|$))")
_DEPTH = re.compile(r"^[ \t\u00a0]*(?:>[ \t\u00a0]?)+")
_RULE = re.compile(r"^[ \t]*(?:[-_=*~#+–—\u2500]{2,}|[—–\u1427])[ \t]*$")
_ADDRESS = re.compile(r"[\w.+'-]{1,64}@[\w-]+\.[\w.-]+|<[^<>\s]+>|\[mailto:")
_FRAME = "*_- \t\u200e\u200f\u202a\u202b\u202c"
# Two programs introduce without a verb: Gmail's old form, and "2018/1/15 Kim <kim@example.org>".
_BARE_DATE = re.compile(
    r"\d{4}-\d\d-\d\d \d{1,2}:\d\d GMT[+-]\d\d:?\d\d\b.{1,80}$|"
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2}.{0,40}[<(\[][^<>\s]+@[^<>\s]+[>)\]]:?$",
    re.IGNORECASE,
)
_SHARED = re.compile(
    r"(.{1,400}?\S)[\s-]*?[ -](On (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|"
    r"\d)\S*.*|"
    r"(?:Am|Le|El|Il|Op|Em|Den|W dniu|Dne) (?:\w{2,12}[.,]? )?\d.*)$"
)
_HINT = re.compile(r"[\d@<]")  # cheap sign that a date or an address may be there
# The months of the languages we know, as far as it takes to tell them from other words.
_MONTHS = (
    "jan|feb|fév|mar|mär|már|mrt|apr|avr|ápr|abr|mai|may|maj|máj|mei|jun|jún|juin|jul|júl|juil|aug|ago|août|aoû|sep|"
    "szep|set|okt|oct|out|ott|nov|dec|dez|déc|dic|"
    "des|gen|ene|fev|mag|giu|lug|ian|iun|iul|noi|sty|lut|kwi|cze|lip|sie|wrz|paź|lis|gru|led|úno|bře|dub|kvě|čer|srp|"
    "zář|říj|pro|tammi|helmi|maalis|huhti|touko|"
    "kesä|heinä|elo|syys|loka|marras|joulu|oca|şub|nis|haz|tem|ağu|eyl|eki|kas|ara|янв|фев|мар|апр|мая|май|июн|июл|"
    "авг|сен|окт|ноя|дек|січ|лют|бер|кві|тра|чер|"
    "лип|сер|вер|жов|лис|гру|ιαν|φεβ|μαρ|απρ|μαΐ|μαι|ιουν|ιουλ|αυγ|σεπ|οκτ|νοε|δεκ|thg|tháng"
)
_STAMP = re.compile(
    rf"\d{{1,2}}[:.h]\d{{2}}|\d{{1,4}}[-/.年][ ]?\d{{1,2}}[-/.月]|\b(?:19|20)\d\d\b|\b\d{{1,2}}(?:st|nd|rd|th|er|º|"
    rf"\.)?,? (?:de )?(?:{_MONTHS})|"
    rf"\b(?:{_MONTHS})\w{{0,8}}\.? \d{{1,2}}\b|[0-9٠-٩]{{1,2}}[ ]?(?:月|시|日)|\d{{4}}\s?년",
    re.IGNORECASE,
)


def quoted(line: str) -> bool:
    """A line that its program marked as quoted."""
    return _QUOTED.match(line) is not None


def unquoted(line: str) -> str:
    """The line without its quote marks."""
    return _DEPTH.sub("", line, count=1)


def rule(line: str) -> bool:
    """Nothing but dashes, underscores and the like."""
    return _RULE.match(line) is not None


def mobile_signature(line: str) -> bool:
    """What a phone or program adds by itself."""
    return len(line) < 200 and SENT_FROM.match(line) is not None


def original_separator(line: str) -> bool:
    """ "-----Original Message-----" in any language we know."""
    return len(line) < 200 and SEPARATOR_ORIGINAL.match(line) is not None


def forwarded_separator(line: str) -> bool:
    """ "---------- Forwarded message ----------" in any language we know."""
    return len(line) < 200 and SEPARATOR_FORWARDED.match(line) is not None


def attribution(lines: Sequence[str], at: int) -> int:
    """How many lines at `at` are an "On …, … wrote:", 0 if they are none."""
    first = lines[at].strip() if len(lines[at]) <= LONGEST else ""
    if not first or (not _HINT.search(first) and not first.endswith((":", "：", "-")) and not ON.match(first)):
        return 0
    starts = _starts(first)
    joined = ""
    for count in range(1, 6):
        if at + count > len(lines) or (count > 1 and not starts):
            break
        line = lines[at + count - 1].strip()
        if count > 1 and (
            not line or (quoted(line) and not quoted(first) and not (line.startswith(">") and _open_angle(joined)))
        ):
            break
        joined = f"{joined} {line}".strip()
        if len(joined) > LONGEST:
            break
        if _may_end(line) and _introduces(joined, lines, at + count):
            return count
    return 0


@lru_cache(maxsize=512)
def _may_end(line: str) -> bool:
    # Cheap first: this is asked of every line of the mail that begins with a date, up to five times.
    return (
        line[-1] in ":：-*_>\u200e\u202c" or WROTE.search(line[-24:]) is not None or _BARE_DATE.match(line) is not None
    )


def _starts(line: str) -> bool:
    """May an introduction of several lines begin so? A date, a word for "on", or an address."""
    bare = _DEPTH.sub("", line).strip(_FRAME)
    return bool(ON.match(bare) or _STAMP.search(bare[:45]) or _ADDRESS.search(bare))


def _open_angle(text: str) -> bool:
    return text.rfind("<") > text.rfind(">")


def _introduces(text: str, lines: Sequence[str], following: int) -> bool:
    text = _DEPTH.sub("", text)
    framed = text.startswith("--") and text.endswith("--")
    text = text.strip(_FRAME)
    ends = framed or text.endswith((":", "：")) or text.rstrip(" -\u200e\u202c>").endswith(":")
    if not ends and not (_HINT.search(text) and ON.match(text)):
        return False
    verb = WROTE.search(text)
    stamp, address = _STAMP.search(text), bool(_ADDRESS.search(text))
    dated = stamp is not None and (stamp.start() < 45 or ON.match(text) is not None)
    if framed and verb:
        return True
    if verb and ends and (dated or (stamp and address) or (address and (ON.match(text) or len(text) - verb.end() < 6))):
        return not _is_prose(text)
    if verb and not ends and dated and len(text) - verb.end() <= 2 and ON.match(text):
        return True
    if verb and ends and len(text) - verb.end() <= 4 and len(text) < 120:
        return _next_is_quoted(lines, following)
    if dated and address and ends:
        return True
    return _BARE_DATE.match(text) is not None


def _is_prose(text: str) -> bool:
    # "I sent at 9:30 what he wrote: …" has a verb and a stamp too, but no date at its beginning and no address.
    return not ON.match(text) and not _ADDRESS.search(text) and not _STAMP.search(text[:30])


def _next_is_quoted(lines: Sequence[str], at: int) -> bool:
    for line in lines[at : at + 3]:
        if line.strip():
            return quoted(line)
    return False


def split_shared(line: str) -> tuple[str, str] | None:
    """ "yes, do it On Wed, Apr 4, 2012 at 3:59 PM, a@b.c wrote:" as its two halves; None for other lines."""
    if not line.endswith((":", "：")) or len(line) > LONGEST or not WROTE.search(line):
        return None
    match = _SHARED.match(line)
    return (match[1], match[2]) if match and not ON.match(line) else None


def header_block(lines: Sequence[str], at: int) -> int:
    """How many lines at `at` are the header of a quoted mail (From:, Sent:, To:, Subject:), 0 if they are none."""
    kind = field_kind(lines[at])
    if kind not in ("from", "sent", "to", "subject"):
        return 0
    kinds, count, blanks, end = {kind: 1}, 1, 0, at + 1
    while end < len(lines) and count < 12 and end - at < 30:
        line = lines[end]
        if not line.strip():
            blanks += 1
            if blanks > 1:
                break
        elif found := field_kind(line):
            kinds[found] = kinds.get(found, 0) + 1
            count, blanks = count + 1, 0
        elif blanks or not _continues(line):
            break
        end += 1
    while end > at and not lines[end - 1].strip():
        end -= 1
    real = kinds.keys() & {"from", "sent", "to", "subject"}
    if "from" in real and len(real) >= 2 and (len(real) >= 3 or "sent" in real or "subject" in real):
        return end - at
    return end - at if len(real) >= 3 else 0


def names_sender(line: str, header: Sequence[str]) -> bool:
    """Whether the line is nothing but the name of whom the quoted header's From names: in words, or before the @."""
    name = line.strip().strip("*:,").casefold()
    if not name or len(name) > LONGEST_NAME:
        return False
    value = next((match[2] for one in header if field_kind(one) == "from" and (match := FIELD.match(one))), "")
    words = re.sub(r"[<\[(].*", "", value).strip(" \"'*").casefold()
    local = value.partition("@")[0].rpartition("<")[2].strip().casefold()
    return name in (words, local)


def _continues(line: str) -> bool:
    return bool(_ADDRESS.search(line)) or line[:1] in " \t" or line.rstrip().endswith((";", ","))


@lru_cache(maxsize=512)
def field_kind(line: str) -> str:
    """ "from", "sent", "to", "subject", "other", or "" if the line is no header field."""
    if len(line) > LONGEST or (":" not in line and "：" not in line):
        return ""
    match = FIELD.match(line)
    return field_kind_of(match[1]) if match else ""

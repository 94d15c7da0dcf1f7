"""What the reading tests share: our small mails by name, and where the optional corpora and schemas lie."""

from pathlib import Path

MAILS = Path(__file__).parent / "mails"
SHARED = Path(__file__).resolve().parents[3] / "shared"


def raw(name: str) -> bytes:
    """The octets of one of our mails; `name` without .eml."""
    return (MAILS / f"{name}.eml").read_bytes()

"""The bench's results as the page docs/performance.md: ratios first, then what they were made of. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

Results = Mapping[str, Any]

_HEAD = """# Performance

Written by `make bench`; do not edit. Figures of one machine on one day: compare ratios, which are made in one run, and count on nothing else.

"""
_EXPLAINED = """
*Bare loop*: the steps that nothing which does this job can leave out, with nothing around them, in one process (`tests/bench/bare.py`).
It keeps no ledger of attempts, plans no steps, decides nothing about senders, threads, loops or visibility, encrypts nothing, survives no
crash and serves one tenant. It runs before and after Mailbridge's own turn, over the same servers and the same mails. *Per core*: mails for
each second of processor time of Mailbridge's processes together (fetcher and worker; or web process and both workers), system time
included, without the database's, the broker's and the mail servers' time. Wall time is for all of it on this one machine, sandbox included.
"""


def page(results: Results) -> str:
    """The whole page."""
    parts = [_HEAD, _machine(results)]
    pipelines = results.get("pipelines", [])
    if pipelines:
        parts += ["\n## Pipelines against the bare loop\n\n", _pipelines(pipelines), _EXPLAINED]
    if results.get("fetching"):
        parts += ["\n## From the mail server to the ledger\n\n", _fetching(results["fetching"])]
    if results.get("noticed"):
        parts += ["\n## New mail with IDLE\n\n", _noticed(results["noticed"])]
    if results.get("idle"):
        parts += ["\n## Mailboxes that wait\n\n", _idle(results["idle"])]
    if results.get("parallel"):
        parts += ["\n## A slow Jira\n\n", _parallel(results["parallel"])]
    if results.get("latency"):
        parts += ["\n## Latency on an idle system\n\n", _latency(results["latency"])]
    if results.get("memory"):
        parts += ["\n## Memory\n\n", _memory(results["memory"])]
    if results.get("parsing"):
        parts += ["\n## Reading mails\n\n", _parsing(results["parsing"])]
    return "".join(parts) + _footnotes(results)


def _machine(results: Results) -> str:
    machine = results["machine"]
    begin, end = machine["speed_before"], machine["speed_after"]
    return (
        f"Calibration: {machine['processor']}, Python {machine['python']}, {results['at']}; the fixed piece of work "
        f"{begin['per_second']:.0f} times a second before and {end['per_second']:.0f} after, load {begin['load']:.1f} "
        f"before and {end['load']:.1f} after (over {machine['cores']} cores: others were at work too where it is higher).\n"
    )


def _pipelines(rows: Sequence[Results]) -> str:
    table = [
        (
            row["name"],
            f"**{row['ratio_cpu']:.1f}**",
            f"{row['per_core']:.0f}",
            f"{row['bare_per_core']:.0f}",
            f"{row['cpu_ms_per_mail']:.1f}",
            f"{row['bare_cpu_ms_per_mail']:.1f}",
            f"{row['per_second']:.0f}",
            f"{row['transactions_per_mail']:.0f}",
            f"{row['load']:.1f}",
        )
        for row in rows
    ]
    head = (
        "", "bare loop ÷ Mailbridge, per core", "mails/s per core", "bare loop, per core", "ms a mail", "bare loop, ms",
        "mails/s by the clock", "database transactions a mail", "load",
    )  # fmt: skip
    return _table(head, table) + "".join(_shares(row) for row in rows)


def _shares(row: Results) -> str:
    shares = ", ".join(f"{name} {ms:.1f}" for name, ms in row["ms_per_mail_by_process"].items())
    return f"\n{row['name']}: milliseconds a mail in {shares}.\n"


def _fetching(rows: Sequence[Results]) -> str:
    head = (
        "mails of", "time by the clock, ours ÷ bare", "processor time, ours ÷ bare", "mails/s", "bare loop, mails/s",
        "mails/s per core", "bare loop, per core", "load",
    )  # fmt: skip
    table = [
        (
            row["name"],
            f"**{row['ratio_wall']:.1f}**",
            f"**{row['ratio_cpu']:.1f}**",
            *(f"{row[name]:.0f}" for name in ("per_second", "bare_per_second", "per_core", "bare_per_core")),
            f"{row['load']:.1f}",
        )
        for row in rows
    ]
    return _table(head, table) + (
        "\nOurs: fetched, recognised, encrypted and committed with its message for the worker, which stands still meanwhile. Bare: an "
        "imapclient loop that fetches the same mails by fifty and throws them away.\n"
    )


def _noticed(row: Results) -> str:
    ways = (("APPEND → in the ledger", "ledger_seconds"), ("APPEND → a bare loop in IDLE hears of it", "bare_seconds"))
    table = [(title, *(f"{row[key][name]:.3f}" for name in ("p50", "p99", "most"))) for title, key in ways]
    table.append(("ours ÷ bare", f"**{row['ratios']['p50']:.2f}**", f"**{row['ratios']['p99']:.2f}**", ""))
    return _table(("seconds", "p50", "p99", "most"), table) + f"\n{row['samples']} of each, load {row['load']:.1f}.\n"


def _idle(row: Results) -> str:
    head = ("mailboxes in IDLE in one fetcher", "MB", "MB with one", "kB each", "threads", "of one core")
    cells = (
        f"{row['mailboxes']}",
        f"**{row['memory'] / 1e6:.0f}**",
        f"{row['rest'] / 1e6:.0f}",
        f"**{row['each'] / 1e3:.0f}**",
        f"{row['threads']}",
        f"{row['core_share']:.0%}",
    )
    soon = row["ledger_seconds"]
    return _table(head, [cells]) + (
        f"\nAll connected {row['connected_seconds']:.0f} s after the last was set up; {row['database_connections']} connections to the "
        f"database by all seven processes. A mail to one of them is in the ledger after {soon['p50']:.2f} s (p50; at most "
        f"{soon['most']:.2f}: Dovecot tells by the clock where the kernel's watches, 128 by default, are used up). "
        f"Load {row['load']:.1f}.\n"
    )


def _parallel(row: Results) -> str:
    share = row["jira_calls_per_second"] / row["ceiling_calls_per_second"]
    head = ("", "of what the waiting allows", "calls/s", "mails/s", "calls a mail", "ms a mail", "load")
    cells = (
        row["name"],
        f"**{share:.0%}**",
        f"{row['jira_calls_per_second']:.0f}",
        f"{row['mails_per_second']:.0f}",
        f"{row['calls_per_mail']:.1f}",
        f"{row['cpu_ms_per_mail']:.1f}",
        f"{row['load']:.1f}",
    )
    return _table(head, [cells])


def _latency(row: Results) -> str:
    names = (
        ("mail in the mailbox → issue in Jira", "mail_to_issue_seconds"),
        ("of it: mail in the mailbox → the mail server tells a client in IDLE", "told_by_the_mail_server_seconds"),
        (f"comment in Jira → mail at the mail server (window {row['window_seconds']:g} s)", "comment_to_mail_seconds"),
    )
    table = [(title, *(f"{row[key][name]:.2f}" for name in ("p50", "p99", "most"))) for title, key in names]
    return _table(("seconds", "p50", "p99", "most"), table) + f"\n{row['samples']} of each, load {row['load']:.1f}.\n"


def _memory(row: Results) -> str:
    size = row["mail_octets"]
    table = [
        (
            part,
            f"{row[f'{part}_rest'] / 1e6:.0f}",
            f"{row[f'{part}_peak'] / 1e6:.0f}",
            f"**{(row[f'{part}_peak'] - row[f'{part}_rest']) / size:.1f}**",
        )
        for part in ("fetcher", "worker")
    ]
    head = (row["name"], "MB at rest", "MB at most", "times one mail's size above rest")
    return _table(head, table) + f"\nDone in {row['seconds']:.1f} s, load {row['load']:.1f}.\n"


def _parsing(results: Results) -> str:
    head = (
        "mail",
        "ours ÷ mail-parser",
        "ours ÷ compat32",
        "ours ÷ policy.default",
        "ours",
        "mail-parser",
        "compat32",
        "policy.default",
    )
    names = ("mail-parser", "compat32", "policy.default")
    table = []
    for size in results["sizes"]:
        ratios = [f"**{size['ours_against'][name]:.2f}**" for name in names]
        rates = [_rate(size["ways"][name]) for name in ("ours", *names)]
        table.append((size["size"], *ratios, *rates))
    memory = results["memory"]
    return (
        _table(head, table)
        + "\nMails a second of one core, and megabytes. The libraries give less back than ours: no repaired headers, no guard against hostile"
        f" mail, no choice of the text to show; see decision 0005. Load {results['load']:.1f}.\n"
        + f"\nMemory that reading a mail of {memory['mail_octets'] / 1e6:.0f} MB takes at most, the mail itself included:"
        f" **{memory['peak'] / memory['mail_octets']:.1f}** times its size.\n"
    )


def _rate(way: Results) -> str:
    return f"{way['per_second']:.0f} ({way['mb_per_second']:.0f} MB/s)"


def _footnotes(results: Results) -> str:
    notes = results.get("missing", [])
    return "".join(f"\nNot measured: {note}\n" for note in notes)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"

"""The stream of a chaos run: customers' mails, a third of them answers to earlier ones, and an agent's comments."""

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox.client import SandboxClient, wait_for
from sandbox.stage import MAILBOX, Stage

ROOMS = 8  # issues that agents comment on, each with two readers by mail


@dataclass
class Sent:
    """What went in so far: mails by mark with their subject, comments by mark with their readers."""

    mails: dict[str, str] = field(default_factory=dict)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class Rooms:
    """The issues that agents comment on, made from mails before anything goes wrong: key → readers."""

    readers: dict[str, tuple[str, ...]]


def open_rooms(stage: Stage) -> Rooms:
    """Let customers write the mails that become the issues, and wait for them."""
    names = {f"Room {number}": number for number in range(ROOMS)}
    for subject, number in names.items():
        stage.sandbox.mail(
            from_=f"carol{number}@customer.example", to=MAILBOX, cc=f"dave{number}@customer.example",
            subject=subject, text="Let us talk here.\n",
        )  # fmt: skip

    def all_there() -> dict[str, str]:
        keys = {issue["fields"]["summary"]: issue["key"] for issue in stage.sandbox.issues()}
        done = stage.api().get("/api/inbound/mails", state="handled", limit=200)["mails"]
        return keys if names.keys() <= keys.keys() and len(done) >= ROOMS else {}

    keys = wait_for("the rooms to be open", all_there, 60)
    return Rooms(
        {keys[subject]: (f"carol{n}@customer.example", f"dave{n}@customer.example") for subject, n in names.items()}
    )


def pour(
    stage: Stage, rooms: Rooms, seed: int, mails: int, comments: int, seconds: float
) -> tuple[Sent, list[threading.Thread]]:
    """Begin to send, spread over `seconds`; the threads end when all is sent."""
    sent = Sent()
    threads = [
        threading.Thread(target=_mails, args=(stage, sent, seed, mails, seconds), daemon=True),
        threading.Thread(target=_comments, args=(stage, sent, rooms, seed, comments, seconds), daemon=True),
    ]
    for thread in threads:
        thread.start()
    return sent, threads


def _mails(stage: Stage, sent: Sent, seed: int, count: int, seconds: float) -> None:
    chance, sandbox = random.Random(f"mails {seed}"), SandboxClient(stage.sandbox.url)
    for number in _paced(count, seconds):
        answered = chance.randrange(number) if number and chance.random() < 0.33 else None
        mark, subject = f"mail-{seed}-{number}", f"Mail {number} of run {seed}"
        headers = [
            f"From: Writer {number % 7} <writer{number % 7}@customer.example>",
            f"To: {MAILBOX}",
            f"Subject: {subject}",
            f"Message-ID: <{seed}.{number}@customer.example>",
            *([] if answered is None else [f"In-Reply-To: <{seed}.{answered}@customer.example>"]),
        ]
        sandbox.raw_mail("\r\n".join([*headers, "", f"This is {mark} here.", ""]).encode())
        sent.mails[mark] = subject
    sandbox.close()


def _comments(stage: Stage, sent: Sent, rooms: Rooms, seed: int, count: int, seconds: float) -> None:
    chance, sandbox = random.Random(f"comments {seed}"), SandboxClient(stage.sandbox.url)
    agent = stage.agent
    for number in _paced(count, seconds):
        mark, room = f"word-{seed}-{number}", chance.choice(list(rooms.readers))
        sandbox.comment(room, agent, f"This is {mark} here.")
        sent.words[mark] = rooms.readers[room]
    sandbox.close()


def _paced(count: int, seconds: float) -> Iterator[int]:
    """Counts up to `count`, evenly over `seconds`; what is late catches up."""
    began = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, began + number * seconds / count - time.monotonic()))
        yield number

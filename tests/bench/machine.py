"""What the machine gives: processor time and memory of process trees, its load, and how fast it is just now."""

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Speed:
    """How often a second a fixed piece of work was done (SHA-256 of 256 kB, JSON there and back), and the load then."""

    per_second: float
    load: float


def speed(seconds: float = 0.5) -> Speed:
    """Measured now, in this thread, by its own processor time: other processes slow it down only through the caches."""
    block, table = b"m" * 262_144, {str(number): [number, "x" * 20] for number in range(500)}
    count, began = 0, time.thread_time()
    while time.thread_time() - began < seconds:
        hashlib.sha256(block).digest()
        json.loads(json.dumps(table))
        count += 1
    return Speed(count / (time.thread_time() - began), os.getloadavg()[0])


def cpu_seconds(*pids: int) -> float:
    """User and system time of these processes and their living descendants."""
    return sum(_own(pid) for top in pids for pid in tree(top))


def tree(pid: int) -> list[int]:
    """The process and its living descendants."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(below for child in children for below in tree(int(child)))]


def peak_memory(pid: int) -> int:
    """The most octets that the process ever had in memory (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def processor() -> str:
    """The processor's name, and how many of them there are."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor"
    )
    return f"{os.cpu_count()} × {name}"


def _own(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK

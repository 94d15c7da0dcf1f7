"""A room for one container without a container engine: its files at their places, its user, nothing writable but /tmp.

Two ways. *Sealed* (root, and the kernel lets us mount): a mount namespace of its own with a new root that holds the system's
programs, the packages at /opt/venv, our files at /app, each mounted Secret, all read-only, and an empty /tmp; no capabilities,
no new privileges, the container's user and group. *Open* (everybody else): the same command and environment, with the paths of
the image replaced by those of this machine. The network is this machine's in both.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

VENV = Path(sys.prefix)
_PRIVILEGES = "--no-new-privs --bounding-set=-all --inh-caps=-all"
_SYSTEM = ("usr", "dev", "proc")
_LINKS = ("bin", "sbin", "lib", "lib64")
_ETC = ("passwd", "group", "hosts", "nsswitch.conf", "resolv.conf", "localtime", "ld.so.cache", "ssl", "alternatives")


@lru_cache
def can_seal() -> bool:
    """True if rooms can be sealed here."""
    if os.geteuid() != 0 or not all(shutil.which(name) for name in ("unshare", "setpriv", "chroot", "mount")):
        return False
    steps = (
        "mount --make-rprivate /",
        "mount --bind /tmp /tmp",
        "mount -o remount,bind,ro /tmp",
        "mount -t tmpfs tmpfs /tmp",
        f"chroot / setpriv --reuid=10001 --regid=10001 --groups=10001 {_PRIVILEGES} true",
    )
    return subprocess.run(["unshare", "--mount", "sh", "-c", " && ".join(steps)], capture_output=True).returncode == 0


@dataclass
class Room:
    """folder: scratch of the room's own. files: our part of the image, as below its root. mounts: by place, a folder to see there
    (read-only). writable: places that begin empty and may be written. user, group: numbers."""

    folder: Path
    files: Path
    mounts: Mapping[str, Path] = field(default_factory=dict)
    writable: Sequence[str] = ("/tmp",)
    user: int = 10001
    group: int = 10001
    workdir: str = "/app"
    sealed: bool = field(default_factory=can_seal)

    def start(self, command: Sequence[str], environment: Mapping[str, str], output: Path) -> "subprocess.Popen[bytes]":
        """The command in the room with exactly this environment; what it prints goes to the end of `output`."""
        command, env = (self._seal(command), dict(environment)) if self.sealed else self._open(command, environment)
        with output.open("ab") as log:
            return subprocess.Popen(
                command,
                env=env,
                cwd="/" if self.sealed else self.files / self.workdir.lstrip("/"),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _seal(self, command: Sequence[str]) -> list[str]:
        script = self.folder / "room.sh"
        script.write_text("\n".join(self._script()) + "\n", encoding="utf-8")
        return ["/usr/bin/unshare", "--mount", "/bin/sh", "-eu", str(script), *command]

    def _script(self) -> list[str]:
        root = self.folder / "root"
        root.mkdir(exist_ok=True)
        lines = ["mount --make-rprivate /", f"mount --bind {shlex.quote(str(root))} {shlex.quote(str(root))}"]
        # First, for the checkout may itself lie below a place that begins empty.
        for place_in_room in self.writable:
            target = root / place_in_room.lstrip("/")
            target.mkdir(parents=True, exist_ok=True)
            lines.append(f"mount -t tmpfs -o mode=1777 tmpfs {shlex.quote(str(target))}")
        for name in _SYSTEM:
            lines += self._bind(Path("/") / name, root / name)
        for name in _LINKS:
            if Path("/", name).is_symlink() and not (root / name).is_symlink():
                (root / name).symlink_to(os.readlink(Path("/", name)))
            elif not Path("/", name).is_symlink() and Path("/", name).exists():
                lines += self._bind(Path("/", name), root / name)
        (root / "etc").mkdir(exist_ok=True)
        for name in _ETC:
            place = Path("/etc", name)
            if place.is_dir():
                lines += self._bind(place, root / "etc" / name)
            elif place.exists():
                shutil.copy(place, root / "etc" / name)
        lines += self._bind(VENV, root / "opt/venv")
        # The programs in a virtual environment name it by its own path, and the interpreter it was made from.
        lines += self._bind(VENV, root / str(VENV).lstrip("/"))
        if not sys.base_prefix.startswith("/usr"):
            lines += self._bind(Path(sys.base_prefix), root / sys.base_prefix.lstrip("/"))
        for place in sorted(self.files.iterdir()):
            lines += self._bind(place, root / place.name)
        for place_in_room, source in self.mounts.items():
            lines += self._bind(source, root / place_in_room.lstrip("/"))
        # Last: only the top itself, which everything else is mounted on.
        quoted = shlex.quote(str(root))
        lines.append(f"mount -o remount,bind,ro {quoted}")
        lines.append(
            f"exec {shutil.which('chroot')} {quoted} /usr/bin/setpriv --reuid={self.user} --regid={self.group} --groups={self.group} "
            f'{_PRIVILEGES} /bin/sh -c \'cd "$0" && exec "$@"\' {shlex.quote(self.workdir)} "$@"'
        )
        return lines

    def _bind(self, source: Path, target: Path) -> list[str]:
        at = shlex.quote(str(target))
        kind = "--rbind" if source.name in ("dev", "proc") else "--bind"
        lines = [f"mkdir -p {at}", f"mount {kind} {shlex.quote(str(source))} {at}"]
        if kind == "--bind":
            lines.append(f"mount -o remount,bind,ro {at}")
        return lines

    def _open(self, command: Sequence[str], environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        places = {"/opt/venv": str(VENV), **{place: str(source) for place, source in self.mounts.items()}}
        places |= {f"/{place.name}": str(place) for place in self.files.iterdir()}

        def moved(text: str) -> str:
            parts = text.split(":") if text.startswith("/") else [text]
            return ":".join(_moved(part, places) for part in parts)

        env = {name: moved(value) for name, value in environment.items()}
        program = shutil.which(command[0], path=env["PATH"]) or command[0]
        return [program, *command[1:]], env


def _moved(path: str, places: Mapping[str, str]) -> str:
    for place in sorted(places, key=len, reverse=True):
        if path == place or path.startswith(place + "/"):
            return places[place] + path[len(place) :]
    return path

"""`make up` for real: its story on Dovecot, Postfix, nginx, RabbitMQ and PostgreSQL, and an end by Ctrl-C that leaves nothing."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from sandbox.servers.private import NotAvailable, program
from sandbox.story import STEPS

ROOT = Path(__file__).resolve().parent.parent.parent
NEEDED = {
    "rabbitmq-server": "/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server",
    "postgresql": "/usr/lib/postgresql/*/bin/postgres",
    "dovecot-imapd": "/usr/lib/dovecot/imap",
    "postfix": "/usr/lib/postfix/sbin/master",
    "nginx-light": "/usr/sbin/nginx",
}


@pytest.mark.rabbitmq
@pytest.mark.postgres
@pytest.mark.dovecot
@pytest.mark.smtp
@pytest.mark.timeout(600)
def test_the_story_comes_true_on_real_servers_and_ctrl_c_ends_them_all(tmp_path: Path) -> None:
    for package, pattern in NEEDED.items():
        try:
            program(pattern, package=package)
        except NotAvailable as reason:
            pytest.skip(str(reason))
    if os.geteuid() != 0:
        pytest.skip("Postfix can be started by root only")
    folder = Path(tempfile.mkdtemp(prefix="mailbridge-up-"))  # short and open: PostgreSQL, Dovecot run as nobody
    folder.chmod(0o711)
    output = tmp_path / "output"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "scripts.up", "--folder", str(folder)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'services'}:{ROOT}"},
            stdout=sink,
            stderr=sink,
        )
    try:
        deadline = time.monotonic() + 400
        while "Stop with Ctrl-C." not in output.read_text():
            assert process.poll() is None and time.monotonic() < deadline, output.read_text()
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(150)
    text = output.read_text()
    assert code == 0 and text.rstrip().endswith("Stopped."), text
    assert "stands in" not in text
    told = text.split("The story:\n")[1].split("\nOpen:")[0].strip().splitlines()
    assert len(told) == len(STEPS) + 1, text
    assert left_over(folder) == []
    shutil.rmtree(folder)


def left_over(folder: Path) -> list[str]:
    """Command lines of processes that still name the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found

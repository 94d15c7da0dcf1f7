"""A private nginx with the ingress's path table: `with Nginx(folder, port, {"connect": 8001, …}) as front: front.port`."""

from collections.abc import Mapping
from pathlib import Path
from string import Template

from sandbox.servers.private import PrivateServer, Running, answers, hand_over, program

TEMPLATES = Path(__file__).resolve().parent.parent.parent / "deploy" / "nginx"


class Nginx(PrivateServer):
    """Listens on `port` of loopback and passes on to the web processes; their ports by service: connect, inbound, outbound.

    The configuration is deploy/nginx's, filled in. Raises NotAvailable without the program.
    """

    def __init__(self, folder: Path, port: int, services: Mapping[str, int]) -> None:
        super().__init__()
        self._program = program("nginx", "/usr/sbin/nginx", package="nginx-light")
        self._folder = folder
        self._services = services
        self.port = port

    def start(self) -> None:
        """Start it and wait until it listens; raises DidNotStart."""
        self._folder.mkdir(parents=True, exist_ok=True)
        values = {f"MAILBRIDGE_{name.upper()}": f"127.0.0.1:{port}" for name, port in self._services.items()}
        values |= {"MAILBRIDGE_LISTEN": f"127.0.0.1:{self.port}", "MAILBRIDGE_FOLDER": str(self._folder)}
        for name in ("nginx.conf", "mailbridge.conf"):
            template = Template((TEMPLATES / f"{name}.template").read_text(encoding="utf-8"))
            (self._folder / name).write_text(template.safe_substitute(values), encoding="utf-8")
        hand_over(self._folder)
        command = [self._program, "-e", "stderr", "-p", str(self._folder), "-c", str(self._folder / "nginx.conf")]
        self._server = Running(command, self._folder, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})
        with self._coming_up():
            self._server.wait_until(lambda: answers(self.port), 120.0)

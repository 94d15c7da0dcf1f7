"""A private RabbitMQ: `with RabbitMQ(folder) as server: server.url(server.create_vhost("name"))`."""

import base64
import json
import os
import secrets
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sandbox.servers.ports import free_ports
from sandbox.servers.private import PrivateServer, Running, answers, certificate, hand_over, program, run


class RabbitMQ(PrivateServer):
    """One node in `folder` (kept between starts) with the user guest/guest and the management API, all on loopback.

    It has an epmd of its own as a child: the one that Erlang starts by itself listens on every address and stays for ever.
    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__()
        found = program("/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server", package="rabbitmq-server")
        self._sbin = Path(found).parent
        self._epmd_program = program("epmd", "/usr/lib/erlang/bin/epmd", package="rabbitmq-server")
        self._folder = folder
        self.port, self.tls_port, self.management_port, dist, self._epmd_port = free_ports(5)
        self.port = port or self.port
        self._environment = {
            "HOME": str(folder / "home"),
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "mailbridge@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(dist),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        self._epmd: Running | None = None

    def start(self) -> None:
        """Start it and wait until it serves (about 8 s); raises DidNotStart."""
        self._write_configuration()
        self.certificate = certificate(self._folder)[0]
        with self._coming_up():
            epmd = [self._epmd_program, "-address", "127.0.0.1", "-port", str(self._epmd_port)]
            self._epmd = Running(epmd, self._folder, self._environment)
            self._epmd.wait_until(lambda: answers(self._epmd_port), 60.0)
            self._server = Running([str(self._sbin / "rabbitmq-server")], self._folder, self._environment)
            self._server.wait_until(self._ready, 240.0)

    def stop(self) -> None:
        """Stop the node in an orderly way, then its epmd."""
        pid_file = self._folder / "pid"
        if self._server:
            try:
                os.kill(int(pid_file.read_text()), signal.SIGTERM)  # the Erlang machine itself: it then stops in order
            except (OSError, ValueError):
                pass
        self._end()
        if self._epmd:
            self._epmd.stop()
            self._epmd = None

    def kill(self) -> None:
        """kill -9 to the node and all its processes; what it has on disk stays."""
        self._end(signal.SIGKILL)
        self.stop()  # its epmd

    def ctl(self, *arguments: str) -> str:
        """rabbitmqctl; takes a second or two."""
        return run([str(self._sbin / "rabbitmqctl"), "-q", *arguments], self._folder, self._environment)

    def create_vhost(self, name: str) -> str:
        """Make a virtual host and return its URL."""
        self.api("PUT", f"/api/vhosts/{quote(name, safe='')}")
        self.api(
            "PUT", f"/api/permissions/{quote(name, safe='')}/guest", {"configure": ".*", "write": ".*", "read": ".*"}
        )
        return self.url(name)

    def delete_vhost(self, name: str) -> None:
        """Delete the virtual host with all its queues; its connections are closed."""
        self.api("DELETE", f"/api/vhosts/{quote(name, safe='')}")

    def url(self, vhost: str) -> str:
        """The AMQP URL of a virtual host."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{quote(vhost, safe='')}"

    def tls_url(self, vhost: str) -> str:
        """The same over TLS; the certificate signs itself and lies at `certificate`."""
        return f"amqps://guest:guest@localhost:{self.tls_port}/{quote(vhost, safe='')}"

    def cut_connections(self, vhost: str) -> None:
        """Close every connection to the virtual host."""
        self.ctl("close_all_connections", "--vhost", vhost, "cut by a test")

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call the management API; returns the decoded answer, None when it is empty."""
        headers = {"Content-Type": "application/json"}
        headers["Authorization"] = "Basic " + base64.b64encode(b"guest:guest").decode()
        data = None if body is None else json.dumps(body).encode()
        address = f"http://127.0.0.1:{self.management_port}{path}"
        request = urllib.request.Request(address, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def _ready(self) -> bool:
        if not answers(self.port) or not answers(self.management_port):
            return False
        try:
            return bool(self.api("GET", "/api/vhosts"))
        except (urllib.error.URLError, OSError):
            return False

    def _write_configuration(self) -> None:
        for name in ("mnesia", "log", "home"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        lines = (
            f"listeners.tcp.local = 127.0.0.1:{self.port}",
            f"listeners.ssl.local = 127.0.0.1:{self.tls_port}",
            f"ssl_options.certfile = {self._folder / 'cert.pem'}",
            f"ssl_options.keyfile = {self._folder / 'key.pem'}",
            "ssl_options.verify = verify_none",
            "management.tcp.ip = 127.0.0.1",
            f"management.tcp.port = {self.management_port}",
            "loopback_users = none",
            "log.file.level = warning",
            "disk_free_limit.absolute = 50MB",
        )
        (self._folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (self._folder / "enabled_plugins").write_text("[rabbitmq_management].\n")
        (self._folder / "advanced.config").write_text("[].\n")
        (self._folder / "none.conf").write_text("")
        cookie = self._folder / "home" / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text(secrets.token_hex(20))
            cookie.chmod(0o400)
        hand_over(self._folder)

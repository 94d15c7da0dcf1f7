"""Connections to mail servers: to an address that Nets has checked, whatever the name says by now."""

import socket
import ssl
from typing import Protocol

CONNECT_SECONDS = 20.0
"""How long a connection may take to be made, where the mailbox's own patience is longer."""


class Network(Protocol):
    """What `common.nets.Nets` offers; see there."""

    def connect(self, host: str, port: int, timeout: float | None = None) -> socket.socket: ...


def connected(nets: Network, host: str, port: int, timeout: float, context: ssl.SSLContext | None) -> socket.socket:
    """A socket that waits `timeout` seconds for each answer; encrypted from the first octet where there is a context."""
    plain = nets.connect(host, port, min(CONNECT_SECONDS, timeout))
    plain.settimeout(timeout)
    if context is None:
        return plain
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise

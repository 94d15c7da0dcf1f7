"""Which addresses this process may connect to: the public Internet, and the networks the operator allows.

Every host that a tenant types or a stranger's message names is resolved once, here, and the connection goes to the
address that was checked; TLS, SNI and Host headers keep the name. Private, loopback, link-local, metadata, multicast
and reserved ranges are refused, also when an IPv6 address only wraps them (IPv4-mapped, IPv4-compatible, NAT64, 6to4,
Teredo; RFC 4291, 6052, 3056, 4380). Ranges: IANA's special-purpose registries.
"""

import ipaddress
import socket
import time
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from common.env import BadSetting
from common.errors import Permanent, Temporary

_GLOBAL_V6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
# Public or undecided by Python's tables, but a cloud's own: Azure's wire server, IANA's protocol assignments.
_CLOUD = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))


class Nets:
    """The rule for one process. `allowed`: networks in CIDR form that are reachable although they are private."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = tuple(_network(text) for text in allowed)

    @classmethod
    def everything(cls) -> "Nets":
        """No refusals: for addresses that the operator set, such as MAILBRIDGE_CONNECT_URL."""
        return cls(("0.0.0.0/0", "::/0"))

    def resolve(self, host: str, port: int) -> str:
        """The address to connect to; Temporary if the name cannot be resolved, Permanent if no address is permitted."""
        return self._addresses(host, port)[0]

    def connect(self, host: str, port: int, timeout: float | None = None) -> socket.socket:
        """A TCP connection to the first permitted address that answers, within `timeout` seconds for all together.

        The socket keeps `timeout`. Temporary when nothing answers; Permanent as `resolve`.
        """
        end = None if timeout is None else time.monotonic() + timeout
        reason = ""
        for address in self._addresses(host, port):
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                break
            try:
                return _connected(address, port, left, timeout)
            except OSError as error:
                reason = "the connection timed out" if isinstance(error, TimeoutError) else _reason(error)
        raise Temporary(f"No connection to {host}, port {port}: {reason or 'the connection timed out'}.")

    def permits(self, address: str) -> bool:
        """True if a connection to this IP address may be made; ValueError if it is none."""
        ip = ipaddress.ip_address(address.partition("%")[0])
        inner = _unwrapped(ip)
        if any(_within(candidate, network) for network in self._allowed for candidate in (ip, inner)):
            return True
        return _public(inner)

    def _addresses(self, host: str, port: int) -> list[str]:
        if not host or len(host) > 253 or not host.isprintable() or " " in host or not 0 < port < 65536:
            raise Permanent(f"{host!r}, port {port}, is not the address of a server.", remedy="Check host and port.")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError:
            raise Permanent(f"{host!r} is not a host name.", remedy="Check the spelling of the host.") from None
        except OSError as error:
            raise Temporary(f"The host {host} cannot be found: {_reason(error)}.") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        permitted = [address for address in addresses if self.permits(address)]
        if not permitted:
            raise Permanent(
                f"{host} is at {addresses[0]}, an address inside a private or reserved network.",
                remedy="Use a public host, or have the operator add its network to MAILBRIDGE_ALLOW_NETWORKS.",
            )
        return permitted


def _connected(address: str, port: int, patience: float | None, timeout: float | None) -> socket.socket:
    connection = socket.create_connection((address, port), patience)
    try:
        connection.settimeout(timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:  # reset as soon as it was made
        connection.close()
        raise
    return connection


def _public(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv6Address):
        return ip in _GLOBAL_V6 and ip.is_global and not ip.is_multicast
    if any(ip in network for network in _CLOUD):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _unwrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one leads to, or the address itself."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip in _NAT64 or (ip in _COMPATIBLE and int(ip) > 1):
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    return ip


def _within(ip: IPv4Address | IPv6Address, network: IPv4Network | IPv6Network) -> bool:
    return ip.version == network.version and ip in network


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise BadSetting(
            f"MAILBRIDGE_ALLOW_NETWORKS holds {text!r}: give networks such as 10.0.0.0/8 or 127.0.0.1/32."
        ) from None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()

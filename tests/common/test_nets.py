"""Which addresses may be connected to, and that connections go to the address that was checked."""

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.env import BadSetting
from common.errors import Permanent, Temporary
from common.nets import Nets

REFUSED = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.0.1",
    "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192",
    "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "100::1",
    "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:7f00:1::1", "2002:a9fe:a9fe::1",
    "2002:0a00:0001::", "2001:0:4136:e378:8000:63bf:80ff:fffe", "4000::1", "::ffff:0:127.0.0.1",
]  # fmt: skip
PERMITTED = [
    "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.1.1", "193.0.0.1",
    "223.255.255.1", "2606:4700:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:0808:0808::1",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
def test_private_and_special_addresses_are_refused(address: str) -> None:
    assert not Nets().permits(address)


@pytest.mark.parametrize("address", PERMITTED)
def test_public_addresses_are_permitted(address: str) -> None:
    assert Nets().permits(address)


@pytest.mark.parametrize("address", REFUSED)
def test_the_operators_own_addresses_are_always_permitted(address: str) -> None:
    assert Nets.everything().permits(address)


ALLOWED = {
    "the network itself": ("10.1.0.0/16", "10.1.2.3", True),
    "another one": ("10.1.0.0/16", "10.2.2.3", False),
    "wrapped in IPv6": ("10.1.0.0/16", "::ffff:10.1.2.3", True),
    "loopback": ("127.0.0.0/8", "127.0.0.1", True),
    "loopback is not IPv6 loopback": ("127.0.0.0/8", "::1", False),
    "an IPv6 network": ("fd12:3456::/32", "fd12:3456::1", True),
    "an IPv6 network does not allow IPv4": ("fd12:3456::/32", "10.0.0.1", False),
    "a single address": ("192.168.1.7", "192.168.1.7", True),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_allowed_networks_are_permitted(name: str) -> None:
    network, address, permitted = ALLOWED[name]
    assert Nets((network,)).permits(address) is permitted


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_changes_nothing(inner: object) -> None:
    plain = Nets().permits(str(inner))
    assert Nets().permits(f"::ffff:{inner}") == plain
    assert Nets().permits(f"64:ff9b::{inner}") == plain


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.1/8", "localhost", "", "10.*"])
def test_a_network_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(BadSetting, match="MAILBRIDGE_ALLOW_NETWORKS"):
        Nets((text,))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "::1", "::ffff:127.0.0.1"]
)
def test_loopback_is_refused_however_it_is_spelled(host: str) -> None:
    try:
        socket.getaddrinfo(host, 80)
    except OSError:
        pytest.skip(f"this machine does not resolve {host}")
    with pytest.raises(Permanent) as caught:
        Nets().resolve(host, 80)
    assert "MAILBRIDGE_ALLOW_NETWORKS" in caught.value.remedy


@pytest.mark.parametrize(
    "host", ["", " ", "a b", "a\r\nb", "x" * 254, "a..b", "x" * 64 + ".example", ".example", "\udc80"]
)
def test_what_is_no_host_name_is_permanent(host: str) -> None:
    with pytest.raises(Permanent):
        Nets.everything().resolve(host, 80)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_is_no_port_is_permanent(port: int) -> None:
    with pytest.raises(Permanent, match="port"):
        Nets.everything().resolve("127.0.0.1", port)


def test_a_name_that_nobody_has_is_temporary() -> None:
    with pytest.raises(Temporary, match=r"no-such-host\.invalid") as caught:
        Nets.everything().resolve("no-such-host.invalid", 80)
    assert not caught.value.maybe_done


def test_resolve_gives_the_address() -> None:
    assert Nets(("127.0.0.0/8",)).resolve("127.0.0.1", 80) == "127.0.0.1"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_connection_is_made_to_the_permitted_address(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    # localhost may be ::1 first: only the allowed family is tried
    with Nets(("127.0.0.0/8",)).connect("localhost", port, 5.0) as connection:
        assert connection.getpeername() == ("127.0.0.1", port)
        assert connection.gettimeout() == 5.0
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_refused_connection_is_temporary_and_surely_not_done(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(Temporary, match="refused") as caught:
        Nets(("127.0.0.0/8",)).connect("127.0.0.1", port, 5.0)
    assert not caught.value.maybe_done


def test_a_server_that_does_not_accept_is_temporary(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.listen(0)
    crowd = [socket.socket() for _ in range(4)]
    try:
        for member in crowd:
            member.setblocking(False)
            member.connect_ex(("127.0.0.1", port))
        with pytest.raises(Temporary, match="timed out"):
            Nets(("127.0.0.0/8",)).connect("127.0.0.1", port, 0.2)
    finally:
        for member in crowd:
            member.close()


def test_a_forbidden_host_is_not_connected_to(listener: socket.socket) -> None:
    with pytest.raises(Permanent):
        Nets().connect("127.0.0.1", listener.getsockname()[1], 5.0)
    listener.settimeout(0.05)
    with pytest.raises(TimeoutError):
        listener.accept()

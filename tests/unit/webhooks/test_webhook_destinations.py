"""Where a webhook may go: adversaries' URLs and addresses, each by its name."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.webhooks.destinations import WebhookUrlUnfit, destination, is_allowed

pytestmark = pytest.mark.unit

UNFIT = {
    "plain http": "http://hooks.example.org/",
    "another scheme": "ftp://hooks.example.org/",
    "a file": "file:///etc/passwd",
    "a scheme in capitals": "HTTPS://hooks.example.org/",
    "no scheme": "hooks.example.org/",
    "a user": "https://user@hooks.example.org/",
    "a user that looks like a host": "https://hooks.example.org@169.254.169.254/",
    "a password": "https://user:word@hooks.example.org/",
    "a backslash before another host": "https://hooks.example.org\\@evil.example/",
    "a fragment": "https://hooks.example.org/#x",
    "a fragment before another host": "https://evil.example#@hooks.example.org/",
    "a query without a path": "https://hooks.example.org?x",
    "a single label": "https://localhost/",
    "an address": "https://93.184.216.34/",
    "an address of IPv6": "https://[2606:2800:220:1::1]/",
    "loopback mapped into IPv6": "https://[::ffff:127.0.0.1]/",
    "an address as one number": "https://2130706433/",
    "an address in hexadecimal": "https://0x7f.0x0.0x0.0x1/",
    "an address in octal": "https://0177.0.0.01/",
    "an address cut short": "https://127.1/",
    "a dot at the end": "https://hooks.example.org./",
    "two dots": "https://hooks..example.org/",
    "a blank": "https://hooks.example.org/a b",
    "a line's end": "https://hooks.example.org/\r\nX-Injected: 1",
    "a line's end at the end": "https://hooks.example.org/\n",
    "a tabulator": "https://hooks.example.org/\t",
    "a NUL": "https://hooks.example.org/\x00",
    "letters of another script": "https://hооks.example.org/",
    "digits of another script": "https://hooks.example.org:٤٤٣/",
    "a port that is none": "https://hooks.example.org:0/",
    "a port too high": "https://hooks.example.org:65536/",
    "a port of another service": "https://hooks.example.org:25/",
    "a port without a number": "https://hooks.example.org:/",
    "too long": "https://hooks.example.org/" + "a" * 1975,
    "a host too long": "https://" + "a." * 130 + "org/",
    "a label too long": "https://" + "a" * 64 + ".org/",
    "nothing": "",
}
REFUSED = {
    "loopback": "127.0.0.1",
    "another loopback": "127.255.255.254",
    "this host": "0.0.0.0",
    "private, class A": "10.0.0.1",
    "private, class B": "172.16.0.1",
    "private, the last of class B": "172.31.255.255",
    "private, class C": "192.168.1.1",
    "shared by carriers": "100.64.0.1",
    "link-local": "169.254.1.1",
    "the metadata of AWS": "169.254.169.254",
    "the credentials of ECS": "169.254.170.2",
    "the metadata of Alibaba": "100.100.100.200",
    "the metadata of Oracle": "192.0.0.192",
    "the metadata of Azure": "168.63.129.16",
    "benchmarks": "198.18.0.1",
    "documentation": "203.0.113.7",
    "multicast": "224.0.0.1",
    "multicast that is routed": "233.252.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "6to4 relays": "192.88.99.1",
    "loopback of IPv6": "::1",
    "nowhere of IPv6": "::",
    "link-local of IPv6": "fe80::1",
    "link-local with a zone": "fe80::1%lo",
    "public with a zone": "2606:2800:220:1::1%lo",
    "site-local of IPv6": "fec0::1",
    "unique local": "fd00::1",
    "the metadata of AWS over IPv6": "fd00:ec2::254",
    "multicast of IPv6": "ff02::1",
    "routed multicast of IPv6": "ff0e::1",
    "mapped loopback": "::ffff:127.0.0.1",
    "mapped metadata": "::ffff:a9fe:a9fe",
    "a mapped public address": "::ffff:93.184.216.34",
    "compatible loopback": "::127.0.0.1",
    "translated by NAT64": "64:ff9b::a9fe:a9fe",
    "translated by a local NAT64": "64:ff9b:1::a00:1",
    "6to4 around a private address": "2002:a00:1::1",
    "Teredo around anything": "2001:0:53aa:64c:0:fbff:5601:102",
    "documentation of IPv6": "2001:db8::1",
    "newer documentation of IPv6": "3fff::1",
    "discard-only": "100::1",
    "no address": "hooks.example.org",
    "an address in other notation": "0x7f000001",
    "nothing": "",
}

PUBLIC = [
    *("93.184.216.34", "1.1.1.1", "9.255.255.255", "172.15.255.255", "172.32.0.0", "223.255.255.255"),
    *("2606:2800:220:1::1", "2a00::1"),
]


@pytest.mark.parametrize("url", UNFIT.values(), ids=UNFIT)
@pytest.mark.parametrize("local", [False, True])
def test_an_unfit_url_is_refused(url: str, local: bool) -> None:
    """Whatever its author wants another reader of it to see."""
    with pytest.raises(WebhookUrlUnfit):
        destination(url, local=local)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/a?b", "http://localhost:8080/a?b"])
def test_this_machine_is_a_destination_of_the_local_stage_only(url: str) -> None:
    """Anywhere else it is where our own services listen."""
    found = destination(url, local=True)

    assert ("/a?b", 8080, False) == (found.target, found.port, found.is_tls)
    with pytest.raises(WebhookUrlUnfit):
        destination(url, local=False)


@pytest.mark.parametrize(
    ("url", "authority", "port", "target"),
    [
        ("https://hooks.example.org", "hooks.example.org", 443, "/"),
        ("https://hooks.example.org:443/a", "hooks.example.org", 443, "/a"),
        ("https://hooks.example.org:8443/a/b?c=d&e=%20", "hooks.example.org:8443", 8443, "/a/b?c=d&e=%20"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/"),
        ("https://hooks.xn--p1ai/", "hooks.xn--p1ai", 443, "/"),
    ],
)
def test_a_url_is_taken_apart(url: str, authority: str, port: int, target: str) -> None:
    """The Host header names the port only where it is not the scheme's own."""
    found = destination(url, local=False)

    assert (authority, port, target, True) == (found.authority, found.port, found.target, found.is_tls)


@pytest.mark.parametrize("address", REFUSED.values(), ids=REFUSED)
def test_a_private_or_disguised_address_is_refused(address: str) -> None:
    """Also where the local stage takes this very machine, except for that."""
    is_this_machine = address.startswith("127.") or address == "::1"

    assert not is_allowed(address, local=False)
    assert is_this_machine is is_allowed(address, local=True)


@pytest.mark.parametrize(
    "address",
    [
        "93.184.216.34",
        "1.1.1.1",
        "9.255.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "223.255.255.255",
        "2606:2800:220:1::1",
        "2a00::1",
    ],
)
def test_a_public_address_is_taken(address: str) -> None:
    """Up to the very edges of what is refused."""
    assert is_allowed(address, local=False)


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6) | st.ip_addresses(v=6, network="2000::/3"))
def test_what_is_taken_the_standard_library_calls_global(address: ipaddress.IPv4Address) -> None:
    """And no multicast: an independent reading of the same registries."""
    if is_allowed(str(address), local=False):
        assert (True, False) == (address.is_global, address.is_multicast)

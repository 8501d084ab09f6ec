"""Owns where a webhook may go: which URLs, and which addresses behind their names. Pure.

A URL is somebody's text, and this process stands where no stranger stands: next to a metadata service and private
networks. So the text is read by one narrow form instead of by a lenient parser, and an address is taken only where the
whole internet could reach it. Names are judged by what they resolve to at the moment of sending, see `post`.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from kernel.errors import Rejected

URL_LONGEST: Final = 2000
HOST_LONGEST: Final = 253
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
#: The last label has a letter first: no address in any notation is a name.
_NAME: Final = rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?"
_PORT: Final = r"(?::(?P<port>[1-9][0-9]{1,4}))?"
_TARGET: Final = r"(?P<target>/[A-Za-z0-9/?:@!$&'()*+,;=._~%-]*)?"
_PUBLIC: Final = re.compile(rf"(?P<scheme>https)://(?P<host>{_NAME}){_PORT}{_TARGET}")
_LOCAL: Final = re.compile(rf"(?P<scheme>http)://(?P<host>127\.0\.0\.1|localhost){_PORT}{_TARGET}")
#: Services of other kinds, for which a request could be made to look like one of theirs, listen below.
_LOWEST_PORT: Final = 1024
#: Of https, and of http.
_PORTS: Final = {True: 443, False: 80}

#: What the registries of special-purpose addresses call not globally reachable, and multicast.
_IPV4_REFUSED: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's metadata service on an address like any other
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
#: Outside of it lie loopback, link-local, unique local, multicast, and IPv4 in disguise: mapped, compatible, NAT64.
_IPV6_TAKEN: Final = IPv6Network("2000::/3")
#: Of it: protocol assignments with Teredo, documentation, and IPv4 in the disguise of 6to4.
_IPV6_REFUSED: Final = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class WebhookUrlUnfit(Rejected):
    """Webhooks cannot go to this URL."""

    code = "webhook_url_unfit"
    status = 422
    cause = "It is not https, names no public host, has user, password or fragment in it, or a low port other than 443."
    remedy = "Give https://<host name in small letters>[:<port>]/<path>, as https://hooks.example.org/counterpart."
    example = '{"url": "http://hooks.example.org"}'


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL in its parts; `target` is the path with the query."""

    host: str
    port: int
    target: str
    is_tls: bool

    @property
    def authority(self) -> str:
        """The Host header: without the port where that is the scheme's own."""
        return self.host if self.port == _PORTS[self.is_tls] else f"{self.host}:{self.port}"


def destination(url: str, *, local: bool) -> Destination:
    """The parts of a URL. `local` takes plain HTTP to this machine too, as the local cloud needs it.

    Raises WebhookUrlUnfit.
    """
    found = _PUBLIC.fullmatch(url) or (_LOCAL.fullmatch(url) if local else None)
    if found is None or len(url) > URL_LONGEST or len(found["host"]) > HOST_LONGEST:
        raise WebhookUrlUnfit(url=url[:200])
    is_tls = found["scheme"] == "https"
    port = int(found["port"] or _PORTS[is_tls])
    if port != _PORTS[is_tls] and not _LOWEST_PORT <= port <= 65535:
        raise WebhookUrlUnfit(url=url[:200])
    return Destination(found["host"], port, found["target"] or "/", is_tls)


def is_allowed(address: str, *, local: bool) -> bool:
    """Whether a name that resolves to this address may be sent to; what is no plain address may not."""
    try:
        one = ip_address(address)
    except ValueError:
        return False
    if local and any(one in network for network in _LOOPBACK if network.version == one.version):
        return True
    if one.version == 4:
        return not any(one in network for network in _IPV4_REFUSED)
    # An address with a zone ("fe80::1%eth0") means an interface of this machine.
    return one.scope_id is None and one in _IPV6_TAKEN and not any(one in network for network in _IPV6_REFUSED)

"""Addresses of gateways and services: what an operator may configure, and what nobody may be sent to."""

import pytest

from kernel.errors import SettingsInvalid
from kernel.pinning.gateways import Gateway
from kernel.pinning.site import Site

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "url",
    [
        "http://gateway.example.org",
        "ftp://gateway.example.org",
        "file:///etc/passwd",
        "https://",
        "gateway.example.org",
        "https://me:secret@gateway.example.org",
        "https://gateway.example.org?x=1",
        "https://gateway.example.org#x",
        "",
    ],
)
def test_other_addresses_than_https_are_refused(url: str) -> None:
    """And the refusal repeats none of them: an address may hold a credential."""
    with pytest.raises(SettingsInvalid) as refused:
        Site(url)

    assert "secret" not in str(refused.value)


def test_plain_http_is_for_tests() -> None:
    """Only where it is allowed."""
    assert Site("http://127.0.0.1:1", plain_allowed=True).name == "127.0.0.1:1"


def test_a_gateway_is_named_by_its_host() -> None:
    """As its breaker is."""
    assert Gateway("https://gateway.example.org/").name == "gateway:gateway.example.org"

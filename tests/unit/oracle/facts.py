"""The protocol's published facts, as the tests read them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from functions.oracle.core.feeds import Feed

FIXTURES = Path(__file__).parents[2] / "fixtures" / "oracle"


@cache
def protocol() -> dict[str, Any]:
    """Selectors, real calldata and golden values."""
    facts: dict[str, Any] = json.loads((FIXTURES / "protocol.json").read_text())
    return facts


@cache
def flare_feeds() -> tuple[Feed, ...]:
    """The 63 feeds of Flare mainnet in a snapshot, in the order in which they are listed."""
    listed = json.loads((FIXTURES / "feeds_flare.json").read_text())["feeds"]
    return tuple(Feed(unhex(feed["id"]), feed["decimals"]) for feed in listed)


def unhex(text: str) -> bytes:
    """The bytes of hexadecimal text, with or without 0x."""
    return bytes.fromhex(text.removeprefix("0x"))

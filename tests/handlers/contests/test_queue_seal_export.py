"""queue_seal_export: a key is put into its box behind a queue, where nobody from outside comes."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.handlers.contests.strongroom import SOL, Strongroom

pytestmark = pytest.mark.handlers
EXPORTS = "/v1/contests/admin/exports"


@pytest.fixture
def room(database_url: str) -> Iterator[Strongroom]:
    """Nothing done yet."""
    with Strongroom.open(database_url) as room:
        yield room


def agreed(room: Strongroom, *who: str) -> str:
    """An export that these have agreed to; its path."""
    sealed_to = base64.b64encode(X25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    body = {"address": room.wallet(1, SOL), "sealed_to_base64": sealed_to, "reason": "it moves"}
    path = f"{EXPORTS}/{room.http('POST', EXPORTS, body)[1]['id']}"
    for one in who:
        room.http("POST", f"{path}/approvals", who=one)
    return path


def kept(room: Strongroom) -> tuple[bool, bool]:
    """Whether there is a box, and whether it was given."""
    [row] = room.rows("select box is not null as box, given_at is not null as given from contests.key_exports")
    return row["box"], row["given"]


def test_a_box_is_made_once_and_kept_until_it_is_given(room: Strongroom) -> None:
    """A second delivery makes no second box; what was given is kept no longer."""
    path = agreed(room, "bob", "cyd")
    first, box = room.seal(), room.rows("select box from contests.key_exports")
    again = room.seal()

    assert [("done", None)] == first == again
    assert box == room.rows("select box from contests.key_exports")
    assert (True, False) == kept(room)
    given: tuple[int, dict[str, Any]] = room.http("POST", f"{path}/key")
    assert (200, (False, True)) == (given[0], kept(room))


def test_one_agreement_seals_nothing(room: Strongroom) -> None:
    """Nobody is asked to, before the second."""
    agreed(room, "bob")

    assert ([], (False, False)) == (room.seal(), kept(room))


def test_nothing_is_sealed_after_its_day(room: Strongroom) -> None:
    """Two have agreed, and the task came too late."""
    agreed(room, "bob", "cyd")
    room.custody.clock.advance(24 * 3_600)

    assert [("skipped", "skipped")] == room.seal()
    assert (False, False) == kept(room)


def test_nothing_is_sealed_of_a_wallet_that_is_in_play_by_then(room: Strongroom) -> None:
    """It was free when its key was asked for, and a contest has got it since."""
    agreed(room, "bob", "cyd")
    [row] = room.rows("select address from contests.key_exports")
    room.contest(row["address"], "active", SOL)

    assert [("dropped", "wallet_in_play")] == room.seal()
    assert (False, False) == kept(room)

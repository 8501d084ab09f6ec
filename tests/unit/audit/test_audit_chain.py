"""The audit chain: what each hash covers, and that no link can be changed, moved or left out unseen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.audit import ChainBroken, Head, Link
from kernel.audit.chain import START, verified

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


def chain(length: int) -> list[Link]:
    """So many links that hold."""
    links: list[Link] = []
    for number in range(1, length + 1):
        link = Link(
            seq=number,
            at=NOW + timedelta(seconds=number),
            actor="key:abc",
            action="treasury.halt",
            subject=f"service:{number}",
            details='{"reason":"drill"}',
            previous_hash=links[-1].hash if links else START.hash,
            hash=bytes(32),
        )
        links.append(replace(link, hash=link.digest()))
    return links


def test_the_octets_of_a_link_are_fixed() -> None:
    """A hash once written must be computable for ever: computed apart from our code by Python's own hashlib."""
    (link,) = chain(1)

    assert "9a7f6575f9487d82066fe7dd548c0416fc12626d68205f839c0579bac1490d0d" == link.hash.hex()
    assert f"1:{link.hash.hex()}" == str(Head(seq=1, hash=link.hash))


def test_a_whole_chain_holds() -> None:
    """Its head is its last link."""
    links = chain(5)

    assert verified(links) == Head(seq=5, hash=links[-1].hash)
    assert verified([]) == START


def test_a_chain_goes_on_from_a_known_head() -> None:
    """A part is checked as well as the whole."""
    links = chain(5)

    assert verified(links[2:], verified(links[:2])) == verified(links)


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "key:abd"},
        {"action": "treasury.resume"},
        {"subject": "service:9"},
        {"details": '{"reason":"drilL"}'},
        {"at": NOW},
        {"seq": 7},
        {"previous_hash": bytes(31) + b"\1"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_link_shows(change: dict[str, object]) -> None:
    """Whatever field it is."""
    links = chain(5)
    links[2] = replace(links[2], **change)  # type: ignore[arg-type]  # fields by name

    with pytest.raises(ChainBroken):
        verified(links)


def test_a_changed_link_with_a_hash_of_its_own_shows_at_the_next() -> None:
    """Whoever rewrites one must rewrite all that follow, and the head that others remember."""
    links = chain(5)
    forged = replace(links[2], actor="key:nobody")
    links[2] = replace(forged, hash=forged.digest())

    with pytest.raises(ChainBroken) as broken:
        verified(links)
    assert 4 == broken.value.details["seq"]


@given(st.integers(2, 8), st.data())
def test_no_link_can_be_left_out_or_moved(length: int, data: st.DataObject) -> None:
    """Any other order, and any proper part that is not a beginning, is refused."""
    links = chain(length)
    order = data.draw(st.permutations(range(length)).map(lambda one: list(one)[: data.draw(st.integers(1, length))]))
    part = [links[index] for index in order]

    if order == list(range(len(order))):
        assert verified(part).seq == len(part)
    else:
        with pytest.raises(ChainBroken):
            verified(part)


def test_texts_cannot_be_shifted_between_fields() -> None:
    """Each is hashed behind its length."""
    (link,) = chain(1)
    shifted = replace(link, actor="key:ab", action="ctreasury.halt")

    assert link.digest() != shifted.digest()

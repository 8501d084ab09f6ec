"""Who may read which topic, and what a topic's name may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.realtime import KINDS, Access, Reader, TopicForbidden, TopicUnknown, topic_for, topic_named
from kernel.realtime.topics import ANONYMOUS, TopicNeedsSession

pytestmark = pytest.mark.unit
ALICE, BOB = "evm:0xa11ce", "solana:9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin"
VIEWER, ADMIN = Reader(subject=ALICE), Reader(subject=ALICE, is_admin=True)
OWN = [kind for kind, row in KINDS.items() if row.access is Access.OWN]
ADMINS = [kind for kind, row in KINDS.items() if row.access is Access.ADMIN]


def test_the_table_is_the_specified_one() -> None:
    """Public, one's own, administrators': none has moved."""
    assert sorted(OWN) == ["portfolio", "user", "wallet", "wallet-balance"]
    assert sorted(ADMINS) == ["admin", "logs"]
    assert {"market-data", "system", "contest", "prices"} <= {k for k, row in KINDS.items() if row.access == "public"}


@pytest.mark.parametrize("kind", [kind for kind, row in KINDS.items() if row.access is Access.PUBLIC])
def test_anybody_reads_what_is_public(kind: str) -> None:
    """Without a session, with or without a subject."""
    assert [topic_for(name, ANONYMOUS).name for name in (kind, f"{kind}:x")] == [kind, f"{kind}:x"]


@pytest.mark.parametrize("kind", OWN)
def test_ones_own_is_read_by_nobody_else(kind: str) -> None:
    """Named or not; administrators do not read it either."""
    assert topic_for(kind, VIEWER) == topic_for(f"{kind}:{ALICE}", VIEWER)
    assert topic_for(kind, VIEWER).name == f"{kind}:{ALICE}"
    for reader in (Reader(subject=BOB), Reader(subject=BOB, is_admin=True)):
        with pytest.raises(TopicForbidden):
            topic_for(f"{kind}:{ALICE}", reader)
    with pytest.raises(TopicNeedsSession):
        topic_for(f"{kind}:{ALICE}", ANONYMOUS)


@pytest.mark.parametrize("kind", ADMINS)
def test_administrators_topics_need_the_role(kind: str) -> None:
    """A session alone is not enough."""
    assert topic_for(kind, ADMIN).name == kind
    with pytest.raises(TopicForbidden):
        topic_for(kind, VIEWER)
    with pytest.raises(TopicNeedsSession):
        topic_for(kind, ANONYMOUS)


def test_capitals_and_underscores_are_those_of_the_older_words() -> None:
    """Of the kind only: subjects are told apart by their case."""
    assert topic_for("MARKET_DATA:Flr_Usd", ANONYMOUS).name == "market-data:Flr_Usd"


def test_publishing_to_ones_own_needs_a_subject() -> None:
    """Nobody is "oneself" for a publisher."""
    with pytest.raises(TopicUnknown):
        topic_named("portfolio")
    assert topic_named(f"portfolio:{BOB}").name == f"portfolio:{BOB}"


@given(st.text(max_size=120))
def test_a_name_is_taken_as_it_is_or_refused(name: str) -> None:
    """Whatever is taken has none of the characters that mean something in keys or in JSON."""
    try:
        topic = topic_named(name)
    except TopicUnknown:
        return

    assert not set(topic.name) & set(' |"\\{}*?[]\r\n\t\x00')


@given(st.sampled_from(sorted(KINDS)), st.sampled_from(list('|"\\{}*?[] \r\n\t\x00é,')))
def test_no_such_character_comes_in_with_a_subject(kind: str, character: str) -> None:
    """At the end neither, where a careless pattern would let a line break through."""
    for subject in (f"a{character}", f"a{character}b", character):
        with pytest.raises(TopicUnknown):
            topic_named(f"{kind}:{subject}")


def test_a_subject_has_an_end() -> None:
    """Keys do not grow with what strangers write."""
    assert topic_named("contest:" + "x" * 96).name.endswith("x")
    with pytest.raises(TopicUnknown):
        topic_named("contest:" + "x" * 97)

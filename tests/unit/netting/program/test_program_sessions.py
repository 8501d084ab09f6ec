"""Session keys: what an owner signs, and what is no signature of it."""

import struct

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from functions.netting.core import settlement
from tests.unit.netting.program import market as m
from tests.unit.netting.program.market import Market, pda
from tests.unit.netting.program.refusals import ALREADY_THERE, NOT_OWNER, NOT_SIGNED, SESSION_UNFIT, WRONG_ACCOUNT

pytestmark = pytest.mark.unit


class Session:
    """An owner who lets a key trade, with the text that a wallet has shown."""

    def __init__(self, market: Market) -> None:
        self.market, self.owner, self.key = market, market.wallet(), Keypair().pubkey()
        self.volume, self.expires_at = 5_000, m.NOW + 3_600

    def text(self) -> bytes:
        line = f"- counterpart:session:{self.key}:{self.volume}:{self.expires_at}"
        return (
            f"app wants you to sign in with your Solana account:\n{self.owner.pubkey()}\n\nResources:\n{line}".encode()
        )

    def signed(self, text: bytes | None = None, signer: Keypair | None = None, inside: int = 0xFFFF) -> Instruction:
        """The instruction of the Ed25519 program."""
        text, signer = text or self.text(), signer or self.owner
        head = struct.pack("<BBHHHHHHH", 1, 0, 48, inside, 16, inside, 112, len(text), inside)
        content = head + bytes(signer.pubkey()) + bytes(signer.sign_message(text)) + text
        return Instruction(m.ED25519, content, [])

    def account(self) -> Pubkey:
        return pda(b"session_key", bytes(self.owner.pubkey()), bytes(self.key))

    def register(self, sysvar: Pubkey = m.INSTRUCTIONS) -> Instruction:
        accounts = [(self.account(), "w"), (self.owner, "sw"), (self.key, ""), (sysvar, ""), (m.SYSTEM, "")]
        body = settlement.register_session_key_data(self.volume, self.expires_at)[8:]
        return self.market.call("register_session_key", accounts, body)


@pytest.fixture
def session(shared: Market) -> Session:
    return Session(shared)


def test_a_session_key_is_registered_and_revoked(session: Session) -> None:
    """By its owner, for good."""
    market = session.market
    market.must(session.owner, session.signed(), session.register())
    account = market.vm.get_account(session.account())
    assert account is not None
    assert account.data[8:40] == bytes(session.owner.pubkey())
    assert account.data[40:72] == bytes(session.key)
    assert struct.unpack_from("<QqQ", account.data, 72) == (5_000, session.expires_at, 0)

    thief = market.wallet()
    by_thief = market.call("revoke_session_key", [(session.account(), "w"), (thief, "s")])
    assert market.refused(thief, by_thief) == NOT_OWNER
    market.must(session.owner, market.call("revoke_session_key", [(session.account(), "w"), (session.owner, "s")]))
    revoked = market.vm.get_account(session.account())
    assert revoked is not None
    assert struct.unpack_from("<Q", revoked.data, 88) == (1,)
    assert market.refused(session.owner, session.signed(), session.register()) == ALREADY_THERE


def test_a_session_key_needs_the_text_that_the_owner_signed(session: Session) -> None:
    """No text, another's signature, another key, another volume, another time, another place of the signature."""
    market, owner = session.market, session.owner
    other = Session(market)
    other.owner = owner
    richer = session.text().replace(b":5000:", b":50000:")
    memo = market.call("set_paused", [(m.CONFIG, "w"), (market.authority, "s")], b"\0")
    refusals = [
        market.refused(owner, session.register()),
        market.refused(owner, session.signed(signer=market.wallet()), session.register()),
        market.refused(owner, other.signed(), session.register()),
        market.refused(owner, session.signed(richer), session.register()),
        market.refused(owner, session.signed(session.text() + b"0"), session.register()),
        market.refused(owner, session.signed(inside=0), session.register()),
        market.refused(owner, market.authority, session.signed(), memo, session.register()),
    ]

    assert refusals == [NOT_SIGNED] * len(refusals)


def test_a_session_key_is_for_a_year_at_most(session: Session) -> None:
    """And not for the past, nor for nothing; and the list of instructions is the cluster's own."""
    market, owner = session.market, session.owner
    refusals = []
    for volume, expires_at in ((5_000, m.NOW), (5_000, m.NOW + 367 * 86_400), (0, m.NOW + 60)):
        session.volume, session.expires_at = volume, expires_at
        refusals.append(market.refused(owner, session.signed(), session.register()))
    session.volume, session.expires_at = 5, m.NOW + 60

    assert refusals == [SESSION_UNFIT] * 3
    assert market.refused(owner, session.signed(), session.register(sysvar=m.CLOCK)) == WRONG_ACCOUNT

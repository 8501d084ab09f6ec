"""The program's accounts and what its instructions did, from bytes that the real program wrote and took."""

import struct
from collections.abc import Callable

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from functions.netting.core.accounts import (
    AccountMalformed,
    ClearingAccount,
    Config,
    Item,
    Ledger,
    SessionKey,
    StateRoot,
    decode_account,
)
from kernel import base58
from tests.unit.netting.program import market as m
from tests.unit.netting.program.market import Market, pda
from tests.unit.netting.program.test_program_sessions import Session

pytestmark = pytest.mark.unit

# As the program left them in LiteSVM; keys of one octet each where the test chose them.
OWNER = "232311912d53f1d783850c3539388817f23e6429a563eafd81c71d41fd23609b"
GOLDEN_CONFIG = "9b0caae01efacc82" + OWNER + "0300000000000000" + "0100000000000000"
GOLDEN_LEDGER = "2b2915d5b4b05f20" + OWNER + "2413000000000000" + "ffffffffffffffff" + "00f1536500000000"
GOLDEN_ITEM = "5c9da38248fe56d8" + "0900000000000000" + OWNER + "bc" * 32 + "00f1536500000000"
GOLDEN_SESSION = "5dbaa38ba0ff5170" + OWNER + "96" * 32 + "8813000000000000" + "10ff536500000000" + "0100000000000000"
GOLDEN_CLEARING = (
    "cda27a7c152ef62e" + "0300000000000000" + "ab" * 32 + "0200000000000000" + "0100000000000000"
    "6400000000000000" + "0400000000000000" + "0500000000000000" + "0100000000000000"
)
GOLDEN_ROOT = "74de09a5caba4f33" + "0400000000000000" + "01" * 32 + "02" * 32 + "0500000000000000" + "0600000000000000"
WALLET = base58.encode(bytes.fromhex(OWNER))


def test_accounts_byte_for_byte() -> None:
    """Every field where the program's C has it."""
    told = [
        decode_account(bytes.fromhex(one))
        for one in (GOLDEN_CONFIG, GOLDEN_LEDGER, GOLDEN_ITEM, GOLDEN_SESSION, GOLDEN_CLEARING, GOLDEN_ROOT)
    ]

    assert told == [
        Config(authority=WALLET, last_batch_id=3, is_paused=True),
        Ledger(wallet=WALLET, locked_lamports=4_900, asked_lamports=2**64 - 1, requested_at_s=1_700_000_000),
        Item(number=9, owner=WALLET, mint=base58.encode(b"\xbc" * 32), requested_at_s=1_700_000_000),
        SessionKey(
            owner=WALLET,
            key=base58.encode(b"\x96" * 32),
            max_volume_lamports=5_000,
            expires_at_s=1_700_003_600,
            is_revoked=True,
        ),
        ClearingAccount(
            batch_id=3,
            batch_hash=b"\xab" * 32,
            parts=2,
            next_part=1,
            balance_lamports=100,
            items=4,
            wallets=5,
            is_giving=True,
        ),
        StateRoot(batch_id=4, root=b"\1" * 32, da_hash=b"\2" * 32, intents=5, items=6),
    ]


def test_what_the_program_writes_is_read(market: Market) -> None:
    """Funds, a request, an item, a session, a batch in parts and a root, by the program itself."""
    wallet, session = market.deposited(5_000), Session(market)
    market.must(wallet, market.call("request_withdrawal", [(ledger(wallet), "w"), (wallet, "s")], m.u64(7)))
    market.must(wallet, market.authority, market.deposit_item(9, wallet))
    market.must(session.owner, session.signed(), session.register())
    market.must(market.authority, market.begin(3, 2))
    market.must(market.authority, market.part(3, 0, debits=[(wallet, 100)]))
    read = [decode_account(content(market, key)) for key in (m.CONFIG, ledger(wallet), m.item_of(9), session.account())]
    clearing = decode_account(content(market, pda(b"clearing", m.u64(3))))

    owner = str(wallet.pubkey())
    assert read == [
        Config(authority=str(market.authority.pubkey()), last_batch_id=3, is_paused=False),
        Ledger(wallet=owner, locked_lamports=4_900, asked_lamports=7, requested_at_s=m.NOW),
        Item(number=9, owner=owner, mint=base58.encode(content(market, m.item_of(9))[48:80]), requested_at_s=0),
        SessionKey(
            owner=str(session.owner.pubkey()),
            key=str(session.key),
            max_volume_lamports=5_000,
            expires_at_s=session.expires_at,
            is_revoked=False,
        ),
    ]
    assert isinstance(clearing, ClearingAccount)
    assert (clearing.parts, clearing.next_part, clearing.balance_lamports, clearing.wallets) == (2, 1, 100, 1)


def test_more_than_all_cannot_be_asked_back() -> None:
    """What is not to be counted on is at most what is there."""
    ledger = Ledger(wallet=WALLET, locked_lamports=10, asked_lamports=2**64 - 1, requested_at_s=1)
    modest = Ledger(wallet=WALLET, locked_lamports=10, asked_lamports=4, requested_at_s=1)

    assert (ledger.requested_lamports, modest.requested_lamports) == (10, 4)


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param(lambda content: content[:-1], id="short"),
        pytest.param(lambda content: content + b"\0", id="long"),
        pytest.param(lambda content: b"\0" + content[1:], id="of no kind"),
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: content[:-8] + struct.pack("<Q", 2), id="a flag of two"),
    ],
)
def test_what_is_no_account_is_refused(spoilt: Callable[[bytes], bytes]) -> None:
    """By its size, its kind, and flags that are none."""
    with pytest.raises(AccountMalformed):
        decode_account(spoilt(bytes.fromhex(GOLDEN_SESSION)))


def ledger(wallet: Keypair) -> Pubkey:
    return m.ledger_of(wallet.pubkey())


def content(market: Market, key: Pubkey) -> bytes:
    account = market.vm.get_account(key)
    assert account is not None
    return bytes(account.data)

"""What wallets do with the program themselves: deposits, exits, items, session keys; read from a real node."""

import base64
from collections.abc import Callable, Iterator

import pytest

from functions.netting.core.books import OUTSIDE
from infra.local.netting.world import World
from tests.chain.netting.listener import Listener

pytestmark = pytest.mark.chain

SOL = 10**9


@pytest.fixture
def listener(start_netting_world: Callable[..., World], database_url: str) -> Iterator[Listener]:
    """A deployment in front of a small world that it has not read yet."""
    listener = Listener(start_netting_world(wallets=2, items=2, paused=True), database_url)
    yield listener
    listener.close()


def test_all_that_ever_happened_is_read(listener: Listener) -> None:
    """Funds, owners, sessions and books come out as the node has them; a second turn changes nothing."""
    listener.listen()
    first = (listener.balances(), listener.owners(), listener.books())
    listener.listen()

    assert listener.world.locked() == listener.balances() == listener.books()
    assert listener.world.owners() == listener.owners()
    assert -sum(listener.balances().values()) == listener.booked(OUTSIDE)
    assert {"active"} == set(listener.column("netting.session_keys", "key", "state").values())
    assert first == (listener.balances(), listener.owners(), listener.books())
    assert [("deposited", None, listener.world.pieces[0].owner.address)] == listener.history("item-1")
    assert 0 == listener.count("netting.differences")


def test_what_is_not_final_is_not_read(listener: Listener) -> None:
    """A hint comes at once; its task waits until the cluster is final."""
    listener.listen()
    wallet, world = listener.world.wallets[0], listener.world
    before = listener.balances()[wallet.address]
    signature = world.do([world.program.deposit(wallet.address, SOL)], wallet)
    world.node.mine()
    listener.tell(signature)
    listener.work()
    early = listener.balances()[wallet.address]
    world.node.finalize()
    listener.clock.advance(1)
    listener.work()

    assert (before, before + SOL) == (early, listener.balances()[wallet.address])


def test_a_deposit_is_booked_once_whoever_tells_it(listener: Listener) -> None:
    """A webhook tells it twice, the cursor a third time: one task, one posting."""
    listener.listen()
    wallet, world = listener.world.wallets[0], listener.world
    signature = world.do([world.program.deposit(wallet.address, SOL)], wallet)
    world.node.finalize()
    listener.tell(signature)
    listener.tell(signature)
    listener.work()
    listener.tell(signature, slot=1)
    listener.poll()
    listener.work()

    assert 1 == len(
        listener.rows(
            "select from kernel.ledger_transactions where memo = 'deposit' and business_key like %(key)s",
            key=f"%{signature}%",
        )
    )
    assert world.locked() == listener.books()


def test_a_deposit_and_an_exit_in_one_transaction(listener: Listener) -> None:
    """Both are booked, each under its own instruction."""
    listener.listen()
    wallet, world = listener.world.wallets[0], listener.world
    program, authority = world.program, world.authority
    signature = world.do(
        [program.deposit(wallet.address, 3 * SOL), program.withdraw(wallet.address, 5 * SOL, authority.address)],
        wallet,
        authority,
    )
    listener.listen()

    posted = listener.rows(
        "select business_key from kernel.ledger_transactions where business_key like %(key)s order by business_key",
        key=f"%{signature}%",
    )
    assert [f"netting:deposit:{signature}:0", f"netting:withdrawal:{signature}:1"] == [
        row["business_key"] for row in posted
    ]
    assert 8 * SOL == listener.balances()[wallet.address] == listener.books()[wallet.address]


def test_what_is_asked_back_is_not_counted_on(listener: Listener) -> None:
    """More than all cannot be meant; the request is taken back."""
    wallet, world = listener.world.wallets[0], listener.world
    world.do([world.program.request_withdrawal(wallet.address, 2**64 - 1)], wallet)
    world.do([world.program.request_item(1, world.pieces[0].owner.address)], world.pieces[0].owner)
    listener.listen()
    asked = listener.column("netting.wallet_balances", "wallet", "requested_lamports")[wallet.address]
    wanted = listener.column("netting.item_ownership", "item_id", "requested_at")
    world.do([world.program.request_withdrawal(wallet.address, 0)], wallet)
    listener.listen()

    assert 10 * SOL == asked
    assert [item for item, at in wanted.items() if at is not None] == ["item-1"]
    assert 0 == listener.column("netting.wallet_balances", "wallet", "requested_lamports")[wallet.address]


def test_a_withdrawn_item_has_no_owner_and_comes_back(listener: Listener) -> None:
    """Its account is closed; deposited again, it is the same item."""
    world, piece = listener.world, listener.world.pieces[0]
    program, owner, authority = world.program, piece.owner, world.authority
    listener.listen()
    world.do([program.withdraw_item(piece.number, owner.address, piece.mint, authority.address)], owner, authority)
    listener.listen()
    gone = listener.owners().get(piece.item_id)
    world.do([program.deposit_item(piece.number, owner.address, piece.mint, authority.address)], owner, authority)
    listener.listen()

    assert gone is None
    assert owner.address == listener.owners()[piece.item_id]
    assert [
        ("deposited", None, owner.address),
        ("withdrawn", owner.address, None),
        ("deposited", None, owner.address),
    ] == listener.history(piece.item_id)


def test_a_revoked_session_key_trades_no_more(listener: Listener) -> None:
    """Seen on the chain, whoever sent it."""
    world, wallet = listener.world, listener.world.wallets[1]
    listener.listen()
    world.do([world.program.revoke_session_key(wallet.address, wallet.session.address)], wallet)
    listener.listen()
    states = listener.column("netting.session_keys", "key", "state")

    assert [wallet.session.address] == [key for key, state in states.items() if state == "revoked"]


def test_a_session_key_on_other_terms_is_none_of_ours(listener: Listener) -> None:
    """Its owner registered it for another volume than we were asked for: it does not become active."""
    key = listener.world.wallets[0].session.address
    with listener.office.transaction() as tx:
        tx.execute("update netting.session_keys set max_volume_lamports = 7 where key = %(key)s", key=key)
    listener.listen()

    assert "requested" == listener.column("netting.session_keys", "key", "state")[key]


def test_a_landed_withdrawal_gives_its_reservation_back(listener: Listener) -> None:
    """Not before its funds are gone from the balance: until then a batch must not count on them."""
    listener.listen()
    world, wallet = listener.world, listener.world.wallets[0]
    call = world.program.withdraw(wallet.address, SOL, world.authority.address)
    signature = world.do([call], wallet, world.authority)
    with listener.office.transaction() as tx:
        tx.execute(
            "with sent as (insert into netting.wallet_transactions (id, kind, wallet, subject, amount_lamports,"
            " message, last_height, slot, state, signature, offered_at, moved_at) values (gen_random_uuid(),"
            " 'withdraw_funds', %(w)s, %(w)s, 1, '', 1, 1, 'settled', %(signature)s, now(), now()) returning id)"
            " insert into netting.reservations (kind, subject, amount_lamports, wallet_transaction, reserved_at)"
            " select 'wallet', %(w)s, 1, id, now() from sent",
            w=wallet.address,
            signature=signature,
        )
    listener.tell(signature)
    listener.work()
    early = listener.count("netting.reservations")
    listener.clock.advance(1)
    listener.listen()

    assert (1, 0) == (early, listener.count("netting.reservations"))
    assert 9 * SOL == listener.balances()[wallet.address]


def test_a_failed_transaction_changes_nothing(listener: Listener) -> None:
    """It landed and failed: a hint of it is skipped, and the cursor passes it by."""
    listener.listen()
    world, wallet = listener.world, listener.world.wallets[0]
    raw = world.signed([world.program.withdraw(wallet.address, 99 * SOL, world.authority.address, signs=False)], wallet)
    signature = world.node.rpc(
        "sendTransaction", base64.b64encode(raw).decode(), {"encoding": "base64", "skipPreflight": True}
    )
    world.node.mine()
    listener.tell(signature)
    listener.listen()

    assert {"skipped", "done"} == set(listener.states("netting.netting_events"))
    assert world.locked() == listener.books() == listener.balances()

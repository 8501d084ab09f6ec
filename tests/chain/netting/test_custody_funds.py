"""Funds into the program and out of it, by wallets that sign what they were offered; and everybody who tries more."""

import base64

import pytest

from functions.netting.adapters.obligations import SUBMIT
from infra.local.netting.wallets import Wallet
from kernel.solana.transactions import compile_message, unsigned
from tests.chain.netting.till import SOL, Till, message_of, sign

pytestmark = pytest.mark.chain

LOCKED = 10 * SOL


@pytest.fixture
def wallet(till: Till) -> Wallet:
    return till.world.wallets[0]


def test_a_deposit_is_offered_signed_and_locked(till: Till, wallet: Wallet) -> None:
    """The wallet pays; mirror and program say the same afterwards."""
    offer = till.sent("funds/deposit", wallet, amount_lamports=str(3 * SOL))
    till.work()
    till.follow()

    assert ("sent", ("settled", None)) == (offer["state"], till.standing(offer))
    assert (LOCKED + 3 * SOL, 0, LOCKED + 3 * SOL) == till.balance(wallet)
    assert LOCKED + 3 * SOL == till.world.locked()[wallet.address]


def test_a_first_deposit_opens_the_ledger(till: Till) -> None:
    """At the wallet's own expense."""
    newcomer = Wallet.named("newcomer")
    till.world.node.fund(newcomer.address, 5 * SOL)
    before = till.world.node.balance(till.world.authority.address)
    till.sent("funds/deposit", newcomer, amount_lamports=str(SOL))
    till.work()
    till.follow()

    assert (SOL, 0, SOL) == till.balance(newcomer)
    assert before == till.world.node.balance(till.world.authority.address)


def test_a_withdrawal_is_reserved_co_signed_and_released(till: Till, wallet: Wallet) -> None:
    """Reserved with the commit that owes it; free again with the reading that shows it gone."""
    offer = till.sent("funds/withdraw", wallet, amount_lamports=str(4 * SOL))
    held = (till.reserved(), till.balance(wallet))
    till.work()
    settled = (till.standing(offer), till.reserved())
    till.follow()

    assert ([wallet.address], (LOCKED, 4 * SOL, 6 * SOL)) == held
    assert (("settled", None), [wallet.address]) == settled
    assert ([], (6 * SOL, 0, 6 * SOL)) == (till.reserved(), till.balance(wallet))
    assert 6 * SOL == till.world.locked()[wallet.address]


def test_a_withdrawal_that_is_seen_before_it_is_known_to_be_final_is_released(till: Till, wallet: Wallet) -> None:
    """The cursor is faster than the submit task: whichever comes last changes nothing."""
    offer = till.sent("funds/withdraw", wallet, amount_lamports=str(SOL))
    till.step(SUBMIT)
    till.follow()
    till.work()

    assert (("settled", None), []) == (till.standing(offer), till.reserved())


def test_the_same_request_is_the_same_offer(till: Till, wallet: Wallet) -> None:
    """Another request under its key is refused; the same amount under another key is another transaction."""
    first = till.offered("funds/deposit", wallet, key="one", amount_lamports="5")
    again = till.offered("funds/deposit", wallet, key="one", amount_lamports="5")
    other = till.offered("funds/deposit", wallet, key="two", amount_lamports="5")
    status, answer = till.post(
        "/v1/netting/custody/funds/deposit", {"wallet": wallet.address, "amount_lamports": "6"}, key="one"
    )

    assert first == again
    assert first["transaction"] != other["transaction"]
    assert (409, "request_changed") == (status, answer["error"]["code"])


def test_confirming_twice_is_confirming_once(till: Till, wallet: Wallet) -> None:
    """At once, and after the end."""
    offer = till.offered("funds/deposit", wallet, amount_lamports=str(SOL))
    answers = [till.confirm(offer, wallet) for _ in range(2)]
    till.work()
    answers.append(till.confirm(offer, wallet))
    till.follow()

    assert [(202, "sent"), (202, "sent"), (202, "settled")] == [(status, body["state"]) for status, body in answers]
    assert LOCKED + SOL == till.world.locked()[wallet.address]


def test_nobody_withdraws_what_is_anothers(till: Till, wallet: Wallet) -> None:
    """A thief can ask for an offer of the wallet's, and can sign it with no key but its own."""
    thief = till.world.wallets[1]
    offer = till.offered("funds/withdraw", wallet, amount_lamports=str(SOL))
    raw = bytearray(base64.b64decode(offer["transaction"]))
    raw[1:65] = thief.signer.sign_message(message_of(offer["transaction"]))
    status, answer = till.confirm(offer, transaction=base64.b64encode(bytes(raw)).decode())

    assert (401, "wallet_signature_refused") == (status, answer["error"]["code"])
    assert [] == till.reserved()


def test_what_comes_back_is_what_was_offered(till: Till, wallet: Wallet) -> None:
    """Another amount, another program, a message of the wallet's own, one of another offer, a byte more or less."""
    world, program = till.world, till.world.program
    offer = till.offered("funds/withdraw", wallet, amount_lamports=str(SOL))
    deposit = till.offered("funds/deposit", wallet, amount_lamports=str(SOL))
    blockhash = world.node.rpc("getLatestBlockhash")["value"]["blockhash"]
    more = program.withdraw(wallet.address, 9 * SOL, world.authority.address)
    elsewhere = type(more)(world.fee_wallet.address, more.accounts, more.data)
    made = [
        unsigned(compile_message(wallet.address, [one], blockhash=blockhash))
        for one in (more, elsewhere, program.withdraw(wallet.address, SOL, world.authority.address))
    ]
    message = message_of(offer["transaction"])
    raw = base64.b64decode(offer["transaction"])
    made += [raw + b"\0", raw[:-1], bytes([raw[0] + 1]) + raw[1:], raw[:1] + raw[65:], b"\1" + bytes(64) + message]
    texts = [sign(base64.b64encode(one).decode(), wallet) if one in made[:3] else _signed(one, wallet) for one in made]
    codes = [till.confirm(offer, transaction=text)[1]["error"]["code"] for text in texts]
    swapped = till.confirm(offer, transaction=sign(deposit["transaction"], wallet))

    assert ["not_the_offer"] * len(made) == codes
    assert "not_the_offer" == swapped[1]["error"]["code"]
    assert ([], []) == (till.reserved(), till.payloads(offer))


def _signed(raw: bytes, wallet: Wallet) -> str:
    """Bytes with the wallet's signature over what lies behind two signatures."""
    signature = wallet.signer.sign_message(raw[129:])
    return base64.b64encode(raw[:1] + signature + raw[65:]).decode()


def test_a_signature_in_the_authoritys_place_is_refused(till: Till, wallet: Wallet) -> None:
    """Nobody but us fills it, and nobody leaves it to us to find out."""
    offer = till.offered("funds/withdraw", wallet, amount_lamports=str(SOL))
    raw = bytearray(base64.b64decode(sign(offer["transaction"], wallet)))
    raw[65:129] = raw[1:65]
    status, answer = till.confirm(offer, transaction=base64.b64encode(bytes(raw)).decode())
    unsigned_, _ = till.confirm(offer, transaction=offer["transaction"])

    assert (422, "not_the_offer", 422) == (status, answer["error"]["code"], unsigned_)


def test_no_withdrawal_is_signed_against_a_reservation(till: Till, wallet: Wallet) -> None:
    """A batch that came between offer and signature wins; while one stands no offer is made."""
    offer = till.offered("funds/withdraw", wallet, amount_lamports=str(SOL))
    till.change(
        "insert into netting.wallet_transactions (id, kind, wallet, subject, amount_lamports, message, last_height,"
        " slot, state, offered_at, moved_at) values ('00000000-0000-0000-0000-000000000001', 'withdraw_funds', %(w)s,"
        " %(w)s, 1, 'a batch', 1, 1, 'sent', now(), now())",
        w=wallet.address,
    )
    till.change(
        "insert into netting.reservations (kind, subject, amount_lamports, wallet_transaction, reserved_at)"
        " values ('wallet', %(w)s, 1, '00000000-0000-0000-0000-000000000001', now())",
        w=wallet.address,
    )
    status, answer = till.confirm(offer, wallet)

    assert (409, "held_for_batch") == (status, answer["error"]["code"])
    assert "held_for_batch" == till.refused("funds/withdraw", wallet, amount_lamports="1")
    assert [] == till.payloads(offer)
    till.work()
    assert LOCKED == till.world.locked()[wallet.address]


def test_two_withdrawals_of_one_wallet_are_one(till: Till, wallet: Wallet) -> None:
    """Both are offered, one is confirmed; when it is gone from the balance nobody is offered as much again."""
    first, second = (till.offered("funds/withdraw", wallet, amount_lamports=str(6 * SOL)) for _ in range(2))
    statuses = [till.confirm(offer, wallet)[0] for offer in (first, second)]
    till.work()
    till.follow()
    again = till.refused("funds/withdraw", wallet, amount_lamports=str(6 * SOL))

    assert [202, 409] == statuses
    assert "funds_missing" == again
    assert 4 * SOL == till.world.locked()[wallet.address]


def test_more_than_is_locked_is_not_offered(till: Till, wallet: Wallet) -> None:
    """Nor to somebody who has no ledger; nor a deposit of more than there is."""
    stranger = Wallet.named("stranger")

    assert "funds_missing" == till.refused("funds/withdraw", wallet, amount_lamports=str(LOCKED + 1))
    assert "funds_missing" == till.refused("funds/withdraw", stranger, amount_lamports="1")
    assert "transaction_would_fail" == till.refused("funds/deposit", wallet, amount_lamports=str(1_000 * SOL))
    assert "transaction_would_fail" == till.refused("funds/deposit", stranger, amount_lamports="1")


def test_an_offer_that_nobody_signed_in_time_is_no_offer(till: Till, wallet: Wallet) -> None:
    """Its blockhash is gone: nothing is owed for it."""
    offer = till.offered("funds/withdraw", wallet, amount_lamports=str(SOL))
    till.clock.advance(91)
    status, answer = till.confirm(offer, wallet)

    assert (409, "offer_expired") == (status, answer["error"]["code"])
    assert (("expired", None), []) == (till.standing(offer), till.reserved())

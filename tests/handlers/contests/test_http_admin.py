"""http_admin: who may see and move what, once per line of a batch, and how a key leaves."""

import base64
from collections.abc import Iterator
from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from functions.contests.adapters.key_exports import ExportByProgram
from kernel.auth import Role
from kernel.errors import Forbidden
from kernel.solana.transactions import system_transfer
from tests.handlers.contests.custody import FEE_PAYER
from tests.handlers.contests.strongroom import RECIPIENTS, SOL, Strongroom

pytestmark = pytest.mark.handlers

ADMIN = "/v1/contests/admin"
ENTRIES = "select business_key, payer, signers from kernel.solana_outbox order by id"
RENT = 890_880
GIVEN = "update contests.contest_wallets set contest_id = %(contest)s, assigned_at = now() where address = %(wallet)s"
GRANTED = """
    insert into kernel.people (subject, role, tier, granted_by, changed_at)
    values (%(subject)s, 'admin', 'admin', %(by)s, %(at)s)
"""


@pytest.fixture
def room(database_url: str) -> Iterator[Strongroom]:
    """Nothing done yet; the fee payer has ten SOL."""
    with Strongroom.open(database_url) as room:
        room.balances.lamports[FEE_PAYER] = 10 * SOL
        yield room


def transfer(source: str, lamports: int, recipient: str = RECIPIENTS[0]) -> dict[str, str]:
    return {"source": source, "recipient": recipient, "amount_base_units": str(lamports), "reason": "expenses"}


def code(answer: tuple[int, dict[str, object]]) -> tuple[int, str]:
    error = answer[1]["error"]
    assert isinstance(error, dict)
    return answer[0], str(error["code"])


def test_users_see_nothing_admins_see_and_superadmins_move(room: Strongroom) -> None:
    """Each route has the least role that may use it."""
    wallet = room.wallet(1, SOL)
    seen = {
        role: [
            room.http("GET", f"{ADMIN}/balances", role=role)[0],
            room.http("GET", f"{ADMIN}/payments", role=role)[0],
            room.http("POST", f"{ADMIN}/transfers", transfer(wallet, SOL), key="t-1", role=role)[0],
            room.http("POST", f"{ADMIN}/reclaims", {"source": wallet, "reason": "x"}, key="r-1", role=role)[0],
        ]
        for role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN)
    }

    assert {
        Role.VIEWER: [403, 403, 403, 403],
        Role.OPERATOR: [200, 200, 403, 403],
        Role.ADMIN: [200, 200, 202, 202],
    } == seen


def test_a_transfer_is_owed_once_with_its_fee_at_the_treasurys_expense(room: Strongroom) -> None:
    """The same request again is the same transfer; another amount under its key is refused."""
    wallet = room.wallet(1, SOL)
    answers = [room.http("POST", f"{ADMIN}/transfers", transfer(wallet, SOL), key="t-1") for _ in range(2)]
    changed = room.http("POST", f"{ADMIN}/transfers", transfer(wallet, SOL, RECIPIENTS[1]), key="t-1")
    [entry] = room.rows(ENTRIES)

    assert [202, 202] == [status for status, _ in answers]
    assert answers[0][1] == answers[1][1] == room.http("GET", f"{ADMIN}/transfers/t-1")[1]
    assert (409, "admin_transfer_changed") == code(changed)
    assert ("contests:admin:t-1:0", FEE_PAYER, [wallet]) == (entry["business_key"], entry["payer"], entry["signers"])
    assert [[system_transfer(wallet, RECIPIENTS[0], SOL)]] == room.instructions()
    assert [("ada", "contests.transfer")] == room.acts()


def test_a_batch_grows_and_repeats_nothing(room: Strongroom) -> None:
    """Lines that were asked for are passed over; a number that comes twice is refused."""
    wallet = room.wallet(1, 10 * SOL)
    lines = [{"line": n, "recipient": RECIPIENTS[n], "amount_base_units": str(SOL)} for n in range(4)]
    body = {"source": wallet, "reason": "payday"}
    for some in (lines[:2], lines[1:], lines):
        room.http("POST", f"{ADMIN}/mass-transfers", {**body, "lines": some}, key="may")
    twice = room.http("POST", f"{ADMIN}/mass-transfers", {**body, "lines": lines[:1] * 2}, key="june")
    _, page = room.http("GET", f"{ADMIN}/transfers/may?limit=3")
    _, rest = room.http("GET", f"{ADMIN}/transfers/may?limit=3&cursor={page['next_cursor']}")

    assert [f"contests:admin:may:{n}" for n in range(4)] == [row["business_key"] for row in room.rows(ENTRIES)]
    assert ([0, 1, 2], [3]) == ([one["line"] for one in page["lines"]], [one["line"] for one in rest["lines"]])
    assert (422, "batch_unfit") == code(twice)


def test_a_wallet_whose_key_may_be_known_is_given_to_no_contest(room: Strongroom) -> None:
    """Superadmins retire it, once; a contest that has it keeps it, and strangers' wallets are none of ours."""
    path, why = f"{ADMIN}/wallets/{{}}/retirement", {"reason": "its backup was lost"}
    free, taken = room.wallet(1, SOL), room.wallet(2, SOL)
    contest = room.contest(taken, "active", SOL)
    room.custody.change(GIVEN, contest=contest, wallet=taken)
    refused = room.http("POST", path.format(free), why, role=Role.OPERATOR)[0]
    first, again = (room.http("POST", path.format(free), why) for _ in range(2))
    _, of_contest = room.http("POST", path.format(taken), why)
    retired = "select address from contests.contest_wallets where retired_at is not null order by number"
    later = room.custody.announce()
    room.custody.assign()

    assert free != room.custody.wallet(later)
    assert (403, 200, first) == (refused, first[0], again)
    assert (None, str(contest)) == (first[1]["contest"], of_contest["contest"])
    assert [free, taken] == [row["address"] for row in room.rows(retired)]
    assert (404, "not_our_wallet") == code(room.http("POST", path.format(RECIPIENTS[0]), why))
    assert [("ada", "contests.retire")] * 3 == room.acts()


def test_a_wallet_in_play_is_nobodys_to_empty(room: Strongroom) -> None:
    """While anybody waits for a payment of it, its money stays."""
    answers = []
    for seed, state in enumerate(("pending", "active", "evaluating", "paying", "refunding"), 1):
        wallet = room.wallet(seed, SOL)
        room.contest(wallet, state, SOL)
        answers += [
            room.http("POST", f"{ADMIN}/transfers", transfer(wallet, SOL), key=f"t-{state}"),
            room.http("POST", f"{ADMIN}/reclaims", {"source": wallet, "reason": "x"}, key=f"r-{state}"),
        ]

    assert [(409, "wallet_in_play")] * 10 == [code(one) for one in answers]
    assert ([], []) == (room.rows(ENTRIES), room.acts())


def test_money_does_not_come_to_a_pool_that_is_still_counted(room: Strongroom) -> None:
    """It would be nobody's entry."""
    wallet = room.wallet(1, SOL)
    room.contest(wallet, "active", SOL)

    assert (409, "wallet_in_play") == code(
        room.http("POST", f"{ADMIN}/transfers", transfer(FEE_PAYER, SOL, wallet), key="t-1")
    )


def test_what_the_chain_would_refuse_is_refused_at_once(room: Strongroom) -> None:
    """A wallet is left empty or with its rent, and a new account gets at least that."""
    moves = {SOL: 202, SOL - RENT: 202, SOL - RENT + 1: 422, SOL + 1: 422, RENT - 1: 422}
    told = {
        lamports: room.http("POST", f"{ADMIN}/transfers", transfer(room.wallet(seed, SOL), lamports), key=f"t-{seed}")[
            0
        ]
        for seed, lamports in enumerate(moves, 1)
    }

    assert moves == told


def test_a_wallet_is_reclaimed_whole_or_keeps_its_rent(room: Strongroom) -> None:
    """At least a thousandth is taken; what is held for somebody stays; asked again nothing more is taken."""
    cases = [
        (SOL, 0, 0, SOL),
        (SOL, 1, 0, SOL - RENT),
        (SOL, 2 * RENT, 0, SOL - 2 * RENT),
        (SOL, 0, 500_000, SOL - RENT),
        (1_000_000, 0, 0, 1_000_000),
        (999_999, 0, 0, None),
        (RENT + 999_999, 1, 0, None),
    ]
    taken, refused = [], []
    for seed, (holds, leaving, held, takes) in enumerate(cases, 1):
        wallet = room.wallet(seed, holds)
        contest = room.contest(wallet, "raked", holds)
        if held:
            room.owed(contest, 1, held, "held")
        body = {"source": wallet, "leaving_lamports": str(leaving), "reason": "over"}
        answers = [room.http("POST", f"{ADMIN}/reclaims", body, key=f"r-{seed}") for _ in range(2)]
        if takes is None:
            refused += [code(one) for one in answers]
        else:
            taken.append([system_transfer(wallet, FEE_PAYER, takes)])

    assert [(422, "amount_unfit")] * 4 == refused
    assert taken == room.instructions()


def test_a_wallet_of_somebody_elses_is_not_found(room: Strongroom) -> None:
    """We hold no key of it."""
    assert (404, "not_our_wallet") == code(
        room.http("POST", f"{ADMIN}/transfers", transfer(RECIPIENTS[3], SOL), key="t-1")
    )


def test_what_has_stopped_is_listed_and_what_is_parked_replayed(room: Strongroom) -> None:
    """Once; what is held waits for its account."""
    contest = room.contest(room.wallet(1, SOL), "paying", SOL)
    room.owed(contest, 1, 100, "held")
    room.owed(contest, 2, 200, "parked")
    _, page = room.http("GET", f"{ADMIN}/payments", role=Role.OPERATOR)
    path = f"{ADMIN}/contests/{contest}/payments"
    replays = [
        room.http("POST", f"{path}/payout/{line}/replay", {"reason": "funded"}, role=Role.OPERATOR)
        for line in (2, 2, 1, 3)
    ]
    _, after = room.http("GET", f"{path}?limit=1&cursor=payout.1")

    assert [(1, "held", "why"), (2, "parked", "why")] == [
        (one["line"], one["state"], one["reason"]) for one in page["payments"]
    ]
    assert [202, 409, 409, 404] == [status for status, _ in replays]
    assert [(2, "owed", 4)] == [(one["line"], one["state"], one["attempts"]) for one in after["payments"]]
    assert 1 == len(room.rows("select * from kernel.tasks where kind = 'contests.pay_prizes'"))
    assert [("ada", "contests.replay")] == room.acts()


def test_what_has_stopped_is_listed_page_by_page(room: Strongroom) -> None:
    """Also where what the first page showed goes on meanwhile: nothing is passed over."""
    contests = [room.contest(room.wallet(seed, SOL), "paying", SOL) for seed in (1, 2, 3)]
    for contest in contests:
        room.owed(contest, 1, 100, "parked")
    shown, cursor = [], ""
    for _ in range(4):
        _, page = room.http("GET", f"{ADMIN}/payments?limit=1{cursor}", role=Role.OPERATOR)
        for one in page["payments"]:
            shown.append(one["contest"])
            path = f"{ADMIN}/contests/{one['contest']}/payments/payout/1/replay"
            assert 202 == room.http("POST", path, {"reason": "funded"}, role=Role.OPERATOR)[0]
        cursor = f"&cursor={page['next_cursor']}"

    assert sorted(map(str, contests)) == shown
    assert page == {"payments": [], "next_cursor": None}


def test_books_and_chain_are_compared_wallet_by_wallet(room: Strongroom) -> None:
    """What the chain holds above the books is the difference."""
    wallets = [room.wallet(seed, SOL) for seed in (1, 2)]
    for wallet, booked in zip(wallets, (SOL, SOL - 7), strict=True):
        room.contest(wallet, "raked", booked)
    _, told = room.http("GET", f"{ADMIN}/balances", role=Role.OPERATOR)

    assert [("1000000000", "0"), ("999999993", "7")] == [
        (one["booked_lamports"], one["difference_lamports"]) for one in told["balances"]
    ]
    assert str(10 * SOL) == told["fee_payer_lamports"]


def test_a_key_leaves_when_two_others_agree_sealed_and_once(room: Strongroom) -> None:
    """Nobody agrees to an export of one's own; only the asker's other half opens the box; every step is an act."""
    wallet, pair = room.wallet(1, SOL), X25519PrivateKey.generate()
    sealed_to = base64.b64encode(pair.public_key().public_bytes_raw()).decode()
    body = {"address": wallet, "sealed_to_base64": sealed_to, "reason": "moves to another custodian"}
    _, export = room.http("POST", f"{ADMIN}/exports", body)
    path = f"{ADMIN}/exports/{export['id']}"
    steps = [
        room.http("POST", f"{path}/{step}", who=who)[0]
        for step, who in (
            ("key", "ada"),
            ("approvals", "ada"),
            ("approvals", "bob"),
            ("approvals", "bob"),
            ("key", "ada"),
            ("approvals", "cyd"),
            ("key", "cyd"),
        )
    ]
    early = room.http("POST", f"{path}/key")
    room.seal()
    given, again = room.http("POST", f"{path}/key"), room.http("POST", f"{path}/key")
    box = base64.b64decode(given[1]["box_base64"])
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)

    assert [403, 403, 200, 200, 403, 200, 403] == steps
    assert (409, "export_not_sealed") == code(early)
    assert (409, "export_given") == code(again)
    assert bytes([1]) * 32 == suite.decrypt(box, pair, b"counterpart/contests/key-export/" + wallet.encode())
    with pytest.raises(InvalidTag):
        suite.decrypt(box, pair, b"counterpart/contests/key-export/" + FEE_PAYER.encode())
    assert [
        ("ada", "contests.ask_for_key"),
        ("bob", "contests.approve_key"),
        ("cyd", "contests.approve_key"),
        ("ada", "contests.give_key"),
    ] == room.acts()


def test_no_key_is_asked_for_of_a_wallet_in_play(room: Strongroom) -> None:
    """Not while its contest lasts, and not while a payout of it is held; after that it may leave."""
    sealed_to = base64.b64encode(X25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    answers = []
    for seed, (state, held) in enumerate((("active", 0), ("paying", 0), ("paid", 7), ("raked", 0)), 1):
        wallet = room.wallet(seed, SOL)
        contest = room.contest(wallet, state, SOL)
        if held:
            room.owed(contest, 0, held, "held")
        body = {"address": wallet, "sealed_to_base64": sealed_to, "reason": "x"}
        answers.append(room.http("POST", f"{ADMIN}/exports", body))

    assert [(409, "wallet_in_play")] * 3 == [code(answer) for answer in answers[:3]]
    assert "id" in answers[3][1]
    assert ["contests.ask_for_key"] == [action for _, action in room.acts()]


def test_nobody_makes_those_who_agree_to_an_export(room: Strongroom) -> None:
    """Neither a program agrees, nor whom the asker or a program made an administrator, nor who became one since."""
    wallet, now, export = room.wallet(1, SOL), room.custody.clock.now(), room.deps.key_exports
    asked = export.ask(wallet, bytes([9]) * 32, actor="person:ada", reason="x")
    grants = (("person:ada", -60), ("key:0123456789ab", -60), ("person:bob", 60), ("person:bob", -60))
    for recipient, (by, since_s) in zip(RECIPIENTS, grants, strict=False):
        room.custody.change(GRANTED, subject=f"solana:{recipient}", by=by, at=now + timedelta(seconds=since_s))
    mine, programs, fresh, fit = (f"person:solana:{recipient}" for recipient in RECIPIENTS[:4])
    refused = []
    for actor in ("key:0123456789ab", mine, programs, fresh):
        with pytest.raises(Forbidden) as refusal:
            export.approve(asked.id, actor=actor)
        refused.append(refusal.value.code)
    with pytest.raises(ExportByProgram):
        export.ask(wallet, bytes([9]) * 32, actor="key:0123456789ab", reason="x")

    assert ["export_by_program", "own_export", "own_export", "own_export"] == refused
    assert (fit,) == export.approve(asked.id, actor=fit).approvals


def test_an_export_that_nobody_agreed_to_within_a_day_is_over(room: Strongroom) -> None:
    """And what is no public key is refused before anybody is asked."""
    wallet = room.wallet(1, SOL)
    body = {"address": wallet, "reason": "x"}
    weak = room.http("POST", f"{ADMIN}/exports", {**body, "sealed_to_base64": base64.b64encode(bytes(32)).decode()})
    fine = base64.b64encode(X25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    _, export = room.http("POST", f"{ADMIN}/exports", {**body, "sealed_to_base64": fine})
    room.custody.clock.advance(24 * 3_600)
    late = room.http("POST", f"{ADMIN}/exports/{export['id']}/approvals", who="bob")

    assert (422, "sealing_key_unfit") == code(weak)
    assert (403, "export_not_approved") == code(late)

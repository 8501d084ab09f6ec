"""http_whitelist: a token and a transfer in, a token that may be played with out; on a real cluster."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg.errors
import pytest

from functions.contests.adapters.whitelist import TokenNotListed
from functions.contests.core.whitelist import FEE_LAMPORTS
from functions.contests.http_whitelist import app
from functions.contests.wiring import MARKET_ROLE, ROLE, WHITELIST_ROLE, Deps
from infra.local.netting.wallets import Wallet
from infra.local.solana import SolanaNode
from infra.local.tokens.server import TokenServer
from kernel import base58
from kernel.auth.principal import Role, Tier
from kernel.handler.http import override_deps
from kernel.postgres import Postgres
from kernel.solana.addresses import TOKEN_2022_PROGRAM, TOKEN_PROGRAM
from kernel.solana.transactions import compile_message, system_transfer, with_signatures
from kernel.testing.asgi import AsgiClient
from kernel.testing.kernel import FakedKernel
from tests.handlers.contests.market_stage import TREASURY, settings_for

pytestmark = pytest.mark.handlers
PATH: Final = "/v1/contests/whitelist"
ANNA, BEN = Wallet.named("anna"), Wallet.named("ben")
MINT, OTHER, BROKEN, EXTENDED = (base58.encode(bytes([n]) * 32) for n in (21, 22, 23, 24))


def mint_content(decimals: int = 6, is_initialized: int = 1) -> bytes:
    """What a mint's account holds."""
    return struct.pack("<I32xQBB36x", 1, 10**15, decimals, is_initialized)


class Desk:
    """The list of one deployment, before a cluster with a few mints and two wallets with funds."""

    def __init__(self, node: SolanaNode, database_url: str, tokens: TokenServer) -> None:
        self.node = node
        self.kernel = FakedKernel(database_url, role=WHITELIST_ROLE)
        self.deps = Deps(self.kernel, settings_for(tokens, rpc_urls=f"plain:{node.url}"))
        self.office = Postgres(database_url)
        override_deps(app, self.deps)
        for wallet in (ANNA, BEN):
            node.fund(wallet.address, 10 * FEE_LAMPORTS)
        for mint in (MINT, OTHER):
            node.set_account(mint, lamports=1_461_600, owner=TOKEN_PROGRAM, content=mint_content())
        node.finalize()

    def of(self, wallet: Wallet) -> AsgiClient:
        """A wallet that has signed in."""
        token = self.kernel.tokens.issue(f"solana:{wallet.address}", tier=Tier.PUBLIC, role=Role.VIEWER)
        return AsgiClient(app, headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "one"})

    def admin(self) -> AsgiClient:
        """An administrator."""
        key = self.kernel.api_keys.issue(tier=Tier.ADMIN, role=Role.ADMIN, label="admin", actor="a test")
        return AsgiClient(app, headers={"X-Api-Key": key.key})

    def pay(self, wallet: Wallet, lamports: int = FEE_LAMPORTS, *, to: str = TREASURY, final: bool = True) -> str:
        """A transfer of the wallet's; its signature."""
        blockhash = self.node.rpc("getLatestBlockhash")["value"]["blockhash"]
        message = compile_message(wallet.address, [system_transfer(wallet.address, to, lamports)], blockhash=blockhash)
        signed = with_signatures(message, {wallet.address: wallet.signer.sign_message(message)})
        self.node.rpc("sendTransaction", base58.encode(signed.raw), {"skipPreflight": True})
        if final:
            self.node.finalize()
        return signed.signature

    def add(self, wallet: Wallet, signature: str, mint: str = MINT, **changes: Any) -> Any:
        """Ask for an addition; the answer."""
        body = {"mint": mint, "symbol": "DUEL", "name": "Duel token", "signature": signature}
        return self.of(wallet).post(PATH, json={**body, **changes})

    def booked(self) -> dict[str, int]:
        """What the books have of each account."""
        with self.office.transaction() as tx:
            rows = tx.all("select name, balance from kernel.ledger_accounts order by name")
        return {row["name"]: int(row["balance"]) for row in rows}


@pytest.fixture
def open_desk(
    start_solana: Callable[..., SolanaNode], database_url: str, tokens: TokenServer
) -> Iterator[Callable[[], Any]]:
    """Opens the desk."""

    @contextmanager
    def desk() -> Iterator[Desk]:
        opened = Desk(start_solana(paused=True), database_url, tokens)
        yield opened
        opened.deps.pool.close()
        opened.deps.close()
        opened.office.close()

    yield desk


@pytest.fixture
def desk(open_desk: Callable[[], Any]) -> Iterator[Desk]:
    """The desk."""
    with open_desk() as desk:
        yield desk


def code_of(answer: Any) -> str:
    """Why a request was refused."""
    return str(answer.json()["error"]["code"])


def test_whoever_pays_puts_a_token_on_the_list(desk: Desk) -> None:
    """Its decimals are the chain's; the fee is in the books, and the act in the audit log."""
    answer = desk.add(ANNA, desk.pay(ANNA))

    [listed] = AsgiClient(app).get(PATH).json()["tokens"]
    assert (200, listed) == (answer.status_code, answer.json())
    assert ("DUEL", 6, str(FEE_LAMPORTS), ANNA.address) == tuple(
        listed[name] for name in ("symbol", "decimals", "fee_lamports", "added_by")
    )
    assert {"contests:outside": -FEE_LAMPORTS, "contests:treasury": FEE_LAMPORTS} == desk.booked()
    with desk.office.transaction() as tx:
        assert 1 == tx.one("select count(*) as n from kernel.audit_log where action = 'contests.add_token'")["n"]


def test_the_same_request_again_finds_what_it_has_done(desk: Desk) -> None:
    """One fee, one row, however often it is sent."""
    signature = desk.pay(ANNA)

    first, second = desk.add(ANNA, signature), desk.add(ANNA, signature)

    assert (200, first.json()) == (second.status_code, second.json())
    assert FEE_LAMPORTS == desk.booked()["contests:treasury"]


def test_a_transfer_pays_once_ever(desk: Desk) -> None:
    """Neither for another token, nor for another wallet, nor again after a removal."""
    signature = desk.pay(ANNA)
    desk.add(ANNA, signature)

    for_another = desk.add(ANNA, signature, OTHER)
    by_another = desk.add(BEN, signature)
    removed = desk.admin().request("DELETE", f"{PATH}/{MINT}", json={"reason": "a fraud"})
    again = desk.add(ANNA, signature)

    assert 200 == removed.status_code
    assert ["fee_spent"] * 3 == [code_of(answer) for answer in (for_another, by_another, again)]


def test_whoever_comes_second_pays_nothing(desk: Desk) -> None:
    """The transfer is good for another token."""
    desk.add(ANNA, desk.pay(ANNA))
    signature = desk.pay(BEN)

    refused, other = desk.add(BEN, signature), desk.add(BEN, signature, OTHER)

    assert ("token_listed", 200) == (code_of(refused), other.status_code)
    assert 2 * FEE_LAMPORTS == desk.booked()["contests:treasury"]


def test_what_is_no_payment_of_the_fee_is_refused(desk: Desk) -> None:
    """Another amount, sender, recipient; a transfer that is not final may be asked for again."""
    wrong = [desk.pay(ANNA, FEE_LAMPORTS - 1), desk.pay(ANNA, FEE_LAMPORTS + 1), desk.pay(ANNA, to=BEN.address)]
    answers = [code_of(desk.add(ANNA, signature)) for signature in wrong]
    answers.append(code_of(desk.add(BEN, desk.pay(ANNA))))
    waiting = desk.pay(ANNA, final=False)
    early = code_of(desk.add(ANNA, waiting))
    desk.node.finalize()

    assert ["entry_unfit"] * 4 == answers
    assert ("entry_not_final", 200) == (early, desk.add(ANNA, waiting).status_code)


def test_only_a_mint_on_the_chain_is_taken(desk: Desk) -> None:
    """No account, a wallet, one that was never initialized; one of the newer program with extensions is."""
    desk.node.set_account(BROKEN, lamports=1_461_600, owner=TOKEN_PROGRAM, content=mint_content(is_initialized=0))
    with_more = mint_content(9) + bytes(83) + bytes([1]) + bytes(40)
    desk.node.set_account(EXTENDED, lamports=5_000_000, owner=TOKEN_2022_PROGRAM, content=with_more)
    signature = desk.pay(ANNA)

    refused = [code_of(desk.add(ANNA, signature, mint)) for mint in ("1" * 32, BEN.address, BROKEN)]
    taken = desk.add(ANNA, signature, EXTENDED)

    assert ["mint_unfit"] * 3 == refused
    assert (200, 9) == (taken.status_code, taken.json()["decimals"])


def test_symbol_and_name_are_short(desk: Desk) -> None:
    """Ten characters and fifty."""
    changed = ({"symbol": "E" * 11}, {"name": "n" * 51}, {"symbol": " D"})

    assert [400, 400, 422] == [desk.add(ANNA, "1" * 64, **changes).status_code for changes in changed]


def test_only_administrators_give_and_take(desk: Desk) -> None:
    """A removed token is refused from then on, and can be paid for anew."""
    person = desk.of(ANNA)
    gift = {"mint": MINT, "symbol": "DUEL", "name": "Duel token"}

    assert 403 == person.post(f"{PATH}/gifts", json=gift).status_code
    assert 200 == desk.admin().post(f"{PATH}/gifts", json=gift).status_code
    assert 403 == person.request("DELETE", f"{PATH}/{MINT}", json={"reason": "mine"}).status_code
    assert 200 == desk.admin().request("DELETE", f"{PATH}/{MINT}", json={"reason": "a fraud"}).status_code
    with pytest.raises(TokenNotListed), desk.kernel.postgres.transaction() as tx:
        desk.deps.whitelist.require(tx, [MINT])
    assert "token_absent" == code_of(desk.admin().request("DELETE", f"{PATH}/{MINT}", json={"reason": "a fraud"}))
    assert 200 == desk.add(ANNA, desk.pay(ANNA)).status_code


def test_the_fee_is_told_to_whoever_has_signed_in(desk: Desk) -> None:
    """With the address that it is paid to; a key has no wallet."""
    told = desk.of(ANNA).get(f"{PATH}/fee").json()

    assert {"wallet": ANNA.address, "fee_lamports": str(FEE_LAMPORTS), "pay_to": TREASURY} == told
    assert "wallet_needed" == code_of(desk.admin().get(f"{PATH}/fee"))


@pytest.mark.parametrize("role", [ROLE, MARKET_ROLE])
def test_nobody_else_writes_the_list(database_url: str, role: str) -> None:
    """The database refuses them."""
    postgres = Postgres(database_url, role=role)

    with pytest.raises(psycopg.errors.InsufficientPrivilege), postgres.transaction() as tx:
        tx.execute("delete from contests.token_whitelist")
    postgres.close()

"""A payment from outside, on each of two chains: webhook, task, transaction, push; and the trace of it.

1. A wallet on each chain gets an inlet: a deposit box on the EVM chain, on Solana the wallet itself. What comes in is
   to go on to a cold wallet.
2. An administrator without a browser signs in with a wallet, and listens on a WebSocket.
3. A stranger pays. The notifier, which follows the nodes as providers do, posts signed webhooks of Alchemy's and of
   Helius' form, some of them twice. Each event becomes one task, which reads the chain again by two RPC endpoints,
   books what is final there, and forwards it by a transaction of its own.
4. The cold wallets must hold the payments once; the treasury's own check must find its books and the chains alike.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rich.console import Console

from infra.local.anvil import AnvilNode
from infra.local.cloud import LocalCloud
from infra.local.demo.edges_listener import Listener, sign_in
from infra.local.demo.edges_payers import EvmPayer, SolanaPayer
from infra.local.demo.stage import SceneFailed
from infra.local.demo.transfers import WARM
from infra.local.demo.transfers_desk import Desk
from infra.local.notifier import Disorder, EvmFollower, Follower, Notifier, SolanaFollower
from infra.local.runner.runner import Runner
from infra.local.solana import SolanaNode
from infra.local.treasury_stage import EVM_CHAIN_ID, Market, TreasuryStage, open_stage
from infra.local.webhooks import LocalWebhooks

HANDLERS: Final = ("http_hooks", "http_inlets", "http_sessions", "http_trace", "queue_take_deposit", "queue_fan_out")
WARMED = (WARM[0], (*WARM[1], *(f"functions.ops.{name}" for name in HANDLERS)))
#: A provider may deliver twice; here every second letter is.
DISORDER = Disorder(duplicates=0.5, reach=1)
FOLLOW_EVERY_S: Final = 0.2
FACT_LONGEST: Final = 30
#: A moment's facts that say most, by room.
TOLD: Final = {
    "tasks": ("kind",),
    "outbox": ("chain", "transaction_hash", "signature", "block_number", "slot"),
    "ledger": ("amount", "account"),
    "audit": ("actor", "action"),
}


@dataclass(frozen=True, slots=True)
class Payment:
    """What a stranger paid, and what everything that follows is called."""

    market: Market
    amount: int
    key: str
    cold: str


def play(console: Console) -> None:
    """The whole scene. SceneFailed when a promise was not kept."""
    started_s = time.monotonic()
    console.rule("[bold]edges: a payment becomes a webhook, a task, a transaction and a push, on two chains")
    with ExitStack() as stack:
        cloud = stack.enter_context(LocalCloud(console=console))
        webhooks = LocalWebhooks.new(EVM_CHAIN_ID)
        with console.status("two chains, each under two RPC endpoints, the treasury, and a client that listens"):
            runner = stack.enter_context(
                Runner(cloud.environment(), folder=cloud.folder, children=cloud.children, warm=WARMED)
            )
            stage = open_stage(cloud, runner, **webhooks.environment(cloud.aws.put_secret))
            stage.start()
            desk = stack.enter_context(Desk(stage))
            desk.open_wallets()
            inlets = [_open_inlet(desk, market) for market in stage.markets]
            listener = stack.enter_context(
                Listener(stage.stack.ws_url, sign_in(desk), lambda body: _print_push(console, body))
            )
            notifier = stack.enter_context(_notifier(stage, webhooks, inlets))
        payments = [_pay(console, market, inlet) for market, inlet in zip(stage.markets, inlets, strict=True)]
        for payment in payments:
            listener.wait_for("deposit_booked", payment.key)
            listener.wait_for("transfer_ended", payment.key)
        console.print(f"  {notifier.delivered} signed webhooks were delivered, some of them twice")
        for payment in payments:
            for line in time_line(payment.key, desk.get(f"/v1/trace/treasury/{payment.key}")["moments"]):
                console.print(line, highlight=False, soft_wrap=True)
        _conclude(desk, payments)
    console.print(f"\n[green]Every promise was seen.[/] {time.monotonic() - started_s:.0f} s in all.")


def _open_inlet(desk: Desk, market: Market) -> str:
    """Where money comes to the market's wallet; what comes goes on to a cold wallet."""
    node = market.node
    inlet = EvmPayer(node).deploy_box(market.wallet) if isinstance(node, AnvilNode) else market.wallet
    body = {"chain": market.chain, "address": inlet, "wallet": market.wallet, "forward_to": market.recipient(0)}
    desk.post("/v1/ops/treasury/inlets", body | {"least_base_units": str(market.amount(0)), "reason": "the demo"})
    return inlet


def _notifier(stage: TreasuryStage, webhooks: LocalWebhooks, inlets: Sequence[str]) -> Notifier:
    """Tells the intake what happens at the inlets from now on."""
    followers: list[Follower] = []
    for market, inlet in zip(stage.markets, inlets, strict=True):
        node = market.node
        if isinstance(node, AnvilNode):
            begin = node.block_number()
            followers.append(EvmFollower(node, webhooks.alchemy, addresses=[inlet], start_block=begin))
        elif isinstance(node, SolanaNode):
            followers.append(SolanaFollower(node, webhooks.helius, [inlet]))
    return Notifier(f"{stage.stack.gateway_url}/hooks", followers, disorder=DISORDER, every_s=FOLLOW_EVERY_S)


def _pay(console: Console, market: Market, inlet: str) -> Payment:
    """A stranger pays; the identity of what the chain logs of it is the name of all that follows."""
    amount, cold = market.amount(1), market.recipient(0)
    node = market.node
    payer = EvmPayer(node) if isinstance(node, AnvilNode) else SolanaPayer(node)
    console.print(f"  a stranger pays {amount:,} {market.unit} into {inlet}", highlight=False, soft_wrap=True)
    return Payment(market, amount, payer.pay(inlet, amount), cold)


def _print_push(console: Console, body: dict[str, Any]) -> None:
    facts = ", ".join(
        f"{name} {value}" for name, value in body.items() if name in ("chain", "state", "amount_base_units")
    )
    console.print(f"  [cyan]pushed[/] {body['news']}: {facts}", highlight=False, soft_wrap=True)


def time_line(key: str, moments: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What the bundle remembers of the payment, a line a moment, with the seconds since the first."""
    yield f"\n[bold]GET /v1/trace/treasury/{key}[/]"
    first = datetime.fromisoformat(moments[0]["at"])
    for one in moments:
        seconds = (datetime.fromisoformat(one["at"]) - first).total_seconds()
        facts = (one["facts"].get(name) for name in TOLD.get(one["room"], ()))
        told = "  ".join(_short(str(fact)) for fact in facts if fact is not None)
        yield f"  {seconds:6.2f} s  {one['room']:<7} {one['what']:<18} {told}"


def _short(fact: str) -> str:
    """Long names by their beginning: the whole line stays on one."""
    return fact if len(fact) <= FACT_LONGEST else f"{fact[:FACT_LONGEST]}…"


def _conclude(desk: Desk, payments: Sequence[Payment]) -> None:
    """What was promised and not seen."""
    broken = []
    verdicts = desk.verdicts()
    for payment in payments:
        held, name = payment.market.balance(payment.cold), payment.market.name
        if held != payment.amount:
            broken.append(f"the cold wallet on {name} holds {held:,}, not {payment.amount:,}")
        if verdicts[payment.market.chain] != "balanced":
            broken.append(f"the books of {name} are {verdicts[payment.market.chain]}")
    if broken:
        raise SceneFailed("; ".join(broken))

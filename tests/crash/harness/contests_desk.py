"""Contests over a run's Solana cluster: their dependencies as wiring.py builds them, and one contest of three entrants.

The cluster is not restored between runs, so everybody at the contest is this run's own.
"""

import base64
import json
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from functions.contests import cron_evaluate_contests, cron_open_contests, cron_rake
from functions.contests.adapters.award_steps import AWARD
from functions.contests.adapters.effects import SUBMIT
from functions.contests.adapters.life_steps import EVALUATE, SNAPSHOT, STEP
from functions.contests.adapters.pay_steps import PAY, REFUND
from functions.contests.adapters.pools import pool_account
from functions.contests.adapters.wishes import Wish
from functions.contests.wiring import EVALUATION_ROLE, ROLE, KeyDeps, Settings
from infra.local.settings import ROOT
from infra.local.solana import LAMPORTS_PER_SOL
from kernel import base58
from kernel.keys.solana import LocalSolanaSigner, SolanaSigner
from kernel.postgres import Postgres
from kernel.solana.transactions import compile_message, system_transfer, with_signatures
from tests.crash.harness.serving import Context, Served, kernel_of
from tests.crash.harness.site import START
from tests.crash.harness.world import World

FEE_LAMPORTS: Final = LAMPORTS_PER_SOL // 10
KEPT_LAMPORTS: Final = LAMPORTS_PER_SOL // 100
#: What a signature costs, which entrants pay for their own transfer.
SIGNATURE_LAMPORTS: Final = 5_000
ENTRANTS: Final = 3
CONTEST: Final = UUID(int=1)
TOKENS: Final = tuple(base58.encode(bytes([number]) * 32) for number in range(41, 41 + ENTRANTS))
STARTS, ENDS = START + timedelta(seconds=60), START + timedelta(seconds=80)
#: Slots that pass whenever all wait: what has landed is final then.
BLOCKS: Final = 33
POLL_S: Final = 3.0
KINDS: Final = (STEP, SNAPSHOT, PAY, REFUND, SUBMIT, AWARD)
PLANTED: Final = """
    insert into contests.contests (id, name, wallet, fee_lamports, entrants_min, entrants_max, starts_at, ends_at,
                                   stake_micros, shares_bps, rake_bps, created_at, moved_at)
    values (%(id)s, 'duel', %(wallet)s, %(fee)s, %(least)s, 10, %(starts)s, %(ends)s, 1000000000, '{6900,2000,1100}',
            1000, %(now)s, %(now)s)
"""
LISTED: Final = """
    insert into contests.token_whitelist (id, mint, symbol, name, decimals, program, added_by, experience, fee_lamports,
                                          added_at)
    values (gen_random_uuid(), %(mint)s, %(symbol)s, %(symbol)s, 6, 'p', 'the harness', 0, 0, %(now)s)
"""
PRICED: Final = """
    insert into contests.market_data (mint, observed_at, source, price, liquidity_usd, ingested_at)
    values (%(mint)s, %(at)s, 'test', %(price)s, 1000000, %(at)s)
"""


class Deps(KeyDeps):
    """A container's; the keys are at hand, since sealing them has a scenario of its own."""

    desk: "ContestsDesk"

    def signer_of(self, address: str) -> SolanaSigner:
        return self.desk.signers[address]


class ContestsDesk:
    """One process's contests."""

    def __init__(self, world: World) -> None:
        self.world, self.node = world, world.solana
        self._wallets = {name: LocalSolanaSigner(self._seed(name)) for name in ("fee payer", "contest")}
        watched = world.points.watched
        self.signers: dict[str, SolanaSigner] = {
            one.address: watched(one, "sign", "sign_message", name="sign ed25519") for one in self._wallets.values()
        }
        self.fee_payer, self.wallet = (self._wallets[name].address for name in ("fee payer", "contest"))
        self.entrants = [LocalSolanaSigner(self._seed(f"entrant {number}")) for number in range(ENTRANTS)]

    @cached_property
    def deps(self) -> Deps:
        """Of whoever plays and pays."""
        return self._deps(ROLE)

    @cached_property
    def judge(self) -> Deps:
        """Of whoever evaluates."""
        return self._deps(EVALUATION_ROLE)

    def open(self, *, least: int = 2) -> None:
        """Announce a contest, with tokens that are dearer the later they come, and have everybody pay its fee."""
        postgres = Postgres(self.world.site.database_url)
        with postgres.transaction() as tx:
            times = {"starts": STARTS, "ends": ENDS, "now": START}
            tx.execute(PLANTED, id=CONTEST, wallet=self.wallet, fee=FEE_LAMPORTS, least=least, **times)
            for number, mint in enumerate(TOKENS):
                tx.execute(LISTED, mint=mint, symbol=f"T{number}", now=START)
                for second, micros in ((0, 1_000_000), (59, 1_000_000), (74, 1_500_000), (79, 2_000_000)):
                    at = START + timedelta(seconds=second)
                    tx.execute(PRICED, mint=mint, at=at, price=(micros + second * number * 1_000) * 10**6)
        postgres.close()
        self.node.fund(self.fee_payer, 100 * LAMPORTS_PER_SOL)
        self._signatures.write_text(json.dumps([self._pay(one) for one in self.entrants]))
        self.node.jump(BLOCKS)

    def enter(self) -> None:
        """What each entrant's client does, and does again without an answer."""
        signatures = json.loads(self._signatures.read_text())
        for entrant, signature, mint in zip(self.entrants, signatures, TOKENS, strict=True):
            wish = Wish(contest=CONTEST, wallet=entrant.address, signature=signature, weights_bps={mint: 10_000})
            self.deps.entries.enter(wish)

    def tick(self) -> None:
        """The turns of the minute's schedules, and of the ten minutes'."""
        for name, cron in (
            ("cron_open_contests", cron_open_contests),
            ("cron_evaluate_contests", cron_evaluate_contests),
            ("cron_rake", cron_rake),
        ):
            event = json.loads((ROOT / f"events/contests/{name}.json").read_text())
            event["time"] = self.world.clock.now().isoformat()
            cron.handler.bind(self.deps)(event, Context())

    def work(self) -> None:
        """Do the tasks of every kind until none is open; what was sent becomes final whenever all wait."""
        served = {kind: Served(kind, self.deps) for kind in KINDS} | {EVALUATE: Served(EVALUATE, self.judge)}
        self.world.work(served, meanwhile=lambda: self.node.jump(BLOCKS))

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """What the database holds, past every point."""
        return self.world.rows(sql, **params)

    @property
    def state(self) -> str:
        """Where the contest is."""
        return str(self.rows("select state from contests.contests")[0]["state"])

    def gained(self) -> dict[str, int]:
        """What each entrant has got since paying the fee."""
        before = LAMPORTS_PER_SOL - FEE_LAMPORTS - SIGNATURE_LAMPORTS
        return {one.address: self.node.balance(one.address) - before for one in self.entrants}

    def booked(self) -> int:
        """What the books hold in the contest's pool."""
        rows = self.rows(f"select balance from kernel.ledger_accounts where name = '{pool_account(CONTEST)}'")
        return int(rows[0]["balance"]) if rows else 0

    def _deps(self, role: str) -> Deps:
        settings = Settings(
            cluster="localnet",
            rpc_urls="plain:" + " ".join(self.world.rpc_urls("solana")),
            fee_payer=self.fee_payer,
            entry_fee_lamports=FEE_LAMPORTS,
            oracle_feeds="{}",
            poll_s=POLL_S,
        )
        deps = Deps(kernel_of(self.world, role), settings)
        deps.desk = self
        return deps

    def _pay(self, entrant: LocalSolanaSigner) -> str:
        """The entrant's own transfer; its signature."""
        self.node.fund(entrant.address, LAMPORTS_PER_SOL)
        blockhash = self.node.rpc("getLatestBlockhash", {"commitment": "confirmed"})["value"]["blockhash"]
        fee = system_transfer(entrant.address, self.wallet, FEE_LAMPORTS)
        message = compile_message(entrant.address, [fee], blockhash=blockhash)
        signed = with_signatures(message, {entrant.address: entrant.sign_message(message)})
        raw = base64.b64encode(signed.raw).decode()
        return str(self.node.rpc("sendTransaction", raw, {"encoding": "base64", "skipPreflight": True}))

    def _seed(self, name: str) -> bytes:
        return sha256(self.world.secret_of_run("contests") + name.encode()).digest()

    @property
    def _signatures(self) -> Path:
        """Where the signatures of this run's entry fees lie."""
        return Path(self.world.site.folder) / "entry_fees"

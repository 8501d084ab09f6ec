"""Canary: keys of contests' wallets go through all their lives, and are looked for in everything that is written."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretBytes

from functions.contests.adapters.effects import SUBMIT
from functions.contests.queue_submit_contests_transaction import handler as submit
from functions.contests.wiring import ROLE, VANITY_ROLE, WALLETS_ROLE, KeyDeps
from infra.local import key_backup, legacy_wallets
from infra.local.aws import Aws
from infra.local.children import Children
from infra.local.redis import RedisRest
from infra.local.solana import LAMPORTS_PER_SOL, SolanaNode
from kernel.clock import SystemClock
from kernel.keys.envelope import Envelope
from kernel.keys.kms import AwsKms
from kernel.keys.vault import Vault
from kernel.postgres import Postgres
from kernel.testing import FakeClock
from tests.chain.keys.container import Daemon, RealKernel, in_a_process, talkative, tell
from tests.chain.keys.forms import found, redis_keys, tables
from tests.handlers.contests.custody import CHAIN, FAUCET_SEED, Custody
from tests.integration.contests.test_legacy_wallets_command import KEY, SEEDS, line

pytestmark = pytest.mark.chain
logger = logging.getLogger(__name__)

ALIAS = "alias/contests-canary"
PAYER_SEED = SecretBytes(bytes.fromhex("fee0b57ac1e5" * 5 + "fee0"))
CLEAR = SecretBytes(bytes.fromhex("c1ea4b57ac1e" * 5 + "c1ea"))
STRANGER = "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"
ROUNDS = 60


class Talkative(Custody):
    """Custody on a real Redis and KMS."""

    def __init__(self, database_url: str, redis: RedisRest, node: SolanaNode) -> None:
        self._redis = redis
        super().__init__(database_url, node.url, test_wallets=1, wallets_free=1)
        self.vault = Vault(self.office, self.kernels[ROLE].envelope, self.clock)
        payer = self.vault.keep(PAYER_SEED.get_secret_value(), purpose="treasury", chain=CHAIN, actor="a test")
        self.settings = self.settings.model_copy(update={"fee_payer": payer, "poll_s": 1.0})
        self.node = node
        for address in (payer, self.faucet):
            node.fund(address, LAMPORTS_PER_SOL)
        node.finalize()

    def faked(self, role: str) -> Any:
        """A kernel that holds nothing back from Redis and KMS."""
        kernel = RealKernel(self._url, self._redis, ALIAS, self.clock)
        kernel._role = role
        return kernel

    def submit(self) -> str:
        """Bring the one transaction to its end; its state."""
        deps = KeyDeps(self.kernels[ROLE], self.settings)
        for _ in range(ROUNDS):
            for task in self.due(SUBMIT):
                self.deliver(submit, deps, task)
            self.node.mine(16)
            self.clock.advance(2)
        [row] = self.rows("select state from kernel.solana_outbox")
        return str(row["state"])


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """The listener of traces."""
    with closing(Daemon()) as daemon:
        yield daemon


def live(custody: Talkative, folder: Path, aws: Aws) -> dict[str, Any]:
    """Everything that a key goes through, and what was seen of it."""
    custody.generate()
    custody.top_up()
    envelope = custody.kernels[VANITY_ROLE].envelope
    openings = [
        envelope.open(bytes(row["opening"]), **custody.deps(VANITY_ROLE).vanity_pool._place(bytes(row["recipient"])))
        for row in custody.rows("select opening, recipient from contests.vanity_jobs")
    ]
    custody.grind()
    told = [custody.collect()]
    contest = custody.announce()
    custody.assign()
    status, _ = custody.ask(STRANGER)
    state = custody.submit()
    clear = json.dumps({"address": STRANGER, "private_key": CLEAR.get_secret_value().hex()})
    taken = take_over(custody, line(SEEDS[0]), clear, line(SEEDS[1], STRANGER))
    aws.client("kms").update_alias(AliasName=ALIAS, TargetKeyId=aws.create_kms_key())
    rotated = Vault(custody.office, custody.kernels[ROLE].envelope, custody.clock).rotate(100)
    wallet = custody.wallet(contest)
    assert wallet is not None
    custody.deps(WALLETS_ROLE).signer_of(wallet).sign_message(b"after the rotation")
    arguments = [str(folder / "backup"), "--database-url", custody._url, "--kms-key", ALIAS]
    drills = [key_backup.main([act, *arguments]) for act in ("take", "drill")]
    failures = fail_everywhere(custody, aws)
    logger.info("%s %s", "\n".join(failures), told)  # The output is searched, too.
    return {
        "faucet": (status, state),
        "taken": taken,
        "rotated": [rotated.refused, rotated.left],
        "drills": drills,
        "failures": len(failures),
        "openings": [key.hex() for key in openings],
        "data_keys": [key.hex() for kernel in custody.kernels.values() for key in kernel.recording.told],
    }


def take_over(custody: Talkative, *lines: str) -> int:
    """The command, its key on a pipe."""
    reader, writer = os.pipe()
    os.write(writer, KEY.hex().encode())
    os.close(writer)
    chosen = ["--database-url", custody._url, "--kms-key", ALIAS, "--cluster", "localnet", "--fd", str(reader)]
    return legacy_wallets.main(chosen, lines)


def fail_everywhere(custody: Talkative, aws: Aws) -> list[str]:
    """What fails near a key, as a tool would tell it that shows all variables."""
    wallets, pool = custody.deps(WALLETS_ROLE).wallets, custody.deps(VANITY_ROLE).vanity_pool
    custody.change("update contests.vanity_pool set contest_id = gen_random_uuid(), assigned_at = now()")
    custody.top_up()
    custody.grind()
    [task, *_] = custody.rows(
        "select payload from kernel.tasks where kind = 'contests.collect_vanity' and state = 'ready'"
    )
    key_id = Envelope(AwsKms(), ALIAS).check()
    aws.client("kms").disable_key(KeyId=key_id.rpartition("/")[2])
    fence: Any = None
    return [
        tell(lambda: wallets.create(1)),
        tell(lambda: wallets.create(1, is_test=True)),
        tell(lambda: pool.collect(task["payload"]["job_id"], fence)),
        tell(lambda: pool._ask(custody.rows("select * from contests.vanity_jobs limit 1")[0])),
        tell(lambda: custody.deps(WALLETS_ROLE).signer_of(custody.faucet).sign_message(b"m")),
    ]


def seeds(database_url: str) -> list[bytes]:
    """Every key that the vault holds, opened."""
    envelope, postgres = Envelope(AwsKms(), ALIAS), Postgres(database_url)
    with postgres.transaction() as tx:
        rows = tx.all("select purpose, chain, address, blob from kernel.sealed_keys")
    postgres.close()
    return [envelope.open(bytes(row.pop("blob")), **row) for row in rows]


def test_no_key_of_a_wallet_is_found_anywhere(
    database_url: str,
    redis_rest: RedisRest,
    aws: Aws,
    start_solana: Callable[..., SolanaNode],
    children: Children,
    daemon: Daemon,
    tmp_path: Path,
) -> None:
    """Generated, found, assigned, granted from, taken over, rotated, backed up, failed: no log, row or trace has it."""
    node = start_solana(paused=True)
    output = tmp_path / "output"
    aws.client("kms").create_alias(AliasName=ALIAS, TargetKeyId=aws.create_kms_key())

    def work() -> bytes:
        with talkative(daemon.address):
            custody = Talkative(database_url, redis_rest, node)
            seen = live(custody, tmp_path, aws)
            logger.info(custody.kernels[ROLE].queue.sent)
            custody.close()
            return json.dumps(seen).encode()

    seen = json.loads(in_a_process(work, output))
    [key_id] = {row.kms_key_id for row in kept(database_url)}
    aws.client("kms").enable_key(KeyId=key_id.rpartition("/")[2])
    keys = seeds(database_url)
    short_lived = [bytes.fromhex(one) for one in {*seen["openings"], *seen["data_keys"]}]
    places = {
        "output": output.read_text(encoding="latin-1"),
        "traces": daemon.received(),
        "backup": (tmp_path / "backup").read_text(encoding="latin-1"),
        **tables(Postgres(database_url)),
        **redis_keys(redis_rest),
        **{log.name: log.read_text(encoding="latin-1") for log in children.folder.glob("*.log")},
    }

    assert (seen["faucet"], seen["taken"], seen["rotated"], seen["drills"]) == ([202, "confirmed"], 1, [0, 0], [0, 0])
    assert {FAUCET_SEED, PAYER_SEED.get_secret_value(), SEEDS[0]} <= set(keys)
    assert len(keys) >= 8
    assert len(seen["openings"]) == 3
    assert found([*keys, *SEEDS, CLEAR.get_secret_value(), *short_lived], places) == []
    # The canary looked where something is: every kind of place has told something.
    for spoken in ("botocore", "contests.cron_top_up_vanity", '"_aws"', "KeyUnavailable", "line 2: This is no wallet"):
        assert spoken in places["output"], spoken
    assert 5 == seen["failures"]
    assert "queue_submit_contests_transaction" in places["traces"]
    assert [place for place in places if place.startswith("redis ")] != []
    filled = {"contests.vanity_jobs", "contests.vanity_pool", "kernel.offload_jobs", "kernel.sealed_keys"}
    assert [place for place in filled if not places[place]] == []


def kept(database_url: str) -> list[Any]:
    postgres = Postgres(database_url)
    rows = Vault(postgres, Envelope(AwsKms(), ALIAS), FakeClock(SystemClock().now())).kept()
    postgres.close()
    return rows

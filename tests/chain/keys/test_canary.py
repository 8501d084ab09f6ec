"""Canary: known keys go through whole obligations on two chains, and are looked for in everything that is written."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretBytes

from infra.local.anvil import AnvilNode
from infra.local.aws import Aws
from infra.local.children import Children
from infra.local.redis import RedisRest
from infra.local.solana import LAMPORTS_PER_SOL, SolanaNode
from kernel.clock import SystemClock
from kernel.keys.envelope import Envelope
from kernel.keys.evm import LocalSigner, seal_key
from kernel.keys.kms import AwsKms
from kernel.keys.solana import LocalSolanaSigner, seal_seed
from kernel.keys.vault import Vault
from kernel.postgres import Postgres
from kernel.testing import FakeClock, InMemoryKms
from tests.chain.keys.container import Daemon, RealPurse, in_a_process, talkative, tell
from tests.chain.keys.forms import forms, found, redis_keys, tables
from tests.handlers.ops.purse import ETHER, evm_chain, fund

pytestmark = pytest.mark.chain

EVM_KEY = SecretBytes(bytes.fromhex("c0ffee" * 10 + "c0de"))
SOLANA_SEED = SecretBytes(bytes.fromhex("5eed0b57ac1e" * 5 + "5eed"))
SOLANA, ALIAS = "solana:localnet", "alias/canary"
EVM_STRANGER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
SOLANA_STRANGER = "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """The listener of traces."""
    with closing(Daemon()) as daemon:
        yield daemon


def pay(purse: RealPurse, anvil: AnvilNode, node: SolanaNode) -> dict[str, str]:
    """One obligation on each chain, from the request to its end; how each ended."""
    evm = purse.keep(f"evm:{anvil.chain_id}", EVM_KEY.get_secret_value())
    solana = purse.keep(SOLANA, SOLANA_SEED.get_secret_value())
    fund(anvil, evm, 10)
    node.fund(solana, 10 * LAMPORTS_PER_SOL)
    node.finalize()
    purse.declare(f"evm:{anvil.chain_id}", evm)
    purse.declare(SOLANA, solana)
    purse.run(mine=lambda: node.mine(20))
    purse.send("evm-1", f"evm:{anvil.chain_id}", evm, EVM_STRANGER, ETHER)
    purse.send("solana-1", SOLANA, solana, SOLANA_STRANGER, LAMPORTS_PER_SOL)
    purse.run(mine=lambda: node.mine(20))
    return {key: str(purse.transfer(key)["state"]) for key in ("evm-1", "solana-1")}


def fail_everywhere(purse: RealPurse, aws: Aws, database_url: str) -> list[str]:
    """Every failure near a key that can be forced, as a tool would tell it that shows all variables."""
    [evm, solana] = purse.vault.kept()
    place = {"purpose": evm.purpose, "chain": evm.chain}
    evm_signer = purse.vault.evm_signer(evm.address, **place)
    solana_signer = purse.vault.solana_signer(solana.address, purpose=solana.purpose, chain=solana.chain)
    envelope = Envelope(purse.real.recording, ALIAS)
    told = [
        tell(lambda: purse.vault.keep(EVM_KEY.get_secret_value() + b"\x01", actor="a test", **place)),
        tell(
            lambda: purse.vault.keep(
                SOLANA_SEED.get_secret_value() * 2, actor="a test", purpose="treasury", chain=SOLANA
            )
        ),
        tell(
            lambda: purse.vault.keep(EVM_KEY.get_secret_value(), actor="a test", purpose="treasury", chain="ethereum")
        ),
        tell(lambda: LocalSigner(EVM_KEY.get_secret_value() + b"\x01")),
        tell(lambda: LocalSigner(EVM_KEY.get_secret_value()).sign_digest(b"short")),
        tell(lambda: LocalSolanaSigner(SOLANA_SEED.get_secret_value()[:31])),
        tell(lambda: LocalSolanaSigner(SOLANA_SEED.get_secret_value()).sign_message(None)),  # type: ignore[arg-type]  # nothing to sign, on purpose
        tell(lambda: evm_signer.sign_digest(b"short")),
        tell(lambda: solana_signer.sign_message(None)),  # type: ignore[arg-type]  # nothing to sign, on purpose
    ]
    owner = Postgres(database_url)
    with owner.transaction() as tx:
        tx.execute("update kernel.sealed_keys s set blob = o.blob from kernel.sealed_keys o where o.chain <> s.chain")
    told += [tell(lambda: evm_signer.sign_digest(bytes(32))), tell(lambda: solana_signer.sign_message(b"m"))]
    purse.vault.rotate(10)  # refuses both rows in its log
    aws.client("kms").disable_key(KeyId=evm.kms_key_id.rpartition("/")[2])
    told += [
        tell(lambda: seal_key(envelope, EVM_KEY.get_secret_value(), **place)),
        tell(lambda: seal_seed(envelope, SOLANA_SEED.get_secret_value(), purpose="treasury", chain=SOLANA)),
        tell(lambda: purse.vault.keep(EVM_KEY.get_secret_value(), actor="a test", **place)),
        tell(lambda: evm_signer.sign_digest(bytes(32))),
        tell(lambda: purse.vault.rotate(10)),
    ]
    return told


def test_known_keys_are_found_nowhere(
    database_url: str,
    redis_rest: RedisRest,
    aws: Aws,
    anvil: AnvilNode,
    start_solana: Callable[..., SolanaNode],
    children: Children,
    daemon: Daemon,
    tmp_path: Path,
) -> None:
    """Not in logs at DEBUG, traces, metrics, failures with variables, Postgres, Redis, messages or servers' logs."""
    node = start_solana(paused=True)
    output = tmp_path / "output"
    aws.client("kms").create_alias(AliasName=ALIAS, TargetKeyId=aws.create_kms_key())
    solana = {"chain": SOLANA, "rpc_urls": f"plain:{node.url}", "price_floor": 100, "poll_s": 1}

    def work() -> bytes:
        with talkative(daemon.address):
            chains = (evm_chain(anvil), solana)
            purse = RealPurse(database_url, chains, FakeClock(SystemClock().now()), redis=redis_rest, kms_key_id=ALIAS)
            states = pay(purse, anvil, node)
            aws.client("kms").update_alias(AliasName=ALIAS, TargetKeyId=aws.create_kms_key())
            assert purse.vault.rotate(10).done == 2
            told = fail_everywhere(purse, aws, database_url)
            print("\n".join(told), purse.real.queue.sent, purse.keys.keys())  # noqa: T201
            data_keys = [key.hex() for key in purse.real.recording.told]
            return json.dumps({"states": states, "data_keys": data_keys, "failures": len(told)}).encode()

    answer = json.loads(in_a_process(work, output))
    data_keys = {bytes.fromhex(key) for key in answer["data_keys"]}
    places = {
        "output": output.read_text(encoding="latin-1"),
        "traces": daemon.received(),
        **tables(Postgres(database_url)),
        **redis_keys(redis_rest),
        **{log.name: log.read_text(encoding="latin-1") for log in children.folder.glob("*.log")},
    }

    assert answer["states"] == {"evm-1": "confirmed", "solana-1": "confirmed"}
    assert len(data_keys) >= 4
    assert found([EVM_KEY.get_secret_value(), SOLANA_SEED.get_secret_value(), *data_keys], places) == []
    # The canary looked where something is: every kind of place has told something.
    output_text = places["output"]
    for spoken in ("botocore", "urllib3", "queue_submit_evm_transaction", '"_aws"', "WrongContext", "KeyUnavailable"):
        assert spoken in output_text
    assert 16 == answer["failures"]
    assert "queue_submit_solana_transaction" in places["traces"]
    assert [place for place in places if place.startswith("redis ")] != []
    kept = {"kernel.evm_payloads", "kernel.solana_payloads", "kernel.sealed_keys", "kernel.task_attempts"}
    assert [place for place in kept if not places[place]] == []


@pytest.mark.parametrize("form", sorted(forms(bytes(32))))
def test_a_planted_key_is_found(form: str, database_url: str, redis_rest: RedisRest) -> None:
    """In a column of text or of bytes, in Redis, in a log; in every form."""
    text = forms(EVM_KEY.get_secret_value())[form]
    stored = text.encode("latin-1") if form == "raw" else text.encode()
    postgres = Postgres(database_url)
    with postgres.transaction() as tx:
        tx.execute("create table planted (kept bytea, written text)")
        tx.execute("insert into planted values (%(kept)s, %(written)s)", kept=b"x" + stored, written=f"x{text!r}")
    if form != "raw":  # what is not UTF-8 does not pass the gateway
        redis_rest.command("HSET", "planted", "field", f"x{text}x")
    places = {"log": f"DEBUG {text}", **tables(postgres), **redis_keys(redis_rest)}
    postgres.close()

    places_found = {one.rpartition(" in ")[2] for one in found([EVM_KEY.get_secret_value()], places)}
    assert {"log", "public.planted"} <= places_found
    assert form == "raw" or "redis planted" in places_found


def test_without_our_filter_boto3_would_log_data_keys(aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    """What the canary listens for is there to be heard: the same answer, read by a client that nobody hushes."""
    caplog.set_level(logging.DEBUG)
    kms_key = aws.create_kms_key()
    bare = aws.client("kms").generate_data_key(KeyId=kms_key, KeySpec="AES_256")["Plaintext"]
    heard = found([bare], {"log": caplog.text})
    caplog.clear()
    hushed = AwsKms(aws.client("kms")).generate_data_key(kms_key, {}).plaintext

    assert heard != []
    assert found([hushed], {"log": caplog.text}) == []


def test_a_key_that_is_stored_in_the_clear_is_found(database_url: str) -> None:
    """The vault's own row, searched as the canary searches it, holds the address and nothing of the key."""
    kms = InMemoryKms(("key",))
    postgres = Postgres(database_url, role="counterpart_ops")
    address = Vault(postgres, Envelope(kms, "key")).keep(
        EVM_KEY.get_secret_value(), actor="a test", purpose="p", chain="evm:1"
    )
    places = tables(Postgres(database_url))
    postgres.close()

    assert address in places["kernel.sealed_keys"]
    assert found([EVM_KEY.get_secret_value(), *kms.data_keys], places) == []

"""Owns the keys that Counterpart holds: sealed in Postgres, opened for one signature, rotated while they are in use.

Rotation moves keys under the wrapping key that COUNTERPART_KMS_KEY_ID names now, one row at a time:

1. open the blob under the key that its own text names;
2. seal it under the present key, open the new blob again and compare;
3. replace the old blob, only if the row is still the one that was opened.

Nobody waits for it and nobody notices: signers fetch the blob for each signature, and until the old wrapping key is
disabled both blobs open. Dying between any two steps leaves the row as it was. A row that does not open (somebody
swapped its blob, or its wrapping key is gone) is left alone, counted and alarmed; it does not hold up the others.

Each sealing and each move is a privileged act, kept in the audit log by the transaction that does it.
"""

import hmac
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import SecretBytes

from kernel.audit import Audit
from kernel.clock import Clock, SystemClock
from kernel.errors import Broken, Invalid, KeyUnavailable
from kernel.evm.addresses import checksum
from kernel.keys.envelope import BlobUnreadable, Envelope, wrapping_key
from kernel.keys.evm import EnvelopeSigner, seal_key
from kernel.keys.kms import WrongContext
from kernel.keys.sealed import Sealed
from kernel.keys.solana import EnvelopeSolanaSigner, checked_address, seal_seed
from kernel.postgres import Postgres, Queries, Transaction

logger = logging.getLogger(__name__)

Q = Queries.load(Path(__file__).with_name("queries.sql"))

_CHAIN: Final = re.compile(r"(evm:[1-9][0-9]{0,18}|solana:[a-z]{1,20})")
#: How many sealed rows are read at once.
PAGE_ROWS: Final = 20
#: Who rotates.
ACTOR: Final = "vault"


class KeyNotKept(Broken):
    """The vault holds no such key."""

    cause = "No key was sealed for this purpose, chain and address."
    remedy = "Seal it with `make seal-key`, or correct the wallet in the settings."
    example = '{"purpose": "treasury", "chain": "evm:1", "address": "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"}'


class ResealingFailed(Broken):
    """A freshly sealed key did not open as what was sealed."""

    cause = "The key service, the memory or the code corrupted a key while it was sealed anew; the old blob stands."
    remedy = "Stop rotating and look into the key service; nothing is lost."


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedKey:
    """What is known of a key without opening it."""

    purpose: str
    chain: str
    address: str
    kms_key_id: str
    version: int
    sealed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """A key that is sealed and not stored yet."""

    purpose: str
    chain: str
    address: str
    blob: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """`done` keys were moved, `refused` would not open, `left` are not under the present key (those included)."""

    done: int
    refused: int
    left: int


class Vault:
    """The sealed keys of one database."""

    def __init__(self, postgres: Postgres, envelope: Envelope, clock: Clock | None = None) -> None:
        self._postgres, self._envelope = postgres, envelope
        self._clock: Clock = clock or SystemClock()
        self._audit = Audit(postgres, self._clock)

    def keep(self, private_key: bytes, *, purpose: str, chain: str, actor: str) -> str:
        """Seal and store a key; its address. Keeping the same key again changes nothing.

        private_key: 32 bytes, of secp256k1 for a chain "evm:<chain id>", an Ed25519 seed for "solana:<cluster>".
        Raises SigningKeyInvalid, SolanaKeyInvalid, Invalid, KeyUnavailable, KeyServiceUnavailable.
        """
        key = SecretBytes(private_key)
        del private_key  # what fails from here on shows it in no variable
        sealing = self.seal(key.get_secret_value(), purpose=purpose, chain=chain)
        with self._postgres.transaction() as tx:
            self.store(tx, sealing, actor=actor)
        return sealing.address

    def seal(self, private_key: bytes, *, purpose: str, chain: str) -> Sealing:
        """The first half of `keep`, which asks the key service: outside of any transaction. Raises what `keep` does."""
        key = SecretBytes(private_key)
        del private_key  # what fails from here on shows it in no variable
        seal = seal_key if _is_evm(chain) else seal_seed
        address, blob = seal(self._envelope, key.get_secret_value(), purpose=purpose, chain=chain)
        return Sealing(purpose=purpose, chain=chain, address=address, blob=blob)

    def store(self, tx: Transaction, sealing: Sealing, *, actor: str) -> bool:
        """The second half, in the caller's transaction; whether the key is new.

        The act's row is the head of the audit chain until the commit: store late, and commit soon.
        """
        place = {"purpose": sealing.purpose, "chain": sealing.chain, "address": sealing.address}
        under = wrapping_key(sealing.blob)
        is_new = bool(tx.execute(Q["keep_key"], **place, blob=sealing.blob, kms_key_id=under, now=self._clock.now()))
        if is_new:
            self._keep_act(tx, actor, "seal", place, kms_key_id=under)
        return is_new

    def evm_signer(self, address: str, *, purpose: str, chain: str) -> EnvelopeSigner:
        """Whoever signs for the address with its kept key. The row is read for each signature: KeyNotKept, then."""
        place = {"purpose": purpose, "chain": chain, "address": checksum(address)}
        return EnvelopeSigner(self._envelope, lambda: self._blob(place), **place)

    def solana_signer(self, address: str, *, purpose: str, chain: str) -> EnvelopeSolanaSigner:
        """The same for a Solana address."""
        place = {"purpose": purpose, "chain": chain, "address": checked_address(address)}
        return EnvelopeSolanaSigner(self._envelope, lambda: self._blob(place), **place)

    def sealed_by(self, seal: Callable[[bytes], bytes], *, purpose: str, chain: str, address: str) -> bytes:
        """What `seal` makes of a kept key, for whoever is to have it elsewhere; nobody else sees it in between.

        Who wanted it and why is the caller's to keep. Raises KeyNotKept, WrongContext, KeyUnavailable.
        """
        place = {"purpose": purpose, "chain": chain, "address": address}
        return seal(Sealed(self._envelope, self._blob(place), **place).open().get_secret_value())

    def kept(self) -> list[SealedKey]:
        """What is kept, without the blobs."""
        with self._postgres.transaction() as tx:
            return [SealedKey(**row) for row in tx.all(Q["sealed_keys"])]

    def rotate(self, limit: int) -> Rotated:
        """Move at most `limit` keys under the present wrapping key. Raises KeyUnavailable, KeyServiceUnavailable."""
        present = self._envelope.check()
        done = refused = 0
        for row in self._to_rotate(present):
            if done == limit:
                break
            try:
                done += self._reseal(row)
            except (WrongContext, BlobUnreadable, KeyUnavailable) as unopened:
                refused += 1
                place = {name: row[name] for name in ("purpose", "chain", "address")}
                logger.error(
                    "A sealed key does not open.", extra={"alarm": "keys.unopened", "code": unopened.code, **place}
                )
        with self._postgres.transaction() as tx:
            left = tx.one(Q["count_keys_to_rotate"], kms_key_id=present)["left_over"]
        return Rotated(done=done, refused=refused, left=left)

    def _to_rotate(self, present: str) -> Iterator[dict[str, Any]]:
        """Rows under another key; each page is read after the one before was seen to."""
        last = {"purpose": "", "chain": "", "address": ""}
        while True:
            with self._postgres.transaction() as tx:
                page = tx.all(Q["keys_to_rotate"], **last, kms_key_id=present, limit=PAGE_ROWS)
            yield from page
            if len(page) < PAGE_ROWS:
                return
            last = {name: page[-1][name] for name in last}

    def _reseal(self, row: dict[str, Any]) -> bool:
        """Whether the row's key lies under the present key because of us: False when somebody else was first."""
        place = {name: row[name] for name in ("purpose", "chain", "address")}
        key = SecretBytes(self._envelope.open(row["blob"], **place))
        blob = self._envelope.seal(key.get_secret_value(), **place)
        again = SecretBytes(self._envelope.open(blob, **place))
        if not hmac.compare_digest(key.get_secret_value(), again.get_secret_value()):
            raise ResealingFailed(**place)
        swap = {**place, "version": row["version"], "blob": blob, "kms_key_id": wrapping_key(blob)}
        with self._postgres.transaction() as tx:
            resealed = bool(tx.one(Q["reseal_key"], **swap, now=self._clock.now())["resealed"])
            if resealed:
                self._keep_act(tx, ACTOR, "reseal", place, kms_key_id=swap["kms_key_id"], was=wrapping_key(row["blob"]))
        return resealed

    def _keep_act(self, tx: Transaction, actor: str, verb: str, place: Mapping[str, str], **told: str | None) -> None:
        subject = f"key:{place['purpose']}:{place['chain']}:{place['address']}"
        self._audit.record(tx, actor=actor, action=f"keys.{verb}", subject=subject, details=told)

    def _blob(self, place: dict[str, str]) -> bytes:
        row = self._postgres.glance.maybe(Q["sealed_key"], **place)
        if row is None:
            raise KeyNotKept(**place)
        blob: bytes = row["blob"]
        return blob


def _is_evm(chain: str) -> bool:
    """Whether the chain is of the EVM's family; Invalid when it is none of ours."""
    if not _CHAIN.fullmatch(chain):
        raise Invalid("A chain is evm:<chain id> or solana:<cluster>.", chain=chain[:100])
    return chain.startswith("evm:")

"""Owns pinning as the slices use it: content is kept, recorded with the business it belongs to, and read again.

    kept = deps.kernel.pinning.keep(standings, media_type="application/json")    # the bucket has it
    with deps.kernel.postgres.transaction() as tx:
        ...
        pin = deps.kernel.pinning.record(tx, "contest-42/standings", kept)       # and now the row says so
    ...
    content = deps.kernel.pinning.read("contest-42/standings").plain

The bytes are in the bucket before any row names them, so whoever finds a row can have its content. What a transaction
that rolled back would have pinned is left in the bucket, under its CID, and harms nobody. A task for each pin takes the
content to the pinning services (`replication`): no caller waits for them, or learns that one of them is away.
"""

from dataclasses import dataclass

from kernel.clock import Clock, SystemClock
from kernel.errors import Broken, Rejected
from kernel.hashes import sha256
from kernel.pinning import pins
from kernel.pinning.blocks import STORED_MAX_BYTES, tree_of
from kernel.pinning.encodings import PLAIN_MAX_BYTES, Encoding, decoded, encoded
from kernel.pinning.pins import Kept, Pin
from kernel.pinning.sources import Sources
from kernel.pinning.store import ContentStore
from kernel.postgres import Postgres, Transaction
from kernel.tasks import Tasks, TaskSpec

REPAIR_KIND = "ops.repair_pin"
#: A pin waits for its services for weeks rather than for a person; what fails is only our own stores.
ATTEMPTS_MAX = 1000


class ContentTooLarge(Rejected):
    """The content is too large to be pinned."""

    status = 413
    cause = "It has more bytes than the limit in details, before it is compressed or after."
    remedy = "Pin it in parts, and a list of their CIDs."
    example = '{"limit_bytes": 33554432}'


class PinDisagrees(Broken):
    """The pinned content is not what its row says."""

    cause = "The bytes have the CID of the row, and yet not the hash of the content that was pinned."
    remedy = "Somebody changed the row: compare it with a backup."


@dataclass(frozen=True, slots=True)
class Pinned:
    """Content that was read, and what is known of it."""

    pin: Pin
    plain: bytes


class Pinning:
    """The pins of one database and bucket."""

    def __init__(
        self,
        postgres: Postgres,
        store: ContentStore,
        sources: Sources,
        tasks: Tasks,
        clock: Clock | None = None,
        *,
        wanted: int,
    ) -> None:
        """wanted: how many pinning services are to hold what is recorded from now on; 0: the bucket alone."""
        self._postgres, self._store, self._sources, self._tasks = postgres, store, sources, tasks
        self._clock: Clock = clock or SystemClock()
        self._wanted = wanted

    def keep(self, plain: bytes, *, media_type: str, encoding: Encoding = Encoding.GZIP) -> Kept:
        """Compress the content, name it, and put it into the bucket. Never called inside a transaction.

        Raises ContentTooLarge, StoreUnavailable, StoreUnusable.
        """
        if len(plain) > PLAIN_MAX_BYTES:
            raise ContentTooLarge(limit_bytes=PLAIN_MAX_BYTES)
        packed, used = encoded(plain, encoding)
        if len(packed) > STORED_MAX_BYTES:
            raise ContentTooLarge(limit_bytes=STORED_MAX_BYTES)
        cid = tree_of(packed)[0].cid
        self._store.put(cid, packed, media_type=media_type, encoding=used)
        return Kept(
            cid=cid,
            content_hash=sha256(plain),
            plain_bytes=len(plain),
            stored_bytes=len(packed),
            media_type=media_type,
            encoding=used,
        )

    def record(self, tx: Transaction, business_key: str, kept: Kept) -> Pin:
        """Pin what was kept, and ask for its copies, if and only if the caller's transaction commits.

        Again with the same content: the pin there is, whose CID stands. Raises PinChanged for other content.
        """
        pin = pins.record(tx, self._clock, business_key, kept, self._wanted)
        if pin.lacking:
            spec = TaskSpec(
                kind=REPAIR_KIND,
                business_key=business_key,
                payload={"business_key": business_key},
                run_at=self._clock.now(),
                attempts_max=ATTEMPTS_MAX,
            )
            self._tasks.enqueue([spec], tx)
        return pin

    def pin(self, business_key: str) -> Pin:
        """What is pinned under this business key. Raises NotFound."""
        with self._postgres.transaction() as tx:
            return pins.read(tx, business_key)

    def read(self, business_key: str) -> Pinned:
        """The content as it was given, from whoever has it. Never called inside a transaction.

        Raises NotFound, ContentUnavailable, EncodingUnfit, PinDisagrees.
        """
        pin = self.pin(business_key)
        plain = decoded(self._sources.read(pin.cid), pin.encoding, size=pin.plain_bytes)
        if not pin.proves(plain):
            raise PinDisagrees(business_key=business_key)
        return Pinned(pin, plain)

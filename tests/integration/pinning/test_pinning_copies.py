"""Pins and their copies: no caller feels a service that fails, and the task brings what is lacking."""

from collections.abc import Callable

import pytest

from infra.local.ipfs import FILEBASE, GATEWAY, MIRROR, PINATA, Fault, Ipfs
from kernel.clock import Clock
from kernel.errors import LeaseLost, NotFound
from kernel.pinning import (
    ContentTooLarge,
    Encoding,
    EncodingUnfit,
    PinChanged,
    PinDisagrees,
    StoreUnavailable,
)
from kernel.pinning.blocks import STORED_MAX_BYTES
from kernel.pinning.encodings import PLAIN_MAX_BYTES
from kernel.postgres import Postgres
from kernel.tasks import Done, Retry
from tests.integration.pinning.desk import IMPATIENT_S, TIMEOUT_S, Desk

pytestmark = pytest.mark.integration

KEY = "contest-42/standings"
STANDINGS = b'{"standings": [' + b'{"place": 1, "owner": "0xabc", "points": 17},' * 500 + b"]}"
FAULTS = [
    (Fault.DOWN, TIMEOUT_S),
    (Fault.BROKEN, TIMEOUT_S),
    (Fault.BUSY, TIMEOUT_S),
    (Fault.LYING, TIMEOUT_S),
    (Fault.AWAY, TIMEOUT_S),
    (Fault.SILENT, IMPATIENT_S),
]


@pytest.mark.parametrize("encoding", Encoding)
def test_what_is_pinned_is_read_again(desk: Desk, ipfs: Ipfs, encoding: Encoding) -> None:
    """Held by both services under the CID computed here; the bucket says what it is."""
    cid = desk.pin(KEY, STANDINGS, encoding=encoding)
    outcome = desk.work(KEY)
    kept = desk.store.objects[cid]

    assert outcome == Done({"cid": cid, "confirmed": [PINATA, FILEBASE]})
    assert (ipfs.held(PINATA), ipfs.held(FILEBASE)) == ([cid], [cid])
    assert desk.state(KEY) == ("pinned", (PINATA, FILEBASE))
    assert desk.pinning.read(KEY).plain == STANDINGS
    assert (kept.media_type, kept.encoding) == ("application/json", encoding)
    assert (len(kept.content) < len(STANDINGS) / 10) == (encoding is not Encoding.IDENTITY)
    assert [task.state for task in desk.tasks.about(KEY)] == ["done"]


@pytest.mark.parametrize(("fault", "timeout_s"), FAULTS)
@pytest.mark.parametrize("ill", [PINATA, FILEBASE])
def test_one_service_that_fails_is_not_felt_and_its_copy_comes_later(
    desk: Desk, ipfs: Ipfs, ill: str, fault: Fault, timeout_s: float
) -> None:
    """The caller is not asked to wait; the other service holds it at once; the ill one once it is well."""
    well = FILEBASE if ill == PINATA else PINATA
    ipfs.trouble(ill, fault)
    cid = desk.pin(KEY, STANDINGS)
    first = desk.work(KEY)

    assert isinstance(first, Retry)
    assert ill in first.reason
    assert desk.state(KEY) == ("partial", (well,))
    assert desk.pinning.read(KEY).plain == STANDINGS

    ipfs.heal()
    desk.clock.advance(first.after_s)

    assert isinstance(desk.work(KEY), Done)
    assert desk.state(KEY) == ("pinned", (well, ill))
    assert (ipfs.held(ill), ipfs.held(well)) == ([cid], [cid])


def test_a_service_that_stays_away_is_left_alone_and_never_given_up(
    desk: Desk, ipfs: Ipfs, caplog: pytest.LogCaptureFixture
) -> None:
    """For hours: no attempt is spent, the breaker spares it, and after one of them somebody is told."""
    ipfs.trouble(PINATA, Fault.BROKEN)
    desk.pin(KEY, STANDINGS)
    before, tries, waited_s = ipfs.requests(), 0, 0.0
    while waited_s < 3 * 3600:
        outcome = desk.work(KEY)
        assert isinstance(outcome, Retry)
        desk.clock.advance(outcome.after_s)
        waited_s, tries = waited_s + outcome.after_s, tries + 1
    after = ipfs.requests()
    (task,) = desk.tasks.about(KEY)
    told = [record for record in caplog.records if getattr(record, "alarm", "") == "pinning.late"]

    assert (task.state, task.attempt) == ("ready", 0)
    assert after[PINATA] - before[PINATA] <= 3 * 3600 / 300 + 3
    assert after[FILEBASE] - before[FILEBASE] == 3  # HEAD, PUT and HEAD, once
    assert 0 < len(told) < tries
    ipfs.heal()

    assert isinstance(desk.work(KEY), Done)


def test_both_services_away_is_not_felt_either(desk: Desk, ipfs: Ipfs) -> None:
    """The bucket has it; the copies come."""
    for ill in (PINATA, FILEBASE):
        ipfs.trouble(ill, Fault.DOWN)
    desk.pin(KEY, STANDINGS)
    outcome = desk.work(KEY)

    assert isinstance(outcome, Retry)
    assert desk.state(KEY) == ("stored", ())
    assert desk.pinning.read(KEY).plain == STANDINGS
    ipfs.heal()
    desk.clock.advance(outcome.after_s)

    assert isinstance(desk.work(KEY), Done)


def test_one_copy_of_two_is_by_health(desk: Desk, ipfs: Ipfs) -> None:
    """Where one is wanted, whoever is well gives it, and the other is not asked."""
    desk.wanted = 1
    ipfs.trouble(PINATA, Fault.BROKEN)
    for number in range(4):
        desk.pin(f"{KEY}/{number}", b"%d" % number)

        assert isinstance(desk.work(f"{KEY}/{number}"), Done)
    assert len(ipfs.held(FILEBASE)) == 4
    assert {desk.state(f"{KEY}/{number}") for number in range(4)} == {("pinned", (FILEBASE,))}


def test_content_that_one_service_does_not_take_is_no_complaint_about_it(desk: Desk, ipfs: Ipfs) -> None:
    """The other one holds it; the service goes on to serve everybody else, however often this is tried."""
    ipfs.trouble(PINATA, Fault.PICKY)
    desk.pin(KEY, STANDINGS)
    reasons = set()
    for _ in range(4):
        outcome = desk.work(KEY)
        assert isinstance(outcome, Retry)
        desk.clock.advance(outcome.after_s)
        reasons.add(outcome.reason)
    ipfs.heal()
    desk.pin("another", b"another")

    assert reasons == {"fewer services hold it than are wanted; unfit: {'pinning:pinata': 'HTTP 413'}"}
    assert desk.state(KEY) == ("partial", (FILEBASE,))
    assert desk.breakers.condition("pinning:pinata").is_closed
    assert isinstance(desk.work("another"), Done)


def test_an_answer_that_was_lost_makes_no_second_pin(desk: Desk, ipfs: Ipfs) -> None:
    """The service took it and nobody heard: asked again it is the same pin."""
    ipfs.trouble(PINATA, Fault.LOST)
    cid = desk.pin(KEY, STANDINGS)
    first = desk.work(KEY)
    assert isinstance(first, Retry)
    ipfs.heal()
    desk.clock.advance(first.after_s)

    assert isinstance(desk.work(KEY), Done)
    assert ipfs.held(PINATA) == [cid]
    assert desk.state(KEY) == ("pinned", (FILEBASE, PINATA))


def test_a_worker_that_lost_its_task_confirms_nothing(desk: Desk) -> None:
    """Its upload is harmless, its word comes too late."""
    desk.pin(KEY, STANDINGS)
    old = desk.claimed(KEY)
    desk.clock.advance(61)
    new = desk.claimed(KEY)
    with pytest.raises(LeaseLost):
        desk.replication.advance(KEY, old.fence)

    assert desk.state(KEY) == ("stored", ())
    assert isinstance(desk.replication.advance(KEY, new.fence), Done)


def test_what_rolls_back_was_never_pinned(desk: Desk, ipfs: Ipfs) -> None:
    """No row and no task; the bytes lie in the bucket, and the next try finds them."""
    kept = desk.pinning.keep(STANDINGS, media_type="application/json")
    with pytest.raises(RuntimeError), desk.postgres.transaction() as tx:
        desk.pinning.record(tx, KEY, kept)
        raise RuntimeError
    with pytest.raises(NotFound):
        desk.pinning.pin(KEY)

    assert desk.tasks.about(KEY) == []
    assert list(desk.store.objects) == [kept.cid]
    assert desk.pin(KEY, STANDINGS) == kept.cid


def test_the_bytes_are_in_the_bucket_before_the_row(desk: Desk) -> None:
    """A bucket that is away is the caller's answer, and nothing is recorded."""
    desk.store.failure = StoreUnavailable()
    with pytest.raises(StoreUnavailable):
        desk.pin(KEY, STANDINGS)
    with pytest.raises(NotFound):
        desk.pinning.pin(KEY)


def test_the_same_content_is_pinned_once_and_other_content_not(desk: Desk) -> None:
    """Asked again it is the pin there is, whatever a new release would compress it to; its CID may be on a chain."""
    cid = desk.pin(KEY, STANDINGS, encoding=Encoding.GZIP)

    assert desk.pin(KEY, STANDINGS, encoding=Encoding.ZSTD) == cid
    assert desk.pinning.read(KEY).plain == STANDINGS
    with pytest.raises(PinChanged):
        desk.pin(KEY, STANDINGS + b" ")
    assert len(desk.tasks.about(KEY)) == 1


def test_equal_content_of_two_keys_is_one_content(desk: Desk, ipfs: Ipfs) -> None:
    """Two pins, two tasks, one CID."""
    cids = {desk.pin(key, STANDINGS) for key in ("one", "two")}
    outcomes = [desk.work(key) for key in ("one", "two")]

    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert sorted(cids) == ipfs.held(PINATA) == ipfs.held(FILEBASE)


def test_a_bucket_that_lost_everything_is_replaced_by_ipfs(desk: Desk, ipfs: Ipfs) -> None:
    """Reads go on, and a copy that was lacking is made from a gateway's bytes."""
    ipfs.trouble(PINATA, Fault.BROKEN)
    desk.pin(KEY, STANDINGS)
    first = desk.work(KEY)
    assert isinstance(first, Retry)
    ipfs.heal()
    desk.store.objects.clear()
    desk.clock.advance(first.after_s)

    assert desk.pinning.read(KEY).plain == STANDINGS
    assert isinstance(desk.work(KEY), Done)
    assert desk.state(KEY) == ("pinned", (FILEBASE, PINATA))


def test_liars_everywhere_are_not_believed(desk: Desk, ipfs: Ipfs) -> None:
    """Every gateway and the bucket lie: no read ends with their bytes."""
    cid = desk.pin(KEY, STANDINGS)
    desk.work(KEY)
    desk.store.put(cid, b"lies", media_type="application/json", encoding=Encoding.GZIP)
    for door in (GATEWAY, MIRROR):
        ipfs.trouble(door, Fault.LYING)
    with pytest.raises(Exception, match="cannot be read"):
        desk.pinning.read(KEY)
    ipfs.heal()
    desk.clock.advance(301)

    assert desk.pinning.read(KEY).plain == STANDINGS


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ("content_hash = sha256('other')", PinDisagrees),
        ("plain_bytes = plain_bytes + 1", EncodingUnfit),
        ("encoding = 'zstd'", EncodingUnfit),
    ],
)
def test_a_row_that_somebody_changed_is_found_out(
    desk: Desk, database_url: str, change: str, error: type[Exception]
) -> None:
    """The bytes are those of the CID, and not what the row says of them."""
    desk.pin(KEY, STANDINGS)
    with Postgres(database_url, desk.clock).transaction() as tx:
        tx.execute(f"update kernel.pins set {change}")
    with pytest.raises(error):
        desk.pinning.read(KEY)


def test_without_services_the_bucket_is_enough(desk: Desk) -> None:
    """Nothing is wanted, so there is no task; a pin that wants more than are configured waits for a person."""
    desk.wanted = 0
    desk.pin(KEY, STANDINGS)

    assert desk.state(KEY) == ("stored", ())
    assert desk.tasks.about(KEY) == []
    desk.wanted, desk.services = 2, desk.services[:1]
    desk.pin("another", b"another")
    outcome = desk.work("another")

    assert isinstance(outcome, Retry)
    assert outcome.reason == "fewer services hold it than are wanted; unfit: none"
    assert desk.state("another") == ("partial", (PINATA,))


def test_what_is_too_large_is_refused_before_anything_is_done(desk: Desk) -> None:
    """Before it is compressed, and after; nothing is put anywhere."""
    with pytest.raises(ContentTooLarge):
        desk.pinning.keep(bytes(PLAIN_MAX_BYTES + 1), media_type="text/plain")
    with pytest.raises(ContentTooLarge):
        desk.pinning.keep(bytes(STORED_MAX_BYTES + 1), media_type="text/plain", encoding=Encoding.IDENTITY)

    assert desk.store.objects == {}


def test_a_slice_can_change_no_pin(desk: Desk, database_url: str, clock: Clock) -> None:
    """It records; only ops confirms; nobody changes what a pin says of its content, or removes it."""
    slice_db = Postgres(database_url, clock, role="counterpart_oracle")
    desk.pin(KEY, STANDINGS)
    attempts: list[tuple[Postgres, str]] = [
        (slice_db, "update kernel.pins set confirmed = '{pinata}'"),
        (slice_db, "delete from kernel.pins"),
        (desk.postgres, "update kernel.pins set cid = cid"),
        (desk.postgres, "update kernel.pins set wanted = 0"),
        (desk.postgres, "delete from kernel.pins"),
    ]
    for postgres, statement in attempts:
        with pytest.raises(Exception, match="permission denied"), postgres.transaction() as tx:
            tx.execute(statement)
    slice_db.close()

    assert desk.state(KEY) == ("stored", ())


def test_waits_belong_to_nobody(desk: Desk, ipfs: Ipfs, record_property: Callable[[str, object], None]) -> None:
    """While one service is silent a caller pins and reads without a request to either of them."""
    for ill in (PINATA, FILEBASE):
        ipfs.trouble(ill, Fault.SILENT)
    before = ipfs.requests()
    for number in range(20):
        desk.pin(f"{KEY}/{number}", STANDINGS + b"%d" % number)

        assert desk.pinning.read(f"{KEY}/{number}").plain == STANDINGS + b"%d" % number
    assert ipfs.requests() == before

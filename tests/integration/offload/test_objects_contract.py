"""One suite for the object store in memory and the one in S3."""

import urllib.request
from collections.abc import Iterator

import pytest

from infra.local.aws import Aws
from kernel.hashes import sha256
from kernel.offload.jobs import Stored
from kernel.offload.objects import (
    ObjectAbsent,
    ObjectChanged,
    Objects,
    ObjectsUnavailable,
    ObjectsUnusable,
    S3Objects,
    put,
    read,
)
from kernel.testing import InMemoryObjects

pytestmark = pytest.mark.integration


@pytest.fixture(params=["memory", "s3"])
def objects(request: pytest.FixtureRequest) -> Iterator[Objects]:
    if request.param == "memory":
        yield InMemoryObjects()
        return
    aws: Aws = request.getfixturevalue("aws")
    store = S3Objects(aws.create_bucket("offload"))
    yield store
    store.close()


def test_what_was_put_is_read_back(objects: Objects) -> None:
    """Replaced by what is put there later; an empty object is an object."""
    first = put(objects, "a/b", b"one")
    second = put(objects, "a/b", b"three")
    empty = put(objects, "a/c", b"")

    assert first == Stored(key="a/b", sha256=sha256(b"one"), size_bytes=3)
    assert (read(objects, second), read(objects, empty)) == (b"three", b"")
    with pytest.raises(ObjectChanged):
        read(objects, first)


def test_what_is_not_there_is_told(objects: Objects) -> None:
    """An absent object is no silence of the store."""
    with pytest.raises(ObjectAbsent):
        objects.get("nowhere", 10)


def test_no_more_is_read_than_wanted(objects: Objects) -> None:
    """One octet further, so that it shows that there is more."""
    put(objects, "a", b"x" * 100)

    assert len(objects.get("a", 10)) == 11
    with pytest.raises(ObjectChanged):
        read(objects, Stored(key="a", sha256=sha256(b"x" * 10), size_bytes=10))


def test_a_signed_url_is_a_right_to_one_object(aws: Aws) -> None:
    """Whoever has it needs no credential."""
    store = S3Objects(aws.create_bucket("offload"))
    put(store, "in", b"input")
    with urllib.request.urlopen(store.readable("in", 60), timeout=10) as answer:
        found = answer.read()
    plain = {"content-type": "application/octet-stream"}
    request = urllib.request.Request(store.writable("out", 60), data=b"output", method="PUT", headers=plain)
    urllib.request.urlopen(request, timeout=10).close()

    assert (found, store.get("out", 10)) == (b"input", b"output")
    assert "X-Amz-Signature" in store.readable("in", 60)
    assert "X-Amz-Expires=60" in store.writable("in", 60)
    store.close()


def test_a_bucket_that_is_none_has_a_remedy(aws: Aws) -> None:
    """Absent, or not named in the settings."""
    for bucket in ("", "nobody-made-this"):
        store = S3Objects(bucket)
        with pytest.raises(ObjectsUnusable):
            store.put("a", b"")
        store.close()


def test_a_store_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch, aws: Aws) -> None:
    """Nobody listens there."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    store = S3Objects("offload")

    with pytest.raises(ObjectsUnavailable):
        store.get("a", 10)
    store.close()

"""The bucket: S3 and the kernel's fake keep one contract."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config

from infra.local.aws import Aws
from infra.local.ports import LOOPBACK, free_port
from kernel.pinning import ContentStore, Encoding, S3Store, StoreUnavailable, StoreUnusable
from kernel.pinning.blocks import STORED_MAX_BYTES, tree_of
from kernel.testing.content import InMemoryContent

pytestmark = pytest.mark.integration

BUCKET = "pins-of-tests"
CONTENT = b"some content"
CID = tree_of(CONTENT)[0].cid
NO_PATIENCE = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})


@pytest.fixture(params=["memory", "s3"])
def store(request: pytest.FixtureRequest) -> Iterator[ContentStore]:
    if request.param == "memory":
        yield InMemoryContent()
        return
    aws: Aws = request.getfixturevalue("aws")
    store = S3Store(aws.create_bucket(BUCKET))
    yield store
    store.close()


def test_what_is_put_is_there_and_again_is_harmless(store: ContentStore) -> None:
    """The very bytes; under another CID there is nothing."""
    for _ in range(2):
        store.put(CID, CONTENT, media_type="text/plain", encoding=Encoding.IDENTITY)

    assert store.get(CID) == CONTENT
    assert store.get(tree_of(b"something else")[0].cid) is None


def test_empty_and_large_content_is_kept(store: ContentStore) -> None:
    """From nothing to the limit."""
    for content in (b"", os.urandom(1024), bytes(STORED_MAX_BYTES)):
        cid = tree_of(content)[0].cid
        store.put(cid, content, media_type="text/plain", encoding=Encoding.GZIP)

        assert store.get(cid) == content


def test_the_bucket_says_what_it_has(aws: Aws) -> None:
    """Type and coding are the object's own, so that it can be served as it is."""
    store = S3Store(aws.create_bucket(BUCKET))
    store.put(CID, CONTENT, media_type="application/json", encoding=Encoding.GZIP)
    told = aws.client("s3").head_object(Bucket=BUCKET, Key=f"pins/{CID}")

    assert (told["ContentType"], told["ContentEncoding"]) == ("application/json", "gzip")


def test_more_than_can_be_pinned_is_not_read_to_its_end(aws: Aws) -> None:
    """Somebody put something endless under a CID: what comes back is too long to be believed, and no longer."""
    store = S3Store(aws.create_bucket(BUCKET))
    aws.client("s3").put_object(Bucket=BUCKET, Key=f"pins/{CID}", Body=bytes(STORED_MAX_BYTES + 1000))

    assert len(store.get(CID) or b"") == STORED_MAX_BYTES + 1


@pytest.mark.parametrize("bucket", ["", "nobody-made-this"])
def test_a_bucket_that_is_not_there_is_ours_to_mend(aws: Aws, bucket: str) -> None:
    """Neither a passing fault nor an absent object."""
    store = S3Store(bucket)
    ways: list[Callable[[], Any]] = [
        lambda: store.get(CID),
        lambda: store.put(CID, CONTENT, media_type="text/plain", encoding=Encoding.GZIP),
    ]
    for way in ways:
        with pytest.raises(StoreUnusable):
            way()


def test_a_service_that_is_away_passes(aws: Aws) -> None:
    """Nobody listens."""
    import boto3

    client = boto3.client("s3", endpoint_url=f"http://{LOOPBACK}:{free_port()}", config=NO_PATIENCE)
    with pytest.raises(StoreUnavailable):
        S3Store(BUCKET, client).get(CID)

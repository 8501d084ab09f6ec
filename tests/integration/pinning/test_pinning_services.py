"""Pinata and Filebase: what they are sent, what is believed of their answers, and what never leaks."""

import json
import os
import socket
import threading
import time
import traceback
from collections.abc import Callable

import pytest

from infra.local.ipfs import FILEBASE, FILEBASE_BUCKET, FILEBASE_KEYS, PINATA, Fault, Ipfs
from infra.local.ports import LOOPBACK
from kernel.errors import SecretAbsent
from kernel.pinning.archives import archive_of
from kernel.pinning.blocks import CHUNK_BYTES, leaf, tree_of
from kernel.pinning.filebase import Filebase
from kernel.pinning.pinata import Pinata
from kernel.pinning.services import PinMismatched, PinningService, PinRefused, PinUnfit
from kernel.pinning.site import CONNECT_TIMEOUT_S, SiteUnavailable
from tests.integration.pinning.desk import TIMEOUT_S

pytestmark = pytest.mark.integration

#: For what is waited for in vain, where nobody else has to answer meanwhile.
SILENCE_S = 0.5
SMALL = tree_of(b"small content")


@pytest.fixture(params=[PINATA, FILEBASE])
def service(request: pytest.FixtureRequest) -> PinningService:
    found: PinningService = request.getfixturevalue(request.param)
    return found


def absent() -> str:
    raise SecretAbsent(ref="secretsmanager:nothing")


@pytest.mark.parametrize("content", [b"", b"small content", os.urandom(2 * CHUNK_BYTES + 7), bytes(3 * CHUNK_BYTES)])
def test_a_service_holds_the_very_tree(service: PinningService, ipfs: Ipfs, content: bytes) -> None:
    """It has read the archive by itself, checked every block, and found no hole; twice is once."""
    blocks = tree_of(content)
    for _ in range(2):
        service.pin(blocks[0].cid, archive_of(blocks))

    assert ipfs.held(service.name) == [blocks[0].cid]


@pytest.mark.parametrize(
    ("fault", "error", "timeout_s"),
    [
        (Fault.DOWN, SiteUnavailable, TIMEOUT_S),
        (Fault.BROKEN, SiteUnavailable, TIMEOUT_S),
        (Fault.BUSY, SiteUnavailable, TIMEOUT_S),
        (Fault.SILENT, SiteUnavailable, SILENCE_S),
        (Fault.AWAY, SiteUnavailable, TIMEOUT_S),
        (Fault.LYING, PinMismatched, TIMEOUT_S),
    ],
)
def test_a_service_that_fails_holds_nothing_that_counts(
    service: PinningService, ipfs: Ipfs, fault: Fault, error: type[SiteUnavailable], timeout_s: float
) -> None:
    """It is unavailable; one that answers another CID is told from the others. A redirect is not followed."""
    ipfs.trouble(service.name, fault)
    with pytest.raises(error) as failed:
        service.pin(SMALL[0].cid, archive_of(SMALL))

    assert type(failed.value) is error


def test_an_answer_that_was_lost_is_asked_for_again(service: PinningService, ipfs: Ipfs) -> None:
    """The service has it and nobody heard: the second time it says so."""
    ipfs.trouble(service.name, Fault.LOST)
    with pytest.raises(SiteUnavailable):
        service.pin(SMALL[0].cid, archive_of(SMALL))
    ipfs.heal()
    service.pin(SMALL[0].cid, archive_of(SMALL))

    assert ipfs.held(service.name) == [SMALL[0].cid]


@pytest.mark.parametrize("timeout_s", [SILENCE_S])
def test_an_answer_that_came_too_late_is_nobodys(service: PinningService, ipfs: Ipfs, timeout_s: float) -> None:
    """The connection on which it may still come is not used again: the next answer is about the next content."""
    ipfs.trouble(service.name, Fault.SLOW, delay_s=timeout_s * 1.5)
    with pytest.raises(SiteUnavailable):
        service.pin(SMALL[0].cid, archive_of(SMALL))
    ipfs.trouble(service.name, Fault.LYING)
    with pytest.raises(SiteUnavailable):
        service.pin(SMALL[0].cid, archive_of(SMALL))


def test_a_slow_line_is_no_silent_service() -> None:
    """An archive that takes longer to send than a connection may take to be made is sent to its end."""
    blocks = tree_of(os.urandom(3 * CHUNK_BYTES))
    listener = socket.create_server((LOOPBACK, 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)

    def serve() -> None:
        connection, _ = listener.accept()
        received = b""
        while not received.endswith(b"--\r\n"):
            time.sleep(0.04)
            received += connection.recv(64 * 1024)
        answer = json.dumps({"data": {"cid": blocks[0].cid}}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer)
        connection.close()

    server = threading.Thread(target=serve)
    server.start()
    began_s = time.monotonic()
    url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    Pinata(lambda: "a token", url, plain_allowed=True, timeout_s=60).pin(blocks[0].cid, archive_of(blocks))
    took_s = time.monotonic() - began_s
    server.join()
    listener.close()

    assert took_s > CONNECT_TIMEOUT_S


def test_filebase_is_not_sent_what_it_holds(filebase: Filebase, ipfs: Ipfs) -> None:
    """The second time it is only asked; where the key has another content it is sent."""
    before = ipfs.requests()[FILEBASE]
    for _ in range(2):
        filebase.pin(SMALL[0].cid, archive_of(SMALL))
    asked = ipfs.requests()[FILEBASE] - before
    ipfs.trouble(FILEBASE, Fault.LYING)
    other = tree_of(b"other content")
    with pytest.raises(PinMismatched):
        filebase.pin(other[0].cid, archive_of(other))
    ipfs.heal()
    filebase.pin(other[0].cid, archive_of(other))

    assert asked == 3 + 1  # HEAD, PUT and HEAD; then HEAD


def test_an_archive_of_another_content_counts_for_nothing(service: PinningService) -> None:
    """The service names the root that it was given, and that is not what was asked."""
    with pytest.raises(PinMismatched):
        service.pin(leaf(b"another").cid, archive_of(SMALL))


def test_an_archive_that_is_damaged_is_refused(service: PinningService) -> None:
    """By the stand-in, as by the services: the block has not the name it is given. That is this content's fault."""
    damaged = archive_of(SMALL)[:-1] + b"!"
    with pytest.raises(PinUnfit):
        service.pin(SMALL[0].cid, damaged)


@pytest.mark.parametrize(
    ("make", "secret"),
    [
        (lambda ipfs, secret: Pinata(secret, ipfs.urls[PINATA], plain_allowed=True), "canary-jwt"),
        (
            lambda ipfs, secret: Filebase(secret, FILEBASE_BUCKET, ipfs.urls[FILEBASE], plain_allowed=True),
            f"{FILEBASE_KEYS.split(':')[0]}:canary-secret",
        ),
    ],
    ids=[PINATA, FILEBASE],
)
def test_wrong_credentials_are_refused_and_never_told(
    make: Callable[..., PinningService], secret: str, ipfs: Ipfs, caplog: pytest.LogCaptureFixture
) -> None:
    """401 and 403 are a refusal, an absent secret, too; no text of it repeats the credential."""
    caplog.set_level("DEBUG")
    with pytest.raises(PinRefused) as refused:
        make(ipfs, lambda: secret).pin(SMALL[0].cid, archive_of(SMALL))
    with pytest.raises(PinRefused, match="refuses"):
        make(ipfs, absent).pin(SMALL[0].cid, archive_of(SMALL))

    told = "".join(traceback.format_exception(refused.value)) + caplog.text + repr(refused.value.details)
    assert "canary" not in told

"""One attempt over real sockets and real TLS: where it goes, where it never goes, and how long it may take."""

import contextlib
import itertools
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kernel.webhooks.post import Answer, Post, Problem
from tests.integration.webhooks.receiver import HOST, Receiver, certified, receiving

pytestmark = pytest.mark.integration

PUBLIC, OTHER, METADATA = "93.184.216.34", "93.184.216.35", "169.254.169.254"
URL = f"https://{HOST}/hooks"
HEADERS, BODY = {"webhook-id": "msg_1"}, b'{"type":"a.b"}'


@dataclass
class Network:
    """The internet of a test: what a name resolves to, one list a question, and who listens at an address."""

    resolves_to: list[list[str]]
    listening: dict[str, int]
    connected: list[str] = field(default_factory=list)
    asked: int = 0

    def resolve(self, host: str, port: int) -> list[str]:
        """The next list; the last one for ever."""
        self.asked += 1
        return self.resolves_to.pop(0) if len(self.resolves_to) > 1 else self.resolves_to[0]

    def connect(self, address: str, port: int) -> socket.socket:
        """To this machine, wherever the address is; refused where nobody listens."""
        self.connected.append(address)
        if address not in self.listening:
            raise ConnectionRefusedError
        return socket.create_connection(("127.0.0.1", self.listening[address]), timeout=10)


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return certified(tmp_path)


@pytest.fixture
def receiver(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[Receiver]:
    with receiving(contexts[0]) as receiver:
        yield receiver


@pytest.fixture
def plain() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def network(receiver: Receiver) -> Network:
    return Network([[PUBLIC]], {PUBLIC: receiver.port})


@pytest.fixture
def post(network: Network, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Post:
    return Post(resolve=network.resolve, connect=network.connect, trust=contexts[1])


@pytest.fixture
def hasty(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Post:
    """Gives up after a fraction of a second, and takes this machine."""
    return Post(local=True, timeout_s=0.3)


def test_a_webhook_goes_to_the_name_at_the_address_that_was_looked_at(
    post: Post, receiver: Receiver, network: Network
) -> None:
    """The connection is to the address; the greeting, the certificate and the Host header are of the name."""
    answer = post.send(URL, HEADERS, BODY)
    (got,) = receiver.got

    assert Answer(status=204) == answer
    assert ([PUBLIC], 1, [HOST]) == (network.connected, network.asked, receiver.names)
    assert (HOST, "/hooks", BODY, "msg_1") == (got.headers["host"], got.path, got.body, got.headers["webhook-id"])


def test_a_name_that_resolves_otherwise_a_moment_later_changes_nothing(
    post: Post, network: Network, receiver: Receiver
) -> None:
    """DNS rebinding: it is asked once, and the connection is to that answer."""
    network.resolves_to = [[PUBLIC], [METADATA]]
    network.listening[METADATA] = receiver.port

    assert 204 == post.send(URL, HEADERS, BODY).status
    assert [PUBLIC] == network.connected


@pytest.mark.parametrize(
    "addresses",
    [[METADATA], [PUBLIC, METADATA], ["10.0.0.1", PUBLIC], ["::ffff:169.254.169.254"], ["127.0.0.1"], ["::1"], []],
    ids=["metadata", "metadata behind a public one", "private before a public one", "mapped", "loopback", "v6", "none"],
)
def test_a_name_that_leads_inside_is_not_connected_to(
    post: Post, network: Network, addresses: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """One such address among others is enough."""
    network.resolves_to = [addresses]

    assert Answer(problem=Problem.ADDRESS_REFUSED) == post.send(URL, HEADERS, BODY)
    assert [] == network.connected
    assert [HOST] == [record.host for record in caplog.records if hasattr(record, "host")]


def test_a_url_that_was_fit_once_and_is_no_more_is_not_sent_to(post: Post, network: Network) -> None:
    """Whatever the row says, and whoever wrote it."""
    assert Answer(problem=Problem.URL_UNFIT) == post.send("http://127.0.0.1/", HEADERS, BODY)
    assert (0, []) == (network.asked, network.connected)


def test_a_redirect_is_not_followed(post: Post, receiver: Receiver, plain: Receiver) -> None:
    """Neither inside nor anywhere else: nobody looked at where it leads."""
    receiver.answers[:] = [(307, {"location": plain.url})]

    assert 307 == post.send(URL, HEADERS, BODY).status
    assert ([], 1) == (plain.got, len(receiver.got))


def test_a_certificate_of_another_name_is_not_believed(
    receiver: Receiver, network: Network, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """Whoever took over the address learns nothing."""
    post = Post(resolve=network.resolve, connect=network.connect, trust=contexts[1])

    assert Problem.UNTRUSTED == post.send("https://other.example.org/", HEADERS, BODY).problem
    assert [] == receiver.got


def test_an_authority_that_nobody_knows_is_not_believed(network: Network, receiver: Receiver) -> None:
    """Without a context of its own, the machine's authorities count."""
    post = Post(resolve=network.resolve, connect=network.connect)

    assert Problem.UNTRUSTED == post.send(URL, HEADERS, BODY).problem
    assert [] == receiver.got


def test_a_proxy_of_the_environment_is_not_used(
    post: Post, receiver: Receiver, plain: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would look the name up itself."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, plain.url)

    assert 204 == post.send(URL, HEADERS, BODY).status
    assert (1, []) == (len(receiver.got), plain.got)


def test_an_address_that_refuses_gives_way_to_the_next(post: Post, network: Network) -> None:
    """A machine without IPv6 meets names that have both; three are tried."""
    network.resolves_to = [["2606:2800:220:1::1", OTHER, PUBLIC]]

    assert 204 == post.send(URL, HEADERS, BODY).status
    assert ["2606:2800:220:1::1", OTHER, PUBLIC] == network.connected


def test_nobody_there_is_no_exception(post: Post, network: Network) -> None:
    """Of however many addresses."""
    network.listening.clear()
    network.resolves_to = [[OTHER, PUBLIC, "93.184.216.36", "93.184.216.37"]]

    assert Answer(problem=Problem.UNREACHABLE) == post.send(URL, HEADERS, BODY)
    assert 3 == len(network.connected)


def test_a_name_that_there_is_not_is_no_exception() -> None:
    """Also without a network."""

    def nowhere(host: str, port: int) -> list[str]:
        raise socket.gaierror

    assert Answer(problem=Problem.UNRESOLVED) == Post(resolve=nowhere).send(URL, HEADERS, BODY)


def test_the_local_stage_takes_this_machine(plain: Receiver) -> None:
    """By its real resolver and connection."""
    url = plain.url.replace("127.0.0.1", "localhost")

    assert 204 == Post(local=True).send(url, HEADERS, BODY).status
    assert (f"localhost:{plain.port}", "/hooks?of=ours") == (plain.got[0].headers["host"], plain.got[0].path)


def drip(connection: socket.socket) -> None:
    """A header that never ends, an octet at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    while True:
        connection.sendall(b"a")
        time.sleep(0.02)


def continue_for_ever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.005)


def stay_silent(connection: socket.socket) -> None:
    connection.recv(1)


@pytest.mark.parametrize("answer", [drip, continue_for_ever, stay_silent])
def test_a_slow_receiver_costs_the_time_out_and_no_more(
    hasty: Post, plain: Receiver, answer: Callable[[socket.socket], None]
) -> None:
    """However steadily it sends, and its connection is cut."""
    ended = threading.Event()

    def until_cut(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            answer(connection)
        ended.set()

    plain.answers[:] = [until_cut]

    assert Answer(problem=Problem.TIMED_OUT) == hasty.send(plain.url, HEADERS, BODY)
    assert ended.wait(20)


def test_a_silent_name_server_costs_the_time_out_and_nothing_is_sent_later(plain: Receiver) -> None:
    """An attempt that was given up does not come back to life when the name resolves at last."""
    answered, tried = threading.Event(), threading.Event()

    def slowly(host: str, port: int) -> list[str]:
        answered.wait(20)
        return ["127.0.0.1"]

    def connect(address: str, port: int) -> socket.socket:
        connection = socket.create_connection((address, port))
        tried.set()
        return connection

    post = Post(local=True, timeout_s=0.2, resolve=slowly, connect=connect)
    answer = post.send(plain.url, HEADERS, BODY)
    answered.set()
    reached = tried.wait(20)

    assert Answer(problem=Problem.TIMED_OUT) == answer
    assert Post(local=True).send(plain.url, HEADERS, b"the next").status == 204
    assert (True, [b"the next"]) == (reached, [one.body for one in plain.got])


def test_an_endless_body_is_not_read(hasty: Post, plain: Receiver) -> None:
    """The head is the answer."""

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    plain.answers[:] = [endless]

    assert Answer(status=200) == hasty.send(plain.url, HEADERS, BODY)


@pytest.mark.parametrize(
    "words",
    [
        b"SMTP ready\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"a" * 100_000 + b"\r\n\r\n",
        b"",
    ],
    ids=["another protocol", "no status", "a header without end", "nothing at all"],
)
def test_what_is_no_answer_is_no_exception(hasty: Post, plain: Receiver, words: bytes) -> None:
    """And never a success."""
    plain.answers[:] = [lambda connection: connection.sendall(words)]

    assert hasty.send(plain.url, HEADERS, BODY).problem in {Problem.UNREADABLE, Problem.UNREACHABLE}


@pytest.mark.parametrize(
    ("wanted", "seconds"), [("120", 120), ("0", 0), ("-5", 0), ("soon", 0), ("١٢", 0), ("1e9", 0), ("9" * 30, 0)]
)
def test_when_to_come_again_is_a_number_of_seconds_or_nothing(
    hasty: Post, plain: Receiver, wanted: str, seconds: int
) -> None:
    """Whatever a receiver writes there."""

    def busy(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 429 Busy\r\nretry-after: {wanted}\r\n\r\n".encode())

    plain.answers[:] = [busy]

    assert Answer(status=429, retry_after_s=seconds) == hasty.send(plain.url, HEADERS, BODY)


def test_no_secret_and_no_path_is_logged(post: Post, network: Network, caplog: pytest.LogCaptureFixture) -> None:
    """A webhook's path is often its password."""
    caplog.set_level(logging.DEBUG)
    for addresses in ([METADATA], [PUBLIC], [OTHER]):
        network.resolves_to = [addresses]
        post.send(f"https://{HOST}/token-of-somebody", {"webhook-signature": "v1,signed"}, b"contents")

    said = "".join(itertools.chain.from_iterable((record.getMessage(), str(vars(record))) for record in caplog.records))
    assert [] == [secret for secret in ("token-of-somebody", "v1,signed", "contents") if secret in said]

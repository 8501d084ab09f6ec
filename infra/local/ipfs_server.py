"""The program behind `ipfs`: `python -m infra.local.ipfs_server CONTROL_PORT PORT...`, one port a door.

It reads archives by itself, and refuses one whose blocks have not the names they are given, or whose tree has holes,
as the services do. It refuses a request that is not authorised, Filebase's by AWS Signature Version 4.
"""

import email
import email.policy
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from multiformats import CID, varint

from infra.local.ipfs import DOORS, FILEBASE, FILEBASE_BUCKET, FILEBASE_KEYS, PINATA, PINATA_JWT, Fault, Trouble
from infra.local.ports import LOOPBACK

BODY_MAX_BYTES = 100 * 1024 * 1024  # Pinata's own limit for one upload
FOLLOWED = "&followed"  # what only those ask for who follow redirects
STATUSES = {Fault.BROKEN: 500, Fault.BUSY: 429, Fault.PICKY: 413}
OTHER = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"  # the empty block


class ArchiveUnfit(ValueError):
    """The archive is no CARv1, its blocks have other hashes than names, or its tree has holes."""


@dataclass(slots=True)
class World:
    """What all doors share."""

    blocks: dict[str, bytes] = field(default_factory=dict)
    held: dict[str, set[str]] = field(default_factory=lambda: {PINATA: set(), FILEBASE: set()})
    objects: dict[str, str] = field(default_factory=dict)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(DOORS, 0)))

    def take(self, door: str, archive: bytes) -> tuple[str, bool]:
        """Hold what an archive holds: its root, and whether it was held already. Raises ArchiveUnfit."""
        root, blocks = opened(archive)
        known = root in self.held[door]
        self.blocks |= blocks
        self.held[door].add(root)
        return root, known


def opened(archive: bytes) -> tuple[str, dict[str, bytes]]:
    """The root of a CARv1 and its blocks. Raises ArchiveUnfit."""
    try:
        sections = list(_sections(archive))
        start = sections[0].index(b"\x58\x25\x00") + 3
        if not sections[0].startswith(b"\xa2\x65roots\x81") or not sections[0].endswith(b"\x67version\x01"):
            raise ArchiveUnfit("no CARv1 with one root")
        root = _name(sections[0][start : start + 36])
        blocks = {_name(one[:36]): one[36:] for one in sections[1:]}
    except (ValueError, KeyError, IndexError) as unreadable:
        raise ArchiveUnfit(str(unreadable)) from unreadable
    for cid, payload in blocks.items():
        if CID.decode(cid).raw_digest != hashlib.sha256(payload).digest():
            raise ArchiveUnfit(f"{cid} is not the name of its block")
    missing = {root, *(link for cid, block in blocks.items() for link in _links(cid, block))} - set(blocks)
    if missing:
        raise ArchiveUnfit(f"missing: {sorted(missing)}")
    return root, blocks


def _name(cid: bytes) -> str:
    return str(CID.decode(cid).set(base="base32"))


def _sections(archive: bytes) -> Iterator[bytes]:
    rest = memoryview(archive)
    while rest:
        length, _, rest = varint.decode_raw(rest)
        if length > len(rest):
            raise ArchiveUnfit("cut off")
        yield bytes(rest[:length])
        rest = rest[length:]


def _links(cid: str, block: bytes) -> Iterator[str]:
    """What a dag-pb node links to, found by the shape of a link: 0a 24 and a CIDv1 of 36 octets."""
    at = 0
    while cid.startswith("bafybei") and (at := block.find(b"\x0a\x24\x01", at)) >= 0:
        yield _name(block[at + 2 : at + 38])
        at += 38


class Door(BaseHTTPRequestHandler):
    """One request at one door."""

    protocol_version = "HTTP/1.1"
    world: ClassVar[World]
    door: ClassVar[str]

    def _serve(self) -> None:
        self.world.requests[self.door] += 1
        length = int(self.headers.get("content-length", "0"))
        if length > BODY_MAX_BYTES:
            self.close_connection = True
            return self._answer(413)
        body = self.rfile.read(length)
        trouble = self.world.troubles.get(self.door)
        if trouble is None or not self._fails(trouble):
            {PINATA: self._pinata, FILEBASE: self._filebase}.get(self.door, self._gateway)(body, trouble)
        return None

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: Any) -> None:
        """Silence: who wants to know counts requests."""

    def _fails(self, trouble: Trouble) -> bool:
        """Fail as told; False where an answer follows after all."""
        match trouble.fault:
            case Fault.DOWN:
                self.close_connection = True
            case Fault.SILENT:
                self.close_connection = True
                time.sleep(60)
            case Fault.BROKEN | Fault.BUSY | Fault.PICKY:
                self._answer(STATUSES[trouble.fault])
            case Fault.AWAY if not self.path.endswith(FOLLOWED):
                self._answer(307, headers={"location": self.path + FOLLOWED})
            case Fault.SLOW:
                time.sleep(trouble.delay_s)
                return False
            case _:
                return False
        return True

    def _pinata(self, body: bytes, trouble: Trouble | None) -> None:
        if self.headers.get("authorization") != f"Bearer {PINATA_JWT}":
            return self._answer(401, b'{"error": {"code": 401, "message": "Not Authorized"}}')
        if (self.command, self.path) != ("POST", "/v3/files"):
            return self._answer(404)
        form = _form(self.headers.get("content-type", ""), body)
        if form.get("network") != b"public" or form.get("car") != b"true":
            return self._answer(400, b'{"error": {"code": 400, "message": "only public archives are taken here"}}')
        try:
            root, known = self.world.take(PINATA, form.get("file", b""))
        except ArchiveUnfit as unfit:
            return self._answer(400, json.dumps({"error": {"code": 400, "message": str(unfit)}}).encode())
        told = OTHER if _lies(trouble) else root
        facts: dict[str, Any] = {
            "id": hashlib.md5(root.encode()).hexdigest(),
            "name": form.get("name", b"").decode(),
            "cid": told,
        }
        facts |= {"size": len(form["file"]), "number_of_files": 1, "mime_type": "application/vnd.ipld.car"}
        return self._told(json.dumps({"data": facts | {"group_id": None, "is_duplicate": known}}).encode(), {}, trouble)

    def _filebase(self, body: bytes, trouble: Trouble | None) -> None:
        bucket, _, key = urlsplit(self.path).path.lstrip("/").partition("/")
        if not self._is_signed(body):
            return self._answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        if bucket != FILEBASE_BUCKET:
            return self._answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
        if self.command == "HEAD":
            cid = self.world.objects.get(key)
            return self._answer(404) if cid is None else self._answer(200, headers={"x-amz-meta-cid": cid})
        if self.command != "PUT" or self.headers.get("x-amz-meta-import") != "car":
            return self._answer(501, b"<Error><Code>NotImplemented</Code></Error>")
        try:
            root, _ = self.world.take(FILEBASE, body)
        except ArchiveUnfit:
            return self._answer(400, b"<Error><Code>InvalidRequest</Code></Error>")
        self.world.objects[key] = OTHER if _lies(trouble) else root
        return self._told(b"", {"x-amz-meta-cid": self.world.objects[key], "etag": '"0"'}, trouble)

    def _is_signed(self, body: bytes) -> bool:
        """Whether the request has the signature that boto's own signer gives it."""
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        given = self.headers.get("authorization", "")
        names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        if self.headers.get("x-amz-content-sha256") not in {hashlib.sha256(body).hexdigest(), "UNSIGNED-PAYLOAD"}:
            return False
        headers = {name: self.headers[name] for name in names if name in self.headers}
        request = AWSRequest(self.command, f"http://{self.headers['host']}{self.path}", headers=headers, data=body)
        request.context["timestamp"] = self.headers.get("x-amz-date", "")
        signer = S3SigV4Auth(Credentials(*FILEBASE_KEYS.split(":")), "s3", "us-east-1")
        canonical = signer.canonical_request(request)
        signature = signer.signature(signer.string_to_sign(request, canonical), request)
        return given.endswith(f"Signature={signature}")

    def _gateway(self, _body: bytes, trouble: Trouble | None) -> None:
        address = urlsplit(self.path)
        cid = address.path.removeprefix("/ipfs/")
        if parse_qs(address.query).get("format") != ["raw"]:
            return self._answer(400)
        payload = self.world.blocks.get(cid)
        if payload is None:
            return self._answer(404)
        if _lies(trouble):
            payload = bytes([payload[0] ^ 1]) + payload[1:] if payload else b"?"
        headers = {"content-type": "application/vnd.ipld.raw", "etag": f'"{cid}.raw"', "x-ipfs-path": address.path}
        return self._told(payload, headers, trouble)

    def _told(self, body: bytes, headers: dict[str, str], trouble: Trouble | None) -> None:
        """The right answer, in the way that the trouble leaves of it."""
        if trouble is not None and trouble.fault is Fault.LOST:
            self.close_connection = True
        elif trouble is not None and trouble.fault is Fault.DRIPPING:
            self._drip((body[at : at + 1] for at in range(len(body))), trouble.delay_s)
        elif trouble is not None and trouble.fault is Fault.ENDLESS:
            self._drip(repeat(bytes(1024 * 1024)), 0.0)
        else:
            self._answer(200, body, headers)

    def _drip(self, pieces: Iterable[bytes], delay_s: float) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("connection", "close")
        self.end_headers()
        with suppress(ConnectionError):  # the client has heard enough
            for piece in pieces:
                time.sleep(delay_s)
                self.wfile.write(piece)

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Control(BaseHTTPRequestHandler):
    """The owner's door."""

    protocol_version = "HTTP/1.1"
    world: ClassVar[World]

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        room, _, door = self.path.strip("/").partition("/")
        answer: Any = {}
        if (self.command, room) == ("PUT", "troubles"):
            told = json.loads(body)
            self.world.troubles[door] = Trouble(fault=Fault(told["fault"]), delay_s=told["delay_s"])
        elif (self.command, room) == ("DELETE", "troubles"):
            self.world.troubles.clear()
        elif (self.command, room) == ("DELETE", "held"):
            self.world.blocks.clear()
            self.world.objects.clear()
            self.world.held.update({PINATA: set(), FILEBASE: set()})
        else:
            answer = sorted(self.world.held[door]) if room == "held" else dict(self.world.requests)
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, *_: Any) -> None:
        """Silence."""


def _lies(trouble: Trouble | None) -> bool:
    return trouble is not None and trouble.fault is Fault.LYING


def _form(content_type: str, body: bytes) -> dict[str, bytes]:
    """The fields of a multipart form."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    return {
        str(part.get_param("name", header="content-disposition")): bytes(part.get_payload(decode=True) or b"")
        for part in message.iter_parts()
    }


def main(arguments: list[str]) -> None:
    """Serve until told to stop."""
    world = World()
    control, *numbers = map(int, arguments)
    for door, port in zip(DOORS, numbers, strict=True):
        handler = type(f"{door}Door", (Door,), {"world": world, "door": door})
        Thread(target=ThreadingHTTPServer((LOOPBACK, port), handler).serve_forever, daemon=True).start()
    ThreadingHTTPServer((LOOPBACK, control), type("Owner", (Control,), {"world": world})).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])

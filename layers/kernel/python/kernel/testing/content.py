"""Owns the bucket of tests: a kernel.pinning.ContentStore in memory that may fail, lose and lie on demand."""

from dataclasses import dataclass

from kernel.errors import CounterpartError
from kernel.pinning.encodings import Encoding


@dataclass(frozen=True, slots=True)
class KeptContent:
    """What lies under a CID, with what a bucket says of it."""

    content: bytes
    media_type: str
    encoding: Encoding


class InMemoryContent:
    """A ContentStore. `objects` may be changed behind its back; `failure` is raised by every call while it is set."""

    def __init__(self) -> None:
        self.objects: dict[str, KeptContent] = {}
        self.failure: CounterpartError | None = None

    def put(self, cid: str, content: bytes, *, media_type: str, encoding: Encoding) -> None:
        """Keep the content; again is harmless."""
        self._fail()
        self.objects[cid] = KeptContent(content, media_type, encoding)

    def get(self, cid: str) -> bytes | None:
        """What lies under the CID, unchecked."""
        self._fail()
        kept = self.objects.get(cid)
        return None if kept is None else kept.content

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure

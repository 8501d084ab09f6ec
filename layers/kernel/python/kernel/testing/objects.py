"""Owns the object store of tests: octets by key in memory, whose signed URLs lead nowhere."""

from dataclasses import dataclass, field

from kernel.offload.objects import ObjectAbsent, ObjectsUnavailable


@dataclass(slots=True)
class InMemoryObjects:
    """A kernel.offload.objects.Objects; while `away` it answers nothing."""

    kept: dict[str, bytes] = field(default_factory=dict)
    away: bool = False

    def put(self, key: str, content: bytes) -> None:
        """Store, or replace."""
        self._answer()
        self.kept[key] = content

    def get(self, key: str, bytes_max: int) -> bytes:
        """What is stored, cut off one byte behind bytes_max."""
        self._answer()
        if key not in self.kept:
            raise ObjectAbsent
        return self.kept[key][: bytes_max + 1]

    def readable(self, key: str, valid_s: int) -> str:
        """A URL that leads nowhere."""
        return f"https://objects.invalid/{key}?read&valid_s={valid_s}"

    def writable(self, key: str, valid_s: int) -> str:
        """A URL that leads nowhere."""
        return f"https://objects.invalid/{key}?write&valid_s={valid_s}"

    def _answer(self) -> None:
        if self.away:
            raise ObjectsUnavailable

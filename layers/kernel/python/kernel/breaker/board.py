"""Owns the board: a copy of all conditions in Redis, so that containers need not ask the database every second.

The board decides nothing. A condition is posted after the record has committed it, and only over an older version, so
whatever the board holds is true or was true a moment ago. It may be empty (Redis restarted) or lag behind (a container
died between its commit and its post); therefore it is compared with the record every READ_AFTER_MS by one container,
which is elected by the same script that reads the board. A board that nobody compared for STALE_AFTER_MS is not
believed: whoever sees that asks the record.

The script is one atomic step, its time is Redis's own, and it keeps moments while callers give and get durations.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from kernel.breaker.condition import Condition
from kernel.breaker.lifecycle import State
from kernel.errors import CacheUnavailable

if TYPE_CHECKING:
    from kernel.upstash import Upstash

KEY: Final = "breakers"
READ_AFTER_MS: Final = 1_500
STALE_AFTER_MS: Final = 3_000
#: Who was elected and died is replaced after this; the same for who wants to be a probe.
ELECTION_MS: Final = 1_000

# One hash: a field a dependency, "<version> <due in ms or -> <json>"; fields that begin with # are the board's own.
SCRIPT: Final = """
local key, now, whole, wanted, wanted_version = KEYS[1], tonumber(ARGV[1]), ARGV[2] == '1', ARGV[3], ARGV[4]
local read_after, stale_after, election = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function stamp(moment) return string.format('%.0f', moment) end

for i = 8, #ARGV, 4 do
  local name, version, due_in, text = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), ARGV[i + 3]
  local posted = redis.call('HGET', key, name)
  if not posted or tonumber(string.match(posted, '^%d+')) < version then
    redis.call('HSET', key, name, ARGV[i + 1] .. ' ' .. (due_in and stamp(now + due_in) or '-') .. ' ' .. text)
  end
end
if whole then redis.call('HSET', key, '#read', stamp(now)) end

local age = now - tonumber(redis.call('HGET', key, '#read') or '0')
local elected = 0
if age >= read_after and now - tonumber(redis.call('HGET', key, '#elected') or '0') >= election then
  redis.call('HSET', key, '#elected', stamp(now))
  elected = 1
end
local granted = 0
if wanted ~= '' then
  local held = redis.call('HGET', key, '#probe ' .. wanted)
  local version, since = string.match(held or '- 0', '^(%S+) (%d+)$')
  if version ~= wanted_version or now - tonumber(since) >= election then
    redis.call('HSET', key, '#probe ' .. wanted, wanted_version .. ' ' .. stamp(now))
    granted = 1
  end
end
return {stamp(now), age < stale_after and 1 or 0, elected, granted, redis.call('HGETALL', key)}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What the board says."""

    conditions: dict[str, Condition]
    #: Whether it was compared with the record a moment ago.
    is_current: bool
    #: Whether this reader is to compare it now.
    is_elected: bool
    #: Whether this reader may ask the record for the probe it wants.
    is_granted: bool


class Board(Protocol):
    """The copy. Raises CacheUnavailable when Redis does not answer."""

    def exchange(
        self,
        posts: Sequence[Condition] = (),
        *,
        whole: bool = False,
        wanted: Condition | None = None,
        now: datetime | None = None,
    ) -> Posted:
        """Post conditions and read all of them.

        whole: the posts are all there are, read from the record just now. wanted: the open circuit that the caller
        would like to probe. now: in place of Redis's own time.
        """
        ...


class UpstashBoard:
    """The board in Upstash Redis."""

    def __init__(self, upstash: "Upstash", *, key: str = KEY) -> None:
        self._upstash, self._key = upstash, key

    def exchange(
        self,
        posts: Sequence[Condition] = (),
        *,
        whole: bool = False,
        wanted: Condition | None = None,
        now: datetime | None = None,
    ) -> Posted:
        """Post conditions and read all of them, in one round trip."""
        arguments = [
            "" if now is None else str(round(now.timestamp() * 1000)),
            "1" if whole else "0",
            wanted.dependency if wanted else "",
            str(wanted.version) if wanted else "",
            *map(str, (READ_AFTER_MS, STALE_AFTER_MS, ELECTION_MS)),
            *(word for post in posts for word in _words(post)),
        ]
        return _posted(self._upstash.ask(lambda redis: redis.eval(SCRIPT, keys=[self._key], args=arguments)))


def _words(condition: Condition) -> list[str]:
    text = {
        "state": condition.state.value,
        "failures": condition.failures,
        "trips": condition.trips,
        "changed_at": condition.changed_at.isoformat() if condition.changed_at else None,
    }
    due_in = "-" if condition.wait_s is None else str(round(condition.wait_s * 1000))
    return [condition.dependency, str(condition.version), due_in, json.dumps(text)]


def _posted(answer: Any) -> Posted:
    try:
        now_ms, is_current, is_elected, is_granted, fields = answer
        pairs = zip(fields[::2], fields[1::2], strict=True)
        conditions = {name: _condition(name, value, int(now_ms)) for name, value in pairs if not name.startswith("#")}
    except (ValueError, TypeError, LookupError) as shape:
        raise CacheUnavailable("The board is not as it was written.") from shape
    return Posted(
        conditions=conditions,
        is_current=bool(is_current),
        is_elected=bool(is_elected),
        is_granted=bool(is_granted),
    )


def _condition(name: str, value: str, now_ms: int) -> Condition:
    version, due_ms, text = value.split(" ", 2)
    known = json.loads(text)
    return Condition(
        dependency=name,
        state=State(known["state"]),
        version=int(version),
        failures=known["failures"],
        trips=known["trips"],
        changed_at=datetime.fromisoformat(known["changed_at"]) if known["changed_at"] else None,
        wait_s=None if due_ms == "-" else (int(due_ms) - now_ms) / 1000,
    )

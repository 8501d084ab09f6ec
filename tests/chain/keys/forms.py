"""The forms in which a careless program writes a key, and where they are looked for."""

import base64
import json
from collections.abc import Iterable, Mapping

from infra.local.redis import RedisRest
from kernel import base58
from kernel.postgres import Postgres

#: Of base64 only what does not depend on the bytes that follow.
STABLE_BASE64 = 40


def forms(key: bytes) -> dict[str, str]:
    """Each form by its name; raw bytes are found by the hexadecimal and repr of what holds them."""
    numbers = list(key)
    return {
        "hexadecimal": key.hex(),
        "capital hexadecimal": key.hex().upper(),
        "base64": base64.b64encode(key).decode()[:STABLE_BASE64],
        "base64 of the web": base64.urlsafe_b64encode(key).decode()[:STABLE_BASE64],
        "base58": base58.encode(key),
        "decimal": str(int.from_bytes(key, "big")),
        "little-endian decimal": str(int.from_bytes(key, "little")),
        "repr": repr(key)[2:-1],
        "JSON bytes": json.dumps(numbers)[1:-1],
        "dense JSON bytes": json.dumps(numbers, separators=(",", ":"))[1:-1],
        "raw": key.decode("latin-1"),
    }


def needles(secrets: Iterable[bytes]) -> dict[str, str]:
    """What to look for -> which secret in which form; also each text's bytes in hexadecimal, as bytea columns show."""
    wanted: dict[str, str] = {}
    for number, secret in enumerate(secrets):
        for name, form in forms(secret).items():
            wanted[form] = f"secret {number} as {name}"
            wanted[form.encode("latin-1").hex()] = f"secret {number} as {name}, in bytes"
    return wanted


def found(secrets: Iterable[bytes], places: Mapping[str, str]) -> list[str]:
    """Every secret that is found in any place."""
    wanted = needles(secrets)
    return [f"{name} in {place}" for place, text in places.items() for form, name in wanted.items() if form in text]


def tables(postgres: Postgres) -> dict[str, str]:
    """Every row of every table of ours as text, bytea columns in hexadecimal."""
    with postgres.transaction() as tx:
        names = tx.all(
            "select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables "
            "where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')"
        )
        return {
            row["name"]: "\n".join(one["line"] for one in tx.all(f"select t::text as line from {row['name']} t"))
            for row in names
        }


def redis_keys(redis: RedisRest) -> dict[str, str]:
    """Every key of Redis with what it holds, whatever its type."""
    readers: Mapping[str, tuple[str | int, ...]] = {
        "string": ("GET",),
        "hash": ("HGETALL",),
        "list": ("LRANGE", 0, -1),
        "set": ("SMEMBERS",),
        "zset": ("ZRANGE", 0, -1, "WITHSCORES"),
        "stream": ("XRANGE", "-", "+"),
    }
    names = redis.command("KEYS", "*")
    assert isinstance(names, list)
    held = {}
    for name in names:
        command, *rest = readers[str(redis.command("TYPE", name))]
        held[f"redis {name}"] = f"{name} {_flat(redis.command(command, name, *rest))}"
    return held


def _flat(answer: object) -> str:
    """What an answer says, without the escapes of a list's repr."""
    return "\n".join(_flat(part) for part in answer) if isinstance(answer, list) else str(answer)

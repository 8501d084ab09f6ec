"""A crowd of traders as a program of its own: `python -m tests.bench.intake_crowd '{"port": 1, ...}' <file>`.

Each has a connection from an address of its own, a session key, and a pace: it signs some intents, posts them, waits
for the answer, and goes on when its turn has come. What was answered, and how fast, is written into the file.
"""

import asyncio
import hashlib
import json
import secrets
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from solders.keypair import Keypair

_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ITEMS: Final = 1_000
PRICE_LAMPORTS: Final = 1_000_000
#: Of ten intents: four purchases at asks, three bids, three trades, which have two signatures.
KINDS: Final = ("BUY_NOW", "BID", "TRADE", "BUY_NOW", "BID", "TRADE", "BUY_NOW", "BID", "TRADE", "BUY_NOW")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the crowd does. per_second: intents of all, 0 as many as are answered; spoilt: one in so many, 0 none."""

    port: int
    clients: int
    each: int
    seconds: float
    per_second: int = 0
    spoilt: int = 0


@dataclass
class Seen:
    """What was answered: how long requests took, states and codes of intents, statuses other than 200."""

    took_ms: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    lasted_s: float = 0.0


def key(name: str) -> Keypair:
    """A key derived from a name."""
    return Keypair.from_seed(hashlib.sha256(f"intake crowd {name}".encode()).digest())


class Trader:
    """One client: it buys from the wallet before it and sells to the one after it."""

    def __init__(self, plan: Plan, number: int) -> None:
        self.plan, self.number, self.nonce = plan, number, 0
        before, after = (number - 1) % plan.clients, (number + 1) % plan.clients
        self.wallet, self.session = str(key(f"wallet {number}").pubkey()), key(f"session {number}")
        self.before, self.after = (str(key(f"wallet {other}").pubkey()) for other in (before, after))
        self.after_session = key(f"session {after}")
        self.first = time.time_ns()  # of this run's nonces

    def body(self) -> bytes:
        """A request's."""
        return b'{"intents":[' + b",".join(self._intent() for _ in range(self.plan.each)) + b"]}"

    def _intent(self) -> bytes:
        self.nonce += 1
        kind, item = KINDS[self.nonce % len(KINDS)], (self.number + self.nonce) % ITEMS
        seller, buyer = (self.wallet, self.after) if kind == "TRADE" else (self.before, self.wallet)
        listing = ""
        if kind == "BUY_NOW":
            item = (self.number - 1) % self.plan.clients
            listing = f',"listingId":"ask-{item}"'
        spoil = self.plan.spoilt and self.nonce % self.plan.spoilt == 0
        now = time.time_ns() // 1_000_000 - (60_000 if spoil and self.nonce % 3 == 0 else 0)
        nonce = self.first if spoil and self.nonce % 3 == 1 else self.first + self.nonce
        content = (
            f'{{"id":"{_ulid(now)}","sessionPubkey":"{self.session.pubkey()}","ownerPubkey":"{self.wallet}",'
            f'"itemId":"item-{item}","from":"{seller}","to":"{buyer}","amountLamports":"{PRICE_LAMPORTS}",'
            f'"nonce":{nonce},"createdAt":{now},"intentType":"{kind}"{listing}}}'
        ).encode()
        signed = content + b"!" if spoil and self.nonce % 3 == 2 else content
        signature = b',"signature":"%b"' % str(self.session.sign_message(signed)).encode()
        if kind == "TRADE":
            signature += b',"counterSignature":"%b","counterSessionPubkey":"%b"' % (
                str(self.after_session.sign_message(content)).encode(),
                str(self.after_session.pubkey()).encode(),
            )
        return content[:-1] + signature + b"}"

    async def trade(self, began_s: float, seen: Seen) -> None:
        """Post until the time is over."""
        address = f"127.{1 + self.number // 250}.1.{1 + self.number % 250}"
        reader, writer = await asyncio.open_connection("127.0.0.1", self.plan.port, local_addr=(address, 0))
        pause_s = self.plan.clients * self.plan.each / self.plan.per_second if self.plan.per_second else 0.0
        turn_s = began_s + pause_s * self.number / self.plan.clients
        while turn_s < began_s + self.plan.seconds:
            await asyncio.sleep(max(0.0, turn_s - time.perf_counter()))
            body = self.body()
            sent_s = time.perf_counter()
            writer.write(
                b"POST /v1/netting/intents HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\n\r\n" % len(body) + body
            )
            status, answer = await _answer(reader)
            seen.took_ms.append(1000 * (time.perf_counter() - sent_s))
            seen.statuses[str(status)] += 1
            if status == 200:
                seen.outcomes.update(one["code"] or one["state"] for one in answer["outcomes"])
            turn_s = turn_s + pause_s if pause_s else time.perf_counter()
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.split("content-length: ")[1].split("\r\n")[0])
    return int(head.split(" ")[1]), json.loads(await reader.readexactly(length))


def _ulid(now: int) -> str:
    number = now << 80 | secrets.randbits(80)
    return "".join(_DIGITS[number >> 5 * place & 31] for place in range(25, -1, -1))


async def crowd(plan: Plan) -> Seen:
    """All of them at once."""
    seen, began_s = Seen(), time.perf_counter()
    await asyncio.gather(*(Trader(plan, number).trade(began_s, seen) for number in range(plan.clients)))
    seen.lasted_s = time.perf_counter() - began_s
    return seen


if __name__ == "__main__":
    seen = asyncio.run(crowd(Plan(**json.loads(sys.argv[1]))))
    whole = Path(sys.argv[2])
    part = whole.with_suffix(".part")
    part.write_text(json.dumps(vars(seen)), encoding="utf-8")
    part.rename(whole)  # whoever waits for it finds all of it

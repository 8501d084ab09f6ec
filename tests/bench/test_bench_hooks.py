"""The webhooks' intake beside the least that could do its work: check the HMAC, read the JSON, insert, commit.

Both take the same deliveries of Alchemy's form, a block of three logs each, one after the other, on the same server in
the same run. The least one knows neither watches nor other providers, checks no field, and speaks no HTTP.
"""

import hashlib
import hmac
import json
import sys
import time
from collections.abc import Callable, Sequence

import psycopg
import pytest

from infra.local.notices import Letter
from tests.handlers.ops.postbox import ALCHEMY, WATCH, Postbox
from tests.unit.hooks.payloads import log

pytestmark = pytest.mark.bench

DELIVERIES = 1_000
INSERT = "insert into seen (key, log) values (%s, %s) on conflict do nothing"


def letters() -> list[Letter]:
    """Three in ten come twice."""
    told = [
        ALCHEMY.block(number, log(block=number)["blockHash"], [log(block=number, index=index) for index in range(3)])
        for number in range(round(DELIVERIES / 1.3))
    ]
    return told + told[: DELIVERIES - len(told)]


def least(connection: "psycopg.Connection[tuple[object, ...]]", letter: Letter) -> None:
    """What nobody would write worse."""
    signature = hmac.new(ALCHEMY.key.encode(), letter.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(signature, letter.headers["x-alchemy-signature"])
    block = json.loads(letter.body)["event"]["data"]["block"]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(INSERT, [(f"{block['hash']}:{one['index']}", json.dumps(one)) for one in block["logs"]])


def per_second(take: Callable[[Letter], object], sent: Sequence[Letter]) -> float:
    """Deliveries a second."""
    started_s = time.perf_counter()
    for letter in sent:
        take(letter)
    return len(sent) / (time.perf_counter() - started_s)


def test_the_intake_beside_the_least(database_url: str) -> None:
    """Figures, no verdict."""
    sent, postbox = letters(), Postbox(database_url)
    postbox.watch(WATCH)
    for warm in sent[:20]:
        postbox.post(warm)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table seen (key text primary key, log jsonb not null)")
        intake, bare = per_second(postbox.post, sent), per_second(lambda letter: least(connection, letter), sent)
        row = connection.execute("select count(*) from seen").fetchone()
    sys.stdout.write(
        f"\nwebhooks, {len(sent):,} deliveries of 3 logs: intake {intake:,.0f}/s, least {bare:,.0f}/s, "
        f"ratio {bare / intake:.1f}\n"
    )
    stored = postbox.count()
    postbox.close()

    assert row == (stored,)

"""Webhooks over HTTP: what is forged, late, too large or unfit is refused and counted, and nothing of it is stored."""

import hashlib
import hmac
import json
from dataclasses import replace

import pytest

from functions.ops.adapters.hooks import BODY_MAX_BYTES
from infra.local.notices import Alchemy, Helius, Letter
from kernel.testing import InMemorySecrets
from kernel.testing.queue import InMemoryQueue
from tests.handlers.ops.postbox import (
    ALCHEMY,
    HELIUS,
    HOOKS,
    PROGRAM_KIND,
    PROGRAM_WATCH,
    QUICKNODE,
    WATCH,
    Postbox,
    block,
    metrics,
    refusal,
)
from tests.unit.hooks.payloads import SIGNATURE, log, payload, transaction

pytestmark = pytest.mark.handlers
STRANGER = "0x" + "99" * 20


@pytest.mark.parametrize("provider", ["alchemy", "quicknode", "helius"])
def test_forged_deliveries_are_refused_and_counted(
    postbox: Postbox, provider: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Changed on the way, unsigned, signed with another key: nothing is stored."""
    genuine = {
        "alchemy": block(),
        "quicknode": QUICKNODE.stream([[log()]], postbox.clock.time_s()),
        "helius": HELIUS.raw([transaction()]),
    }[provider]
    unsigned = replace(genuine, headers={"content-type": "application/json"})
    answers = [refusal(postbox.post(letter)) for letter in (genuine.forged(), unsigned)]

    assert answers == [(401, "hook_forged")] * 2
    assert metrics(capsys.readouterr().out)["hooks_refused_hook_forged"] == 1
    assert postbox.count() == 0
    assert postbox.post(genuine)[1]["tasks"] == 1


def test_a_delivery_of_one_provider_is_none_of_another(postbox: Postbox) -> None:
    """Each has its own secret and its own way to prove it."""
    assert refusal(postbox.post(replace(block(), provider="quicknode"))) == (401, "hook_forged")
    assert refusal(postbox.post(replace(HELIUS.raw([]), provider="alchemy"))) == (401, "hook_forged")


@pytest.mark.parametrize("age_s", [301, -301])
def test_a_delivery_that_was_kept_back_is_refused(postbox: Postbox, age_s: int) -> None:
    """Where the provider signs the time; Alchemy, which repeats for hours, signs none."""
    letter = QUICKNODE.stream([[log()]], postbox.clock.time_s() - age_s)

    assert refusal(postbox.post(letter)) == (401, "hook_stale")
    assert postbox.post(QUICKNODE.stream([[log()]], postbox.clock.time_s() - 300))[0] == 200


def test_an_alchemy_delivery_of_last_week_is_taken(postbox: Postbox) -> None:
    """It was repeated until somebody was there to take it."""
    letter = block()
    postbox.clock.advance(7 * 86_400)

    assert postbox.post(letter)[1] == {"events": 1, "tasks": 1}


def test_the_octets_are_what_counts_however_they_are_carried(postbox: Postbox) -> None:
    """API Gateway carries what it takes for no text in base64."""
    letter = block()

    assert postbox.post(letter, encoded=True) == postbox.post(letter) == (200, {"events": 1, "tasks": 1})
    assert postbox.post(letter, encoded=True, **{"content-type": "application/octet-stream"})[0] == 200


def test_an_oversized_delivery_is_refused_and_counted(postbox: Postbox, capsys: pytest.CaptureFixture[str]) -> None:
    """Before its signature is looked at, and whatever it says."""
    genuine = block()
    filled = payload(genuine) | {"filling": "x" * BODY_MAX_BYTES}
    oversized = replace(genuine, body=json.dumps(filled).encode())

    assert refusal(postbox.post(oversized)) == (413, "body_too_large")
    assert metrics(capsys.readouterr().out)["hooks_refused_body_too_large"] == 1
    assert postbox.count() == 0


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[1e999]", b"NaN", b"[" * 100 + b"]" * 100, b"{}"])
def test_a_signed_body_that_is_no_delivery_is_refused(postbox: Postbox, body: bytes) -> None:
    """422, so that the provider shows it to the operator."""
    signature = hmac.new(ALCHEMY.key.encode(), body, hashlib.sha256).hexdigest()
    letter = Letter("alchemy", {"x-alchemy-signature": signature}, body)

    assert refusal(postbox.post(letter, encoded=True)) == (422, "delivery_unfit")


def test_one_unfit_event_refuses_the_whole_delivery(postbox: Postbox) -> None:
    """By its name; its neighbours come again with the repetition."""
    answer = postbox.post(block(log(index=1), log(index=2, data="0x1")))

    assert refusal(answer) == (422, "delivery_unfit")
    assert answer[1]["error"]["details"]["field"] == "event.data.block.logs.1.data"
    assert postbox.count() == 0


def test_a_provider_without_an_entry_is_not_there(database_url: str) -> None:
    """404, whatever is sent; a name that is no provider's at all, too."""
    postbox = Postbox(database_url, hooks=HOOKS[:1])

    assert refusal(postbox.post(HELIUS.raw([]))) == (404, "hook_unknown")
    assert refusal(postbox.post(replace(block(), provider="moralis"))) == (404, "hook_unknown")
    postbox.close()


@pytest.mark.parametrize("secret", [None, "", " \n \n"])
def test_without_its_secret_a_provider_is_asked_to_come_again(postbox: Postbox, secret: str | None) -> None:
    """503: with an empty secret anybody could sign."""
    postbox.kernel.secrets = InMemorySecrets({} if secret is None else {"ssm:alchemy": secret})

    assert refusal(postbox.post(Alchemy(key="", network="ETH_MAINNET").block(100, "0x", []))) == (
        503,
        "hook_secret_absent",
    )


def test_a_secret_is_replaced_without_a_delivery_lost(database_url: str) -> None:
    """Both are good until the previous one is no longer named, or is gone."""
    postbox = Postbox(database_url, hooks=({**HOOKS[0], "previous": "ssm:alchemy-before"},))
    old, new = (Alchemy(key=key, network="ETH_MAINNET").block(1, log()["blockHash"], [log()]) for key in ("old", "new"))
    postbox.secrets.put("ssm:alchemy", "new")
    postbox.secrets.put("ssm:alchemy-before", "old")
    during = [postbox.post(letter)[0] for letter in (old, new)]
    postbox.kernel.secrets = InMemorySecrets({"ssm:alchemy": "new"})
    after = [postbox.post(letter)[0] for letter in (old, new)]
    postbox.close()

    assert (during, after) == ([200, 200], [401, 200])


def test_each_webhook_has_its_own_key(database_url: str) -> None:
    """Alchemy's: the secret holds them, one a line. Helius' may hold blanks."""
    postbox = Postbox(database_url)
    postbox.secrets.put("ssm:alchemy", "one\ntwo\n")
    postbox.secrets.put("ssm:helius", "Bearer of good news")
    keys = [Alchemy(key=key, network="ETH_MAINNET").activity([]) for key in ("one", "two", "one\ntwo", "")]
    statuses = [postbox.post(letter)[0] for letter in keys]
    spoken = [postbox.post(Helius(secret=secret).raw([]))[0] for secret in ("Bearer of good news", "Bearer")]
    postbox.close()

    assert (statuses, spoken) == ([200, 200, 401, 401], [200, 401])


def test_two_clusters_have_a_secret_each(database_url: str) -> None:
    """A delivery that names no chain is of the chain whose secret it knows."""
    devnet = {"provider": "helius", "secret": "ssm:helius-devnet", "chain": "solana:devnet"}
    postbox = Postbox(database_url, hooks=(*HOOKS, devnet))
    postbox.secrets.put("ssm:helius-devnet", "devnet's")
    postbox.watch(PROGRAM_WATCH, replace(PROGRAM_WATCH, name="devnet", cluster="devnet", kind="netting.devnet"))
    postbox.post(Helius(secret="devnet's").raw([transaction()]))
    stored = list(postbox.tasks())
    postbox.close()

    assert stored == [f"solana:devnet:{SIGNATURE}:0:0"]


def test_nothing_is_acknowledged_that_is_not_stored(postbox: Postbox) -> None:
    """The database is away: 503, and the provider repeats."""
    away = Postbox("postgresql://127.0.0.1:1/none")
    refused = refusal(away.post(block()))

    assert refused == (503, "database_unavailable")
    assert postbox.post(block())[1]["tasks"] == 1


def test_a_queue_that_is_away_loses_no_task(postbox: Postbox) -> None:
    """Stored is stored: the sweeper sends it."""
    assert isinstance(postbox.kernel.queue, InMemoryQueue)
    postbox.kernel.queue.failing = RuntimeError("SQS is away")

    assert postbox.post(block()) == (200, {"events": 1, "tasks": 1})
    assert postbox.count() == 1


def test_a_refusal_tells_nothing_of_secrets_or_content(postbox: Postbox, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither to the caller nor to the log."""
    answer = postbox.post(block().forged())
    told = json.dumps(answer) + capsys.readouterr().out

    assert ALCHEMY.key not in told
    assert WATCH.addresses[0].lower() not in told.lower()
    assert PROGRAM_KIND not in told

"""queue_repair_pin: a pin's task brings it to the services that the settings name, and ends once enough hold it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from functions.ops.queue_repair_pin import handler
from functions.ops.wiring import ROLE, Deps, Settings
from infra.local.ipfs import FILEBASE, FILEBASE_BUCKET, FILEBASE_KEYS, PINATA, PINATA_JWT, Fault, Ipfs
from kernel.errors import SettingsInvalid
from kernel.settings import SecretRef
from kernel.testing import FakeClock
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/queue_repair_pin.json").read_text(encoding="utf-8"))
KEY, PLAIN = "contest-42/standings", b'{"place": 1}' * 100


@pytest.fixture
def kernel(database_url: str, ipfs: Ipfs) -> Iterator[FakedKernel]:
    kernel = FakedKernel(database_url, role=ROLE, clock=FakeClock())
    told = {"pins_wanted": 2, "pins_gateways": ", ".join(ipfs.gateway_urls)}
    kernel.settings = kernel.settings.model_copy(update=told)
    yield kernel
    kernel.close()


def named(ipfs: Ipfs, *, jwt: SecretRef = f"plain:{PINATA_JWT}") -> str:
    """The setting COUNTERPART_OPS_PINNING."""
    return json.dumps(
        [
            {"service": PINATA, "credentials": jwt, "url": ipfs.urls[PINATA]},
            {
                "service": FILEBASE,
                "credentials": f"plain:{FILEBASE_KEYS}",
                "bucket": FILEBASE_BUCKET,
                "url": ipfs.urls[FILEBASE],
            },
        ]
    )


def settings(setting: str) -> Settings:
    """The slice's settings, from JSON as it stands in the environment."""
    return Settings.model_validate({"pinning": setting})


@pytest.fixture
def deliver(kernel: FakedKernel, ipfs: Ipfs) -> Callable[..., dict[str, Any]]:
    """Hand over the message about the pin's task; its row afterwards."""

    def run(setting: str | None = None) -> dict[str, Any]:
        (task,) = kernel.tasks.about(KEY)
        (record,) = EVENT["Records"]
        deps = Deps(kernel, settings(setting or named(ipfs)))
        body = json.dumps({"task_id": str(task.id)})
        answer = handler.bind(deps)({"Records": [{**record, "body": body}]}, None)

        assert answer == {"batchItemFailures": []}
        (task,) = kernel.tasks.about(KEY)
        return {"state": task.state, "result": task.result, "error": task.error, "attempt": task.attempt}

    return run


def pin(kernel: FakedKernel) -> str:
    """What a slice does."""
    kept = kernel.pinning.keep(PLAIN, media_type="application/json")
    with kernel.postgres.transaction() as tx:
        return kernel.pinning.record(tx, KEY, kept).cid


def test_a_pin_is_brought_to_every_service(
    kernel: FakedKernel, ipfs: Ipfs, deliver: Callable[..., dict[str, Any]]
) -> None:
    """One delivery, two copies; the message again changes nothing, and a gateway has it, too."""
    cid = pin(kernel)
    told = [deliver(), deliver()]
    kernel.kept.objects.clear()

    assert told[0] == told[1]
    assert (told[0]["state"], told[0]["result"]) == ("done", {"cid": cid, "confirmed": [PINATA, FILEBASE]})
    assert ipfs.held(PINATA) == ipfs.held(FILEBASE) == [cid]
    assert kernel.pinning.read(KEY).plain == PLAIN


def test_a_service_that_is_away_costs_no_attempt(
    kernel: FakedKernel, ipfs: Ipfs, deliver: Callable[..., dict[str, Any]]
) -> None:
    """The task waits; the other copy is there."""
    pin(kernel)
    ipfs.trouble(PINATA, Fault.DOWN)

    wanted = {"state": "ready", "result": None, "error": "pinning:pinata: site_unavailable", "attempt": 0}
    assert deliver() == wanted
    assert kernel.pinning.pin(KEY).confirmed == (FILEBASE,)


@pytest.mark.parametrize("jwt", ["plain:wrong", "secretsmanager:nothing-there"])
def test_wrong_credentials_of_one_service_leave_the_other_alone(
    kernel: FakedKernel, ipfs: Ipfs, deliver: Callable[..., dict[str, Any]], jwt: SecretRef
) -> None:
    """Wrong, or absent: the task waits for whoever mends it."""
    pin(kernel)

    assert deliver(named(ipfs, jwt=jwt))["state"] == "ready"
    assert kernel.pinning.pin(KEY).confirmed == (FILEBASE,)
    assert kernel.breakers.condition("pinning:pinata").trips == 0


def test_settings_are_refused_with_their_fault() -> None:
    """Another service, a secret in the clear of production, a bucket that is a path; and never quoted."""
    fit = {"service": "pinata", "credentials": "plain:canary"}
    unfit: list[dict[str, Any]] = [
        {"service": "other", "credentials": "plain:canary"},
        {"service": "pinata", "credentials": "canary"},
        {"service": "filebase", "credentials": "plain:canary", "bucket": "../x"},
        fit | {"extra": 1},
    ]
    for one in unfit:
        with pytest.raises(ValidationError) as refused:
            settings(json.dumps([one]))
        assert "canary" not in str(refused.value)
    assert "canary" not in repr(settings(json.dumps([fit])))


def test_services_are_asked_over_https_only(kernel: FakedKernel, ipfs: Ipfs) -> None:
    """Outside the stages local and test a plain address is refused when the container starts to use it."""
    kernel.settings = kernel.settings.model_copy(update={"stage": "live", "pins_gateways": ""})
    with pytest.raises(SettingsInvalid):
        _ = Deps(kernel, settings(named(ipfs))).replication

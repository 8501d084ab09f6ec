"""What surrounds a function on Modal: the form of its answer, and the word that it is over."""

from typing import Any

import pytest

from functions.ops.core.hooks.signatures import CHECKS, Sent, Verdict
from gpu import carrier
from gpu.settings import Hook, hook
from kernel.offload.jobs import Answer, Refusal, answer_of
from kernel.webhooks import signing

pytestmark = pytest.mark.unit
CALL: dict[str, Any] = {
    "job_id": "0198c7a5-5f00-7000-8000-000000000001",
    "attempt": 2,
    "arguments": {"n": 4},
    "input": None,
}
NOW_S = 1_795_245_900


def double(arguments: Any, content: bytes | None) -> tuple[dict[str, Any], bytes | None]:
    return {"n": 2 * arguments["n"]}, None


def test_an_answer_has_the_form_that_the_bundle_knows() -> None:
    """A result, or a refusal in words."""

    def refuse(arguments: Any, content: bytes | None) -> Any:
        raise ValueError("no")

    assert answer_of(carrier.carried(CALL, double, None), "key") == Answer({"n": 8})
    assert answer_of(carrier.carried(CALL, refuse, None), "key") == Refusal("no")


def test_whatever_fails_is_told_by_its_type_only() -> None:
    """Its text may quote what was computed."""

    def fail(arguments: Any, content: bytes | None) -> Any:
        raise OSError("a secret")

    with pytest.raises(carrier.Failed) as raised:
        carrier.carried(CALL, fail, None)

    assert raised.value.args == ("OSError",)


def test_the_word_is_signed_as_standard_webhooks_does() -> None:
    """As the bundle signs its own, and as the intake checks; no result is in it."""
    headers, body = carrier.announcement(CALL, "a secret", NOW_S)
    sent = Sent(body=body, headers=headers, now_s=NOW_S)
    name = f"{CALL['job_id']}-2"

    assert body == b'{"job_id": "0198c7a5-5f00-7000-8000-000000000001", "attempt": 2}'
    assert headers["webhook-signature"] == signing.signature(b"a secret", name, NOW_S, body)
    assert CHECKS["modal"](sent, [b"another", b"a secret"]) is Verdict.GENUINE
    assert CHECKS["modal"](sent, [b"another"]) is Verdict.FORGED
    assert CHECKS["modal"](sent, []) is Verdict.FORGED


@pytest.mark.parametrize(("age_s", "verdict"), [(300, "genuine"), (301, "stale"), (-300, "genuine"), (-301, "stale")])
def test_a_word_is_believed_for_five_minutes(age_s: int, verdict: str) -> None:
    """Before and after its time: the clocks differ."""
    headers, body = carrier.announcement(CALL, "a secret", NOW_S)

    assert CHECKS["modal"](Sent(body=body, headers=headers, now_s=NOW_S + age_s), [b"a secret"]) == verdict


def test_nothing_moves_between_name_time_and_body() -> None:
    """The same octets, parted elsewhere."""
    headers, body = carrier.announcement(CALL, "a secret", NOW_S)
    name = headers["webhook-id"]
    for changed in (
        {"webhook-id": f"{name}.{NOW_S}", "webhook-timestamp": body[:10].decode()},
        {"webhook-id": name[:-1], "webhook-timestamp": f"{name[-1]}{NOW_S}"},
        {"webhook-timestamp": f"{NOW_S}.{{"},
        {"webhook-id": ""},
        {"webhook-signature": headers["webhook-signature"].removeprefix("v1,")},
        {"webhook-signature": "v1," + headers["webhook-signature"]},
    ):
        assert (
            CHECKS["modal"](Sent(body=body, headers={**headers, **changed}, now_s=NOW_S), [b"a secret"])
            is Verdict.FORGED
        )


def test_a_name_has_no_dot() -> None:
    """Signed by us or not: with one, the seam to the time could be anywhere."""
    body = b"{}"
    given = f"a.{NOW_S}"
    headers = {
        "webhook-id": given,
        "webhook-timestamp": str(NOW_S),
        "webhook-signature": carrier.signed(b"a secret", given, NOW_S, body),
    }

    assert CHECKS["modal"](Sent(body=body, headers=headers, now_s=NOW_S), [b"a secret"]) is Verdict.FORGED


def test_a_lost_word_is_nobodys_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits asks anyway; the result is what it was."""

    def away(*_: Any, **__: Any) -> Any:
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib.request.urlopen", away)

    assert carrier.carried(CALL, double, Hook("https://hook.invalid", "a secret"))["result"] == {"n": 8}


def test_without_a_secret_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are there, or none counts; neither is printed."""
    monkeypatch.setenv("COUNTERPART_HOOK_URL", "https://api.example.org/hooks/modal")
    monkeypatch.delenv("COUNTERPART_HOOK_SECRET", raising=False)
    before = hook()
    monkeypatch.setenv("COUNTERPART_HOOK_SECRET", "a secret")
    told = hook()

    assert (before, told) == (None, Hook("https://api.example.org/hooks/modal", "a secret"))
    assert "a secret" not in repr(told)

"""Owns what surrounds a function on Modal: its input comes and its output goes by signed URLs, and its end is told.

    {"job_id": "…", "attempt": 2, "arguments": {…}, "output_url": "https://…",
     "input": {"url": "https://…", "sha256": "…", "size_bytes": 84} | null}
    -> {"result": {…}, "output": {"sha256": "…", "size_bytes": 12} | null}  or  {"refused": "…"}

Standard library only, since this runs where the bundle is not. The word about the end is signed as Standard Webhooks
does (an HMAC-SHA256 of id, time and body), carries no result, and may get lost: whoever waits asks anyway.
"""

import base64
import hashlib
import hmac
import json
import logging
import time
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Final

from gpu.settings import Hook

logger = logging.getLogger(__name__)

TIMEOUT_S: Final = 60
ANNOUNCE_TIMEOUT_S: Final = 5

Run = Callable[[Mapping[str, Any], bytes | None], tuple[dict[str, Any], bytes | None]]


class Failed(Exception):
    """A function or its carriage failed; the client sees this type and the name of the cause, whatever that was."""


class InputChanged(Exception):
    """The input is not what the job says."""


def carried(call: Mapping[str, Any], run: Run, hook: Hook | None) -> dict[str, Any]:
    """Fetch, compute, store, tell. Raises Failed."""
    try:
        told = _computed(call, run)
    except (
        Exception
    ) as failure:  # a computation may fail in any way; what it says may hold secrets, so its kind is told
        raise Failed(type(failure).__qualname__) from failure
    finally:
        if hook is not None:
            _announce(call, hook)
    return told


def signed(secret: bytes, message_id: str, time_s: int, body: bytes) -> str:
    """The `webhook-signature` of a message."""
    content = f"{message_id}.{time_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()


def _computed(call: Mapping[str, Any], run: Run) -> dict[str, Any]:
    content = None if call["input"] is None else _fetched(call["input"])
    try:
        result, output = run(call["arguments"], content)
    except ValueError as refusal:
        return {"refused": str(refusal)[:1000]}
    return {"result": result, "output": None if output is None else _stored(call["output_url"], output)}


def _fetched(given: Mapping[str, Any]) -> bytes:
    content = _asked(given["url"], bytes_max=given["size_bytes"] + 1)
    if len(content) != given["size_bytes"] or hashlib.sha256(content).hexdigest() != given["sha256"]:
        raise InputChanged
    return content


def _stored(url: str, output: bytes) -> dict[str, Any]:
    _asked(url, method="PUT", body=output, headers={"content-type": "application/octet-stream"})
    return {"sha256": hashlib.sha256(output).hexdigest(), "size_bytes": len(output)}


def announcement(call: Mapping[str, Any], secret: str, now_s: int) -> tuple[dict[str, str], bytes]:
    """Headers and body of the word that this attempt is over; how it ended is not said."""
    body = json.dumps({"job_id": call["job_id"], "attempt": call["attempt"]}).encode()
    message_id = f"{call['job_id']}-{call['attempt']}"
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": signed(secret.encode(), message_id, now_s, body),
    }
    return headers, body


def _announce(call: Mapping[str, Any], hook: Hook) -> None:
    headers, body = announcement(call, hook.secret, int(time.time()))
    try:
        _asked(hook.url, method="POST", body=body, headers=headers, timeout_s=ANNOUNCE_TIMEOUT_S)
    except OSError as lost:
        logger.warning("Nobody was told of the end: %s.", type(lost).__name__)


def _asked(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
    bytes_max: int = 0,
) -> bytes:
    """The first octets of an answer; urllib's errors (which are OSErrors) for anything but a success."""
    request = urllib.request.Request(url, data=body, method=method, headers=dict(headers or {}))  # noqa: S310 (our own)
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310 (our own)
        content: bytes = answer.read(bytes_max)
    return content

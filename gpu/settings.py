"""Owns what functions are told: where the end of a call is announced and with which secret, where proving keys lie."""

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Hook:
    """…/hooks/modal of a deployment, and the secret of the entry for modal in its ops_hooks."""

    url: str
    secret: str = field(repr=False)


def hook() -> Hook | None:
    """From Modal's secret "counterpart-hook"; None where nobody is told: whoever waits for a call asks anyway."""
    url, secret = os.environ.get("COUNTERPART_HOOK_URL", ""), os.environ.get("COUNTERPART_HOOK_SECRET", "")
    return Hook(url, secret) if url and secret else None


def keys_folder() -> Path:
    """Where the proving keys of exchanges lie, as <image id>.zkey: a volume on Modal, .local/exchange in a checkout."""
    told = os.environ.get("COUNTERPART_EXCHANGE_KEYS", "")
    return Path(told) if told else Path(__file__).parents[1] / ".local" / "exchange"

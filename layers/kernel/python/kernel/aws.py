"""Owns the way to AWS: clients that give up soon, and a silence about answers that may be secrets.

boto3 waits for a minute by default, which is longer than most functions live, and writes every answer of a service
into its log at DEBUG.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

#: Whoever waits does so inside a task's lease; the services answer within 20 ms.
CONNECT_TIMEOUT_S: Final = 2
READ_TIMEOUT_S: Final = 5
TRIES_MAX: Final = 3


def client(
    service: str,
    *,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
    read_timeout_s: float = READ_TIMEOUT_S,
    tries_max: int = TRIES_MAX,
    endpoint_url: str | None = None,
    **config: Any,
) -> Any:
    """A client of one service; the endpoint, unless it is given, and the credentials are boto3's own business.

    config: what else botocore's Config takes.
    """
    import boto3
    from botocore.config import Config

    make: Any = boto3.client  # the stubs know literal names only
    retries: Any = {"mode": "standard", "total_max_attempts": tries_max}
    patience = Config(connect_timeout=connect_timeout_s, read_timeout=read_timeout_s, retries=retries, **config)
    return make(service, endpoint_url=endpoint_url, config=patience)


@contextmanager
def unlogged() -> Iterator[None]:
    """Drop what boto3's reader of answers logs in this block: an answer may be a key or a password."""
    logging.getLogger("botocore.parsers").addFilter(_nobody_asks)  # adding it again changes nothing
    token = _asking.set(True)
    try:
        yield
    finally:
        _asking.reset(token)


_asking: ContextVar[bool] = ContextVar("asking_unlogged", default=False)


def _nobody_asks(_: logging.LogRecord) -> bool:
    return not _asking.get()

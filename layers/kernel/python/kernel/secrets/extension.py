"""Owns the way to AWS's Parameters-and-Secrets extension: a process beside the function that remembers what it read.

It answers only while an invocation runs: before the first, "not ready to serve traffic", as 400. It knows the function
by its session token, which a function with SnapStart does not have. Whatever it cannot tell, for whatever reason, the
store itself is asked, which also says why a secret cannot be had.
"""

import http.client
import json
import logging
from typing import Final
from urllib.parse import urlencode

from kernel.settings import session_token

logger = logging.getLogger(__name__)

HOST: Final = "127.0.0.1"
#: It asks the store itself where it does not remember; after that we do.
TIMEOUT_S: Final = 2.0
#: A secret has 64 KiB at most, which JSON may write as six times as much.
ANSWER_BYTES_MAX: Final = 512 * 1024
TOKEN: Final = "X-Aws-Parameters-Secrets-Token"  # noqa: S105 (a header's name)


class Extension:
    """The extension of this container."""

    def __init__(self, port: int, *, timeout_s: float = TIMEOUT_S) -> None:
        self._port, self._timeout_s = port, timeout_s

    def from_secrets_manager(self, name: str) -> str | None:
        """The text of a secret, or None where the store must be asked."""
        answer = self._ask("/secretsmanager/get", secretId=name)
        return _text(answer, "SecretString")

    def from_ssm(self, name: str) -> str | None:
        """The value of a parameter, or None where the store must be asked."""
        answer = self._ask("/systemsmanager/parameters/get", name=name, withDecryption="true")
        return _text(answer.get("Parameter"), "Value")

    def _ask(self, path: str, **query: str) -> dict[str, object]:
        token = session_token()
        if token is None:
            return {}
        connection = http.client.HTTPConnection(HOST, self._port, timeout=self._timeout_s)
        try:
            connection.request("GET", f"{path}?{urlencode(query)}", headers={TOKEN: token})
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                return _silent(f"HTTP {answer.status}")
            told = json.loads(answer.read(ANSWER_BYTES_MAX))
            return told if isinstance(told, dict) else _silent("no object")
        except (OSError, http.client.HTTPException, ValueError) as failure:
            # Its text may quote the answer.
            return _silent(type(failure).__name__)
        finally:
            connection.close()


def _text(told: object, name: str) -> str | None:
    value = told.get(name) if isinstance(told, dict) else None
    return value if isinstance(value, str) else None


def _silent(reason: str) -> dict[str, object]:
    logger.warning("The secrets extension does not tell; the store is asked.", extra={"reason": reason})
    return {}

"""Owns AWS's signature (version 4) of a post to one client. Pure.

Botocore's signer writes and reads a request object for it, which costs as much as the post itself. Here only what is
signed is written, and the day's key is derived once. A test holds every header to what botocore says.
"""

import hashlib
import hmac
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

SERVICE: Final = "execute-api"
ALGORITHM: Final = "AWS4-HMAC-SHA256"


def signed_headers(
    path: str, body: bytes, *, host: str, region: str, keys: "ReadOnlyCredentials", now: datetime
) -> dict[str, str]:
    """The headers of a signed POST. path: as it is sent, percent-encoded; now: in UTC."""
    moment = f"{now:%Y%m%dT%H%M%SZ}"
    headers = {"host": host, "x-amz-date": moment}
    if keys.token is not None:
        headers["x-amz-security-token"] = keys.token
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    asked = f"POST\n{quote(path, safe='/~')}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{moment[:8]}/{region}/{SERVICE}/aws4_request"
    signed = f"{ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    signature = hmac.digest(_key(keys.secret_key, scope), signed.encode(), "sha256").hex()
    credential = f"{keys.access_key}/{scope}"
    headers["authorization"] = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return headers


@lru_cache(maxsize=2)
def _key(secret_key: str, scope: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key

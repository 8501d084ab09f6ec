"""Owns the way to one client: API Gateway's post_to_connection, and what its answers mean.

A fan-out is as fast as its posts are cheap, and boto3's client spends five times as long on one as the post itself.
So a post is signed here (`signature`) and sent over urllib3; whatever is not plainly taken goes through the client
again, with its retries and its reading of errors. Both ask for the same thing at the same address.
"""

import logging
from functools import cached_property
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit

from kernel import aws
from kernel.clock import Clock, SystemClock
from kernel.realtime.plan import Fate
from kernel.realtime.signature import signed_headers

logger = logging.getLogger(__name__)
#: Posts that are under way at once in one container.
THREADS: Final = 32
#: A client that does not take a message in this time is slow, and is let go: it comes back and resumes.
TIMEOUT_S: Final = 2.0
#: How often a throttled post is tried in all; the pauses are botocore's.
ATTEMPTS: Final = 3


class Pusher(Protocol):
    """Sends text to clients."""

    def post(self, connection_id: str, text: str) -> Fate:
        """Push one message."""
        ...

    def drop(self, connection_id: str) -> None:
        """Close a connection; one that is gone is no error."""
        ...


class ApiGatewayPusher:
    """A Pusher for all threads, with a connection for each."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        """url: the WebSocket API's address for posts, "https://<api>.execute-api.<region>.amazonaws.com/<stage>"."""
        self._url, self._site, self._clock = url, urlsplit(url), clock or SystemClock()

    def post(self, connection_id: str, text: str) -> Fate:
        """Push one message."""
        from botocore.exceptions import BotoCoreError, ClientError
        from urllib3.exceptions import ReadTimeoutError

        try:
            if self._is_taken(connection_id, text):
                return Fate.PUSHED
            self._client.post_to_connection(ConnectionId=connection_id, Data=text.encode())
        except ClientError as refusal:
            return _fate(refusal)
        except ReadTimeoutError:  # botocore's is one, too
            return Fate.SLOW
        except BotoCoreError as unable:
            logger.warning("A message could not be pushed: %s", type(unable).__name__)
            return Fate.LATER
        return Fate.PUSHED

    def drop(self, connection_id: str) -> None:
        """Close a connection."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.delete_connection(ConnectionId=connection_id)
        except (ClientError, BotoCoreError):
            return  # it ends by itself after ten idle minutes, and nobody posts to it any more

    def close(self) -> None:
        """Give the connections back; the next post opens others."""
        for part in ("_client", "_http"):
            opened = vars(self).pop(part, None)
            if opened is not None:
                opened.close()

    def _is_taken(self, connection_id: str, text: str) -> bool:
        """Whether the short way went well. Raises ReadTimeoutError: it may have been taken, and is not repeated."""
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        path, body = f"{self._site.path}/@connections/{quote(connection_id, safe='')}", text.encode()
        keys, region = self._identity
        headers = signed_headers(
            path, body, host=self._site.netloc, region=region, keys=keys.get_frozen_credentials(), now=self._clock.now()
        )
        try:
            return bool(self._http.urlopen("POST", path, body=body, headers=headers).status == 200)
        except ReadTimeoutError:
            raise
        except HTTPError:
            return False  # a connection that went stale, for instance

    @cached_property
    def _identity(self) -> Any:
        """Who signs, and for which region; credentials that run out renew themselves."""
        import boto3

        session = boto3.Session()
        return session.get_credentials(), session.region_name

    @cached_property
    def _http(self) -> Any:
        import urllib3  # its sockets do not wait for the last packet's receipt, as those of botocore's session would

        patience = urllib3.Timeout(connect=TIMEOUT_S, read=TIMEOUT_S)
        return urllib3.connection_from_url(self._url, timeout=patience, retries=False, maxsize=THREADS)

    @cached_property
    def _client(self) -> Any:
        return aws.client(
            "apigatewaymanagementapi",
            connect_timeout_s=TIMEOUT_S,
            read_timeout_s=TIMEOUT_S,
            tries_max=ATTEMPTS,
            endpoint_url=self._url,
            max_pool_connections=THREADS,
            tcp_keepalive=True,
        )


def _fate(refusal: Any) -> Fate:
    code = refusal.response.get("Error", {}).get("Code", "")
    status = refusal.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code == "GoneException" or status == 410:
        return Fate.GONE
    # Throttled three times over: the account's rate, or this one client's buffer. The fan-out can tell them apart.
    if status != 429:
        logger.warning("A message could not be pushed: %s", str(code)[:60])
    return Fate.LATER

"""Owns the way to one client: API Gateway's post_to_connection, and what its answers mean."""

import logging
from functools import cached_property
from typing import Any, Final, Protocol

from kernel.realtime.plan import Fate

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
    """A Pusher over boto3; one client for all threads, with a connection for each."""

    def __init__(self, url: str) -> None:
        """url: the WebSocket API's address for posts, "https://<api>.execute-api.<region>.amazonaws.com/<stage>"."""
        self._url = url

    def post(self, connection_id: str, text: str) -> Fate:
        """Push one message."""
        from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

        try:
            self._client.post_to_connection(ConnectionId=connection_id, Data=text.encode())
        except ClientError as refusal:
            return _fate(refusal)
        except ReadTimeoutError:
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

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        retries: Any = {"mode": "standard", "total_max_attempts": ATTEMPTS}
        config = Config(
            connect_timeout=TIMEOUT_S,
            read_timeout=TIMEOUT_S,
            retries=retries,
            max_pool_connections=THREADS,
            tcp_keepalive=True,
        )
        return boto3.client("apigatewaymanagementapi", endpoint_url=self._url, config=config)


def _fate(refusal: Any) -> Fate:
    code = refusal.response.get("Error", {}).get("Code", "")
    status = refusal.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code == "GoneException" or status == 410:
        return Fate.GONE
    # Throttled three times over: the account's rate, or this one client's buffer. The fan-out can tell them apart.
    if status != 429:
        logger.warning("A message could not be pushed: %s", str(code)[:60])
    return Fate.LATER

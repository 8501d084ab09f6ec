"""Owns Modal as a provider: its functions called by name, its calls asked for by id, its errors as ours.

The client keeps a connection, so a container has one. By itself it would try for a minute to reach a service that is
away, so each thing asked of it has a time-out of ours. A function gets two signed URLs and no credential; what it
returns is told by Modal's own protocol and counts only after the caller's check.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from pydantic import SecretStr

from kernel.breaker.breakers import Breakers, CircuitOpen
from kernel.errors import Broken, CounterpartError, Transient
from kernel.offload.jobs import Call, answer_of
from kernel.offload.objects import Objects
from kernel.offload.providers import Accepted, Ending, Gone, NotMade, Pending

T = TypeVar("T")

#: The name of the dependency in breakers and health.
MODAL: Final = "modal"
#: The URLs of an attempt, which may wait for a GPU before it reads; the credentials that sign them may end sooner.
URLS_VALID_S: Final = 3_600
TIMEOUT_S: Final = 15.0


class ModalUnauthorized(Broken):
    """Modal does not accept the credentials."""

    cause = "The token is missing, revoked, or of a workspace that may not call the app."
    remedy = (
        "Make a token (`modal token new`), store it as <token id>:<token secret> in the secret that "
        "COUNTERPART_OPS_MODAL_TOKEN names, and replay the parked poll tasks."
    )


class ModalFunctionAbsent(Broken):
    """The Modal app has no such function."""

    cause = "The app is not deployed, is stopped, or is of a version without the function in details."
    remedy = "Deploy it: `modal deploy gpu/app.py`, in the workspace of the token, and replay the parked poll tasks."


class ModalRefused(Broken):
    """Modal refuses the call as such."""

    cause = "The client is too old for Modal's servers, or the arguments are too large or of a kind it cannot send."
    remedy = "Compare the pinned version of modal in pyproject.toml with the service's; details name its error."


class ModalUnavailable(Transient):
    """Modal does not answer."""

    cause = "The connection failed, or Modal's servers told of a failure of their own; details name its error."


class ModalUnreachable(ModalUnavailable):
    """Modal cannot be reached, so nothing was asked of it."""

    cause = "No connection came about: the network, or the address of Modal's servers."


class ModalProvider:
    """The functions of one deployed Modal app."""

    def __init__(
        self,
        app: str,
        token: Callable[[], SecretStr],
        objects: Objects,
        breakers: Breakers,
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """token: <token id>:<token secret>, asked for when the first call is made."""
        self._app, self._token, self._objects, self._breakers = app, token, objects, breakers
        self._timeout_s = timeout_s
        self._client: Any = None

    def usable(self) -> bool:
        """Whether its circuit is closed, or may be tried again."""
        condition = self._breakers.condition(MODAL)
        return condition.is_closed or (condition.wait_s or 0.0) <= 0

    def start(self, call: Call) -> Accepted | Ending | NotMade:
        """Spawn the function. Raises ModalUnavailable where nobody knows whether it was."""
        payload = self._payload(call)
        try:
            with self._breakers.guard(MODAL):
                return Accepted(self._asked(self._spawned(call.function, payload)))
        except (CircuitOpen, ModalUnauthorized, ModalFunctionAbsent, ModalRefused, ModalUnreachable) as error:
            return NotMade(error)

    def look(self, call_id: str, output_key: str) -> Pending | Ending:
        """Ask for the call's result without waiting. Raises ModalUnavailable, ModalUnauthorized, CircuitOpen."""
        with self._breakers.guard(MODAL):
            told = self._asked(self._told(call_id))
        if isinstance(told, (Pending, Gone)):
            return told
        return answer_of(told, output_key) or Gone("unfit", "the app answers in a form that this version does not know")

    def cancel(self, call_id: str) -> None:
        """Stop a call that is under way. Raises ModalUnavailable."""
        with self._breakers.guard(MODAL):
            self._asked(self._cancelled(call_id))

    def close(self) -> None:
        """Give the connection back; the next call opens another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _payload(self, call: Call) -> dict[str, Any]:
        given = call.input and {
            "url": self._objects.readable(call.input.key, URLS_VALID_S),
            "sha256": call.input.sha256.hex(),
            "size_bytes": call.input.size_bytes,
        }
        return {
            "job_id": str(call.job_id),
            "attempt": call.attempt,
            "arguments": dict(call.arguments),
            "input": given,
            "output_url": self._objects.writable(call.output_key, URLS_VALID_S),
        }

    def _asked(self, asking: Coroutine[Any, Any, T]) -> T:
        """What Modal answers in time, or its failure as one of ours."""
        with _translated():
            return asyncio.run(asyncio.wait_for(asking, self._timeout_s))

    async def _spawned(self, name: str, payload: dict[str, Any]) -> str:
        import modal

        function = modal.Function.from_name(self._app, name, client=await self._connected())
        call_id: str = (await function.spawn.aio(payload)).object_id
        return call_id

    async def _told(self, call_id: str) -> Any:
        """What the function returned, Pending, or Gone."""
        import modal

        call = modal.FunctionCall.from_id(call_id, client=await self._connected())
        try:
            return await call.get.aio(timeout=0)
        except TimeoutError:
            return Pending()
        except Exception as error:  # whatever the function raised is raised here again
            gone = _gone(error)
            if gone is None:
                raise
            return gone

    async def _cancelled(self, call_id: str) -> None:
        import modal

        await modal.FunctionCall.from_id(call_id, client=await self._connected()).cancel.aio()

    async def _connected(self) -> Any:
        """The container's client. Raises ModalUnreachable, and what connecting raises."""
        import modal

        if self._client is None or self._client.is_closed():
            token_id, _, token_secret = self._token().get_secret_value().strip().partition(":")
            if not token_id or not token_secret:
                raise ModalUnauthorized(reason="the secret is not of the form <token id>:<token secret>")
            connecting = modal.Client.from_credentials.aio(token_id, token_secret)
            try:
                # Sooner than what waits for it, so that it is known that nothing was asked.
                self._client = await asyncio.wait_for(connecting, self._timeout_s / 2)
            except TimeoutError as silence:
                raise ModalUnreachable(error="no connection") from silence
        return self._client


def _gone(error: Exception) -> Gone | None:
    """What the client raises to tell how the call ended; None for what says nothing about the call.

    What the function raised is raised here as well, whatever it is: gpu/app.py lets out nothing of the last kind.
    """
    from modal import exception as told

    if isinstance(error, (told.OutputExpiredError, told.NotFoundError)):
        return Gone("expired", "Modal has no result of the call any more")
    if isinstance(error, told.FunctionTimeoutError):
        return Gone("timed_out", "the function's time was over")
    ends = (told.RemoteError, told.ExecutionError, told.InternalFailure, told.DeserializationError)
    if isinstance(error, (told.Error, OSError, CounterpartError)) and not isinstance(error, ends):
        return None
    return Gone("failed", type(error).__qualname__)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise Modal's failures as ours; their texts may quote what was sent, so only their types are told."""
    from modal import exception as told

    try:
        yield
    except CounterpartError:
        raise
    except (told.AuthError, told.PermissionDeniedError) as error:
        raise ModalUnauthorized(error=type(error).__name__) from error
    except told.NotFoundError as error:
        raise ModalFunctionAbsent(error=type(error).__name__) from error
    except (told.InvalidError, told.VersionError, told.SerializationError, told.RequestSizeError) as error:
        raise ModalRefused(error=type(error).__name__) from error
    except told.ConnectionError as error:
        raise ModalUnreachable(error=type(error).__name__) from error
    except (told.Error, OSError) as error:
        raise ModalUnavailable(error=type(error).__name__) from error

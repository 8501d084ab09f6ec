"""The monitor's methods: an exchange is watched, and its proof is asked for; and what is shown of it over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from functions.barter.adapters import views
from functions.barter.adapters.image import image_source
from functions.barter.adapters.pages import cursor_of, place_of
from functions.barter.adapters.rpc import Method, Rpc
from functions.barter.core.job import State
from functions.barter.core.json_rpc import Code, Refused
from kernel.auth.principal import Role
from kernel.errors import Conflict
from kernel.evm.addresses import AddressInvalid, checksum

if TYPE_CHECKING:
    from functions.barter.adapters.stored import StoredJob
    from functions.barter.wiring import Deps
    from kernel.auth.principal import Principal

_STATUS: Final[Mapping[str, str]] = {
    State.CREATED: "Created",
    State.IN_PROGRESS: "InProgress",
    State.COMPLETED: "Completed",
}
#: Of an exchange's history, the newest.
STEPS_MAX: Final = 500


class ProofNotOwed(Conflict):
    """No proof is owed to this exchange."""

    cause = "It is not in Trade yet, nobody has looked at it since it entered Trade, or it left Trade without a proof."
    remedy = "Ask again once its phase is trade; /v1/barter/contracts/{address} tells the phase."
    example = '{"address": "0x5FbDB2315678afecb367f032d93F642f64180aa3"}'


class ProofUnfinished(Conflict):
    """The proof is not there yet."""

    cause = "It is created, in progress, or its last attempt came to nothing and it is tried again."
    remedy = "Ask getProofStatus, subscribe to the topic barter:<address>, or register a webhook for barter.*."
    example = '{"address": "0x5FbDB2315678afecb367f032d93F642f64180aa3", "state": "in_progress"}'


class Monitor:
    """Everything that http_rpc and http_barter answer with."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    def rpc(self, caller: Principal) -> Rpc:
        """The five methods, for one caller: a batch counts as many of its requests as it holds."""
        methods = {
            "watchContract": Method(("address",), partial(self.watch_contract, caller)),
            "getProof": Method(("address",), self.proof),
            "getProofStatus": Method(("address",), self.proof_status),
            "getImageIDContract": Method((), self.image_contract),
            "healthCheck": Method((), self.health_check),
        }
        authenticator = self._deps.authenticator

        def admit(calls: int) -> None:
            for _ in range(calls):
                authenticator.admit(caller, writes=True)

        return Rpc(methods, admit)

    def watch_contract(self, caller: Principal, address: Any) -> None:
        """Watch an exchange from now on; asked again, it changes nothing, but that an operator's asking has us pay.

        Raises NotAnExchange, MarketTooLarge, TooManyWatches; Refused for what is no address.
        """
        self._deps.watching.begin(_address(address), by_operator=caller.role >= Role.OPERATOR)

    def proof(self, address: Any) -> dict[str, list[int]]:
        """What `reallocateTokens` takes, byte by byte. Raises MarketUnknown, ProofNotOwed, ProofUnfinished."""
        job = self._job(address)
        if job.journal is None or job.seal is None:
            raise ProofUnfinished(address=job.address, state=str(job.state))
        return {"journal": list(job.journal), "seal": list(job.seal)}

    def proof_status(self, address: Any) -> str | dict[str, str]:
        """How far it is, in the words of the monitor that was there before. Raises MarketUnknown, ProofNotOwed."""
        job = self._job(address)
        return _STATUS.get(job.state) or {"Errored": str(job.error)}

    def image_contract(self) -> str:
        """A library in Solidity that names the verification key."""
        return image_source(self._deps.settings.image)

    def health_check(self) -> None:
        """Nothing, if the database and the chain answer. Raises DatabaseUnavailable, RpcUnavailable, NoQuorum."""
        with self._deps.kernel.postgres.transaction() as tx:
            tx.execute("select 1")
        self._deps.exchanges.newest_block()

    def contracts(self, *, limit: int, cursor: str | None) -> views.Exchanges:
        """A page of exchanges. Raises PageUnfit."""
        below = None if cursor is None else place_of(cursor)
        with self._deps.kernel.postgres.transaction() as tx:
            page = self._deps.contracts.page(tx, below=below, limit=limit)
        following = cursor_of(page[-1].watch) if len(page) == limit else None
        return views.Exchanges(contracts=[views.exchange_view(one) for one in page], next_cursor=following)

    def contract(self, address: str) -> views.ExchangeStory:
        """One exchange with its history; a path may have any case. Raises MarketUnknown."""
        named = checksum(address.lower())
        with self._deps.kernel.postgres.transaction() as tx:
            found = self._deps.contracts.one(tx, named)
            history = self._deps.contracts.history(tx, named, limit=STEPS_MAX)
        return views.story_view(found, history)

    def _job(self, address: Any) -> StoredJob:
        named = _address(address)
        with self._deps.kernel.postgres.transaction() as tx:
            job = self._deps.contracts.one(tx, named).job
        if job is None:
            raise ProofNotOwed(address=named)
        return job


def _address(given: Any) -> str:
    """An address with its checksum. Raises Refused: it is an argument."""
    try:
        return checksum(given)
    except (AddressInvalid, TypeError) as unfit:
        raise Refused(Code.INVALID_PARAMS, {"address": AddressInvalid.cause}) from unfit

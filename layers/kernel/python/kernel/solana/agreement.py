"""Owns the reads of Solana that move money: what a quorum of endpoints comes to.

Two honest endpoints of Solana hardly ever stand at the same slot, and no question but a few can be pinned to one. So
answers are not compared whole: each question has a rule of its own that errs on the safe side, here and in `statuses`,
and no endpoint is distrusted for being a slot ahead.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar

from kernel import base58
from kernel.hashes import HASH_SIZE_BYTES
from kernel.jsonrpc.endpoint import Call, Endpoint, EndpointUnavailable, RpcRefused
from kernel.jsonrpc.pool import Pool
from kernel.jsonrpc.quorum import NoQuorum
from kernel.solana.accounts import AccountState, AccountUnfit, NonceState, nonce_of
from kernel.solana.statuses import SignatureStatus, agreed_status, disputed, found_in_block, refuted

# A blockhash is good for so many blocks after its own.
BLOCKHASH_BLOCKS: Final = 150
# By so many blocks the node that gave a blockhash may be ahead of those that are asked for their heads.
LEAD_BLOCKS_MAX: Final = 40
# What the RPC takes in one call.
STATUSES_MAX, ACCOUNTS_MAX = 256, 100
# What a column of ours holds.
SLOT_MAX: Final = 2**63 - 1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Blockhash:
    """A recent blockhash, the last block height at which bytes signed with it can land, and the slot it was read at."""

    value: str
    last_valid_block_height: int
    slot: int


class AgreeingPool(Pool):
    """The endpoints of one cluster, asked for what they agree upon."""

    def latest_blockhash(self, commitment: str = "confirmed") -> Blockhash:
        """A recent blockhash and the last block height at which bytes signed with it can land. Raises NoQuorum."""
        return self.bounded(self.told([blockhash_asked(commitment)], lambda answers: blockhash_told(answers[0])))

    def bounded(self, told: Blockhash) -> Blockhash:
        """A blockhash that one endpoint told just now, held to what all say of their heads.

        An endpoint that names too low a height would let us sign anew what can still land, and one that names too
        high a height would never let us. So the answer is held to the highest head that any endpoint tells afterwards
        and the life of a blockhash: never below, and hardly above. Raises NoQuorum when too few tell their heads.
        """
        heads: list[int] = self.everywhere("getBlockHeight", [{"commitment": "processed"}], int)
        if len(heads) < self.needed():
            raise NoQuorum(chain=self.chain, method="getBlockHeight", needed=self.needed(), answered=len(heads))
        bound, last_valid = max(heads) + BLOCKHASH_BLOCKS, told.last_valid_block_height
        return replace(told, last_valid_block_height=min(max(last_valid, bound), bound + LEAD_BLOCKS_MAX))

    def agreed_height_floor(self, commitment: str = "finalized", *, quorum: int | None = None) -> int:
        """The lowest block height that a quorum of endpoints tells. Raises NoQuorum when fewer answer."""
        heights, _ = self._told("getBlockHeight", [{"commitment": commitment}], int, quorum)
        return min(heights)

    def finalized_slot_ceiling(self, *, quorum: int | None = None) -> int:
        """The highest finalized slot that any of a quorum of endpoints tells. Raises NoQuorum when fewer answer."""
        slots, _ = self._told("getSlot", [{"commitment": "finalized"}], int, quorum)
        return max(slots)

    def history_start_slot(self, *, quorum: int | None = None) -> int:
        """The slot from which on *every* answering endpoint still keeps blocks. Raises NoQuorum when too few answer."""
        slots, _ = self._told("getFirstAvailableBlock", [], int, quorum)
        return max(slots)

    def blockhash_lives(self, value: str, *, as_of_slot: int = 0, quorum: int | None = None) -> bool:
        """Whether to any of a quorum of endpoints that have come to a slot this blockhash still lets bytes land.

        Raises NoQuorum when fewer answer.
        """
        options = {"commitment": "processed", "minContextSlot": as_of_slot}
        told, _ = self._told("isBlockhashValid", [value, options], lambda answer: bool(answer["value"]), quorum)
        return any(told)

    def agreed_statuses(
        self, signatures: Sequence[str], *, as_of_slot: int = 0, quorum: int | None = None
    ) -> list[SignatureStatus | None]:
        """What is believed of each signature, with all history searched (rules in `statuses`). Raises NoQuorum.

        None: a quorum knows nothing of it, and nobody knows something. Nodes that have not come to `as_of_slot` do not
        count: behind one address may stand several, and what one of them told says nothing about the next.
        """
        agreed: list[SignatureStatus | None] = []
        for asked in chunks(signatures, STATUSES_MAX):
            count = len(asked)
            told, needed = self._witnesses(
                "getSignatureStatuses",
                statuses_asked(asked, search_history=True),
                partial(statuses_told, count=count, as_of_slot=as_of_slot),
                quorum,
            )
            agreed += [
                self._weighed(signature, {one: statuses[place] for one, statuses in told.items()}, needed)
                for place, signature in enumerate(asked)
            ]
        return agreed

    def agreed_balance_lamports(self, address: str, *, quorum: int | None = None) -> int:
        """The finalized balance that a quorum tells alike. Raises NoQuorum, also while it changes."""
        asked = [address, {"commitment": "finalized"}]
        return self._agreed_alike("getBalance", asked, lambda answer: int(answer["value"]), quorum)

    def agreed_accounts(
        self, addresses: Sequence[str], *, as_of_slot: int = 0, quorum: int | None = None
    ) -> list[AccountState | None]:
        """Finalized accounts that a quorum tells alike, None where there is none; a hundred are of one moment.

        The slot is the lowest of those who told the same: nobody can raise it alone. Nodes that have not come to
        `as_of_slot` do not count. Raises NoQuorum, also while one of the accounts changes.
        """
        found: list[AccountState | None] = []
        for asked in chunks(addresses, ACCOUNTS_MAX):
            params = accounts_asked(asked, as_of_slot)
            read = partial(accounts_told, count=len(asked), as_of_slot=as_of_slot)
            told, needed = self._told("getMultipleAccounts", params, read, quorum)
            agreed = self._alike("getMultipleAccounts", [accounts for _, accounts in told], needed)
            slot = min(slot for slot, accounts in told if accounts == agreed)
            found += [one and replace(one, slot=slot) for one in agreed]
        return found

    def agreed_nonce_account(self, address: str, *, quorum: int | None = None) -> NonceState:
        """The finalized nonce that a quorum tells alike. Raises NoQuorum, also while it advances, and AccountUnfit."""
        nonce = self._agreed_alike(
            "getAccountInfo", account_asked(address, "finalized"), partial(_nonce, address), quorum
        )
        if nonce is None:
            raise AccountUnfit(address=address, expected="nonce")
        return nonce

    def _agreed_alike(self, method: str, params: Sequence[Any], read: Callable[[Any], T], quorum: int | None) -> T:
        """What enough endpoints tell alike; that others are a slot ahead is no lie."""
        told, needed = self._told(method, params, read, quorum)
        return self._alike(method, told, needed)

    def _alike(self, method: str, told: list[T], needed: int) -> T:
        answer, count = Counter(told).most_common(1)[0]
        if count < needed or sum(n == count for n in Counter(told).values()) > 1:
            raise NoQuorum(chain=self.chain, method=method, needed=needed, answered=len(told))
        return answer

    def _told(
        self, method: str, params: Sequence[Any], read: Callable[[Any], T], quorum: int | None
    ) -> tuple[list[T], int]:
        """Every believed endpoint's answer, and how many are needed. Raises NoQuorum when fewer answer."""
        told, needed = self._witnesses(method, params, read, quorum)
        return list(told.values()), needed

    def _weighed(
        self, signature: str, told: Mapping[Endpoint, SignatureStatus | None], needed: int
    ) -> SignatureStatus | None:
        """What the endpoints' knowledge of one signature comes to, their blocks consulted where they disagree."""
        claim = disputed(list(told.values()), needed)
        if claim is None:
            return agreed_status(list(told.values()), needed)
        ignorant = [one for one, status in told.items() if status is None]
        heard = self._in_blocks(signature, claim.slot, ignorant)
        lying = refuted(claim, told, heard, needed)
        for one in lying:
            self._roster.distrust(one, "it calls final what is not in the block that it names")
        votes = {one: status for one, status in {**told, **heard}.items() if one not in lying}
        return agreed_status(list(votes.values()), needed)

    def _in_blocks(
        self, signature: str, slot: int, endpoints: Sequence[Endpoint]
    ) -> dict[Endpoint, SignatureStatus | None]:
        """What the block of a slot says of a signature, at those endpoints that have the block."""
        options = {
            "transactionDetails": "accounts",
            "rewards": False,
            "commitment": "finalized",
            "maxSupportedTransactionVersion": 0,
        }

        def look(endpoint: Endpoint) -> tuple[SignatureStatus | None] | None:
            try:
                return (found_in_block(endpoint.call("getBlock", [slot, options]), signature, slot),)
            except (EndpointUnavailable, RpcRefused, ValueError, TypeError, LookupError):
                return None

        found = zip(endpoints, self._fan.each(endpoints, look, lambda told: len(told) == len(endpoints)), strict=True)
        return {one: answer[0] for one, answer in found if answer is not None}

    def _witnesses(
        self, method: str, params: Sequence[Any], read: Callable[[Any], T], quorum: int | None
    ) -> tuple[dict[Endpoint, T], int]:
        """The same by endpoint."""
        voters, needed = self._electorate(quorum)

        def ask(endpoint: Endpoint) -> tuple[T] | None:
            try:
                return (read(endpoint.call(method, params)),)
            except EndpointUnavailable as away:
                self._roster.fail(endpoint, type(away).__name__)
            except (RpcRefused, ValueError, TypeError, LookupError):
                pass  # no answer, or one of another shape: no vote
            return None

        answers = zip(voters, self._fan.each(voters, ask, lambda told: len(told) >= needed), strict=True)
        told = {one: answer[0] for one, answer in answers if answer is not None}
        if len(told) < needed:
            raise NoQuorum(chain=self.chain, method=method, needed=needed, answered=len(told))
        return told, needed


def blockhash_asked(commitment: str) -> Call:
    return "getLatestBlockhash", [{"commitment": commitment}]


def blockhash_told(answer: Any) -> Blockhash:
    """Raises ValueError for what is no hash or no slot: a node's mistake is not a caller's."""
    value, slot = answer["value"], int(answer["context"]["slot"])
    if len(base58.decode(value["blockhash"])) != HASH_SIZE_BYTES or not 0 <= slot <= SLOT_MAX:
        raise ValueError("a node names a blockhash or a slot that is none")
    return Blockhash(
        value=str(value["blockhash"]), last_valid_block_height=int(value["lastValidBlockHeight"]), slot=slot
    )


def account_asked(address: str, commitment: str) -> list[Any]:
    return [address, {"encoding": "base64", "commitment": commitment}]


def accounts_asked(addresses: Sequence[str], as_of_slot: int) -> list[Any]:
    return [list(addresses), {"encoding": "base64", "commitment": "finalized", "minContextSlot": as_of_slot}]


def accounts_told(answer: Any, count: int, as_of_slot: int) -> tuple[int, tuple[AccountState | None, ...]]:
    """The answer's slot, and the accounts without it. Raises ValueError for a node that has not come so far."""
    slot, values = int(answer["context"]["slot"]), answer["value"]
    if slot < as_of_slot or len(values) != count:
        raise ValueError(f"{len(values)} accounts of slot {slot}, not {count} of {as_of_slot} or later")
    accounts = (AccountState.from_rpc({"context": {"slot": 0}, "value": value}) for value in values)
    return slot, tuple(accounts)


def _nonce(address: str, answer: Any) -> NonceState | None:
    with suppress(AccountUnfit):
        return nonce_of(address, AccountState.from_rpc(answer))
    return None


def statuses_asked(signatures: Sequence[str], *, search_history: bool) -> list[Any]:
    return [list(signatures), {"searchTransactionHistory": search_history}]


def statuses_told(answer: Any, count: int, as_of_slot: int = 0) -> list[SignatureStatus | None]:
    if as_of_slot and int(answer["context"]["slot"]) < as_of_slot:
        raise ValueError(f"the node has not come to slot {as_of_slot}")
    found = [SignatureStatus.from_rpc(status) for status in answer["value"]]
    if len(found) != count:
        raise ValueError(f"{len(found)} statuses for {count} signatures")
    return found


def chunks(signatures: Sequence[str], size: int) -> list[Sequence[str]]:
    return [signatures[start : start + size] for start in range(0, len(signatures), size)]

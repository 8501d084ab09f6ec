"""Claims what is ours with its proofs, once the voters agreed on our root, and books what the chain paid.

One transaction an owner, with all of its claims. It is paid when the chain's own event says so, in a block that is
final: then the claim, its postings, and the deposit of a wallet that the treasury keeps, commit together.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from functions.oracle.adapters.intents import SERVICE
from functions.oracle.adapters.registry import Registry
from functions.oracle.adapters.reward_intents import RewardIntents
from functions.oracle.adapters.reward_store import Q, RewardStore, StoredClaim
from functions.oracle.adapters.sent import sent_of
from functions.oracle.core.reward_claims import Claim, ClaimType, claim_leaf, claim_tree
from functions.oracle.core.reward_steps import ClaimFacts, ClaimStep, Exhausted, Record, Wait
from kernel.clock import Clock
from kernel.errors import Broken
from kernel.evm.addresses import checksum
from kernel.evm.blocks import Receipt, hexadecimal
from kernel.ledger import Account, Ledger, Posting
from kernel.outbox.evm import EvmOutbox, OutboxEntry, State
from kernel.postgres import Fence, Postgres, Transaction
from kernel.tasks import Done, Outcome, Retry, Tasks
from kernel.treasury.inlets import Deposit
from kernel.treasury.treasury import Treasury
from kernel.treasury.wallets import WalletNotOpen, WalletUnknown

#: Where rewards come from in our books: what the network owes us is not an account of ours, so it may go below zero.
EARNED: Final = f"{SERVICE}:rewards:earned"
LONG_WAIT_FACTOR: Final = 30


class ClaimUnpaid(Broken):
    """No transaction of ours claimed what is due to us."""

    cause = "Every attempt reverted, though the root is ours; somebody else may have claimed it, or it has expired."
    remedy = "Compare the reverts with RewardClaimed events of the reward epoch, and book what was paid by hand."


class PaidDifferently(Broken):
    """A claim of ours went through and paid other amounts than we claimed."""

    cause = "The reward manager is another one than configured, or its event is of another form."
    remedy = "Compare the transaction's events with the stored claims before the task is replayed."


class Due(NamedTuple):
    """What is due to one owner of ours, and where that stands."""

    owner: str
    claims: tuple[StoredClaim, ...]
    facts: ClaimFacts
    entry: OutboxEntry | None


class RewardClaiming:
    """Claims of one provider; an owner whose key is not ours has to name the address that sends as its executor."""

    def __init__(
        self,
        registry: Registry,
        store: RewardStore,
        postgres: Postgres,
        tasks: Tasks,
        outbox: EvmOutbox,
        intents: RewardIntents,
        treasury: Treasury,
        clock: Clock,
    ) -> None:
        self._registry, self._store, self._postgres, self._tasks = registry, store, postgres, tasks
        self._outbox, self._intents, self._treasury, self._clock = outbox, intents, treasury, clock
        self._ledger = Ledger(clock)

    def due(self, reward_epoch: int) -> list[Due]:
        """What is due to each of our addresses, as the chain and we know it now."""
        ours = [one for one in self._store.claims(reward_epoch) if one.is_ours]
        return [
            self._due(reward_epoch, owner, tuple(one for one in ours if one.claim.beneficiary == owner))
            for owner in dict.fromkeys(one.claim.beneficiary for one in ours)
        ]

    def act(
        self, decided: Sequence[tuple[Due, ClaimStep]], reward_epoch: int, *, poll_s: float, fence: Fence
    ) -> Outcome:
        """Carry out what was decided for each owner. Raises ClaimUnpaid, PaidDifferently."""
        waits: list[Wait] = []
        for due, step in decided:
            if isinstance(step, Exhausted):
                raise ClaimUnpaid(reward_epoch=reward_epoch, owner=due.owner)
            if isinstance(step, Record):
                self._record(due, reward_epoch, step.attempt, fence)
                waits.append(Wait("our claim is recorded"))
            if isinstance(step, Wait):
                waits.append(step)
                if due.entry is not None and due.entry.state == State.CONFIRMED:
                    self._settle(due, due.entry, reward_epoch, fence)
                    waits[-1] = Wait("a claim is booked")
        if waits:
            soonest = min(waits, key=lambda wait: wait.is_long)
            return Retry(poll_s * (LONG_WAIT_FACTOR if soonest.is_long else 1), soonest.reason)
        with self._postgres.transaction(holding=fence) as tx:
            tx.execute(Q["finish_reward_epoch"], reward_epoch=reward_epoch, now=self._clock.now())
            self._tasks.complete(tx, fence)
        return Done({"owners": len(decided)})

    def _due(self, reward_epoch: int, owner: str, claims: tuple[StoredClaim, ...]) -> Due:
        attempts = max(one.attempts for one in claims)
        key = self._intents.key("claim", reward_epoch, owner, attempts)
        entry = self._outbox.entry(key) if attempts else None
        is_claimed, sender = all(one.is_claimed for one in claims), self._intents.claims_by(owner)
        facts = ClaimFacts(
            is_claimed=is_claimed,
            may_claim=is_claimed
            or owner == sender.lower()
            or self._registry.claim_setup.call("isClaimExecutor", owner, sender),
            sent=sent_of(self._outbox, key, attempts),
            attempts=attempts,
        )
        return Due(owner, claims, facts, entry)

    def _record(self, due: Due, reward_epoch: int, attempt: int, fence: Fence) -> None:
        """Every leaf is needed for a proof, ours or not."""
        tree = claim_tree(reward_epoch, [one.claim for one in self._store.claims(reward_epoch)])
        owed = [one.claim for one in due.claims if not one.is_claimed]
        proven = [(claim, tree.proof(claim_leaf(reward_epoch, claim))) for claim in owed]
        intent = self._intents.claim(reward_epoch, due.owner, proven, attempt)
        with self._postgres.transaction(holding=fence) as tx:
            tx.execute(Q["record_claim"], reward_epoch=reward_epoch, beneficiary=due.owner, attempt=attempt)
            self._outbox.record(tx, intent)

    def _settle(self, due: Due, entry: OutboxEntry, reward_epoch: int, fence: Fence) -> None:
        owed = [one.claim for one in due.claims if not one.is_claimed]
        if entry.transaction_hash is None or entry.block_number is None:
            raise AssertionError("a confirmed transaction is in a block")
        if sorted(self._paid(entry.transaction_hash, reward_epoch, due.owner)) != sorted(owed):
            raise PaidDifferently(reward_epoch=reward_epoch, transaction=hexadecimal(entry.transaction_hash))
        with self._postgres.transaction(holding=fence) as tx:
            # The wallet before any account: whoever books a difference of it takes them in this order, too.
            self._receive(tx, due.owner, owed, reward_epoch, entry.transaction_hash, entry.block_number)
            self._post(tx, due.owner, owed, reward_epoch)
            for claim in owed:
                tx.execute(
                    Q["settle_claim"],
                    reward_epoch=reward_epoch,
                    beneficiary=claim.beneficiary,
                    claim_type=int(claim.type),
                    transaction_hash=entry.transaction_hash,
                    block_number=entry.block_number,
                    now=self._clock.now(),
                )

    def _paid(self, transaction_hash: bytes, reward_epoch: int, owner: str) -> Iterable[Claim]:
        """What the chain says that it paid to an owner in a transaction, as a quorum of its endpoints tells."""
        manager = self._registry.reward_manager
        asked = [hexadecimal(transaction_hash)]
        for log in Receipt.from_rpc(manager.pool.agreed("eth_getTransactionReceipt", asked, by=_told)).logs:
            event = manager.abi.decode_log(log) if log.address.lower() == manager.address.lower() else None
            if event is not None and event.name == "RewardClaimed":
                said = event.arguments
                whose = (said["rewardEpochId"], said["rewardOwner"].lower(), said["recipient"].lower())
                if whose == (reward_epoch, owner, owner):
                    yield Claim(said["beneficiary"].lower(), ClaimType(said["claimType"]), said["amount"])

    def _receive(
        self, tx: Transaction, owner: str, owed: Sequence[Claim], reward_epoch: int, hash_: bytes, block: int
    ) -> None:
        """Tell the treasury, where it keeps the owner's wallet and the wallet's books are open."""
        chain, transaction_id = self._registry.reward_manager.pool.chain, hexadecimal(hash_)
        deposit = Deposit(
            key=self._intents.key("claimed", reward_epoch, owner, 1),
            event=f"{chain}:{transaction_id}:{owner}",
            chain=chain,
            wallet=checksum(owner),
            amount=sum(claim.amount for claim in owed),
            block=block,
            transaction_id=transaction_id,
            forward_to=None,
        )
        try:
            self._treasury.receive(tx, deposit)
        except (WalletUnknown, WalletNotOpen):
            return

    def _post(self, tx: Transaction, owner: str, owed: Sequence[Claim], reward_epoch: int) -> None:
        """What we earned, and whose it is, in the service's own books."""
        asset = f"{self._registry.reward_manager.pool.chain}:native"
        kept = f"{SERVICE}:rewards:{checksum(owner)}"
        amount = sum(claim.amount for claim in owed)
        self._ledger.open(
            tx, [Account(name=EARNED, asset=asset, may_go_negative=True), Account(name=kept, asset=asset)]
        )
        self._ledger.post(
            tx,
            business_key=self._intents.key("claimed", reward_epoch, owner, 1),
            service=SERVICE,
            postings=[Posting(kept, asset, amount), Posting(EARNED, asset, -amount)],
            memo=f"rewards of reward epoch {reward_epoch}",
        )


def _told(receipt: Any) -> Any:
    """What must be the same in the receipts of several endpoints."""
    if receipt is None:
        return None
    logs = ((log["address"].lower(), tuple(log["topics"]), log["data"]) for log in receipt["logs"])
    return receipt["blockHash"], receipt["status"], tuple(logs)

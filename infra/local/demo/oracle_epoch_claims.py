"""The end of the oracle's whole show: the participants sign the rewards and claim what is theirs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from functions.oracle.core.message import signing_digest
from functions.oracle.core.reward_claims import Claim, ClaimType, claim_leaf, claim_tree
from functions.oracle.core.reward_epoch import EpochRewards
from functions.oracle.core.reward_messages import rewards_message
from infra.local.demo.oracle_epoch_rounds import Roll
from infra.local.flare.accounts import Voter
from infra.local.flare.network import FlareNetwork
from infra.local.flare.reading import events, read
from infra.local.flare.transactions import Sender, Transaction, TransactionReverted
from kernel.keys.evm import LocalSigner

NO_ROOT: Final = bytes(32)
#: The kinds that an owner claims by itself on a local network; the rest is shared by weight of delegations.
OWN: Final = (ClaimType.DIRECT, ClaimType.FEE)


class Claims:
    """The claims of a reward epoch as the scene has reckoned them."""

    def __init__(
        self, network: FlareNetwork, sender: Sender, roll: Roll, rewards: EpochRewards, reward_epoch: int
    ) -> None:
        self._network, self._sender, self._roll = network, sender, roll
        self._reward_epoch, self.rewards = reward_epoch, rewards
        self._tree = claim_tree(reward_epoch, rewards.claims)

    @property
    def root(self) -> bytes:
        """The root that everybody should sign."""
        return self._tree.root

    @property
    def chain_root(self) -> bytes:
        """What the voters agreed on; zeros before they did."""
        root: bytes = read(self._network, "FlareSystemsManager", "rewardsHash", self._reward_epoch)
        return root

    def own(self) -> Mapping[str, int]:
        """Identity, lower-case, to what it may claim by itself, in wei."""
        due: defaultdict[str, int] = defaultdict(int)
        for claim in self.rewards.claims:
            if claim.type in OWN:
                due[claim.beneficiary] += claim.amount
        return {one.identity: due[one.identity] for one in self._roll.providers if due[one.identity]}

    def signed(self) -> dict[str, bytes]:
        """Name of the voter to the root that it has signed."""
        names = {voter.identity.address.lower(): voter.name for voter in self._roll.voters}
        told = events(self._network, "FlareSystemsManager", "RewardsSigned")
        return {
            names[one["voter"].lower()]: one["rewardsHash"]
            for one in told
            if one["rewardEpochId"] == self._reward_epoch
        }

    def paid(self) -> dict[str, int]:
        """Owner, lower-case, to what the chain says that it was paid, in wei."""
        paid: defaultdict[str, int] = defaultdict(int)
        for one in events(self._network, "RewardManager", "RewardClaimed"):
            if one["rewardEpochId"] == self._reward_epoch:
                paid[one["rewardOwner"].lower()] += one["amount"]
        return dict(paid)

    def sign(self, voters: Sequence[Voter]) -> None:
        """Let these voters sign, the heaviest first, until the threshold is passed; more than that is refused."""
        policy = self._roll.policy
        weights = {voter.name: weight for voter, weight in zip(self._roll.voters, policy.weights, strict=True)}
        weight, signing = sum(weights[name] for name in self.signed()), []
        for voter in sorted(voters, key=lambda one: -weights[one.name]):
            if weight <= policy.threshold:
                signing.append(self._signature(voter))
                weight += weights[voter.name]
        self._sender.send(signing)

    def claim(self, voters: Sequence[Voter]) -> None:
        """Let these voters claim what is their own."""
        calls = [call for voter in voters if (call := self._claim(voter)) is not None]
        self._sender.send(calls)

    def is_refused_twice(self, voter: Voter) -> bool:
        """Whether the chain refuses what was claimed already."""
        call = self._claim(voter)
        if call is None:
            return True
        try:
            self._sender.send([call])
        except TransactionReverted as reverted:
            return reverted.reason.startswith("AlreadyClaimed(")
        return False

    def _signature(self, voter: Voter) -> Transaction:
        manager_id = read(self._network, "RewardManager", "rewardManagerId")
        counts = [(manager_id, self.rewards.weight_based)]
        digest = signing_digest(rewards_message(self._reward_epoch, counts, self.root))
        v, r, s = LocalSigner(voter.signing_policy.private_key).sign_digest(digest)
        manager = self._network.contracts["FlareSystemsManager"]
        signature = (v, r.to_bytes(32, "big"), s.to_bytes(32, "big"))
        data = manager.data("signRewards", self._reward_epoch, counts, self.root, signature)
        return _from(voter, manager.address, data, f"{voter.name} signs the rewards")

    def _claim(self, voter: Voter) -> Transaction | None:
        """Everything that is the voter's own, with proofs; None where nothing is."""
        identity = voter.identity.address
        due = [one for one in self.rewards.claims if one.beneficiary == identity.lower() and one.type in OWN]
        if not due:
            return None
        proofs = [(self._tree.proof(claim_leaf(self._reward_epoch, one)), self._body(one)) for one in due]
        manager = self._network.contracts["RewardManager"]
        data = manager.data("claim", identity, identity, self._reward_epoch, False, proofs)
        return _from(voter, manager.address, data, f"{voter.name} claims")

    def _body(self, claim: Claim) -> tuple[Any, ...]:
        return (self._reward_epoch, bytes.fromhex(claim.beneficiary[2:]), claim.amount, int(claim.type))


def _from(voter: Voter, to: str, data: bytes, note: str) -> Transaction:
    return Transaction(sender=voter.identity, to=to, data=data, note=note)

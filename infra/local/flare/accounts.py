"""Development keys of the local network, derived from a seed: worthless anywhere else, the same on every run."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from eth_account import Account
from eth_utils.crypto import keccak

ETHER = 10**18


@dataclass(frozen=True, slots=True)
class DevAccount:
    """An address and its development key."""

    address: str
    private_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voter:
    """A data provider: who it is, the three addresses that act for it, and the vote power delegated to it."""

    name: str
    identity: DevAccount
    submit: DevAccount
    submit_signatures: DevAccount
    signing_policy: DevAccount
    vote_power_wei: int

    @property
    def accounts(self) -> tuple[DevAccount, ...]:
        """All four."""
        return (self.identity, self.submit, self.submit_signatures, self.signing_policy)


def dev_account(seed: str, role: str) -> DevAccount:
    """The account of a role: its key is the hash of both texts."""
    key = keccak(text=f"counterpart development key\n{seed}\n{role}")
    return DevAccount(str(Account.from_key(key).address), key)


def dev_voters(seed: str, vote_power_wei: Sequence[int]) -> tuple[Voter, ...]:
    """One voter per vote power, in that order."""
    return tuple(
        Voter(
            name=f"provider-{number}",
            identity=dev_account(seed, f"provider {number} identity"),
            submit=dev_account(seed, f"provider {number} submit"),
            submit_signatures=dev_account(seed, f"provider {number} submit signatures"),
            signing_policy=dev_account(seed, f"provider {number} signing policy"),
            vote_power_wei=power,
        )
        for number, power in enumerate(vote_power_wei)
    )

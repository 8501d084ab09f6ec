"""Fast updates of a local network: what is offered for them, where feeds stand, and a voter's update."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_defunct

from infra.local.flare.accounts import DevAccount, Voter
from infra.local.flare.contracts import Contract
from infra.local.flare.transactions import Transaction

#: Nobody is drawn on a local network, so the credential is empty.
CREDENTIAL = (0, (0, 0), 0, 0)


def offer_updates(
    contracts: Mapping[str, Contract],
    governance: DevAccount,
    *,
    reward_epoch: int,
    bands_ppm: Mapping[bytes, int],
    amount_wei: int,
) -> Iterable[Transaction]:
    """Offer inflation for the fast updates of a reward epoch; bands_ppm: feed id to the width of its reward band."""
    incentives = contracts["FastUpdateIncentiveManager"]
    data = incentives.data("offerInflationRewards", reward_epoch, [(one, band, 0) for one, band in bands_ppm.items()])
    yield Transaction(
        sender=governance, to=incentives.address, data=data, value_wei=amount_wei, note="offering for fast updates"
    )


def state_values(
    contracts: Mapping[str, Contract], governance: DevAccount, values: Sequence[tuple[int, int]]
) -> Iterable[Transaction]:
    """State each feed's value and its decimals."""
    updater = contracts["FastUpdater"]
    data = updater.data("setFeeds", [value for value, _ in values], [decimals for _, decimals in values])
    yield Transaction(sender=governance, to=updater.address, data=data, note="stating fast feeds")


def update(contracts: Mapping[str, Contract], voter: Voter, deltas: bytes, block: int = 0) -> Iterable[Transaction]:
    """A voter's update, sent by the address that deposits its signatures."""
    updater = contracts["FastUpdater"]
    credential = "(uint256,(uint256,uint256),uint256,uint256)"
    digest = hashlib.sha256(encode(["uint256", credential, "bytes"], [block, CREDENTIAL, deltas])).digest()
    signed = Account.sign_message(encode_defunct(primitive=digest), voter.signing_policy.private_key)
    signature = (signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))
    data = updater.data("submitUpdates", (block, CREDENTIAL, deltas, signature))
    yield Transaction(sender=voter.submit_signatures, to=updater.address, data=data, note="updating")


def tell_values(contracts: Mapping[str, Contract], governance: DevAccount) -> Iterable[Transaction]:
    """Let the chain tell the values as the last voting epoch ended, if no update of this one did."""
    updater = contracts["FastUpdater"]
    yield Transaction(sender=governance, to=updater.address, data=updater.data("tellFeeds"), note="telling fast feeds")

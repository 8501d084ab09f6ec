"""The way into a reward epoch: offers, registration of the voters, and the signing policy."""

from collections.abc import Iterable, Mapping, Sequence

from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils.crypto import keccak

from infra.local.flare.accounts import DevAccount, Voter
from infra.local.flare.contracts import Contract
from infra.local.flare.feeds import CommunityOffer, Feed
from infra.local.flare.timing import Rules
from infra.local.flare.transactions import Transaction

BAND_BYTES = 3
NO_ADDRESS = "0x" + "00" * 20


def state_feeds(
    contracts: Mapping[str, Contract], governance: DevAccount, feeds: Sequence[Feed]
) -> Iterable[Transaction]:
    """Tell the network the decimals of the feeds."""
    decimals = contracts["FtsoFeedDecimals"]
    ids = b"".join(feed.id for feed in feeds)
    values = bytes(feed.decimals % 256 for feed in feeds)
    yield _from(governance, decimals, "stating decimals", decimals.data("setDecimals", ids, values))


def propose_addresses(
    contracts: Mapping[str, Contract], governance: DevAccount, voters: Sequence[Voter]
) -> Iterable[Transaction]:
    """State each voter's vote power, and let it propose the addresses that act for it and name who claims for it."""
    entities, calculator = contracts["EntityManager"], contracts["FlareSystemsCalculator"]
    setup = contracts["ClaimSetupManager"]
    for voter in voters:
        identity = voter.identity
        executors = setup.data("setClaimExecutors", [voter.submit_signatures.address])
        yield _from(identity, setup, f"naming who claims for {voter.name}", executors)
        power = calculator.data("setVotePower", identity.address, voter.vote_power_wei)
        yield _from(governance, calculator, f"stating the vote power of {voter.name}", power)
        for function, acting in (
            ("proposeSubmitAddress", voter.submit),
            ("proposeSubmitSignaturesAddress", voter.submit_signatures),
            ("proposeSigningPolicyAddress", voter.signing_policy),
        ):
            yield _from(identity, entities, f"{function} of {voter.name}", entities.data(function, acting.address))


def confirm_addresses(contracts: Mapping[str, Contract], voters: Sequence[Voter]) -> Iterable[Transaction]:
    """Let each acting address confirm its voter."""
    entities = contracts["EntityManager"]
    for voter in voters:
        for function, acting in (
            ("confirmSubmitAddressRegistration", voter.submit),
            ("confirmSubmitSignaturesAddressRegistration", voter.submit_signatures),
            ("confirmSigningPolicyAddressRegistration", voter.signing_policy),
        ):
            data = entities.data(function, voter.identity.address)
            yield _from(acting, entities, f"{function} of {voter.name}", data)


def offer_rewards(
    contracts: Mapping[str, Contract],
    governance: DevAccount,
    *,
    rules: Rules,
    reward_epoch: int,
    inflation: Sequence[Feed],
    community: Sequence[CommunityOffer],
) -> Iterable[Transaction]:
    """Offer inflation for a group of feeds, and the community's rewards for single ones."""
    offers = contracts["FtsoRewardOffersManager"]
    if inflation:
        ids = b"".join(feed.id for feed in inflation)
        bands = b"".join(feed.secondary_band_ppm.to_bytes(BAND_BYTES, "big") for feed in inflation)
        group = (ids, rules.min_rewarded_turnout_bips, rules.primary_band_share_ppm, bands, 0)
        data = offers.data("offerInflationRewards", reward_epoch, group)
        yield _from(governance, offers, "offering inflation", data, value_wei=rules.inflation_wei)
    if community:
        rows = [
            (
                offer.amount_wei,
                offer.feed.id,
                rules.min_rewarded_turnout_bips,
                rules.primary_band_share_ppm,
                offer.feed.secondary_band_ppm,
                NO_ADDRESS,
            )
            for offer in community
        ]
        total = sum(offer.amount_wei for offer in community)
        data = offers.data("offerRewards", reward_epoch, rows)
        yield _from(governance, offers, "offering community rewards", data, value_wei=total)


def open_registration(
    contracts: Mapping[str, Contract], governance: DevAccount, reward_epoch: int
) -> Iterable[Transaction]:
    """Let voters register for the reward epoch."""
    manager = contracts["FlareSystemsManager"]
    data = manager.data("openVoterRegistration", reward_epoch)
    yield _from(governance, manager, "opening registration", data)


def register_voters(
    contracts: Mapping[str, Contract], voters: Sequence[Voter], reward_epoch: int
) -> Iterable[Transaction]:
    """Register the voters, in their order, each with the consent of its signing policy address."""
    registry = contracts["VoterRegistry"]
    for voter in voters:
        message = keccak(encode(["uint24", "address"], [reward_epoch, voter.identity.address]))
        signed = Account.sign_message(encode_defunct(primitive=message), voter.signing_policy.private_key)
        consent = (signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))
        data = registry.data("registerVoter", voter.identity.address, consent)
        yield _from(voter.identity, registry, f"registering {voter.name}", data)


def initialise_policy(
    contracts: Mapping[str, Contract], governance: DevAccount, reward_epoch: int
) -> Iterable[Transaction]:
    """Close registration and install the signing policy."""
    manager = contracts["FlareSystemsManager"]
    data = manager.data("initialiseSigningPolicy", reward_epoch)
    yield _from(governance, manager, "initialising the signing policy", data)


def _from(sender: DevAccount, to: Contract, note: str, data: bytes, value_wei: int = 0) -> Transaction:
    return Transaction(sender=sender, to=to.address, data=data, value_wei=value_wei, note=note)

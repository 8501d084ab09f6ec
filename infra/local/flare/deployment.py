"""Deploys the contracts of a local network in one block: each address is known before, from the deployer's nonce."""

from collections.abc import Mapping
from typing import Any

from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.crypto import keccak

from infra.local.flare.accounts import DevAccount
from infra.local.flare.contracts import Contract, artifact, contract
from infra.local.flare.timing import Rules, Timing
from infra.local.flare.transactions import Sender, Transaction

FTSO_PROTOCOL_ID = 100
REWARD_MANAGER_ID = 1
DEFAULT_DECIMALS = 5

NAMES = (
    "FlareContractRegistry",
    "EntityManager",
    "Relay",
    "Submission",
    "FlareSystemsManager",
    "FlareSystemsCalculator",
    "VoterRegistry",
    "FtsoFeedDecimals",
    "RewardManager",
    "FtsoRewardOffersManager",
    "FtsoFeedPublisher",
    "FtsoV2",
    "ClaimSetupManager",
    "FastUpdater",
    "FastUpdateIncentiveManager",
)


def deploy_contracts(
    sender: Sender, governance: DevAccount, timing: Timing, rules: Rules, first_voting_round_start_s: int
) -> dict[str, Contract]:
    """Every contract by name, deployed from an account without transactions, and entered in the registry."""
    addresses = {name: created_address(governance.address, nonce) for nonce, name in enumerate(NAMES)}
    arguments = _arguments(addresses, governance.address, timing, rules, first_voting_round_start_s)
    deployments = [
        Transaction(
            sender=governance, to=None, data=artifact(name).constructor(*arguments[name]), note=f"deploying {name}"
        )
        for name in NAMES
    ]
    contracts = {name: contract(name, address) for name, address in addresses.items()}
    registry = contracts["FlareContractRegistry"]
    naming = registry.data("setContracts", list(NAMES), [contracts[name].address for name in NAMES])
    sender.mine([*deployments, Transaction(sender=governance, to=registry.address, data=naming, note="naming")])
    return contracts


def created_address(creator: str, nonce: int) -> str:
    """The address of the contract that an account creates with that nonce, which is below 128.

    It is the tail of the hash of the RLP list of both: 0xd6, 0x94 and the creator, then the nonce in one byte, where
    0x80 stands for zero.
    """
    return to_checksum_address(keccak(b"\xd6\x94" + to_canonical_address(creator) + bytes([nonce or 0x80]))[12:])


def _arguments(
    at: Mapping[str, str], governance: str, timing: Timing, rules: Rules, start_s: int
) -> dict[str, tuple[Any, ...]]:
    manager, relay = at["FlareSystemsManager"], at["Relay"]
    settings = (
        start_s,
        timing.voting_epoch_s,
        timing.reveal_deadline_s,
        0,
        timing.reward_epoch_rounds,
        timing.initial_reward_epoch,
        rules.threshold_ppm,
        rules.min_voters,
    )
    return {
        "FlareContractRegistry": (governance,),
        "EntityManager": (),
        "Relay": (manager, _relay_state(timing, rules, start_s)),
        "Submission": (manager, relay, start_s, timing.voting_epoch_s),
        "FlareSystemsManager": (governance, settings, relay, at["VoterRegistry"], at["Submission"]),
        "FlareSystemsCalculator": (governance, at["EntityManager"], at["VoterRegistry"], rules.vote_power_cap_ppm),
        "VoterRegistry": (manager, at["EntityManager"], at["FlareSystemsCalculator"], rules.max_voters),
        "FtsoFeedDecimals": (governance, manager, DEFAULT_DECIMALS),
        "RewardManager": (
            manager,
            at["FtsoRewardOffersManager"],
            at["FastUpdateIncentiveManager"],
            at["ClaimSetupManager"],
            REWARD_MANAGER_ID,
        ),
        "FtsoRewardOffersManager": (
            governance,
            manager,
            at["FtsoFeedDecimals"],
            at["RewardManager"],
            rules.minimal_offer_wei,
        ),
        "FtsoFeedPublisher": (relay, FTSO_PROTOCOL_ID, rules.feeds_history_size),
        "FtsoV2": (relay, at["FtsoFeedPublisher"]),
        "ClaimSetupManager": (),
        "FastUpdater": (governance, manager, at["VoterRegistry"]),
        "FastUpdateIncentiveManager": (governance, at["RewardManager"]),
    }


def _relay_state(timing: Timing, rules: Rules, start_s: int) -> tuple[Any, ...]:
    """The Relay's StateData before the first policy."""
    return (
        FTSO_PROTOCOL_ID,
        start_s,
        timing.voting_epoch_s,
        0,
        timing.reward_epoch_rounds,
        rules.threshold_increase_bips,
        0,
        False,
        timing.initial_reward_epoch - 1,
        not rules.policy_relay,
        rules.finalization_window_reward_epochs,
    )

"""FlareSystemsCalculator: what each voter told when it registered for a reward epoch, and what was delegated to it."""

from functions.oracle.adapters.registry import Registry
from functions.oracle.core.sighting import Registration
from kernel.evm.rpc import LOG_RANGE_BLOCKS


def registrations_of(registry: Registry, reward_epoch: int, voters: tuple[str, ...]) -> tuple[Registration, ...]:
    """Those of these voters (identities), in their order.

    Voters register within hours after the vote power block, and a reward epoch is days long: the logs are read only
    until every voter is found.
    """
    manager = registry.systems_manager
    first, head = manager.call("getVotePowerBlock", reward_epoch), manager.pool.head().number
    told: dict[str, Registration] = {}
    for start in range(first, head + 1, LOG_RANGE_BLOCKS):
        if told.keys() >= set(voters):
            break
        for event in registry.calculator.events(
            "VoterRegistrationInfo",
            from_block=start,
            to_block=min(start + LOG_RANGE_BLOCKS - 1, head),
            topics=[None, reward_epoch.to_bytes(32, "big")],
        ):
            said = event.arguments
            told[said["voter"]] = Registration(
                identity=said["voter"].lower(),
                delegation=said["delegationAddress"].lower(),
                fee_bips=said["delegationFeeBIPS"],
                delegated_wei=said["wNatWeight"],
                capped_wei=said["wNatCappedWeight"],
                nodes=tuple(
                    ("0x" + node.hex(), stake) for node, stake in zip(said["nodeIds"], said["nodeWeights"], strict=True)
                ),
            )
    return tuple(told[voter] for voter in voters)

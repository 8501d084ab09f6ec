"""Flare's contract registry: the one address in the configuration from which every other is found."""

from functools import cached_property
from pathlib import Path
from typing import Final

from kernel.errors import Broken
from kernel.evm.addresses import ZERO_ADDRESS
from kernel.evm.contracts import Abi, Contract
from kernel.evm.rpc import RpcPool

_INTERFACES: Final = Path(__file__).parent / "abi"


class ContractUnknown(Broken):
    """The registry does not know a contract that a voting round needs."""

    cause = "The registry's address or the chain is wrong, or the network has no such contract yet."
    remedy = "Compare COUNTERPART_ORACLE_REGISTRY_ADDRESS with the network's documentation."


class Registry:
    """Finds the contracts of one network by name, each once a container."""

    def __init__(self, pool: RpcPool, address: str) -> None:
        self._registry = Contract(pool, address, interface("FlareContractRegistry"))

    def contract(self, name: str) -> Contract:
        """The contract of that name with the part of its interface that we use. Raises ContractUnknown."""
        address = self._registry.call("getContractAddressByName", name)
        if address == ZERO_ADDRESS:
            raise ContractUnknown(name=name, registry=self._registry.address)
        return Contract(self._registry.pool, address, interface(name))

    def knows(self, name: str) -> bool:
        """Whether the network has a contract of that name."""
        return bool(self._registry.call("getContractAddressByName", name) != ZERO_ADDRESS)

    @cached_property
    def systems_manager(self) -> Contract:
        return self.contract("FlareSystemsManager")

    @cached_property
    def voter_registry(self) -> Contract:
        return self.contract("VoterRegistry")

    @cached_property
    def calculator(self) -> Contract:
        return self.contract("FlareSystemsCalculator")

    @cached_property
    def offers(self) -> Contract:
        return self.contract("FtsoRewardOffersManager")

    @cached_property
    def submission(self) -> Contract:
        return self.contract("Submission")

    @cached_property
    def relay(self) -> Contract:
        return self.contract("Relay")

    @cached_property
    def entities(self) -> Contract:
        return self.contract("EntityManager")

    @cached_property
    def reward_manager(self) -> Contract:
        return self.contract("RewardManager")

    @cached_property
    def claim_setup(self) -> Contract:
        return self.contract("ClaimSetupManager")


def interface(name: str) -> Abi:
    """The committed part of a contract's interface."""
    return Abi.load(_INTERFACES / f"{name}.json")

"""The origin networks as they are configured: a JSON list, one object a network; RPC URLs by reference.

    [{"kind": "zksync", "name": "zksync", "chain_id": 324, "escrow": "0x…", "start_block": 1, "account": "0x…",
      "rpc_urls": "secretsmanager:counterpart/live/bridge/rpc-urls-zksync", "block_s": 1, "finality_s": 1200}]

Behind a reference stand the URLs, separated by blanks or line ends, in order of preference.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from functions.bridge.core.finality import FLOOR, Rule, checked
from kernel.evm.fees import GWEI
from kernel.evm.settings import EvmAddress
from kernel.settings import SecretRef


class RuleSettings(BaseModel):
    """Orders worth at most so many cents need so many confirmations; null is no limit, and the chain's own finality."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value_max_usd_cents: int | None = Field(ge=0)
    confirmations: int | None = Field(ge=1)


def _checked(rules: tuple[RuleSettings, ...]) -> tuple[RuleSettings, ...]:
    if rules:
        checked(table_of(rules))
    return rules


def table_of(rules: tuple[RuleSettings, ...]) -> tuple[Rule, ...]:
    """The finality table; the house's floor where none is configured."""
    if not rules:
        return FLOOR
    return tuple(Rule(value_max_usd_cents=rule.value_max_usd_cents, confirmations=rule.confirmations) for rule in rules)


class OriginSettings(BaseModel):
    """One origin network.

    account: whom the escrow repays. finality: what value asks for which depth, at least the house's floor.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern="^[a-z][a-z0-9-]{0,19}$")
    rpc_urls: SecretRef = Field(repr=False)
    escrow: str
    start_block: int = Field(ge=0)
    account: str
    finality: Annotated[tuple[RuleSettings, ...], AfterValidator(_checked)] = ()
    block_s: float = Field(default=1, gt=0)
    finality_s: float = Field(default=1_200, gt=0)

    @property
    def table(self) -> tuple[Rule, ...]:
        """What value asks for which depth."""
        return table_of(self.finality)


class ZkSyncSettings(OriginSettings):
    """An EVM L2 of the zkSync kind. confirmations: that make a block final; null asks for the `finalized` tag."""

    kind: Literal["zksync"]
    chain_id: int = Field(gt=0)
    escrow: EvmAddress
    account: EvmAddress
    confirmations: int | None = Field(default=None, ge=1)
    #: On L1; null asks the registry.
    mailbox: EvmAddress | None = None
    #: Who gets back what messages leave of their fees, as the registry names it to the mailbox; null: who claims.
    refund_account: EvmAddress | None = None
    #: What a message of one order may use on L2, and each further one beside it.
    message_gas_limit: int = Field(default=1_000_000, gt=0)
    message_gas_further: int = Field(default=150_000, ge=0)
    message_gas_per_pubdata_byte: int = Field(default=800, gt=0)
    #: Of a transfer from our account there, and the wei per gas that it may cost: as `ops_chains` has it, who sends it.
    transfer_gas: int = Field(default=500_000, ge=21_000)
    fee_cap_wei: int = Field(default=5 * GWEI, gt=0)


class StarknetSettings(OriginSettings):
    """Starknet. chain_id: the network's, as text: SN_MAIN or SN_SEPOLIA. escrow, account: felts in hexadecimal."""

    kind: Literal["starknet"]
    chain_id: str = Field(pattern="^[A-Z0-9_]{1,31}$")
    escrow: str = Field(pattern="^0x[0-9a-fA-F]{1,64}$")
    account: str = Field(pattern="^0x[0-9a-fA-F]{1,64}$")
    #: A message that would cost more is not sent: what is too much does not come back.
    message_fee_max_wei: int = Field(default=10**16, gt=0)


AnyOrigin = Annotated[ZkSyncSettings | StarknetSettings, Field(discriminator="kind")]


def _one_of_a_kind(origins: tuple[AnyOrigin, ...]) -> tuple[AnyOrigin, ...]:
    """A registry names an origin by its family alone, and tells one escrow of it: what was paid for an order of one
    would pass for the payment of the same order of the other.
    """
    if len({one.kind for one in origins}) < len(origins) or len({one.name for one in origins}) < len(origins):
        raise ValueError("one registry serves one origin of each kind, each under a name of its own")
    return origins


Origins = Annotated[tuple[AnyOrigin, ...], AfterValidator(_one_of_a_kind)]

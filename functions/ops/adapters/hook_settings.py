"""Owns what the settings say of webhooks; adapters/hooks.py, which reads deliveries, explains the form."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kernel.settings import SecretRef

Provider = Literal["alchemy", "quicknode", "helius", "modal"]


class HookSettings(BaseModel):
    """One secret of one provider, and the chain of what comes under it where the deliveries name none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Provider
    secret: SecretRef = Field(repr=False)
    previous: SecretRef | None = Field(default=None, repr=False)
    chain: str | None = Field(default=None, pattern="^(evm:[1-9][0-9]{0,18}|solana:(mainnet|devnet|testnet|localnet))$")
    networks: Mapping[str, int] = Field(default_factory=dict)

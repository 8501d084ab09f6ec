"""The local cloud's accounts at the chain providers: a secret each, known to the bundle and to the notifier."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from infra.local.notices import Alchemy, Helius, QuickNode

#: What the local chains are called, by Alchemy's stand-in and by QuickNode's.
NETWORK: Final = "LOCAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWebhooks:
    """One webhook at each provider: of one EVM chain, and of the local Solana cluster."""

    chain_id: int
    alchemy: Alchemy
    quicknode: QuickNode
    helius: Helius

    @classmethod
    def new(cls, chain_id: int) -> Self:
        """With secrets that nobody else knows."""
        return cls(
            chain_id=chain_id,
            alchemy=Alchemy(key=secrets.token_urlsafe(24), network=NETWORK),
            quicknode=QuickNode(token=secrets.token_urlsafe(24), network=NETWORK),
            helius=Helius(secret=secrets.token_urlsafe(24)),
        )

    def environment(self, put_secret: Callable[[str, str], str]) -> dict[str, str]:
        """What the intake is told; put_secret: keeps a secret under a name, and gives its reference."""
        named: dict[str, object] = {"networks": {NETWORK: self.chain_id}}
        entries: list[tuple[str, str, dict[str, object]]] = [
            ("alchemy", self.alchemy.key, named),
            ("quicknode", self.quicknode.token, named),
            ("helius", self.helius.secret, {"chain": "solana:localnet"}),
        ]
        hooks = [
            {"provider": provider, "secret": put_secret(f"counterpart/local/ops/hook-{provider}", secret), **rest}
            for provider, secret, rest in entries
        ]
        return {"COUNTERPART_OPS_HOOKS": json.dumps(hooks)}

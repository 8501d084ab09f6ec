"""What a prover is asked for a market on the chain, as a prover reads it from there."""

from typing import Any

from functions.barter.core.certificate import certify, check
from functions.barter.core.cycles import Preferences
from functions.barter.core.words import pack_lists
from infra.local.barter.world import BarterWorld

SIZE, LIST_MAX = 16, 16


def asked(market: BarterWorld, lists: Preferences) -> dict[str, Any]:
    """The arguments of a market's proof."""
    certificate = certify(lists, LIST_MAX)
    return {
        "size": SIZE,
        "list_max": LIST_MAX,
        "image_id": "0x" + market.ask("imageID")[0].hex(),
        "chain_id": market.node.chain_id,
        "address": market.exchange.address,
        "trade_block": market.ask("tradeInitiatedAtBlock")[0],
        "agents": len(lists),
        "lists": [hex(word) for word in pack_lists(lists)],
        "allocation": [item + 1 for item in check(lists, certificate, LIST_MAX)],
        "positions": list(certificate.pos),
        "labels": list(certificate.labels),
    }

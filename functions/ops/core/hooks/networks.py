"""Owns what the providers call the chains that Counterpart knows; a deployment's settings may add to it (pure)."""

from collections.abc import Mapping
from typing import Final

ALCHEMY: Final[Mapping[str, int]] = {
    "ETH_MAINNET": 1,
    "OPT_MAINNET": 10,
    "FLARE_MAINNET": 14,
    "ZKSYNC_MAINNET": 324,
    "FLARE_COSTON2": 114,
    "MATIC_MAINNET": 137,
    "BASE_MAINNET": 8_453,
    "ARB_MAINNET": 42_161,
    "LINEA_MAINNET": 59_144,
    "SCROLL_MAINNET": 534_352,
    "BASE_SEPOLIA": 84_532,
    "ARB_SEPOLIA": 421_614,
    "ETH_SEPOLIA": 11_155_111,
    "OPT_SEPOLIA": 11_155_420,
}
QUICKNODE: Final[Mapping[str, int]] = {
    "ethereum-mainnet": 1,
    "optimism-mainnet": 10,
    "flare-mainnet": 14,
    "flare-coston2": 114,
    "polygon-mainnet": 137,
    "zksync-mainnet": 324,
    "base-mainnet": 8_453,
    "arbitrum-mainnet": 42_161,
    "linea-mainnet": 59_144,
    "scroll-mainnet": 534_352,
    "base-sepolia": 84_532,
    "arbitrum-sepolia": 421_614,
    "ethereum-sepolia": 11_155_111,
    "optimism-sepolia": 11_155_420,
}

"""A cluster with everybody who takes part in contests, and the sources of prices.

world = start_world(children, players=5)
signature = world.pay(world.players[0], to=address, lamports=10_000_000)
world.balances([address])[address]

All keys follow from names, so every world has the same addresses.
"""

import base64
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra.local import solana
from infra.local.children import Children
from infra.local.contests.players import Player
from infra.local.solana import LAMPORTS_PER_SOL, SolanaNode
from infra.local.tokens import server as token_server
from infra.local.tokens.market import SOL, LocalToken
from infra.local.tokens.server import TokenServer
from kernel.solana.addresses import TOKEN_PROGRAM
from kernel.solana.transactions import compile_message, system_transfer, with_signatures

CLUSTER: Final = "localnet"
CHAIN: Final = f"solana:{CLUSTER}"
ASSET: Final = f"{CHAIN}:native"
FEE_PAYER_LAMPORTS: Final = 100 * LAMPORTS_PER_SOL
FAUCET_LAMPORTS: Final = 50 * LAMPORTS_PER_SOL
MINT_LAMPORTS: Final = 1_461_600
#: What a transfer with one signature costs its payer.
FEE_LAMPORTS: Final = 5_000
ACCOUNTS_A_CALL: Final = 100
_INITIALIZED: Final = 1


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class World:
    """The node, seen past every fault, the sources of prices, and whose wallets there are.

    fee_payer: the treasury's, which pays every fee. treasury: gets rake and dust. faucet: gives test lamports.
    """

    node: SolanaNode
    sources: TokenServer
    fee_payer: Player
    treasury: Player
    faucet: Player
    players: tuple[Player, ...]

    def pay(self, player: Player, *, to: str, lamports: int) -> str:
        """A transfer of a player's own, sent; its signature."""
        blockhash = self.node.rpc("getLatestBlockhash", {"commitment": "processed"})["value"]["blockhash"]
        message = compile_message(player.address, [system_transfer(player.address, to, lamports)], blockhash=blockhash)
        signed = with_signatures(message, {player.address: player.signer.sign_message(message)})
        raw = base64.b64encode(signed.raw).decode()
        options = {"encoding": "base64", "preflightCommitment": "processed"}
        return str(self.node.rpc("sendTransaction", raw, options))

    def balances(self, addresses: Iterable[str], commitment: str = "finalized") -> dict[str, int]:
        """Lamports by address; 0 where there is no account."""
        wanted = list(addresses)
        found: dict[str, int] = {}
        for start in range(0, len(wanted), ACCOUNTS_A_CALL):
            part = wanted[start : start + ACCOUNTS_A_CALL]
            options = {"commitment": commitment, "encoding": "base64", "dataSlice": {"offset": 0, "length": 0}}
            accounts: list[dict[str, Any] | None] = self.node.rpc("getMultipleAccounts", part, options)["value"]
            found |= {
                address: 0 if account is None else int(account["lamports"])
                for address, account in zip(part, accounts, strict=True)
            }
        return found

    def tokens(self, count: int) -> Sequence[LocalToken]:
        """So many tokens to play with, the largest known ones first; without SOL, which the oracle decides."""
        return [token for token in self.sources.tokens.values() if token.mint != SOL][:count]


def start_world(
    children: Children,
    *,
    players: int = 5,
    tokens: int = 60,
    seed: int | None = None,
    paused: bool = False,
    **options: Any,
) -> World:
    """Start a node and the sources (1 s); options as of `infra.local.solana.start`.

    Nobody but the fee payer and the faucet has lamports; the mints of all tokens are on the chain.
    """
    node = solana.start(children, name=options.pop("name", "contests"), paused=True, **options)
    seeded = {} if seed is None else {"seed": seed}
    sources = token_server.start(children, count=tokens, name="contests-tokens", **seeded)
    world = World(
        node=node,
        sources=sources,
        fee_payer=Player.named("fee payer"),
        treasury=Player.named("treasury"),
        faucet=Player.named("faucet"),
        players=tuple(Player.named(f"player {number}") for number in range(players)),
    )
    node.fund(world.fee_payer.address, FEE_PAYER_LAMPORTS)
    node.fund(world.treasury.address, LAMPORTS_PER_SOL)
    node.fund(world.faucet.address, FAUCET_LAMPORTS)
    for token in sources.tokens.values():
        content = struct.pack("<36xQBB36x", token.supply, token.decimals, _INITIALIZED)
        node.set_account(token.mint, lamports=MINT_LAMPORTS, owner=TOKEN_PROGRAM, content=content)
    node.finalize()
    if not paused:
        node.resume()
    return world

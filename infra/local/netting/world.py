"""The netting program on a Solana node, with an authority, wallets, their funds, items and session keys.

world = start_world(children, wallets=5, items=8)
world.do([world.program.withdraw(…)], wallet, world.authority)
world.locked()["…"], world.owners()["item-3"]

All keys follow from names, so every world has the same addresses.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra.local.netting.permits import Permit
from infra.local.netting.program import (
    Config,
    Item,
    Ledger,
    Program,
    ed25519_check,
    read_config,
    read_item,
    read_ledger,
)
from infra.local.netting.wallets import Wallet
from infra.local.solana import Commitment, SolanaNode
from kernel.solana.transactions import Instruction, compile_message, with_signatures

ACCOUNTS_A_CALL: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """An item as it was minted and deposited. number: its id in the program."""

    item_id: str
    number: int
    mint: str
    owner: Wallet
    creator: str | None = None
    royalty_bps: int = 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class World:
    """The node, seen past every fault, and all that lives on it. payer: has lamports for everybody."""

    node: SolanaNode
    program: Program
    payer: Wallet
    authority: Wallet
    fee_wallet: Wallet
    wallets: tuple[Wallet, ...]
    pieces: tuple[Piece, ...]
    permits: tuple[Permit, ...]

    def signed(self, instructions: Sequence[Instruction], *signers: Wallet) -> bytes:
        """The transaction's bytes; the first signer pays."""
        blockhash = self.node.rpc("getLatestBlockhash", {"commitment": "processed"})["value"]["blockhash"]
        message = compile_message(signers[0].address, instructions, blockhash=blockhash)
        return with_signatures(message, {one.address: one.signer.sign_message(message) for one in signers}).raw

    def do(self, instructions: Sequence[Instruction], *signers: Wallet) -> str:
        """Send a transaction that has to pass; its signature. Raises RpcRefused with what the program says.

        It is executed at once, and has a status after the next block.
        """
        raw = base64.b64encode(self.signed(instructions, *signers)).decode()
        return str(self.node.rpc("sendTransaction", raw, {"encoding": "base64", "preflightCommitment": "processed"}))

    def register(self, permit: Permit) -> str:
        """Register a wallet's session key with the program, as its owner does."""
        wallet = permit.wallet
        check = ed25519_check(wallet.address, permit.text.encode(), permit.signature)
        call = self.program.register_session_key(
            wallet.address, wallet.session.address, permit.max_volume_lamports, permit.expires_at
        )
        return self.do([check, call], wallet)

    def config(self) -> Config:
        """What the program says of itself."""
        return read_config(self._contents([self.program.config])[self.program.config])

    def ledger(self, wallet: str, commitment: Commitment = "processed") -> Ledger | None:
        """A wallet's funds; None without a ledger."""
        address = self.program.ledger(wallet)
        content = self._contents([address], commitment).get(address)
        return None if content is None else read_ledger(content)

    def item(self, number: int, commitment: Commitment = "processed") -> Item | None:
        """An item in escrow; None when it is not there."""
        address = self.program.item(number)
        content = self._contents([address], commitment).get(address)
        return None if content is None else read_item(content)

    def locked(self, commitment: Commitment = "processed") -> dict[str, int]:
        """The funds of everybody who has a ledger, by wallet, in lamports."""
        everybody = [wallet.address for wallet in (*self.wallets, self.fee_wallet)]
        creators = [piece.creator for piece in self.pieces if piece.creator is not None]
        ledgers = [self.program.ledger(wallet) for wallet in dict.fromkeys([*everybody, *creators])]
        told = map(read_ledger, self._contents(ledgers, commitment).values())
        return {ledger.owner: ledger.locked for ledger in told}

    def owners(self, commitment: Commitment = "processed") -> dict[str, str]:
        """Who owns each item that is in escrow, by item."""
        names = {piece.number: piece.item_id for piece in self.pieces}
        told = map(read_item, self._contents(map(self.program.item, names), commitment).values())
        return {names[item.number]: item.owner for item in told}

    def _contents(self, addresses: Iterable[str], commitment: Commitment = "processed") -> Mapping[str, bytes]:
        """The accounts that are there, by address."""
        wanted, found = list(addresses), {}
        for start in range(0, len(wanted), ACCOUNTS_A_CALL):
            some = wanted[start : start + ACCOUNTS_A_CALL]
            how = {"encoding": "base64", "commitment": commitment}
            told: list[Any] = self.node.rpc("getMultipleAccounts", some, how)["value"]
            found.update(
                {address: base64.b64decode(one["data"][0]) for address, one in zip(some, told, strict=True) if one}
            )
        return found

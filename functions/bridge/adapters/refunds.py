"""Owns what a zkSync chain gives back of a message's fee: what the call on L2 does not use is minted there, in the very
transaction that makes the call, to whom the registry has named. That is who claims, our signer, if not configured.

A call that fails gives back, too. So of an order that was claimed more than once every message of the registry's is
looked for that has given back since its deposit; what others have sent us is not ours to explain.
"""

from collections import Counter
from typing import Any

from functions.bridge.adapters.origin import Closing, Refund
from functions.bridge.adapters.past_logs import newest_first
from functions.bridge.core.escrow import L2_ETHER, MINT, alias, decode_mint
from kernel.abi import WordMalformed, uint_word
from kernel.evm.blocks import Log, hexadecimal
from kernel.evm.quorum import Quorum


class Refunds:
    """Of one chain. registry: on L1, whose messages they are of. account: who is given back to."""

    def __init__(self, quorum: Quorum, *, registry: str, account: str) -> None:
        self._quorum, self._sender, self.account = quorum, alias(registry), account

    def of(self, closing: Closing) -> tuple[Refund, ...]:
        """What came back in the transaction that closed an order. Raises NoQuorum, RpcUnavailable, WrongChain."""
        return self._found(closing.block, closing, widely=False)

    def since(self, block: int, closing: Closing) -> tuple[Refund, ...]:
        """The same of every message from a block on up to the closing."""
        return self._found(block, closing, widely=True)

    def _found(self, first: int, closing: Closing, *, widely: bool) -> tuple[Refund, ...]:
        amounts: Counter[tuple[int, bytes]] = Counter()
        topics = (MINT, uint_word(int(self.account, 16)))
        for log in newest_first(self._quorum, L2_ETHER, topics, first=first, last=closing.block):
            if log.transaction_hash == closing.transaction_hash or (widely and self._is_a_message(log)):
                amounts[log.block_number, log.transaction_hash] += self._minted(log)
        return tuple(
            Refund(block=block, transaction_hash=hash_, amount_wei=amount_wei)
            for (block, hash_), amount_wei in sorted(amounts.items())
            if amount_wei > 0
        )

    def _minted(self, log: Log) -> int:
        try:
            account, amount_wei = decode_mint(log.topics, log.data)
        except WordMalformed:
            return 0
        return amount_wei if (log.address, account) == (L2_ETHER, self.account) else 0

    def _is_a_message(self, log: Log) -> bool:
        """Whether the registry has sent it: then it comes from the registry's alias."""

        def sender(told: Any) -> tuple[str, str]:
            return str(told["from"]).lower(), told["blockHash"]

        asked = [hexadecimal(log.transaction_hash)]
        told = sender(self._quorum.agreed("eth_getTransactionReceipt", asked, by=sender))
        return told == (self._sender.lower(), hexadecimal(log.block_hash))

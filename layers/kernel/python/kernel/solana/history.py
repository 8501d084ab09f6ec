"""Owns what a landed transaction did, as values: its instructions and those they called, its logs, what it moved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kernel import base58
from kernel.solana.statuses import Failure


@dataclass(frozen=True, slots=True)
class SignatureSeen:
    """One line of an address's history."""

    signature: str
    slot: int
    error: Failure | None
    block_time_s: int | None

    @classmethod
    def from_rpc(cls, line: Mapping[str, Any]) -> "SignatureSeen":
        """From getSignaturesForAddress."""
        return cls(str(line["signature"]), int(line["slot"]), line["err"], line.get("blockTime"))


@dataclass(frozen=True, slots=True)
class ExecutedInstruction:
    """An instruction that ran. path: "2" is the third of the transaction, "2.1" the second that it called itself."""

    path: str
    program: str
    accounts: tuple[str, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class TokenBalance:
    """What a token account held before and after, in the mint's smallest unit."""

    account: str
    mint: str
    owner: str
    amount_before: int
    amount_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedTransaction:
    """A transaction in a block. lamports: each account's before and after; instructions in the order they ran."""

    signature: str
    slot: int
    block_time_s: int | None
    error: Failure | None
    fee_lamports: int
    units: int | None
    logs: tuple[str, ...]
    instructions: tuple[ExecutedInstruction, ...]
    lamports: Mapping[str, tuple[int, int]]
    tokens: tuple[TokenBalance, ...]

    def lamports_moved(self, address: str) -> int:
        """By how much the account's balance changed, the fee included for the payer."""
        before, after = self.lamports.get(address, (0, 0))
        return after - before

    @classmethod
    def from_rpc(cls, found: Mapping[str, Any]) -> "ConfirmedTransaction":
        """From getTransaction in JSON. LookupError, ValueError for another shape."""
        meta, message = found["meta"], found["transaction"]["message"]
        loaded = meta.get("loadedAddresses") or {}
        keys = [*message["accountKeys"], *loaded.get("writable", ()), *loaded.get("readonly", ())]
        balances = zip(meta["preBalances"], meta["postBalances"], strict=True)
        return cls(
            signature=str(found["transaction"]["signatures"][0]),
            slot=int(found["slot"]),
            block_time_s=found.get("blockTime"),
            error=meta["err"],
            fee_lamports=int(meta["fee"]),
            units=meta.get("computeUnitsConsumed"),
            logs=tuple(meta.get("logMessages") or ()),
            instructions=tuple(_executed(message["instructions"], meta.get("innerInstructions") or (), keys)),
            lamports={key: (before, after) for key, (before, after) in zip(keys, balances, strict=True)},
            tokens=tuple(_tokens(meta, keys)),
        )


def _executed(
    outer: Sequence[Mapping[str, Any]], inner: Sequence[Mapping[str, Any]], keys: Sequence[str]
) -> Iterator[ExecutedInstruction]:
    called = {one["index"]: one["instructions"] for one in inner}
    for number, instruction in enumerate(outer):
        yield _instruction(str(number), instruction, keys)
        open_calls: list[int] = []  # which call is under way at each depth
        for call in called.get(number, ()):
            depth = max(1, int(call.get("stackHeight") or 2) - 1)
            back = len(open_calls) >= depth
            open_calls = [*open_calls[: depth - 1], open_calls[depth - 1] + 1] if back else [*open_calls, 0]
            yield _instruction(".".join(map(str, (number, *open_calls))), call, keys)


def _instruction(path: str, instruction: Mapping[str, Any], keys: Sequence[str]) -> ExecutedInstruction:
    return ExecutedInstruction(
        path=path,
        program=keys[instruction["programIdIndex"]],
        accounts=tuple(keys[index] for index in instruction["accounts"]),
        data=base58.decode(instruction["data"]),
    )


def _tokens(meta: Mapping[str, Any], keys: Sequence[str]) -> Iterator[TokenBalance]:
    before = {one["accountIndex"]: one for one in meta.get("preTokenBalances") or ()}
    after = {one["accountIndex"]: one for one in meta.get("postTokenBalances") or ()}
    for index in sorted({*before, *after}):
        told = after.get(index) or before[index]
        yield TokenBalance(
            account=keys[index],
            mint=told["mint"],
            owner=told.get("owner") or "",
            amount_before=_amount(before.get(index)),
            amount_after=_amount(after.get(index)),
        )


def _amount(balance: Mapping[str, Any] | None) -> int:
    return 0 if balance is None else int(balance["uiTokenAmount"]["amount"])

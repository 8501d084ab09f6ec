"""Owns what the clearing rule is measured by: the largest value that any clearing of the same intents could reach.

The rule takes intents as they come, and a buyer spends only what it has by then. The optimum may choose among them, and
lets a buyer spend what its *later* sales of the batch bring. Who owns an item when is ruled as ever, in priority order;
funds and limits are asked for once, at the end. So whatever the rule accepts may be chosen, and it never exceeds this:

    maximise    sum of amount_i x_i                                   x_i in {0, 1}: intent i is accepted
    items       h' = h + x_i  where a wallet buys the item by intent i, in priority order,
                h' = h - x_i  where it sells it                       h in [0, 1]: whether it owns the item then
    funds       what a wallet pays less what it gets <= what it has
    limits      the same, in both directions, < POSITION_LIMIT

A solver proposes which intents to accept, and a price for each row. Neither is believed. The choice is replayed by
`value_of`, which knows nothing of rows. Prices prove a bound, whoever found them (weak duality): for prices y, those of
inequalities not negative, no x exceeds

    sum of y_r b_r  +  sum over columns of max(0, value_c - sum of y_r A_rc)

which `bound_of` adds up in integers. The value found and this bound enclose the optimum.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from functions.netting.core.bounds import POSITION_LIMIT
from functions.netting.core.netting import Clearing, Reason, clear, priority
from functions.netting.core.plan import Fee, Market, PendingIntent
from kernel.amounts import ONE_BPS

#: A price of 1 as an integer: prices are fractions of this.
ONE: Final = 1 << 20

#: What a row is about: an intent and the wallet that buys or sells by it; or a wallet's funds or limit.
RowName = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """The columns' factors, and what they add up to: at most, or exactly."""

    factors: Mapping[int, int]
    limit: int
    is_exact: bool


@dataclass(slots=True)
class Problem:
    """The program above. Column i is the i-th intent; the columns after the last intent are worth nothing."""

    values: list[int]
    rows: dict[RowName, Row] = field(default_factory=dict)

    def column(self) -> int:
        """One more column that is worth nothing."""
        self.values.append(0)
        return len(self.values) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a solver says: the ids of the intents to accept, and the price of each row in parts of ONE."""

    accepted: Collection[str]
    prices: Mapping[RowName, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """What the rule comes to, the best that is known to be possible, by which intents, and what nothing exceeds."""

    accepted: Collection[str]
    rule_lamports: int
    found_lamports: int
    bound_lamports: int


def problem_of(market: Market, fee: Fee) -> Problem:
    """The program of a market."""
    ordered = _ordered(market)
    problem = Problem([intent.amount_lamports for intent in ordered])
    _add_items(problem, market, ordered)
    _add_funds(problem, market, ordered, fee)
    return problem


def certified(market: Market, fee: Fee, cleared: Clearing, proposal: Proposal) -> Optimum:
    """What the proposal proves of this market; where its choice is not possible or no better, the clearing is best."""
    chosen = value_of(market, fee, proposal.accepted)
    rule = value_of(market, fee, cleared.accepted)
    if rule is None:
        raise AssertionError("what the rule accepts may be chosen")
    bound = bound_of(problem_of(market, fee), proposal.prices)
    best, accepted = (rule, cleared.accepted) if chosen is None or chosen <= rule else (chosen, proposal.accepted)
    if best > bound:
        raise AssertionError("a value exceeds what was proved of all values")
    return Optimum(accepted=frozenset(accepted), rule_lamports=rule, found_lamports=best, bound_lamports=bound)


def value_of(market: Market, fee: Fee, accepted: Collection[str]) -> int | None:
    """What accepting exactly these intents comes to, told by replaying them; None if it is not possible."""
    owners, positions, value = dict(market.owners), Counter[str](), 0
    chosen = set(accepted)
    for intent in _ordered(market):
        if intent.id not in chosen:
            continue
        chosen.remove(intent.id)
        if owners.get(intent.item_id) != intent.seller:
            return None
        owners[intent.item_id] = intent.buyer
        positions.update(_changes(intent, market, fee))
        value += intent.amount_lamports
    is_solvent = all(market.balances.get(wallet, 0) + change >= 0 for wallet, change in positions.items())
    is_within = all(abs(change) < POSITION_LIMIT for change in positions.values())
    return value if is_solvent and is_within and not chosen else None


def bound_of(problem: Problem, prices: Mapping[RowName, int]) -> int:
    """What no choice exceeds, by these prices; any prices will do, some prove more. Rows without one cost nothing."""
    total, left = 0, [value * ONE for value in problem.values]
    for name, row in problem.rows.items():
        price = prices.get(name, 0) if row.is_exact else max(0, prices.get(name, 0))
        if not price:
            continue
        total += price * row.limit
        for column, factor in row.factors.items():
            left[column] -= price * factor
    return (total + sum(one for one in left if one > 0)) // ONE


def clear_chosen(market: Market, fee: Fee, accepted: Collection[str]) -> Clearing | None:
    """The clearing that accepts exactly these intents, whose choice `value_of` found possible.

    What was not chosen although it could be sold waits; ownership decides about the rest, as ever. None where a
    position would pass its limit on the way.
    """
    chosen = [intent for intent in market.intents if intent.id in accepted]
    cleared = clear(chosen, market.owners, None, fee.bps, fee.wallet, market.royalties)
    if cleared.skipped:
        return None
    return Clearing(
        final_owners=cleared.final_owners,
        deltas=cleared.deltas,
        accepted=cleared.accepted,
        skipped=_left_out(market, set(cleared.accepted)),
        result_hash=cleared.result_hash,
    )


def _left_out(market: Market, accepted: set[str]) -> dict[str, Reason]:
    owners, reasons = dict(market.owners), {}
    for intent in _ordered(market):
        if intent.id in accepted:
            owners[intent.item_id] = intent.buyer
        elif intent.item_id not in owners:
            reasons[intent.id] = Reason.UNKNOWN_ITEM
        else:
            is_owner = owners[intent.item_id] == intent.seller
            reasons[intent.id] = Reason.NOT_CHOSEN if is_owner else Reason.NOT_OWNER
    return reasons


def _add_items(problem: Problem, market: Market, ordered: Sequence[PendingIntent]) -> None:
    """Who never sells an item needs no rows for it: it may have it at the end, that is all."""
    sellers = {(intent.item_id, intent.seller) for intent in ordered}
    holds: dict[tuple[str, str], int] = {}
    for number, intent in enumerate(ordered):
        for side, wallet, factor in (("seller", intent.seller, 1), ("buyer", intent.buyer, -1)):
            place = intent.item_id, wallet
            if place not in sellers:
                continue
            # after - before ± x = 0; before the first of them the owner is known
            factors = {problem.column(): 1, number: factor}
            before, has_it = holds.get(place), market.owners.get(intent.item_id) == wallet
            if before is not None:
                factors[before] = -1
            limit = int(has_it) if before is None else 0
            problem.rows["item", intent.id, side] = Row(factors, limit, is_exact=True)
            holds[place] = len(problem.values) - 1


def _add_funds(problem: Problem, market: Market, ordered: Sequence[PendingIntent], fee: Fee) -> None:
    paid: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for number, intent in enumerate(ordered):
        for wallet, change in _changes(intent, market, fee).items():
            paid[wallet][number] = -change
    for wallet, factors in paid.items():
        limit = min(market.balances.get(wallet, 0), POSITION_LIMIT - 1)
        problem.rows["funds", wallet, "paid"] = Row(factors, limit, is_exact=False)
        got = {number: -factor for number, factor in factors.items()}
        if sum(factor for factor in got.values() if factor > 0) >= POSITION_LIMIT:
            problem.rows["funds", wallet, "got"] = Row(got, POSITION_LIMIT - 1, is_exact=False)


def _changes(intent: PendingIntent, market: Market, fee: Fee) -> Counter[str]:
    """What an accepted intent moves everybody's funds by; two of the four wallets may be one."""
    amount, royalty = intent.amount_lamports, market.royalties.get(intent.item_id)
    to_fee = amount * fee.bps // ONE_BPS if fee.wallet is not None else 0
    to_creator = amount * royalty.bps // ONE_BPS if royalty is not None else 0
    changes = Counter({intent.buyer: -amount})
    changes[intent.seller] += amount - to_fee - to_creator
    if fee.wallet is not None and to_fee:
        changes[fee.wallet] += to_fee
    if royalty is not None and to_creator:
        changes[royalty.creator] += to_creator
    return changes


def _ordered(market: Market) -> list[PendingIntent]:
    return sorted(market.intents, key=priority)

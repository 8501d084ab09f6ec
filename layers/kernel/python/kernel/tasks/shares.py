"""Owns fairness between kinds of tasks: how a sweep's places are divided."""

from collections.abc import Mapping


def fair_shares(waiting: Mapping[str, int], places: int) -> dict[str, int]:
    """Divide places among kinds so that nobody gets more while another who wants one has less (max-min fairness).

    waiting: how many of each kind wait. Every kind gets at least one place, so a noisy kind never shuts out a quiet
    one, even where there are more kinds than places; otherwise the shares add up to min(places, all that wait).
    """
    if places < 1:
        raise ValueError(f"a sweep has at least one place, not {places}")

    shares: dict[str, int] = {}
    wanting = sorted((count, kind) for kind, count in waiting.items() if count > 0)
    left = places
    for i, (count, kind) in enumerate(wanting):
        # The least hungry first: what it leaves is divided among the others.
        equal = left // (len(wanting) - i)
        shares[kind] = min(count, max(1, equal))
        left = max(0, left - shares[kind])
    return shares

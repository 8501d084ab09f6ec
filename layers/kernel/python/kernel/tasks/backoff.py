"""Owns how long a failed task waits: doubling from a second to five minutes, half of it left to chance."""

BASE_S = 1.0
CAP_S = 300.0


def backoff_s(attempt: int, *, jitter: float) -> float:
    """Seconds until the next try after the failed attempt number `attempt` (1 is the first).

    min(300, 2^(attempt-1)) seconds, of which the upper half is scaled by `jitter` in [0, 1]: tasks that failed
    together (a dependency was down) do not come back together, yet none comes back at once.
    """
    if attempt < 1:
        raise ValueError(f"attempts are counted from 1, not {attempt}")
    if not 0.0 <= jitter <= 1.0:
        raise ValueError(f"jitter lies between 0 and 1, not at {jitter}")

    # The exponent is bounded before the power is taken: attempt 1000 must not make a number of 300 digits.
    whole = min(CAP_S, BASE_S * 2.0 ** min(attempt - 1, 32))
    return whole / 2 + whole / 2 * jitter

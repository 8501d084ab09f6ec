"""Owns how a function refuses its input: with a sentence that says what is unfit, and the same every time."""


class InputRefused(ValueError):
    """A function refuses what it was given, as it would every time."""


def demand(holds: bool, problem: str) -> None:
    """Raises InputRefused with the problem where something does not hold."""
    if not holds:
        raise InputRefused(problem)

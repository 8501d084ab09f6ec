"""Markets in which everybody wants much."""

from random import Random


def full_lists(agents: int, length: int, *, seed: int) -> list[list[int]]:
    """Of each agent as many of the others' items as a list has room for."""
    dice = Random(seed)
    return [dice.sample([item for item in range(agents) if item != own], length) for own in range(agents)]

"""Forests made by hand: one question each."""

from collections.abc import Mapping, Sequence

import numpy as np

from functions.oracle.core.anomaly import Model
from functions.oracle.core.anomaly_features import FEATURES
from functions.oracle.core.isolation_forest import read_forest
from gpu.forest.form import Grove, Tree, written


def tree(columns: Sequence[int], rights: Sequence[int], values: Sequence[float]) -> Tree:
    """A tree by its nodes; where the column is -1, the value is a depth, otherwise a threshold."""
    bits = [
        np.array(value, dtype="<i4" if column < 0 else "<f4").view("<u4")
        for column, value in zip(columns, values, strict=True)
    ]
    return Tree(
        column=np.array(columns, dtype=np.int8),
        right=np.array(rights, dtype=np.uint16),
        value=np.array(bits, dtype=np.uint32),
    )


def stump(column: int, threshold: float, *, below: int, above: int) -> Tree:
    """One question with two answers."""
    return tree([column, -1, -1], [2, 0, 0], [threshold, below, above])


def octets(columns: int, aspects: Mapping[str, tuple[int, Tree]]) -> bytes:
    """A forest of one tree an aspect: name -> limit and tree."""
    groves = [
        Grove(name=name, columns=tuple(range(columns)), limit=limit, trees=(grown,))
        for name, (limit, grown) in aspects.items()
    ]
    return written(columns, groves)


def model_against(feature: str, above: float, *, version: int = 7) -> Model:
    """A model for which a source is too odd where this feature is larger."""
    grown = stump(FEATURES.index(feature), above, below=100, above=10)
    return Model(version=version, forest=read_forest(octets(len(FEATURES), {"price": (50, grown)})))

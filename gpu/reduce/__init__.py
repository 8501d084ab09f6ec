"""Reductions over whole histories, in exact integers: numpy here, CuPy on a GPU, bit for bit the same."""

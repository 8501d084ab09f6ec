"""The oracle's named SQL."""

from pathlib import Path
from typing import Final

from kernel.postgres import Queries

Q: Final = Queries.load(Path(__file__).parent / "queries.sql")

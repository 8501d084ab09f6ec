"""Prices over time: candles in Postgres, and days of raw points in a bucket."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from functions.oracle.adapters.candles import Candles

if TYPE_CHECKING:
    from functions.oracle.adapters.point_days import PointDays
    from kernel.offload.objects import Objects
    from kernel.wiring import Kernel


class TimeSeries:
    """Each part is made when it is first asked for: who serves prices never loads what exports them."""

    def __init__(self, kernel: Kernel, *, bucket: str) -> None:
        self._kernel, self._bucket = kernel, bucket

    @cached_property
    def candles(self) -> Candles:
        """Points folded into buckets."""
        return Candles(self._kernel.postgres, self._kernel.clock)

    @cached_property
    def days(self) -> PointDays:
        """Days of raw points, exported."""
        from functions.oracle.adapters.point_days import PointDays

        return PointDays(self._kernel.postgres, self._kernel.tasks, self._kernel.clock, self.objects)

    @cached_property
    def objects(self) -> Objects:
        """The bucket of raw points."""
        from kernel.offload.objects import S3Objects

        return S3Objects(self._bucket)

"""What is seen of the network, ours and everybody's part in it: each of its parts made when it is first asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.oracle.adapters.alarming import Alarming
    from functions.oracle.adapters.evidence import Evidence
    from functions.oracle.adapters.observations import Observations
    from functions.oracle.adapters.observing import Observing
    from functions.oracle.adapters.performance import Performance
    from kernel.settings import SecretRef
    from kernel.wiring import Kernel


class Observatory:
    """Needs no key: of the sealed ones, for submissions and for the signing policy, only the addresses are read."""

    def __init__(
        self, kernel: Kernel, evidence: Callable[[], Evidence], *, keys: tuple[SecretRef, SecretRef], floor_wei: int
    ) -> None:
        self._kernel, self._evidence, self._keys, self._floor_wei = kernel, evidence, keys, floor_wei

    @cached_property
    def observing(self) -> Observing:
        """Looks at finished rounds."""
        from functions.oracle.adapters.observing import Observing

        ourselves, finaliser = (
            json.loads(self._kernel.secrets.resolve(key).get_secret_value())["address"] for key in self._keys
        )
        return Observing(self._evidence(), ourselves=ourselves, finaliser=finaliser, floor_wei=self._floor_wei)

    @cached_property
    def observations(self) -> Observations:
        """What was seen of them, stored."""
        from functions.oracle.adapters.observations import Observations

        kernel = self._kernel
        return Observations(kernel.postgres, kernel.tasks, kernel.realtime, kernel.clock)

    @cached_property
    def alarming(self) -> Alarming:
        """Tells what needs a person."""
        from functions.oracle.adapters.alarming import Alarming

        return Alarming(self._kernel.postgres, self._kernel.realtime, self._kernel.clock)

    @cached_property
    def performance(self) -> Performance:
        """What it all comes to, to be read."""
        from functions.oracle.adapters.performance import Performance

        return Performance(self._kernel.postgres)

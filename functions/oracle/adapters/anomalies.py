"""The oracle's dealings with anomalies: each of its parts made when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.oracle.adapters.anomaly_models import AnomalyModels
    from functions.oracle.adapters.anomaly_training import AnomalyTraining
    from functions.oracle.adapters.repository import Repository
    from functions.oracle.core.anomaly import Model
    from kernel.offload import Offload
    from kernel.wiring import Kernel


class Anomalies:
    """Needs no key and no chain."""

    def __init__(self, kernel: Kernel, repository: Repository) -> None:
        self._kernel, self._repository = kernel, repository

    def in_force(self) -> Model | None:
        """The model that may veto sources; None where there is none."""
        return self.models.in_force()

    @cached_property
    def models(self) -> AnomalyModels:
        """Models, stored."""
        from functions.oracle.adapters.anomaly_models import AnomalyModels
        from kernel.audit import Audit

        kernel = self._kernel
        return AnomalyModels(kernel.postgres, Audit(kernel.postgres, kernel.clock), kernel.clock)

    @cached_property
    def training(self) -> AnomalyTraining:
        """Asks for models, and tries them."""
        from functions.oracle.adapters.anomaly_training import AnomalyTraining

        kernel = self._kernel
        return AnomalyTraining(kernel.postgres, kernel.tasks, kernel.jobs, self.models, self._repository)

    @cached_property
    def growing(self) -> Offload:
        """Drives the job that grows a forest, in this process: only its function has scikit-learn."""
        from gpu.catalogue import find
        from kernel.offload import Offload, Place
        from kernel.offload.providers import InProcess
        from kernel.offload.rates import DEFAULTS

        kernel = self._kernel
        providers = {Place.IN_PROCESS: InProcess(find, kernel.objects)}
        return Offload(kernel.postgres, kernel.tasks, kernel.objects, providers, kernel.clock, rates=lambda: DEFAULTS)

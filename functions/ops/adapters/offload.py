"""Owns who computes offloaded jobs: this process, and the Modal app where the settings name one."""

from pydantic import SecretStr

from gpu.catalogue import find
from kernel.errors import SecretAbsent
from kernel.offload import Offload, Place
from kernel.offload.modal import ModalProvider, ModalUnauthorized
from kernel.offload.providers import InProcess, Provider
from kernel.offload.rates import rates_of
from kernel.settings import SecretRef
from kernel.tunables import Tunables
from kernel.wiring import Kernel


def offload(kernel: Kernel, tunables: Tunables, app: str, token: SecretRef | None) -> Offload:
    """The jobs and their computers. app: "" where there is none; token: where its <token id>:<token secret> is."""

    def credentials() -> SecretStr:
        try:
            return kernel.secrets.resolve(token or "")
        except SecretAbsent as absent:
            raise ModalUnauthorized(reason="the secret is absent") from absent

    providers: dict[Place, Provider] = {Place.IN_PROCESS: InProcess(find, kernel.objects)}
    if app:
        providers[Place.MODAL] = ModalProvider(app, credentials, kernel.objects, kernel.breakers)
    return Offload(
        kernel.postgres, kernel.tasks, kernel.objects, providers, kernel.clock, rates=lambda: rates_of(tunables)
    )

"""Owns which pinning services hold what is pinned, as the settings name them.

    [{"service": "pinata", "credentials": "secretsmanager:counterpart/live/ops/pinning-pinata"},
     {"service": "filebase", "credentials": "secretsmanager:counterpart/live/ops/pinning-filebase", "bucket": "pins"}]

Behind a reference stands Pinata's JWT, or "<access key>:<secret key>" of Filebase. `url` replaces the service's own
address: https only, outside the stages local and test. The order is the order in which they are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from kernel.settings import SecretRef

if TYPE_CHECKING:
    from kernel.pinning import Replication
    from kernel.pinning.services import PinningService
    from kernel.wiring import Kernel


class _Named(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    credentials: SecretRef = Field(repr=False)
    url: str | None = None


class PinataSettings(_Named):
    """An account at Pinata."""

    service: Literal["pinata"]


class FilebaseSettings(_Named):
    """A bucket of the IPFS network at Filebase."""

    service: Literal["filebase"]
    bucket: str = Field(pattern="^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")


PinningSettings = Annotated[PinataSettings | FilebaseSettings, Field(discriminator="service")]


def replication(kernel: Kernel, settings: Sequence[PinningSettings]) -> Replication:
    """The copies of what is pinned. Raises SettingsInvalid for an unfit address."""
    from kernel.pinning import Replication

    services = [_service(kernel, one) for one in settings]
    return Replication(kernel.postgres, kernel.content_sources, services, kernel.breakers, kernel.tasks, kernel.clock)


def _service(kernel: Kernel, settings: PinningSettings) -> PinningService:
    from kernel.pinning.filebase import ENDPOINT, Filebase
    from kernel.pinning.pinata import UPLOADS, Pinata
    from kernel.settings import PLAIN_STAGES

    def credentials() -> str:
        return kernel.secrets.resolve(settings.credentials).get_secret_value()

    is_local = kernel.settings.stage in PLAIN_STAGES
    if isinstance(settings, PinataSettings):
        return Pinata(credentials, url=settings.url or UPLOADS, plain_allowed=is_local)
    return Filebase(credentials, settings.bucket, url=settings.url or ENDPOINT, plain_allowed=is_local)

"""Every hour: move sealed keys and secrets under the wrapping key in use, so that an older one can be disabled."""

from functions.ops.wiring import Deps, build_deps
from kernel.handler import Tick, count, scheduled

#: Three calls to KMS a key: well within the function's time, whatever the number of keys.
ROTATED_MAX = 100


@scheduled(build_deps)
def handler(_tick: Tick, deps: Deps) -> None:
    rotated = deps.kernel.vault.rotate(ROTATED_MAX)

    count("keys_rotated", rotated.done)
    count("keys_refused", rotated.refused)
    count("keys_to_rotate", rotated.left)
    count("webhook_secrets_rotated", deps.webhook_endpoints.reseal(ROTATED_MAX))

"""Owns what a container does where Lambda starts it ahead of its first call.

With SnapStart one process is started when a version is published, frozen, and resumed as many, for weeks. Whatever it
holds of one moment or one peer is wrong in all of them. So:

1. Before the snapshot the dependencies are built and checked, so that what they import is in it. Then their connections
   are given back and they are forgotten, with every secret and moment that they knew. (boto3's session stays: with a
   snapshot Lambda gives credentials that say when they end, and boto3 asks for others then.)
2. After each restore `random` gets a seed of its own, since jitter and lots must differ between copies. Ids and keys
   need none: `secrets` asks the system, whose numbers Lambda keeps apart. A clock is asked each time.
3. The first call builds the dependencies anew and opens what it needs, which takes no longer there than in a hook.

With provisioned concurrency they are built while the container starts, and kept.

A dependency that is away costs only the preparation: the first call tries again, as it does on demand.
"""

import random
from collections.abc import Callable

from kernel.settings import initialization_type


def start_ahead(prepare: Callable[[], None], forget: Callable[[], None]) -> None:
    """Do as above with one container. prepare: raises nothing."""
    match initialization_type():
        case "provisioned-concurrency":
            prepare()
        case "snap-start":
            # Part of the runtime, which runs the first kind in the reverse order.
            from snapshot_restore_py import register_after_restore, register_before_snapshot

            register_before_snapshot(forget)
            register_before_snapshot(prepare)
            register_after_restore(random.seed)

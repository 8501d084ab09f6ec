"""The scenes of `make demo`: each starts what it needs, shows what the bundle does, and stops everything."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from infra.local.demo.stage import SceneFailed

if TYPE_CHECKING:
    from rich.console import Console

#: The tour is made of every scene's short form.
SCENES = ("oracle", "outbox", "edges", "bridge", "netting", "barter", "contests")


def demo(scene: str, options: Sequence[str]) -> int:
    """Play a scene, or the tour; 0 when everything that was promised was seen."""
    from rich.console import Console

    console = Console()
    # The oracle's rounds are real time: a busy machine plays longer ones, up to the 90 s of the live network.
    seconds = [int(text) for text in options if scene == "oracle" and text.isdecimal() and 10 <= int(text) <= 90]
    if scene not in {*SCENES, "tour"} or len(seconds) != len(options) or len(seconds) > 1:
        console.print(f"[red]There is no scene {' '.join([scene, *options])!r}.[/] Scenes: tour, {', '.join(SCENES)}.")
        console.print("The oracle's takes one option, how many seconds a round lasts: from 10 to 90.")
        return 2
    try:
        for one in SCENES if scene == "tour" else (scene,):
            _play(one, console, is_short=scene == "tour", epoch_s=seconds)
    except SceneFailed as failed:
        console.print(f"\n[bold red]The demo did not show what it promises:[/] {failed}")
        return 1
    return 0


def _play(scene: str, console: "Console", *, is_short: bool, epoch_s: Sequence[int]) -> None:
    if scene == "oracle" and is_short:
        from infra.local.demo import oracle

        oracle.play(console)
    elif scene == "oracle":
        from infra.local.demo import oracle_epoch

        oracle_epoch.play(console, epoch_s=epoch_s[0] if epoch_s else oracle_epoch.EPOCH_S)
    elif scene == "edges":
        from infra.local.demo import edges

        edges.play(console)
    elif scene == "bridge":
        from infra.local.demo import bridge

        bridge.play(console, bridge.ORDERS_SHORT if is_short else bridge.ORDERS)
    elif scene == "netting":
        from infra.local.demo import netting

        netting.play(console, netting.SHORT if is_short else netting.WHOLE)
    elif scene == "contests":
        from infra.local.demo import contests

        (contests.play_short if is_short else contests.play)(console)
    elif scene == "barter":
        from infra.local.demo import barter

        (barter.play_short if is_short else barter.play)(console)
    else:
        from infra.local.demo import transfers

        transfers.play(console, transfers.TRANSFERS_SHORT if is_short else transfers.TRANSFERS)

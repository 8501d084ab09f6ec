"""The scenes of `make demo`: each starts what it needs, shows what the bundle does, and stops everything."""

from collections.abc import Sequence

from infra.local.demo.stage import SceneFailed

#: Scene -> its module's name under infra.local.demo. The tour is made of every scene's short form.
SCENES = ("oracle",)


def demo(scene: str, options: Sequence[str]) -> int:
    """Play a scene, or the tour; 0 when everything that was promised was seen."""
    from rich.console import Console

    console = Console()
    if scene not in {*SCENES, "tour"} or options:
        console.print(f"[red]There is no scene {' '.join([scene, *options])!r}.[/] Scenes: tour, {', '.join(SCENES)}.")
        return 2
    from infra.local.demo import oracle

    try:
        oracle.play(console)
    except SceneFailed as failed:
        console.print(f"\n[bold red]The demo did not show what it promises:[/] {failed}")
        return 1
    return 0

"""dist/<target>: a zip a layer, a zip a slice, and `manifest.json`, which serverless.yml and the tests read."""

import dataclasses
import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local import scratch, settings
from infra.local.packaging import archive, slices, vendors
from infra.local.packaging.targets import Target, compile_tree

DIST = settings.ROOT / "dist"
MANIFEST = "manifest.json"
#: Raised by hand when what a layer holds changes without its requirements: pruning, bytecode, layout.
LAYOUT = 2
#: With its bytecode it would not fit beside the base; its one function starts once a week.
UNCOMPILED = frozenset({"learner"})


def package(target: Target, say: Callable[[str], None] = print, dist: Path = DIST) -> dict[str, Any]:
    """Build what is out of date; the manifest. Layers are kept while their requirements stay the same."""
    folder = dist / target.name
    with _alone(folder):
        return _package(target, say, dist, folder)


def _package(target: Target, say: Callable[[str], None], dist: Path, folder: Path) -> dict[str, Any]:
    before = manifest(target, dist) or {"layers": {}}
    layers = {
        name: _kept(before["layers"].get(name), _digest(name, text, target), folder)
        or pack_layer(name, text, target, folder)
        for name, text in vendors.requirements().items()
    }
    code = {name: pack_slice(name, target, folder) for name in slices.slice_names()}
    written = {"target": target.name, "runtime": target.runtime, "bytecode": target.compiler() is not None}
    written |= {"layers": layers, "slices": code, "layers_digest": _digest_of(layers)}
    (folder / MANIFEST).write_text(json.dumps(written, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    _sweep(folder, {part["file"] for part in (*layers.values(), *code.values())})
    say(_summary(written))
    return written


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two who package for the same target take turns."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def manifest(target: Target, dist: Path = DIST) -> dict[str, Any] | None:
    """What was packaged last for ``target``."""
    path = dist / target.name / MANIFEST
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _kept(known: Mapping[str, Any] | None, digest: str, folder: Path) -> dict[str, Any] | None:
    return dict(known) if known and known["digest"] == digest and (folder / known["file"]).is_file() else None


def pack_layer(name: str, requirements: str, target: Target, folder: Path) -> dict[str, Any]:
    """Zip what these requirements install; its entry in the manifest."""
    work = scratch.make("layer")
    try:
        vendors.install(requirements, target, work / "python")
        if name not in UNCOMPILED:
            _compile(target, work, "/opt")
        written = archive.write(work, folder / f"layer-{name}.zip", level=target.compression)
    finally:
        scratch.remove(work)
    # Under its contents' name in the bucket, so that CloudFormation sees a new layer when there is one, and only then.
    key = f"layers/{target.name}/{name}-{written.sha256[:16]}.zip"
    return {**dataclasses.asdict(written), "digest": _digest(name, requirements, target), "key": key}


def pack_slice(name: str, target: Target, folder: Path) -> dict[str, Any]:
    """Zip a slice's own code; its entry in the manifest."""
    work = scratch.make("slice")
    try:
        slices.collect(name, work)
        _compile(target, work, "/var/task")
        return dataclasses.asdict(archive.write(work, folder / f"{name}.zip", level=target.compression))
    finally:
        scratch.remove(work)


def _compile(target: Target, folder: Path, shown_as: str) -> None:
    compiler = target.compiler()
    if compiler is not None:
        compile_tree(compiler, folder, shown_as)


def _digest(name: str, requirements: str, target: Target) -> str:
    bytecode = str(target.compiler() is not None and name not in UNCOMPILED)
    return hashlib.sha256("\0".join((str(LAYOUT), target.name, bytecode, requirements)).encode()).hexdigest()


def _digest_of(layers: Mapping[str, Mapping[str, Any]]) -> str:
    """Of what all layers hold: every function is told, so that a change publishes versions where there are any."""
    return hashlib.sha256("\0".join(sorted(one["key"] for one in layers.values())).encode()).hexdigest()[:16]


def _sweep(folder: Path, known: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in known | {MANIFEST}:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _summary(written: Mapping[str, Any]) -> str:
    parts = {**{f"layer {name}": one for name, one in written["layers"].items()}, **written["slices"]}
    sizes = ", ".join(f"{name} {one['unzipped_bytes'] / 1e6:.1f} MB" for name, one in parts.items())
    return f"{written['target']}: {sizes}"

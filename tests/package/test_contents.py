"""What lies in the zips: all that a function imports, the same bytes each time, and nothing that is not its own."""

import importlib.util
import re
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from infra.local.packaging import slices, vendors
from infra.local.packaging.packages import pack_layer, pack_slice
from infra.local.packaging.targets import TARGETS
from tests.package.conftest import HOST
from tests.package.stack import Stack
from tests.repo.house import KERNEL, ROOT, SERVICES, declared_functions

pytestmark = pytest.mark.integration

MB = 1_000_000
#: Lambda's own limit is 250 MiB unzipped, with all layers, and five layers a function.
UNZIPPED_BYTES_MAX, OWN_BYTES_MAX, LAYERS_MAX = 250 * MB, 6 * MB, 5
#: Keys that would open something: PEM, AWS, Stripe-like tokens, and the accounts every local chain begins with.
SECRET = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bsk_live_[0-9a-zA-Z]{16}"
    rb"|ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
)
HASH_BASED_UNCHECKED = b"\x01\x00\x00\x00"


def members(archive: Path) -> dict[str, bytes]:
    """Name -> contents."""
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


@pytest.fixture(scope="module")
def own(dist: Path, manifest: dict[str, Any]) -> dict[str, dict[str, bytes]]:
    """Slice -> what its zip holds."""
    return {name: members(dist / one["file"]) for name, one in manifest["slices"].items()}


def test_every_slice_and_every_group_of_dependencies_is_packaged(manifest: dict[str, Any]) -> None:
    """A new slice or group needs no word here."""
    assert set(manifest["slices"]) == set(SERVICES)
    assert set(manifest["layers"]) == set(vendors.layer_names())


def test_every_handler_lies_in_its_slices_zip(own: dict[str, dict[str, bytes]], stack: Stack) -> None:
    """And the template takes it from there."""
    lost = [name for name in declared_functions() if f"functions/{name}.py" not in own[name.split("/")[0]]]
    elsewhere = [
        name
        for name, function in stack.functions.items()
        if not function.properties["Code"]["S3Key"].endswith(f"/{name.split('/')[0]}.zip")
    ]

    assert (lost, elsewhere) == ([], [])


def test_a_slices_zip_holds_its_own_folder_the_kernel_and_the_gpu_functions(own: dict[str, dict[str, bytes]]) -> None:
    """Byte for byte as they are here, and no other slice."""
    for name, held in own.items():
        sources = {path: text for path, text in held.items() if not path.endswith(".pyc")}
        roots = {"kernel/": KERNEL.parent, "functions/": ROOT, "gpu/": ROOT}
        strangers = [
            path
            for path, text in sources.items()
            if not path.startswith((f"functions/{name}/", "kernel/", "gpu/", "functions/__init__.py"))
            or next(root / path for start, root in roots.items() if path.startswith(start)).read_bytes() != text
        ]

        assert strangers == []


def test_nothing_of_tests_people_or_secrets_is_packaged(own: dict[str, dict[str, bytes]]) -> None:
    """No test, no fake, no prose, no leftover of an editor, no key."""
    unfit = [
        (name, path)
        for name, held in own.items()
        for path, text in held.items()
        if {"tests", "testing"} & set(PurePosixPath(path).parts)
        or PurePosixPath(path).suffix not in slices.SUFFIXES | {".pyc"}
        or SECRET.search(text)
    ]

    assert unfit == []


def test_layers_carry_no_tests_no_scripts_and_no_trace_of_this_machine(dist: Path, manifest: dict[str, Any]) -> None:
    """What wheels bring beside their code is left out, and no path of the building machine is in them."""
    unfit = []
    for layer in manifest["layers"].values():
        with zipfile.ZipFile(dist / layer["file"]) as archive:
            for path in map(PurePosixPath, archive.namelist()):
                folders = {"/".join(path.parts[1:end]) for end in range(2, len(path.parts))}
                superfluous = any(one.split("/")[-1] in vendors.SUPERFLUOUS for one in folders - vendors.NEEDED)
                if path.parts[0] != "python" or (superfluous and path.suffix != ".pyc"):
                    unfit.append(str(path))

    assert unfit == []


def test_bytecode_never_goes_stale(dist: Path, manifest: dict[str, Any]) -> None:
    """It is bound to no time: its flags say hash-based and unchecked, its magic is this interpreter's."""
    header = importlib.util.MAGIC_NUMBER + HASH_BASED_UNCHECKED
    bound = [
        (part["file"], name)
        for part in (*manifest["layers"].values(), *manifest["slices"].values())
        for name, text in members(dist / part["file"]).items()
        if name.endswith(".pyc") and not text.startswith(header)
    ]

    assert bound == []


def test_every_source_has_its_bytecode(own: dict[str, dict[str, bytes]]) -> None:
    """A function's folder is read-only: what is not compiled here is compiled at every cold start."""
    for held in own.values():
        compiled = {PurePosixPath(path).name.split(".")[0] for path in held if path.endswith(".pyc")}

        assert {PurePosixPath(path).stem for path in held if path.endswith(".py")} <= compiled


def test_every_function_fits_with_its_layers(stack: Stack, manifest: dict[str, Any]) -> None:
    """250 MB unzipped in all, 6 MB of our own, five layers."""
    sizes = {
        name: manifest["slices"][name.split("/")[0]]["unzipped_bytes"]
        + sum(manifest["layers"][layer.removesuffix("Layer").lower()]["unzipped_bytes"] for layer in function.layers)
        for name, function in stack.functions.items()
    }

    assert {name: size for name, size in sizes.items() if size >= UNZIPPED_BYTES_MAX} == {}
    assert [name for name, one in manifest["slices"].items() if one["unzipped_bytes"] > OWN_BYTES_MAX] == []
    assert [name for name, one in stack.functions.items() if len(one.layers) > LAYERS_MAX] == []


def test_only_what_serves_http_carries_the_web_and_only_who_needs_them_the_venues_and_the_solver(stack: Stack) -> None:
    """So a queue or cron function cannot import fastapi or ccxt, at its start or later."""
    layers = {name: set(one.layers) for name, one in stack.functions.items()}
    web = {name.split("/")[1].split("_")[0] for name, has in layers.items() if "WebLayer" in has}

    assert web <= {"http", "ws"}
    assert {name for name, has in layers.items() if "CollectorLayer" in has} == {"oracle/queue_collect"}
    assert {name for name, has in layers.items() if "SolverLayer" in has} == {"netting/queue_net_batch"}
    assert {name for name, has in layers.items() if "LearnerLayer" in has} == {"oracle/queue_grow_forest"}
    assert {name for name, has in layers.items() if "HistoryLayer" in has} == {"oracle/queue_export_points"}


def test_the_same_source_makes_the_same_bytes(
    tmp_path: Path, manifest: dict[str, Any], volume: Callable[[int, int], int]
) -> None:
    """Packed twice, in two places: every slice and the smallest layer; in a soak run every layer, for every target."""
    layers, targets = volume(1, len(vendors.layer_names())), volume(1, len(TARGETS))
    requirements = sorted(vendors.requirements().items(), key=lambda one: len(one[1]))[:layers]
    for target in list(reversed(TARGETS.values()))[:targets]:
        packed = []
        for side in ("one", "other"):
            folder = tmp_path / target.name / side
            folder.mkdir(parents=True)
            is_packed = (side, target) == ("one", HOST)  # in dist, for the other tests
            packed.append(
                [manifest["slices"][name] if is_packed else pack_slice(name, target, folder) for name in SERVICES]
                + [pack_layer(name, text, target, folder) for name, text in requirements]
            )

        assert packed[0] == packed[1]

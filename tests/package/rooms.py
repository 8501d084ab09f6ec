"""Where Lambda would put a package: /opt of each layer, /var/task of each slice, and the runtime with its boto3."""

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.package.stack import Function

#: What the Lambda runtimes have beside the standard library.
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")


@dataclass(frozen=True)
class Rooms:
    """Unpacked packages, each once."""

    folder: Path
    dist: Path
    manifest: Any

    def path_of(self, function: Function) -> list[Path]:
        """What a function's interpreter is given to import from, and nothing else."""
        layers = [layer.removesuffix("Layer").lower() for layer in function.layers]
        slices = self._unpacked(self.manifest["slices"][function.name.split("/")[0]]["file"])
        opened = [self._unpacked(self.manifest["layers"][layer]["file"]) / "python" for layer in layers]
        return [slices, *opened, self._runtime()]

    def run(self, function: Function, script: str) -> subprocess.CompletedProcess[str]:
        """A fresh interpreter without site-packages, with the function's own path."""
        paths = [str(path) for path in self.path_of(function)]
        return subprocess.run(
            [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {paths!r}\n{script}"],
            check=False,
            capture_output=True,
            text=True,
            cwd=paths[0],
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        )

    def _unpacked(self, file: str) -> Path:
        target = self.folder / file.removesuffix(".zip")
        if not target.exists():
            with zipfile.ZipFile(self.dist / file) as archive:
                archive.extractall(target)
        return target

    def _runtime(self) -> Path:
        target = self.folder / "runtime"
        if not target.exists():
            target.mkdir()
            for name in RUNTIME:
                (target / _place(name).name).symlink_to(_place(name))
        return target


@cache
def _place(module: str) -> Path:
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None, module
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin

"""Compiles the netting program into its committed artifact, or into the file that is named."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from infra.contracts.netting.link import link

HERE: Final = Path(__file__).parent
ARTIFACT: Final = HERE.parent / "artifacts/netting/netting.so"
#: Debian's; another version writes other instructions, which a test would call a difference.
COMPILER: Final = "clang-19"
FLAGS: Final = ("-target", "bpf", "-mcpu=v2", "-O2", "-fno-builtin", "-Wall", "-Wextra", "-Werror")


def build(source: Path = HERE / "netting.c") -> bytes:
    """The program. Raises FileNotFoundError without the compiler, CalledProcessError, Unlinkable."""
    compiler = shutil.which(COMPILER)
    if compiler is None:
        raise FileNotFoundError(f"{COMPILER} is not on PATH: apt-get install {COMPILER}")
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "netting.o"
        subprocess.run([compiler, *FLAGS, "-c", source, "-o", compiled], check=True)
        return link(compiled.read_bytes())


if __name__ == "__main__":
    Path(sys.argv[1] if sys.argv[1:] else ARTIFACT).write_bytes(build())

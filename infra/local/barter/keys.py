"""Development keys of the circuit of exchanges, made when they are not there: `make barter-keys ARGS="--size 64"`.

Their secrets are known to everybody. gpu/README.md says how a ceremony's key takes their place.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from gpu import settings
from gpu.exchange.circuit import system
from gpu.exchange.circuit_files import r1cs_file
from gpu.exchange.circuit_shape import Shape
from gpu.exchange.formats import verification_key_json
from gpu.exchange.formats_zkey import LABEL, proving_key_of
from gpu.exchange.keys import by_image_id, development_zkey, is_development

SIZE, LIST_MAX = 16, 16


def development_key(size: int = SIZE, list_max: int = LIST_MAX, folder: Path | None = None) -> Path:
    """The .zkey of a size, named after its image id; made now, with progress on stderr, if it is not there."""
    return development_zkey(folder or settings.keys_folder(), system(Shape(size, list_max)), _say)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, export or show."""
    parser = argparse.ArgumentParser(prog="make barter-keys", description=__doc__)
    parser.add_argument("--size", type=int, default=SIZE, help="for how many agents (16)")
    parser.add_argument("--list-max", type=int, default=LIST_MAX, help="for lists of how many items (16)")
    parser.add_argument("--export", type=Path, metavar="FOLDER", help="write exchange.r1cs there, for a ceremony")
    parser.add_argument("--show", type=Path, metavar="ZKEY", help="say what a contract's verifier takes for this key")
    given = parser.parse_args(arguments)
    try:
        shape = Shape(given.size, given.list_max)
        if given.export is not None:
            given.export.mkdir(parents=True, exist_ok=True)
            (given.export / "exchange.r1cs").write_bytes(r1cs_file(system(shape)))
            print(f"{given.export / 'exchange.r1cs'}: the circuit for {shape.size} agents, lists of {shape.list_max}")
        else:
            _show(given.show or development_key(shape.size, shape.list_max), shape)
    except (ValueError, OSError) as problem:
        print(f"No key: {problem}")
        return 1
    return 0


def _show(path: Path, shape: Shape) -> None:
    key = proving_key_of(path.read_bytes())
    known = key.verification
    print(f"{path}: {key.wires:,} wires, {key.domain:,} rows, image id {known.image_id()}")
    if key.development or is_development(known, system(shape).digest()):
        print(f"  {LABEL.decode().strip()}: whoever has this program can prove anything for its verifier")
    print(f"  the prover looks for it at {by_image_id(settings.keys_folder(), known.image_id())}")
    print(f"  Groth16Verifier's constructor: {json.dumps([*map(hex, known.words())])}, agents, listMax")
    print(f"  verification_key.json: {json.dumps(verification_key_json(known))}")


def _say(progress: str) -> None:
    sys.stderr.write(f"  {progress}\n")


if __name__ == "__main__":
    sys.exit(main())

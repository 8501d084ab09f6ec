"""osls, the open fork of the Serverless Framework, run on this bundle with an environment of its own."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.local import programs, settings
from infra.local.aws import REGION
from infra.local.failures import LocalFailure
from infra.local.packaging.targets import Target

PROGRAM = settings.ROOT / "node_modules/osls/bin/serverless.js"
TEMPLATE = "cloudformation-template-update-stack.json"


class OslsFailed(LocalFailure):
    """osls refused the bundle, or AWS what osls asked for."""


def template(
    target: Target,
    folder: Path,
    *,
    stage: str = "dev",
    region: str = REGION,
    parameters: Mapping[str, str] | None = None,
) -> Any:
    """The CloudFormation of the packaged bundle, which is left in ``folder``; asks nobody, needs no credentials."""
    command = ["package", "--package", str(folder)]
    run(command, target, stage=stage, region=region, parameters=parameters, environment={})
    return json.loads((folder / TEMPLATE).read_text(encoding="utf-8"))


def run(
    command: Sequence[str],
    target: Target,
    *,
    stage: str,
    region: str,
    parameters: Mapping[str, str] | None,
    environment: Mapping[str, str],
) -> str:
    """One command of osls on the root's serverless.yml for ``target``; what it printed. Raises OslsFailed."""
    node = programs.node()
    if node is None or not PROGRAM.is_file():
        raise OslsFailed("osls or Node is not installed; `make ready` brings both.")
    given = {"target": target.name, "runtime": target.runtime, "architecture": target.architecture}
    options = [f"--param={name}={value}" for name, value in {**given, **(parameters or {})}.items()]
    ran = subprocess.run(
        [str(node.program), str(PROGRAM), *command, "--stage", stage, "--region", region, *options],
        cwd=settings.ROOT,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**settings.child_environment(), "SLS_TELEMETRY_DISABLED": "1", **environment},
    )
    if ran.returncode != 0:
        raise OslsFailed(f"osls {' '.join(command)} failed:\n{ran.stdout.strip()}\n{ran.stderr.strip()}")
    return ran.stdout + ran.stderr

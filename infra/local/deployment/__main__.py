"""`python -m infra.local.deployment --local`: deploy into the emulator and try every trigger; --stage: to AWS."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rich.console import Console

from infra.local.deployment import publishing
from infra.local.deployment.choosing import only
from infra.local.deployment.emulated import EmulatedCloud, addresses, deploy
from infra.local.failures import LocalFailure
from infra.local.packaging.targets import TARGETS


def main(arguments: Sequence[str]) -> int:
    """0 when it is deployed and does what it is for."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.deployment", description="Deploy the bundle")
    parser.add_argument("--local", action="store_true", help="into an emulator on 127.0.0.1, which ends with this")
    parser.add_argument("--stage", help="to AWS, with the credentials of this shell")
    parser.add_argument("--region", default="eu-central-1")
    parser.add_argument("--bucket", help="for packages; counterpart-artifacts-<account>-<region> otherwise")
    parser.add_argument("--target", default="arm64-python3.13", choices=[name for name in TARGETS if name != "host"])
    parser.add_argument("--only", metavar="NAME,NAME", help="these functions alone (oracle/cron_collect,…), to AWS")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="of serverless.yml")
    chosen = parser.parse_args(arguments)
    console = Console()
    try:
        if chosen.local:
            return _locally(console)
        if chosen.stage in (None, "", "local", "test"):
            parser.error("name a stage: --stage prod; local and test take secrets from the environment")
        return _to_aws(chosen, console)
    except LocalFailure as failure:
        console.print(f"\n{failure}", style="red", markup=False, soft_wrap=True)
        return 1


def _locally(console: Console) -> int:
    from infra.local.deployment import smokes

    with EmulatedCloud(console=console) as cloud:
        deployed = _timed(console, "deployed by osls", partial(deploy, cloud))
        environment = addresses(cloud, deployed)
        deployed.told(environment)
        smokes.set_for_later(cloud, deployed)  # its minutes pass while the others are tried
        whole_round = partial(smokes.whole_round, environment=environment)
        for title, smoke in (
            ("over http", smokes.over_http),
            ("over websocket", smokes.over_websocket),
            ("by queue", smokes.by_queue),
            ("whole round", whole_round),
            ("by schedule", smokes.by_schedule),
            ("collector alone", smokes.collector_alone),
        ):
            said = _timed(console, title, partial(smoke, cloud, deployed))
            console.print(f"  {said}", highlight=False)
    return 0


def _to_aws(chosen: argparse.Namespace, console: Console) -> int:
    import boto3

    from infra.local import scratch, settings

    session = boto3.Session(region_name=chosen.region)
    account = session.client("sts").get_caller_identity()["Account"]
    bucket = chosen.bucket or f"counterpart-artifacts-{account}-{chosen.region}"
    parameters = {"artifact_bucket": bucket, **dict(one.split("=", 1) for one in chosen.param)}
    target = TARGETS[chosen.target]
    in_parts = partial(publishing.in_parts, session.client("s3"), bucket)
    adapted = partial(only, names=chosen.only.split(",")) if chosen.only else in_parts
    publishing.publish_layers(session.client("s3"), bucket, chosen.region, target)
    folder = scratch.make("deploy")
    try:
        said = publishing.deploy(
            target,
            folder,
            stage=chosen.stage,
            region=chosen.region,
            parameters=parameters,
            environment=settings.whole_environment(),
            adapted=adapted,
        )
    finally:
        scratch.remove(folder)
    console.print(said, markup=False, soft_wrap=True)
    return 0


def _timed(console: Console, title: str, act: Callable[[], Any]) -> Any:
    started = time.monotonic()
    result = act()
    console.print(f"{title}: {time.monotonic() - started:.0f} s", highlight=False)
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

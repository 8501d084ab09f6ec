"""`python -m infra.local up | demo | doctor | invoke ...`; each is imported only when it is asked for."""

import argparse
import subprocess
import sys
from collections.abc import Sequence

from infra.local import settings
from infra.local.failures import LocalFailure


def main(arguments: Sequence[str]) -> int:
    """Run one subcommand; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.local", description="Counterpart's local cloud")
    commands = parser.add_subparsers(dest="command", required=True)

    up = commands.add_parser("up", help="start everything and stay")
    up.add_argument(
        "--port", type=int, default=0, help="port of the gateway, HTTP and WebSocket (a free one otherwise)"
    )

    demo = commands.add_parser("demo", help="show what the bundle does, then stop")
    demo.add_argument("scene", nargs="?", default="tour", help="tour, or the name of one service")
    demo.add_argument("options", nargs=argparse.REMAINDER, help="options of the scene")

    commands.add_parser("doctor", help="what this machine has and lacks")
    commands.add_parser("contracts", help="compile the contracts into their committed artifacts")

    migrate = commands.add_parser("migrate", help="apply the pending migrations to a database")
    migrate.add_argument("--database-url", required=True, help="a direct address, not a pooler's")

    invoke = commands.add_parser("invoke", help="call one handler with one event")
    invoke.add_argument("--handler", required=True, help="functions/<service>/<handler>")
    invoke.add_argument("--event", required=True, help="events/<service>/<handler>.json")

    try:
        return _run(parser.parse_args(arguments))
    except LocalFailure as failure:
        print(f"\n{failure}\n`make doctor` says what this machine lacks.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(chosen: argparse.Namespace) -> int:
    if chosen.command == "up":
        from infra.local.up import up

        return up(settings.load(), gateway_port=chosen.port)
    if chosen.command == "demo":
        from infra.local.demo import demo

        return demo(chosen.scene, chosen.options)
    if chosen.command == "invoke":
        from infra.local.invoke import invoke

        return invoke(chosen.handler, chosen.event)
    if chosen.command == "contracts":
        return _compile_contracts()
    if chosen.command == "migrate":
        return _migrate(chosen.database_url)
    from infra.local.doctor import main as doctor

    return doctor()


def _migrate(database_url: str) -> int:
    from infra.local import postgres

    if not database_url:
        print("Name the database: make migrate DATABASE_URL=postgresql://… (direct, not a pooler's).", file=sys.stderr)
        return 2
    postgres.migrate(database_url)
    print("every migration is applied")
    return 0


def _compile_contracts() -> int:
    from infra.contracts.netting import build as netting
    from infra.local import programs

    node = programs.node()
    if node is None:
        print("no Node of version 20 or later; `make ready` brings one")
        return 1
    status = subprocess.run([node.program, settings.ROOT / "infra/contracts/build.cjs"], check=False).returncode
    try:
        netting.ARTIFACT.write_bytes(netting.build())
    except FileNotFoundError as absent:
        print(f"the Solana program was left as it is: {absent}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

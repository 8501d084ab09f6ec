"""AWS on 127.0.0.1: MiniStack in an environment of its own, which also plays the Lambda runtime (it has boto3)."""

import hashlib
import sys
from pathlib import Path

import httpx

from infra.local import aws, ports, scratch, settings
from infra.local.aws import Aws
from infra.local.children import Children
from infra.local.packaging import vendors

#: MiniStack pins another botocore than ours. Made with: echo 'ministack==…\nboto3' | uv pip compile --generate-hashes -
REQUIREMENTS = Path(__file__).with_name("emulator.txt")
HOME = settings.LOCAL / "emulator"


def start(children: Children) -> Aws:
    """Install it if it is not there yet (10 s), and start it (2 s)."""
    python = _installed()
    port = ports.requested_port(0)
    # Each container unpacks its layers anew, thousands of files: memory is the place for them.
    folder = scratch.make("emulator", many_files=True)
    children.after_stop(lambda: scratch.remove(folder))
    environment = {
        # Its default is every interface.
        "BIND_HOST": ports.LOOPBACK,
        "MINISTACK_HOST": "localhost",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": aws.ACCOUNT,
        "MINISTACK_REGION": aws.REGION,
        "LAMBDA_STRICT": "0",
        "TMPDIR": str(folder),
        # Containers have what their layers bring and nothing of this checkout.
        "PYTHONPATH": "",
        "PYTHONUNBUFFERED": "1",
        "POWERTOOLS_TRACE_DISABLED": "true",
    }
    child = children.start("emulator", [python, "-m", "ministack"], env=environment)
    server = Aws(f"http://{ports.LOOPBACK}:{port}", child)
    children.after_stop(server.close)
    child.wait_until(lambda: _answers(server.endpoint))
    return server


def _installed() -> Path:
    python, stamp = HOME / "bin/python", HOME / "counterpart.stamp"
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest:
        base = str(getattr(sys, "_base_executable", None) or sys.executable)
        vendors.uv(["venv", "--quiet", "--clear", "--python", base, str(HOME)])
        vendors.uv(["pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(REQUIREMENTS)])
        stamp.write_text(digest, encoding="utf-8")
    return python


def _answers(endpoint: str) -> bool:
    try:
        return httpx.get(f"{endpoint}/_ministack/health", timeout=5.0).is_success
    except httpx.HTTPError:
        return False

"""Every hour: the audit chain's head is told to the log, in the form that `make audit` takes."""

import json
from pathlib import Path

import pytest

from functions.ops.cron_tell_audit_head import handler
from functions.ops.wiring import ROLE, Deps
from kernel.audit import Audit
from kernel.auth import Role, Tier
from kernel.testing.kernel import FakedKernel

pytestmark = pytest.mark.handlers
EVENT = json.loads(Path("events/ops/cron_tell_audit_head.json").read_text(encoding="utf-8"))


def test_the_head_is_told_to_the_log(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever noted it finds out when the chain was cut."""
    kernel = FakedKernel(database_url, role=ROLE)
    kernel.api_keys.issue(tier=Tier.ADMIN, role=Role.ADMIN, label="ada", actor="a test")

    answer = handler.bind(Deps(kernel))(EVENT | {"time": kernel.clock.now().isoformat()}, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [line["audit_head"] for line in lines if "audit_head" in line]
    head = Audit(kernel.postgres).head()
    kernel.close()

    assert {"status": "done"} == answer
    assert (1, [str(head)]) == (head.seq, told)

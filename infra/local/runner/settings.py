"""The environment of a container: nothing of the parent's is left, as on Lambda."""

import os
import time
from collections.abc import Mapping

from infra.local.runner.bundle import Function

PYTHON = "AWS_Lambda_python3.13"


def replace_environment(environment: Mapping[str, str]) -> None:
    """Make ``environment`` the whole environment of this process."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()


def function_environment(function: Function, full_name: str, region: str) -> dict[str, str]:
    """The function's own variables and those that Lambda sets, with tracing off: no daemon listens here."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": PYTHON,
        "AWS_LAMBDA_FUNCTION_NAME": full_name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{full_name}",
        "POWERTOOLS_TRACE_DISABLED": "true",
        **function.environment,
        "_HANDLER": function.handler,
    }

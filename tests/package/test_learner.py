"""The one function that has scikit-learn can grow a forest from its layers alone, pruned as they are."""

import pytest

from tests.package.rooms import Rooms
from tests.package.stack import Stack

pytestmark = pytest.mark.integration

GROW = """
import struct, sys
from gpu.catalogue import find, problem_of
from kernel.offload import Computed
arguments = {"columns": 1, "aspects": [{"name": "a", "columns": [0]}], "trees": 3, "samples": 16, "seed": 1,
             "suspect_ppm": 0}
content = struct.pack("<32f", *range(32))
result, output = find("isolation_forest")(arguments, content)
given = {"function": "isolation_forest", "arguments": arguments, "result": result, "output": output}
computed = Computed(**given, input=lambda: content)
print(result["rows"], problem_of(computed), sorted({"pandas", "matplotlib", "pytest"} & set(sys.modules)))
"""


def test_a_forest_grows_from_the_package_alone(stack: Stack, rooms: Rooms) -> None:
    """What is pruned from the wheels is not what growing imports; and its result stands its check."""
    ran = rooms.run(stack.functions["oracle/queue_grow_forest"], GROW)

    assert (ran.stderr, ran.stdout) == ("", "32 None []\n")


def test_where_there_is_no_scikit_learn_the_function_is_unknown(stack: Stack, rooms: Rooms) -> None:
    """So a job that strays there parks its task with a remedy, and no attempt is spent."""
    script = 'from gpu.catalogue import find; print(find("isolation_forest"), find("weighted_medians") is None)'
    ran = rooms.run(stack.functions["ops/queue_poll_offload"], script)

    assert (ran.stderr, ran.stdout) == ("", "None False\n")

"""The local cloud: real software on the loopback for everything that production rents.

The version is checked here because this file is the first to run, and so the only one that an old Python gets to read.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an old Python must hear why, not stumble over newer syntax
    sys.exit(
        f"Counterpart needs Python 3.11 or 3.12, and {sys.executable} is {sys.version.split()[0]}.\n"
        "Get one (Debian 12: apt-get install -y python3 python3-venv), then: make PYTHON=/path/to/python3.11 ..."
    )

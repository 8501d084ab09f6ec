"""Note each message in a file, and fail, die or linger as its body says."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """One line a record in PROBE_FILE; the ids of those whose body says fail."""
    failed = []
    for record in event["Records"]:
        body = json.loads(record["body"])
        _note(body, record)
        if body.get("die_once") and record["attributes"]["ApproximateReceiveCount"] == "1":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(body.get("sleep_s", 0))
        if body.get("fail"):
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _note(body: dict[str, Any], record: dict[str, Any]) -> None:
    line = {"name": body["name"], "at": time.time(), "pid": os.getpid(), "record": record}
    with Path(os.environ["PROBE_FILE"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")

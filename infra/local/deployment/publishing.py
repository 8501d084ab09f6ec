"""From packages to a stack: a bucket, the layers in it, and osls with the template that it made."""

import json
import re
from collections.abc import Callable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

from infra.local.deployment import osls
from infra.local.deployment.parting import part
from infra.local.packaging.packages import DIST, package
from infra.local.packaging.targets import Target

STATE = "serverless-state.json"
#: `$["service"]["functions"]["http_health"]["events"][0]`, step by step.
_STEP = re.compile(r'\[("(?:[^"\\]|\\.)*"|\d+)\]')


def publish_layers(s3: Any, bucket: str, region: str, target: Target, say: Callable[[str], None] = print) -> None:
    """Make the bucket, closed and encrypted, and put there the layers that it does not have yet."""
    _ensure_bucket(s3, bucket, region)
    for layer in package(target, say)["layers"].values():
        if not _is_there(s3, bucket, layer["key"]):
            s3.upload_file(str(DIST / target.name / layer["file"]), bucket, layer["key"])
            say(f"{layer['key']}: {layer['zipped_bytes'] / 1e6:.1f} MB")


def deploy(
    target: Target,
    folder: Path,
    *,
    stage: str,
    region: str,
    parameters: Mapping[str, str],
    environment: Mapping[str, str],
    adapted: Callable[[Any], Any] | None = None,
) -> str:
    """Render the template into ``folder`` and deploy it from there; what osls said. Raises OslsFailed.

    adapted: what is deployed in the template's place: its root and the parts beside it, or a few of its functions.
    """
    template = osls.template(target, folder, stage=stage, region=region, parameters=parameters)
    if adapted is not None:
        template = adapted(template)
        # osls deploys what its state says, and lays the template beside it.
        state = spelt_out(json.loads((folder / STATE).read_text(encoding="utf-8")))
        state["service"]["provider"]["compiledCloudFormationTemplate"] = template
        (folder / STATE).write_text(json.dumps(state), encoding="utf-8")
        (folder / osls.TEMPLATE).write_text(json.dumps(template), encoding="utf-8")
    command = ["deploy", "--package", str(folder)]
    return osls.run(command, target, stage=stage, region=region, parameters=parameters, environment=environment)


def spelt_out(state: Any) -> Any:
    """osls writes what it meets twice once, and points there: also into the template, of which some may be gone now."""

    def told(value: Any) -> Any:
        match value:
            case {"$ref": str(path)}:
                return told(reduce(lambda inside, key: inside[json.loads(key)], _STEP.findall(path), state))
            case dict():
                return {key: told(one) for key, one in value.items()}
            case list():
                return [told(one) for one in value]
        return value

    return told(state)


def in_parts(s3: Any, bucket: str, template: Any) -> Any:
    """The template's root, whose nested stacks lie in the bucket then."""
    parted = part(template)
    for one in parted.parts.values():
        s3.put_object(Bucket=bucket, Key=one.key, Body=one.text.encode())
    return dict(parted.root)


def _ensure_bucket(s3: Any, bucket: str, region: str) -> None:
    if any(one["Name"] == bucket for one in s3.list_buckets()["Buckets"]):
        return
    # us-east-1 is where a bucket is that names no place, and it may not be named.
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **place)
    closed = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(closed, True))
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def _is_there(s3: Any, bucket: str, key: str) -> bool:
    return bool(s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount"))

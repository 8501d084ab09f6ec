"""The bundle as `make deploy-local` has it: serverless.yml deployed by osls into an emulator, on stand-ins beside it.

with EmulatedCloud() as cloud:
    deployed = deploy(cloud)
    deployed.told({"COUNTERPART_LOG_LEVEL": "DEBUG"})
    deployed.get("/health")
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from infra.local import aws
from infra.local.aws import Aws
from infra.local.cloud import LocalCloud
from infra.local.deployment import emulator, publishing
from infra.local.deployment.choosing import only
from infra.local.deployment.parting import NESTED, Parted, part
from infra.local.packaging.targets import TARGETS

STAGE = "local"
STACK = f"counterpart-{STAGE}"
BUCKET = "counterpart-artifacts"
#: What MiniStack does not know, each without a consequence here: it serves a WebSocket route as soon as there is one,
#: sends back what an integration answers, and has no alarms over more than one metric.
UNKNOWN_TYPES = ("AWS::ApiGatewayV2::Deployment", "AWS::ApiGatewayV2::RouteResponse")
#: A first call unpacks and imports all of a function's layers.
PATIENCE_S = 60.0


class EmulatedCloud(LocalCloud):
    """The local cloud with the emulator in the place of moto."""

    def _start_aws(self) -> None:
        self._started["aws"] = emulator.start(self.children)


@dataclass(frozen=True, slots=True, eq=False)
class Deployed:
    """A deployed stack and its addresses."""

    aws: Aws
    http_id: str
    websocket_id: str
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=PATIENCE_S), repr=False)

    @property
    def websocket_url(self) -> str:
        """Where clients connect."""
        return self._address(self.websocket_id).replace("http://", "ws://")

    @property
    def realtime_url(self) -> str:
        """Where functions post to clients."""
        return self._address(self.websocket_id)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request to the HTTP API, as its host name directs it there."""
        host = f"{self.http_id}.execute-api.localhost:{httpx.URL(self.aws.endpoint).port}"
        headers = {"Host": host, **options.pop("headers", {})}
        return self._http.request(method, f"{self.aws.endpoint}{path}", headers=headers, **options)

    def told(self, environment: Mapping[str, str]) -> None:
        """Tell every function, beside what the template tells it, where the stand-ins are."""
        client = self.aws.client("lambda")
        for function in _functions(client):
            known = function.get("Environment", {}).get("Variables", {})
            variables = {**known, **environment}
            client.update_function_configuration(
                FunctionName=function["FunctionName"], Environment={"Variables": variables}
            )

    def queue_url(self, name: str) -> str:
        """The address of a queue of this stage."""
        return f"{self.aws.queue_url_prefix}{STACK}-{name}"

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _address(self, api_id: str) -> str:
        return f"{self.aws.endpoint}/_aws/execute-api/{api_id}/{STAGE}"


def deploy(cloud: LocalCloud, parameters: Mapping[str, str] | None = None) -> Deployed:
    """Package for this machine and deploy (20 s); the functions know nothing of the stand-ins yet."""
    server, host = cloud.aws, TARGETS["host"]
    parted: list[Parted] = []

    def adapted(template: Any) -> Any:
        parted.append(part(_without_the_unknown(template)))
        return _telling(parted[-1])

    publishing.publish_layers(server.client("s3"), BUCKET, aws.REGION, host, say=lambda _: None)
    publishing.deploy(
        host,
        cloud.folder / "package",
        stage=STAGE,
        region=aws.REGION,
        parameters={"artifact_bucket": BUCKET, **(parameters or {})},
        environment=server.env,
        adapted=adapted,
    )
    _deploy_parts(server, parted[-1])
    apis = {api["ProtocolType"]: api["ApiId"] for api in server.client("apigatewayv2").get_apis()["Items"]}
    deployed = Deployed(server, apis["HTTP"], apis["WEBSOCKET"])
    cloud.children.after_stop(deployed.close)
    return deployed


def deploy_beside(cloud: LocalCloud, stage: str, names: Collection[str]) -> str:
    """A few functions as a stage of their own, told what the first stage's are; the prefix of their names."""
    publishing.deploy(
        TARGETS["host"],
        cloud.folder / f"package-{stage}",
        stage=stage,
        region=aws.REGION,
        parameters={"artifact_bucket": BUCKET},
        environment=cloud.aws.env,
        adapted=lambda template: _without_the_unknown(only(template, names)),
    )
    client, prefix = cloud.aws.client("lambda"), f"counterpart-{stage}-"
    for name in (one.split("/")[1] for one in names):
        told = client.get_function_configuration(FunctionName=f"{STACK}-{name}")["Environment"]["Variables"]
        own = {"COUNTERPART_QUEUE_URL_PREFIX": f"{cloud.aws.queue_url_prefix}{prefix}"}
        client.update_function_configuration(FunctionName=f"{prefix}{name}", Environment={"Variables": {**told, **own}})
    return prefix


def addresses(cloud: LocalCloud, deployed: Deployed) -> dict[str, str]:
    """What every function must be told of the stand-ins that AWS's template cannot know."""
    kernel = {name: value for name, value in cloud.environment().items() if name.startswith("COUNTERPART_")}
    return {
        **kernel,
        "COUNTERPART_QUEUE_URL_PREFIX": deployed.queue_url(""),
        "COUNTERPART_REALTIME_URL": deployed.realtime_url,
        "POWERTOOLS_TRACE_DISABLED": "true",
    }


def _functions(client: Any) -> list[dict[str, Any]]:
    return [one for page in client.get_paginator("list_functions").paginate() for one in page["Functions"]]


def _telling(parted: Parted) -> Any:
    """The root without its nested stacks, telling what they are given: MiniStack has none, so they come after it."""
    resources = {key: one for key, one in parted.root["Resources"].items() if one["Type"] != NESTED}
    given = {key: {"Value": value} for one in parted.parts.values() for key, value in one.parameters.items()}
    return {**parted.root, "Resources": resources, "Outputs": {**parted.root["Outputs"], **given}}


def _deploy_parts(server: Aws, parted: Parted) -> None:
    """Each slice's stack, given what the root tells; from the bucket, since a request holds 50 KB of a template."""
    client, s3 = server.client("cloudformation"), server.client("s3")
    [root] = client.describe_stacks(StackName=STACK)["Stacks"]
    told = {one["OutputKey"]: one["OutputValue"] for one in root["Outputs"]}
    for name, one in parted.parts.items():
        s3.put_object(Bucket=BUCKET, Key=one.key, Body=one.text.encode())
        client.create_stack(
            StackName=f"{STACK}-{name}",
            TemplateURL=f"{server.endpoint}/{BUCKET}/{one.key}",
            Parameters=[{"ParameterKey": key, "ParameterValue": told[key]} for key in one.parameters],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        client.get_waiter("stack_create_complete").wait(StackName=f"{STACK}-{name}", WaiterConfig={"Delay": 1})


def _without_the_unknown(template: Any) -> Any:
    resources = template["Resources"]
    dropped = {
        name
        for name, resource in resources.items()
        if resource["Type"] in UNKNOWN_TYPES or "Metrics" in resource.get("Properties", {})
    }
    kept = {name: resource for name, resource in resources.items() if name not in dropped}
    for resource in kept.values():
        if resource["Type"] == "AWS::ApiGatewayV2::Stage":
            resource["Properties"].pop("DeploymentId", None)
        waits = resource.get("DependsOn", [])
        resource["DependsOn"] = [name for name in ([waits] if isinstance(waits, str) else waits) if name not in dropped]
    return {**template, "Resources": kept}

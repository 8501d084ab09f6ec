"""SQS, KMS, Secrets Manager, SSM and S3 by moto in server mode, and the environment that points boto3 at it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import httpx

from infra.local import loopback, ports
from infra.local.children import Child, Children

REGION = "eu-central-1"
ACCOUNT = "123456789012"  # moto's default


@dataclass(frozen=True, slots=True, eq=False)
class Aws:
    """A running moto server."""

    endpoint: str
    child: Child
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def env(self) -> Mapping[str, str]:
        """What boto3 reads by itself: the endpoint of every service, dummy keys, the region."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            # No credentials file, no instance role: a stand-in never speaks for a real account.
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    @property
    def queue_url_prefix(self) -> str:
        """What every queue URL begins with; a queue's name follows."""
        return f"{self.endpoint}/{ACCOUNT}/"

    def client(self, service: str) -> Any:
        """A boto3 client of this server, independent of the process's environment; the same one every time."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session().client(service, endpoint_url=self.endpoint)
            return self._clients[service]

    def close(self) -> None:
        """Close the clients' connections."""
        with self._lock:
            while self._clients:
                self._clients.popitem()[1].close()

    def reset(self) -> None:
        """Forget every queue, key, secret and bucket."""
        loopback.request("POST", f"{self.endpoint}/moto-api/reset", timeout=10.0).raise_for_status()

    def put_secret(self, name: str, value: str | Mapping[str, str]) -> str:
        """Create or replace a secret; its reference as `kernel.secrets` reads it."""
        text = value if isinstance(value, str) else json.dumps(value)
        client = self.client("secretsmanager")
        try:
            client.create_secret(Name=name, SecretString=text)
        except client.exceptions.ResourceExistsException:
            client.put_secret_value(SecretId=name, SecretString=text)
        return f"secretsmanager:{name}"

    def secret(self, reference: str) -> str:
        """The value of a secret named by its reference."""
        answer = self.client("secretsmanager").get_secret_value(SecretId=reference.removeprefix("secretsmanager:"))
        return str(answer["SecretString"])

    def _session(self) -> Any:
        import boto3  # a second of import, only where it is used

        # A session of our own: the default one would read the developer's profile.
        return boto3.session.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=REGION)

    def create_kms_key(self) -> str:
        """Create a symmetric key for envelopes; its id."""
        return str(self.client("kms").create_key(Description="local envelopes")["KeyMetadata"]["KeyId"])

    def create_bucket(self, name: str) -> str:
        """Create a bucket; its name."""
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name

    def create_signing_key(self) -> str:
        """Create a secp256k1 key that signs; its id."""
        asked = {"KeySpec": "ECC_SECG_P256K1", "KeyUsage": "SIGN_VERIFY", "Description": "local signer"}
        return str(self.client("kms").create_key(**asked)["KeyMetadata"]["KeyId"])


def start(children: Children, *, port: int = 0, name: str = "aws") -> Aws:
    """Start moto (2 s, mostly its imports) on `port` (0: a free one)."""
    port = ports.requested_port(port)
    child = children.start_python(
        name, "infra.local.aws_server", "--host", ports.LOOPBACK, "--port", str(port), env=_SERVER_ENV
    )
    aws = Aws(f"http://{ports.LOOPBACK}:{port}", child)
    children.after_stop(aws.close)
    child.wait_until(lambda: _answers(aws.endpoint))
    return aws


# Queue URLs must carry this server's address, and its own calls need no real credentials.
_SERVER_ENV = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": REGION}


def _answers(endpoint: str) -> bool:
    try:
        return loopback.request("GET", f"{endpoint}/moto-api/data.json", timeout=5.0).is_success
    except httpx.HTTPError:
        return False

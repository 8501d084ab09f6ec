"""One oracle provider as a stack of the local runner: its own database, sealed keys and settings."""

import base64
import json
import secrets
from collections.abc import Mapping

from functions.oracle.wiring import KEY_PURPOSE
from infra.local.anvil import AnvilNode
from infra.local.cloud import LocalCloud
from infra.local.flare.accounts import DevAccount, Voter
from infra.local.flare.network import FlareNetwork
from kernel.keys.envelope import Envelope
from kernel.keys.evm import seal_key
from kernel.keys.kms import AwsKms

# Seconds into a local epoch of eight seconds, with blocks of one second: what is sent is mined a block later.
LOCAL_TIMING = {
    "COMMIT_OFFSET_S": "3",
    "REVEAL_OFFSET_S": "0.5",
    "SIGN_OFFSET_S": "5",
    "FINALISE_OFFSET_S": "6",
    "FINALISE_GRACE_S": "1.5",
    "FINALISE_POLL_S": "0.7",
    "CONFIRM_EVERY_S": "1",
    "STUCK_AFTER_S": "4",
    "COLLECT_DEADLINE_S": "5",
}


def provider_environment(
    cloud: LocalCloud, node: AnvilNode, network: FlareNetwork, voter: Voter, venue_urls: Mapping[str, str]
) -> dict[str, str]:
    """What the functions of one provider are told beside what every function is told."""
    chain, put, urls = str(network.chain_id), cloud.aws.put_secret, node.proxy_urls or (node.url,)
    envelope = Envelope(AwsKms(cloud.aws.client("kms")), cloud.environment()["COUNTERPART_KMS_KEY_ID"])

    def sealed(role: str, account: DevAccount) -> str:
        address, blob = seal_key(envelope, account.private_key, purpose=KEY_PURPOSE, chain=chain)
        return put(
            f"counterpart/local/{voter.name}/{role}",
            {"address": address, "sealed": base64.b64encode(blob).decode("ascii")},
        )

    oracle = {
        "NETWORK": "local",
        "CHAIN_ID": chain,
        "RPC_URLS": put(f"counterpart/local/{voter.name}/rpc-urls", ",".join(urls)),
        "REGISTRY_ADDRESS": network.registry,
        "SUBMIT_KEY": sealed("submit-key", voter.submit),
        "SUBMIT_SIGNATURES_KEY": sealed("submit-signatures-key", voter.submit_signatures),
        "SIGNING_POLICY_KEY": sealed("signing-policy-key", voter.signing_policy),
        "POINTS_BUCKET": cloud.aws.create_bucket(f"counterpart-local-points-{secrets.token_hex(4)}"),
        "VENUES": ",".join(venue_urls),
        "VENUE_URLS": json.dumps(dict(venue_urls)),
        **LOCAL_TIMING,
    }
    database = put(f"counterpart/local/{voter.name}/database-url", cloud.postgres.create_migrated())
    # The treasury watches the oracle's wallets, where they are declared to it.
    ops_urls = put(f"counterpart/local/{voter.name}/ops/rpc-urls", " ".join(urls))
    ops_chain = {"chain": f"evm:{chain}", "rpc_urls": ops_urls, "confirmations": 1}
    return {
        "COUNTERPART_DATABASE_URL": database,
        "COUNTERPART_OPS_CHAINS": json.dumps([ops_chain]),
        **{f"COUNTERPART_ORACLE_{name}": value for name, value in oracle.items()},
    }

"""The signature of a post: header by header what botocore's own signer gives."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from kernel.realtime.signature import signed_headers

pytestmark = pytest.mark.unit
HOST, REGION = "a1b2c3.execute-api.eu-central-1.amazonaws.com", "eu-central-1"
# A header's value: what Lambda's environment holds.
WORDS = st.text("ABCabc0123456789+/=", min_size=1)


@given(connection_id=st.text(), body=st.binary(), access_key=WORDS, secret_key=WORDS, token=st.none() | WORDS)
def test_it_signs_as_botocore_does(
    connection_id: str, body: bytes, access_key: str, secret_key: str, token: str | None
) -> None:
    """Whatever the connection is called, whoever signs, and whatever is said."""
    keys = ReadOnlyCredentials(access_key, secret_key, token)
    path = f"/local/@connections/{quote(connection_id, safe='')}"
    request = AWSRequest("POST", f"https://{HOST}{path}", data=body)
    SigV4Auth(keys, "execute-api", REGION).add_auth(request)
    theirs = {name.lower(): value for name, value in request.headers.items()}
    now = datetime.strptime(theirs["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    ours = signed_headers(path, body, host=HOST, region=REGION, keys=keys, now=now)

    assert {"host": HOST, **theirs} == ours

"""Accept who knows the word, echo messages, push through the @connections API, note who leaves."""

import json
from typing import Any


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """One route after the other."""
    context = event["requestContext"]
    route = context["routeKey"]
    print(f"{route} {context['eventType']} {context.get('disconnectStatusCode', '')}")  # noqa: T201
    if route == "$connect":
        word = (event.get("queryStringParameters") or {}).get("word")
        return {"statusCode": 200 if word == "open" else 401}
    if route == "push":
        _push(context["connectionId"], event)
    return {"statusCode": 200, "body": json.dumps({"route": route, "event": event})}


def _push(connection_id: str, event: dict[str, Any]) -> None:
    import boto3

    client = boto3.client("apigatewaymanagementapi")
    known = client.get_connection(ConnectionId=connection_id)
    client.post_to_connection(
        ConnectionId=connection_id, Data=json.dumps({"pushed": event["body"], "ip": known["Identity"]["SourceIp"]})
    )
    if json.loads(event["body"]).get("close"):
        client.delete_connection(ConnectionId=connection_id)

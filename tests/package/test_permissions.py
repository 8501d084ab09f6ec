"""Who may do what, as CloudFormation is told: each group of functions its own role, and nothing to spare."""

import re

import pytest

from tests.package.stack import Permission, Stack, text_of

pytestmark = pytest.mark.integration

#: Where a resource may end in a star, and why nothing narrower can be named.
STARS = {
    r":log-group:/aws/lambda/counterpart-dev-\*:\*$": "streams are named by Lambda; the groups are this stage's",
    r":secret:counterpart/dev/[a-z/-]+-\*$": "Secrets Manager adds six letters of its own to a name",
    r":secret:counterpart/dev/[a-z]+/\*$": "a slice's signers open each of its keys, whose names operators give",
    r":secret:counterpart/dev/[a-z]+/[a-z]+-\*$": "one secret a webhook, an account or a chain, named by operators",
    r":\$\{WebsocketsApi\}/dev/\*$": "connections are named by API Gateway",
    r"^\$\{[A-Za-z]+\.Arn\}/[a-z]+/\*$": "objects of one prefix of one bucket",
}
#: Roles that send to queues of every slice, and why.
SENDS_TO_ALL = {
    "OpsRole": "the sweeper and a replay send messages about tasks of every kind",
    "OpsHooksRole": "an event may become a task of any slice",
    "OpsOffloadRole": "a job's end wakes the task of whichever slice asked for it",
}
#: A key that wrapped before the present one is known by its tag alone.
TAGGED = "aws:ResourceTag/counterpart-wraps"


def is_star(permission: Permission) -> bool:
    return "*" in permission.resource and not any(re.search(pattern, permission.resource) for pattern in STARS)


def test_every_function_has_a_role_of_ours(stack: Stack) -> None:
    """osls would make one role for all of them; a role without a function is a door nobody watches."""
    assert {one.role for one in stack.functions.values()} == set(stack.of_type("AWS::IAM::Role"))


def test_no_action_is_a_star(stack: Stack) -> None:
    """Each call that is allowed is named."""
    starred = [
        (role, one.action)
        for role in stack.of_type("AWS::IAM::Role")
        for one in stack.permissions(role)
        if "*" in one.action
    ]

    assert starred == []


def test_a_resource_ends_in_a_star_only_where_it_cannot_be_named(stack: Stack) -> None:
    """And then within this stage, slice and kind."""
    wide = [
        (role, one.action, one.resource)
        for role in stack.of_type("AWS::IAM::Role")
        for one in stack.permissions(role)
        if is_star(one)
        and not (one.action == "sqs:SendMessage" and (role in SENDS_TO_ALL or _own_queues(role, one.resource)))
        and not (one.action == "kms:Decrypt" and TAGGED in one.condition)
    ]

    assert wide == []


def _own_queues(role: str, resource: str) -> bool:
    """`counterpart-dev-oracle-*` for a role of the oracle."""
    service = re.findall(r"[A-Z][a-z]+", role)[0].lower()
    return resource.endswith(f":counterpart-dev-{service}-*")


def test_only_lambda_takes_a_role(stack: Stack) -> None:
    """Nobody else, and nobody on somebody's behalf."""
    takers = [
        (statement["Effect"], statement["Principal"], statement["Action"])
        for role in stack.of_type("AWS::IAM::Role").values()
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
    ]

    assert [one for one in takers if one != ("Allow", {"Service": "lambda.amazonaws.com"}, "sts:AssumeRole")] == []


def test_a_role_receives_from_the_queues_that_trigger_its_functions(stack: Stack) -> None:
    """Those, and no other."""
    triggers = {(function.role, queue) for function, queue, _ in stack.sources()}
    may = {
        (role, one.resource.removesuffix(".Arn"))
        for role in stack.of_type("AWS::IAM::Role")
        for one in stack.permissions(role)
        if one.action in ("sqs:ReceiveMessage", "sqs:DeleteMessage")
    }

    assert may == triggers


def test_what_the_internet_calls_opens_no_key(stack: Stack) -> None:
    """HTTP and WebSocket functions record what is owed; signing happens behind a queue."""
    called = {one.role for one in stack.functions.values() if re.search(r"/(http|ws)_", one.name)}
    able = [role for role in called for one in stack.permissions(role) if one.action in ("kms:Decrypt", "kms:Sign")]

    assert able == []


def test_a_role_reads_only_secrets_that_its_functions_are_told_of(stack: Stack) -> None:
    """By their environment, or by a JSON setting of the same service (chains, webhooks, accounts)."""
    spare = []
    for role in stack.of_type("AWS::IAM::Role"):
        functions = [one for one in stack.functions.values() if one.role == role]
        told = {text_of(value).partition(":")[2] for one in functions for value in one.environment.values()}
        services = {one.name.split("/")[0] for one in functions}
        for one in stack.permissions(role):
            name = one.resource.partition(":secret:")[2].removesuffix("-*")
            own = any(name.startswith(f"counterpart/dev/{service}/") for service in services)
            if one.action == "secretsmanager:GetSecretValue" and name not in told and not own:
                spare.append((role, name))

    assert spare == []


def test_a_resource_policy_that_says_all_speaks_of_its_own_resource(stack: Stack) -> None:
    """In a key's policy the star is that key: AWS has no other way to name it there."""
    policies = [key["KeyPolicy"] for key in stack.of_type("AWS::KMS::Key").values()]
    strangers = [
        statement
        for policy in policies
        for statement in policy["Statement"]
        if "Service" not in statement["Principal"] and "iam::${AWS::AccountId}:root" not in str(statement["Principal"])
    ]

    assert (strangers, len(policies) > 0) == ([], True)

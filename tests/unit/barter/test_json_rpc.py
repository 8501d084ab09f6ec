"""JSON-RPC 2.0 as its specification has it, and what this API adds: a cap on batches, and codes for refusals."""

import json
from typing import Any

import pytest

from functions.barter.adapters.rpc import Method, Rpc
from functions.barter.core.json_rpc import BATCH_MAX, Call, Code, Malformed, asked
from kernel.errors import Conflict, NotFound, RateLimited, Transient

pytestmark = pytest.mark.unit


class ShelfEmpty(Conflict):
    """The shelf is empty."""

    code = "shelf_empty"
    cause = "Somebody took the last one."
    remedy = "Come back later."


class Shop:
    """Methods to call, and how often each was."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.counted: list[int] = []
        methods = {
            "subtract": Method(("minuend", "subtrahend"), lambda minuend, subtrahend: minuend - subtrahend),
            "update": Method(("number",), self._note),
            "get_data": Method((), lambda: ["hello", 5]),
            "take": Method((), self._refuse),
            "reach": Method((), self._away),
            "break": Method((), self._break),
        }
        self.rpc = Rpc(methods, self.counted.append)

    def say(self, body: Any) -> Any:
        """What is answered to a value, or to a text as it is."""
        return self.rpc.answer((body if isinstance(body, str) else json.dumps(body)).encode())

    def _note(self, number: int) -> None:
        self.done.append(("update", number))

    def _refuse(self) -> None:
        raise ShelfEmpty(shelf=3)

    def _away(self) -> None:
        raise Transient("The chain does not answer.")

    def _break(self) -> None:
        raise ZeroDivisionError


@pytest.fixture
def shop() -> Shop:
    """A shop that nobody has called."""
    return Shop()


def call(method: str, params: Any = None, id_: Any = 1) -> dict[str, Any]:
    """A call as clients write it."""
    given = {} if params is None else {"params": params}
    return {"jsonrpc": "2.0", "method": method, **given, "id": id_}


def notification(method: str, params: Any = None) -> dict[str, Any]:
    """A call that wants no answer."""
    body = call(method, params)
    del body["id"]
    return body


def code(answer: dict[str, Any]) -> tuple[int, Any]:
    """The error's number, and whom it answers."""
    assert ("jsonrpc", "2.0") in answer.items()
    assert "result" not in answer
    return answer["error"]["code"], answer["id"]


@pytest.mark.parametrize("params", [[42, 23], {"subtrahend": 23, "minuend": 42}])
def test_arguments_are_given_by_place_or_by_name(shop: Shop, params: Any) -> None:
    """Named ones in any order."""
    assert {"jsonrpc": "2.0", "result": 19, "id": 7} == shop.say(call("subtract", params, 7))


@pytest.mark.parametrize("id_", ["a", 0, -1, 1.5, None, ""])
def test_an_answer_has_the_id_of_its_call(shop: Shop, id_: Any) -> None:
    """Null is an id too, though a discouraged one: such a call is answered."""
    assert {"jsonrpc": "2.0", "result": ["hello", 5], "id": id_} == shop.say(call("get_data", id_=id_))


@pytest.mark.parametrize("params", [None, [], {}])
def test_params_may_be_left_out_where_there_are_none(shop: Shop, params: Any) -> None:
    """So may be an empty array and an empty object."""
    assert ["hello", 5] == shop.say(call("get_data", params))["result"]


@pytest.mark.parametrize("body", [notification("update", [5]), [notification("update", [5])]])
def test_a_notification_is_done_and_not_answered(shop: Shop, body: Any) -> None:
    """Alone, and as a batch of nothing else."""
    answer = shop.say(body)

    assert (None, [("update", 5)]) == (answer, shop.done)


@pytest.mark.parametrize("method", ["nothing", "take", "break", "subtract"])
def test_a_notification_that_fails_is_not_answered_either(shop: Shop, method: str) -> None:
    """Unknown, refused, broken, or with arguments that are not the method's."""
    assert shop.say(notification(method, ["one too many"] * 3)) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
        '[{"jsonrpc": "2.0", "method": "sum", "id": "1"}, {"jsonrpc": "2.0", "method"]',
        "",
        "NaN",
        '{"jsonrpc": "2.0", "method": "get_data", "id": 1e999}',
        "[" * 100 + "]" * 100,
    ],
)
def test_what_is_no_json_is_a_parse_error(shop: Shop, text: str) -> None:
    """Also half a batch, and what only Python calls JSON; it was counted as nobody's call."""
    assert {"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": None} == shop.say(text)
    assert [] == shop.counted


@pytest.mark.parametrize(
    ("body", "id_"),
    [
        ({"jsonrpc": "2.0", "method": 1, "params": "bar"}, None),
        (1, None),
        ("null", None),
        ({}, None),
        ({"method": "get_data", "id": 4}, 4),
        ({"jsonrpc": "1.0", "method": "get_data", "id": 4}, 4),
        ({"jsonrpc": 2.0, "method": "get_data", "id": 4}, 4),
        ({"jsonrpc": "2.0", "id": 4}, 4),
        ({"jsonrpc": "2.0", "method": "get_data", "params": "bar", "id": 4}, 4),
        ({"jsonrpc": "2.0", "method": "get_data", "params": None, "id": 4}, 4),
        ({"jsonrpc": "2.0", "method": "get_data", "id": True}, None),
        ({"jsonrpc": "2.0", "method": "get_data", "id": [1]}, None),
    ],
)
def test_what_is_no_call_is_an_invalid_request(shop: Shop, body: Any, id_: Any) -> None:
    """It is answered with its id where one can be read, else with null."""
    assert (-32600, id_) == code(shop.say(body))


def test_an_unknown_method_is_told_which_there_are(shop: Shop) -> None:
    """Names that begin with "rpc." are reserved, and none is known here."""
    for name in ("foobar", "rpc.discover", "Subtract"):
        answer = shop.say(call(name, id_="1"))

        assert (-32601, "1") == code(answer)
        assert "subtract" in answer["error"]["data"]["methods"]


@pytest.mark.parametrize(
    "params", [[42], [42, 23, 1], {"minuend": 42}, {"minuend": 1, "subtrahend": 2, "x": 3}, {"minuend": 1, "x": 2}, []]
)
def test_other_arguments_than_the_methods_are_invalid(shop: Shop, params: Any) -> None:
    """Too few, too many, and others' names."""
    answer = shop.say(call("subtract", params))

    assert (-32602, 1) == code(answer)
    assert {"takes": ["minuend", "subtrahend"]} == answer["error"]["data"]


def test_a_refusal_has_the_message_and_the_code_of_the_catalogue(shop: Shop) -> None:
    """-32001, and what to do."""
    assert {
        "code": -32001,
        "message": "The shelf is empty.",
        "data": {"code": "shelf_empty", "remedy": "Come back later.", "details": {"shelf": 3}},
    } == shop.say(call("take"))["error"]


def test_what_is_away_is_told_with_the_seconds_to_wait(shop: Shop) -> None:
    """Nobody's fault: the same call may be sent again."""
    answer = shop.say(call("reach"))

    assert (-32002, 1) == code(answer)
    assert 5.0 == answer["error"]["data"]["retry_after_s"]


def test_our_own_fault_tells_nothing_of_itself(shop: Shop) -> None:
    """The log has it."""
    assert {"code": -32603, "message": "Internal error"} == shop.say(call("break"))["error"]


def test_a_batch_is_answered_call_by_call(shop: Shop) -> None:
    """What is wrong with one spoils no other; notifications leave no gap; the order is the calls'."""
    answers = shop.say(
        [
            call("subtract", [42, 23], "2"),
            notification("update", [7]),
            call("subtract", [1], "5"),
            {"foo": "boo"},
            call("foo.get", {"name": "myself"}, "6"),
            call("break", id_="7"),
            call("get_data", id_="9"),
        ]
    )

    assert [("2", 19), ("5", -32602), (None, -32600), ("6", -32601), ("7", -32603), ("9", ["hello", 5])] == [
        (one["id"], one.get("result", one.get("error", {}).get("code"))) for one in answers
    ]
    assert [("update", 7)] == shop.done


def test_a_batch_of_one_is_answered_with_a_batch(shop: Shop) -> None:
    """The shape follows the body."""
    assert [19] == [one["result"] for one in shop.say([call("subtract", [42, 23])])]


def test_invalid_calls_of_a_batch_are_each_answered(shop: Shop) -> None:
    """As the specification's example has it."""
    assert [(-32600, None)] * 3 == [code(one) for one in shop.say([1, 2, 3])]


def test_an_empty_batch_is_one_invalid_request(shop: Shop) -> None:
    """An object, not an array."""
    assert (-32600, None) == code(shop.say([]))


def test_a_batch_has_a_cap(shop: Shop) -> None:
    """One call more, and none is made."""
    fits = [notification("update", [number]) for number in range(BATCH_MAX)]

    refused = shop.say([*fits, call("get_data")])

    assert ((-32600, None), {"calls": 21, "calls_max": 20}) == (code(refused), refused["error"]["data"])
    assert [] == shop.done
    assert shop.say(fits) is None
    assert BATCH_MAX == len(shop.done)


def test_a_batch_counts_as_many_requests_as_it_holds(shop: Shop) -> None:
    """The first is counted with the request itself."""
    shop.say([call("get_data")] * 5)
    shop.say(call("get_data"))

    assert [4, 0] == shop.counted


def test_whoever_has_no_requests_left_has_none_of_a_batch_done() -> None:
    """The whole body is refused before its first call."""

    def refuse(_calls: int) -> None:
        raise RateLimited

    def call_made() -> None:
        raise AssertionError

    with pytest.raises(RateLimited):
        Rpc({"x": Method((), call_made)}, refuse).answer(json.dumps([call("x")] * 2).encode())


def test_parts_are_values() -> None:
    """What a body asks for can be looked at without doing it."""
    [first, second] = asked([call("a", [1]), 3]).parts

    assert Call("a", [1], 1, is_notification=False) == first
    assert isinstance(second, Malformed)
    assert Code.INVALID_REQUEST == second.why.code


def test_a_refusal_without_details_has_none() -> None:
    """Its code and its remedy are there."""

    def refuse() -> None:
        raise NotFound

    answer = Rpc({"x": Method((), refuse)}).answer(json.dumps(call("x")).encode())

    assert answer is not None
    assert {"code", "remedy"} == set(answer["error"]["data"])

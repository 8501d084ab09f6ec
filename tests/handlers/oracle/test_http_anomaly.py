"""http_anomaly: operators see models and judgements, administrators choose among them, and each choice is audited."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.oracle.core.anomaly_features import FEATURES
from functions.oracle.core.anomaly_training import term_of
from functions.oracle.core.anomaly_trial import Floors, Trial
from functions.oracle.http_anomaly import handler
from functions.oracle.wiring import Deps
from kernel.audit import Audit
from kernel.auth import Role, Tier
from tests.handlers.oracle.provider import Context
from tests.handlers.oracle.weeks import FEEDS, Week
from tests.unit.oracle.forests import octets, stump

pytestmark = pytest.mark.handlers

EVENT = json.loads(Path("events/oracle/http_anomaly.json").read_text(encoding="utf-8"))
WHY = {"reason": "the new one is too strict"}


@pytest.fixture
def deps(offline: Deps) -> Iterator[Deps]:
    """Two sound models, the second in force, and one that did not pass."""
    for name, sound in (("a", True), ("b", True), ("c", False)):
        keep(offline, name, sound=sound)
    yield offline


def keep(deps: Deps, name: str, *, sound: bool = True, forest: bytes | None = None) -> None:
    """Store a model of one question with the trial that it had."""
    trial = Trial(honest=100)
    for tally in trial.attacks.values():
        tally.tried, tally.suspected, tally.kept_out = 20, 18 if sound else 2, 17
    with deps.kernel.postgres.transaction() as tx:
        deps.anomalies.models.store(
            tx,
            business_key=name,
            term=term_of(deps.clock.now()),
            arguments={},
            grown={"grown_by": "hand", "rows": 7},
            forest=forest or octets(len(FEATURES), {"price": (50, stump(0, 1.5, below=100, above=10))}),
            trial=trial,
            floors=Floors(),
        )


def call(
    deps: Deps, method: str, path: str, body: Any = None, role: Role | None = Role.ADMIN, query: str = ""
) -> tuple[int, dict[str, Any]]:
    sent = json.loads(json.dumps(EVENT))
    sent["headers"].pop("x-api-key")
    if role is not None:
        key = deps.kernel.api_keys.issue(tier=Tier.ADMIN, role=role, label="a test", actor="a test").key
        sent["headers"]["x-api-key"] = key
    if body is not None:
        sent["headers"]["content-type"], sent["body"] = "application/json", json.dumps(body)
    sent["rawPath"] = sent["requestContext"]["http"]["path"] = f"/v1/oracle/anomaly/{path}"
    sent["requestContext"]["http"]["method"], sent["rawQueryString"] = method, query
    answer = handler.bind(deps)(sent, Context())
    return answer["statusCode"], json.loads(answer["body"])


def test_models_are_listed_with_their_trials_newest_first(deps: Deps) -> None:
    """Page by page; and which is in force, by whom and why."""
    status, page = call(deps, "GET", "models", role=Role.OPERATOR, query="limit=2")
    _, rest = call(deps, "GET", "models", role=Role.OPERATOR, query=f"limit=2&below={page['next_below']}")

    assert (status, [(one["version"], one["sound"]) for one in page["models"]]) == (200, [(3, False), (2, True)])
    assert ([one["version"] for one in rest["models"]], rest["next_below"]) == ([1], None)
    assert {"attack": "spike", "made": 20, "suspected": 18, "kept_out": 17} in page["models"][1]["attacks"]
    assert (page["in_force"]["version"], page["in_force"]["pinned"]) == (2, False)
    assert page["in_force"]["reason"] == "precision 1000000 ppm, recall 900000 ppm"


def test_an_earlier_version_is_put_in_force_and_stays(deps: Deps) -> None:
    """The next one that passes does not replace it until it is released; both acts are on record."""
    status, pinned = call(deps, "POST", "models/1/pin", WHY)
    keep(deps, "d")
    held = deps.anomalies.in_force()
    _, released = call(deps, "POST", "release", {"reason": "it was the market"})
    keep(deps, "e")
    after = deps.anomalies.in_force()

    acts = [(act.action, act.subject) for act in Audit(deps.kernel.postgres).newest(subject="oracle:anomaly_model")]
    assert (status, pinned["version"], pinned["pinned"], pinned["reason"]) == (200, 1, True, WHY["reason"])
    assert held is not None
    assert after is not None
    assert (held.version, released["version"], released["pinned"], after.version) == (1, 1, False, 5)
    assert acts == [("oracle.release_model", "oracle:anomaly_model"), ("oracle.pin_model", "oracle:anomaly_model")]


def test_vetoes_are_suspended(deps: Deps) -> None:
    """No model is in force, whatever comes."""
    status, body = call(deps, "POST", "suspend", WHY)
    keep(deps, "d")

    assert (status, body["version"], body["pinned"]) == (200, None, True)
    assert deps.anomalies.in_force() is None


def test_what_did_not_pass_or_is_not_there_is_refused(deps: Deps) -> None:
    """Nothing changes."""
    answers = [call(deps, "POST", f"models/{version}/pin", WHY) for version in (3, 9)]
    unreasoned = call(deps, "POST", "suspend", {"reason": " "})

    assert [(409, "model_unsound"), (404, "model_unknown")] == [
        (status, body["error"]["code"]) for status, body in answers
    ]
    assert (400, "invalid_request") == (unreasoned[0], unreasoned[1]["error"]["code"])
    assert (choice := deps.anomalies.models.choice()) is not None
    assert choice.version == 2


@pytest.mark.parametrize(
    ("method", "path", "body", "needed"),
    [
        ("GET", "models", None, Role.OPERATOR),
        ("GET", "judgements?", None, Role.OPERATOR),
        ("POST", "models/1/pin", WHY, Role.ADMIN),
        ("POST", "suspend", WHY, Role.ADMIN),
        ("POST", "release", WHY, Role.ADMIN),
    ],
)
def test_who_may(deps: Deps, method: str, path: str, body: Any, needed: Role) -> None:
    """Operators look, administrators act."""
    query = "voting_round=1" if path.endswith("?") else ""
    statuses = [
        call(deps, method, path.rstrip("?"), body, role, query)[0]
        for role in (None, Role.VIEWER, Role.OPERATOR, Role.ADMIN)
    ]

    assert [401, 403, 200 if needed is Role.OPERATOR else 403, 200] == statuses


def test_a_round_shows_how_its_sources_were_seen(deps: Deps) -> None:
    """Features by name; of a round that nobody judged, nothing."""
    Week(deps).portrayed(deps.clock.now() - timedelta(hours=2), rounds=1)
    _, seen = call(deps, "GET", "judgements", role=Role.OPERATOR, query="voting_round=0")
    _, nothing = call(deps, "GET", "judgements", role=Role.OPERATOR, query="voting_round=77")

    first = seen["judgements"][0]["sources"][0]
    assert (len(seen["judgements"]) >= len(FEEDS) - 5, nothing["judgements"]) == (True, [])
    assert (list(first["features"]), first["vetoed"], first["odd_ppm"]) == (list(FEATURES), False, None)


@pytest.mark.parametrize("forest", [b"no forest", octets(3, {"price": (50, stump(0, 1.5, below=100, above=10))})])
def test_a_forest_that_cannot_be_used_vetoes_nobody(
    deps: Deps, forest: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Of another form, or none at all: rounds go on, and somebody is called."""
    keep(deps, "broken", forest=forest)

    assert deps.anomalies.in_force() is None
    assert ["oracle.model_unfit"] == [getattr(record, "alarm", None) for record in caplog.records]


def test_a_forest_that_was_changed_in_the_database_is_none(deps: Deps) -> None:
    """Its hash stands beside it."""
    with deps.kernel.postgres.transaction() as tx:
        tx.execute("update oracle.anomaly_models set forest = forest || 'x'::bytea where version = 2")

    assert deps.anomalies.in_force() is None

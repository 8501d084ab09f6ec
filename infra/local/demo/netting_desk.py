"""The traders' software in netting's scene: each wallet posts its own intents over HTTP, several wallets at a time."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Self

import httpx

from infra.local.demo.netting_crowd import Planned
from infra.local.demo.stage import SceneFailed

POSTERS: Final = 3
ANSWER_WITHIN_S: Final = 120.0
TRIES_MAX: Final = 20
WAIT_S: Final = 0.25
ACCEPTED: Final = "accepted"
#: Too much at once, or nobody there yet.
BUSY: Final = frozenset((429, 503))


class Desk:
    """Posts intents, and keeps what was answered to each."""

    def __init__(self, gateway_url: str, admin_key: str) -> None:
        self.answers: dict[str, str] = {}
        self._http = httpx.Client(base_url=gateway_url, timeout=ANSWER_WITHIN_S)
        self._admin = {"X-Api-Key": admin_key}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def post(self, planned: Sequence[Planned], answered: Callable[[int], None]) -> None:
        """Post all of them; `answered` hears of each post how many intents it had."""
        by_wallet: defaultdict[str, list[Planned]] = defaultdict(list)
        for one in planned:
            by_wallet[one.intent.owner.address].append(one)

        def post(group: Sequence[Planned]) -> None:
            told = self._send("POST", "/v1/netting/intents", json={"intents": [one.body for one in group]})
            for one in told["outcomes"]:
                self.answers[one["id"]] = one["code"] or ACCEPTED
            answered(len(group))

        with ThreadPoolExecutor(POSTERS) as pool:
            list(pool.map(post, by_wallet.values()))

    def get(self, path: str) -> Any:
        """The document there, as an operator sees it."""
        return self._send("GET", path, headers=self._admin)

    def wrongly_answered(self, planned: Sequence[Planned]) -> Counter[str]:
        """Kinds of intents that were not answered as they should, with the answer."""
        wrong: Counter[str] = Counter()
        for one in planned:
            answer = self.answers.get(one.intent.id, "nothing")
            if answer != (one.refusal or ACCEPTED):
                wrong[f"{one.kind} was answered {answer}"] += 1
        return wrong

    def _send(self, method: str, path: str, **request: Any) -> Any:
        for _ in range(TRIES_MAX):
            answer = self._http.request(method, path, **request)
            if answer.status_code not in BUSY:
                break
            time.sleep(WAIT_S)
        if not answer.is_success:
            raise SceneFailed(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
        return answer.json()

"""queue_register: our place among the voters of the next reward epoch."""

from collections.abc import Callable

import pytest

from infra.local.flare.reading import read
from tests.chain.oracle.reward_scene import RewardScene, outcome, tick, work

pytestmark = pytest.mark.handlers

REGISTER = "oracle.register"
STATE = "select state, attempts, reason from oracle.registrations where reward_epoch = 2"


def test_a_provider_registers_while_registration_is_open(scene: Callable[..., RewardScene]) -> None:
    """By the hot keys alone: the policy key consents, another pays, the identity votes; a death between is no harm."""
    stage = scene()
    stage.at(5)
    stage.offer(2)
    provider = stage.provider()
    tick(provider)
    work(provider, REGISTER)
    provider = provider.reborn()

    work(provider, REGISTER, turns=2)

    identity = stage.network.voters[0].identity.address
    assert read(stage.network, "VoterRegistry", "isVoterRegistered", identity, 2)
    assert {"state": "registered", "attempts": 1, "reason": None} == provider.one(STATE)
    assert "done" == outcome(provider, REGISTER, 2).state


def test_a_registration_that_closed_is_missed_with_a_record(scene: Callable[..., RewardScene]) -> None:
    """The others went on without us."""
    stage = scene()
    stage.at(5)
    stage.offer(2)
    provider = stage.provider()
    tick(provider)
    stage.close(2, 1, 2, 3)

    work(provider, REGISTER)

    assert {"state": "missed", "attempts": 0, "reason": "registration is closed"} == provider.one(STATE)
    assert "done" == outcome(provider, REGISTER, 2).state

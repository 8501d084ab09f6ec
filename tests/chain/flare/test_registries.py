"""Names lead to contracts, and voters to the addresses that act for them."""

from collections.abc import Callable

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from infra.local.flare.accounts import DevAccount, dev_account
from infra.local.flare.deployment import NAMES
from infra.local.flare.network import FlareNetwork
from infra.local.flare.reading import events, read
from infra.local.flare.timing import Rules
from tests.chain.flare import wire
from tests.chain.flare.ledger import Ledger

pytestmark = pytest.mark.chain

NOBODY = "0x" + "00" * 20


def name_hash(name: str) -> bytes:
    return keccak(encode(["string"], [name]))


@pytest.mark.parametrize("name", NAMES)
def test_every_contract_is_found_by_its_name(network: FlareNetwork, name: str) -> None:
    """By name and by the hash of the name."""
    address = network.address(name).lower()

    assert address == read(network, "FlareContractRegistry", "getContractAddressByName", name)
    assert address == read(network, "FlareContractRegistry", "getContractAddressByHash", name_hash(name))


def test_the_registry_lists_what_it_knows(network: FlareNetwork) -> None:
    """In bulk, in the order asked for, and zero for an unknown name."""
    names, addresses = read(network, "FlareContractRegistry", "getAllContracts")
    asked = ["Relay", "Nobody", "Submission"]
    expected = (network.address("Relay").lower(), NOBODY, network.address("Submission").lower())

    assert NAMES == names
    assert tuple(network.address(name).lower() for name in NAMES) == addresses
    assert expected == read(network, "FlareContractRegistry", "getContractAddressesByName", asked)
    assert expected == read(
        network, "FlareContractRegistry", "getContractAddressesByHash", [name_hash(name) for name in asked]
    )


def test_only_the_owner_names_contracts(network: FlareNetwork, ledger: Ledger) -> None:
    """Nobody else, and never the zero address; naming again replaces without listing twice."""
    registry, relay = network.contracts["FlareContractRegistry"], network.address("Relay")
    data = registry.data("setContracts", ["Relay"], [network.registry])

    assert ledger.attempt("FlareContractRegistry", data, network.voters[0].identity).startswith("OwnableUnauthorized")
    assert "ZeroAddress(Relay)" == ledger.attempt(
        "FlareContractRegistry", registry.data("setContracts", ["Relay"], [NOBODY])
    )
    assert "LengthsDiffer()" == ledger.attempt(
        "FlareContractRegistry", registry.data("setContracts", ["Relay"], [relay, relay])
    )
    ledger.send(network.governance, "FlareContractRegistry", data)
    assert NAMES == read(network, "FlareContractRegistry", "getAllContracts")[0]
    assert network.registry.lower() == read(network, "FlareContractRegistry", "getContractAddressByName", "Relay")


def test_voters_are_registered_with_their_addresses(network: FlareNetwork) -> None:
    """Each role's addresses come in the order of the voters, and the event tells them together."""
    roles = {
        "getRegisteredVoters": "identity",
        "getRegisteredSubmitAddresses": "submit",
        "getRegisteredSubmitSignaturesAddresses": "submit_signatures",
        "getRegisteredSigningPolicyAddresses": "signing_policy",
        "getRegisteredDelegationAddresses": "identity",
    }
    for view, role in roles.items():
        expected = tuple(getattr(voter, role).address.lower() for voter in network.voters)
        assert expected == read(network, "VoterRegistry", view, 1)

    first, told = network.voters[0], events(network, "VoterRegistry", "VoterRegistered")
    assert 4 == len(told) == read(network, "VoterRegistry", "getNumberOfRegisteredVoters", 1)
    assert [first.identity.address.lower(), 1, first.signing_policy.address.lower()] == [
        told[0][name] for name in ("voter", "rewardEpochId", "signingPolicyAddress")
    ]
    assert [first.submit.address.lower(), first.submit_signatures.address.lower()] == [
        told[0][name] for name in ("submitAddress", "submitSignaturesAddress")
    ]
    assert read(network, "VoterRegistry", "isVoterRegistered", first.identity.address, 1)
    assert not read(network, "VoterRegistry", "isVoterRegistered", first.identity.address, 2)
    assert not read(network, "VoterRegistry", "isVoterRegistered", first.submit.address, 1)


def test_a_signing_address_leads_back_to_its_voter(network: FlareNetwork, ledger: Ledger) -> None:
    """With the voter's signing weight; a stranger's leads to nobody; a reward epoch without a policy is refused."""
    voter, registry = network.voters[2], network.contracts["VoterRegistry"]
    stranger = network.governance.address

    assert (voter.identity.address.lower(), 16_383) == read(
        network, "VoterRegistry", "getVoterWithNormalisedWeight", 1, voter.signing_policy.address
    )
    assert 16_383 == read(network, "VoterRegistry", "getVoterNormalisedWeight", voter.identity.address, 1)
    assert (NOBODY, 0) == read(network, "VoterRegistry", "getVoterWithNormalisedWeight", 1, stranger)
    assert ledger.attempt("VoterRegistry", registry.data("getVoterNormalisedWeight", stranger, 1)).startswith(
        "NotRegistered("
    )
    assert "RewardEpochNotSupported(2)" == ledger.attempt(
        "VoterRegistry", registry.data("getRegisteredSubmitAddresses", 2)
    )


def consent(reward_epoch: int, voter: str, signer: DevAccount) -> tuple[int, bytes, bytes]:
    """The signature by which a signing policy address agrees to a registration."""
    v, r, s = wire.sign(keccak(encode(["uint24", "address"], [reward_epoch, voter])), signer)
    return v, r.to_bytes(32, "big"), s.to_bytes(32, "big")


def test_registration_needs_an_open_epoch_and_the_signers_consent(network: FlareNetwork, ledger: Ledger) -> None:
    """Closed until opened, refused for another epoch's or another key's signature, and once per voter."""
    voter, registry = network.voters[0], network.contracts["VoterRegistry"]

    def attempt(signature: tuple[int, bytes, bytes]) -> str:
        return ledger.attempt("VoterRegistry", registry.data("registerVoter", voter.identity.address, signature))

    good = consent(2, voter.identity.address, voter.signing_policy)
    assert "RegistrationClosed()" == attempt(good)
    ledger.call(network.governance, "FlareSystemsManager", "openVoterRegistration", 2)
    assert read(network, "FlareSystemsManager", "isVoterRegistrationEnabled")
    assert "accepted" == attempt(good)
    assert attempt(consent(1, voter.identity.address, voter.signing_policy)).startswith("InvalidSignature(")
    assert attempt(consent(2, voter.identity.address, voter.submit)).startswith("InvalidSignature(")
    ledger.send(network.governance, "VoterRegistry", registry.data("registerVoter", voter.identity.address, good))
    assert attempt(good).startswith("AlreadyRegistered(")


def test_a_voter_without_vote_power_or_past_the_limit_is_refused(deploy: Callable[..., FlareNetwork]) -> None:
    """An unknown voter weighs nothing; a full registry takes nobody else."""
    network = deploy(rules=Rules(max_voters=4))
    registry, nobody = network.contracts["VoterRegistry"], dev_account("a stranger", "identity")
    data = registry.data("registerVoter", nobody.address, consent(2, nobody.address, nobody))
    with Ledger(network) as ledger:
        ledger.call(network.governance, "FlareSystemsManager", "openVoterRegistration", 2)
        assert ledger.attempt("VoterRegistry", data).startswith("ZeroWeight(")

        for voter in network.voters:
            agreed = consent(2, voter.identity.address, voter.signing_policy)
            ledger.call(voter.identity, "VoterRegistry", "registerVoter", voter.identity.address, agreed)
        assert "RegistryFull(4)" == ledger.attempt("VoterRegistry", data)


def test_a_policy_needs_enough_voters_and_an_open_registration(network: FlareNetwork, ledger: Ledger) -> None:
    """No registration, or no voters: no policy. Epochs cannot be skipped, and the owner alone takes these steps."""
    manager, voter = network.contracts["FlareSystemsManager"], network.voters[0].identity

    def attempt(function: str, reward_epoch: int, sender: DevAccount | None = None) -> str:
        return ledger.attempt("FlareSystemsManager", manager.data(function, reward_epoch), sender)

    assert "RegistrationNotOpen(2)" == attempt("initialiseSigningPolicy", 2)
    assert "RewardEpochNotNext(3)" == attempt("openVoterRegistration", 3)
    assert "RewardEpochNotNext(1)" == attempt("openVoterRegistration", 1)
    assert attempt("openVoterRegistration", 2, voter).startswith("OwnableUnauthorizedAccount(")
    ledger.call(network.governance, "FlareSystemsManager", "openVoterRegistration", 2)
    assert "TooFewVoters(0, 1)" == attempt("initialiseSigningPolicy", 2)
    assert attempt("initialiseSigningPolicy", 2, voter).startswith("OwnableUnauthorizedAccount(")


@pytest.mark.parametrize("role", ["Submit", "SubmitSignatures", "SigningPolicy", "Delegation"])
def test_an_address_acts_for_a_voter_when_both_agree(network: FlareNetwork, ledger: Ledger, role: str) -> None:
    """A proposal alone changes nothing, only the proposed address confirms it, and it acts for one voter only."""
    entities, voter, other = network.contracts["EntityManager"], network.voters[0], network.voters[1]
    fresh = network.governance
    propose = entities.data(f"propose{role}Address", fresh.address)
    confirm = entities.data(f"confirm{role}AddressRegistration", voter.identity.address)

    def acting() -> str:
        if role == "Delegation":
            return str(read(network, "EntityManager", "getDelegationAddressOf", voter.identity.address))
        addresses = read(network, "EntityManager", "getVoterAddresses", voter.identity.address)
        return str(addresses[["Submit", "SubmitSignatures", "SigningPolicy"].index(role)])

    before = acting()
    ledger.send(voter.identity, "EntityManager", propose)
    assert before == acting()
    assert ledger.attempt("EntityManager", confirm, other.identity).startswith("AddressNotProposed(")
    ledger.send(fresh, "EntityManager", confirm)
    assert fresh.address.lower() == acting()
    assert ledger.attempt("EntityManager", propose, other.identity).startswith("AddressAlreadyRegistered(")
    assert (
        voter.identity.address.lower()
        == events(network, "EntityManager", f"{role}AddressRegistrationConfirmed")[-1]["voter"]
    )


def test_a_new_address_counts_from_the_next_registration(network: FlareNetwork, ledger: Ledger) -> None:
    """The running reward epoch keeps the addresses that the voters registered with."""
    voter, fresh = network.voters[0], network.governance
    ledger.call(voter.identity, "EntityManager", "proposeSubmitAddress", fresh.address)
    ledger.call(fresh, "EntityManager", "confirmSubmitAddressRegistration", voter.identity.address)

    assert voter.submit.address.lower() == read(network, "VoterRegistry", "getRegisteredSubmitAddresses", 1)[0]

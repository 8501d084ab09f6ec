"""What the oracle sends to Flare, as intents for the outbox."""

from datetime import datetime

from functions.oracle.adapters.flare import Flare
from functions.oracle.core.payload import FTSO_PROTOCOL_ID, SUBMIT_SIGNATURES, Message, encode_calldata
from functions.oracle.core.phases import insurance_s
from functions.oracle.core.signature import TYPE_BARE, Signature, SignaturePayload, encode_signature_payload
from kernel.clock import Clock
from kernel.outbox.evm import EvmIntent

SERVICE = "oracle"
# Limits, not costs: several times what BENCHMARKS.md measures, since a submission that runs out of gas is a lost round.
SUBMISSION_GAS_LIMIT = 500_000
RELAY_GAS_LIMIT = 400_000
RELAY_GAS_PER_SIGNATURE = 25_000


class Intents:
    """Builds the intents of one provider: who signs, where to, until when it makes sense."""

    def __init__(self, flare: Flare, clock: Clock, *, submitter: str, depositor: str, finaliser: str) -> None:
        """submitter: sends commits and reveals; depositor: signatures; finaliser: relays.

        Within a round's grace only what the signing-policy address itself relays is rewarded, so that is who finalises.
        """
        self._flare, self._clock = flare, clock
        self._submitter, self._depositor, self._finaliser = submitter, depositor, finaliser

    def commit(self, voting_round: int, calldata: bytes, valid_until: datetime | None) -> EvmIntent:
        """submit1 of a round; pointless after the round's epoch."""
        return self._submission("commit", voting_round, self._submitter, calldata, valid_until)

    def reveal(self, voting_round: int, calldata: bytes, valid_until: datetime | None) -> EvmIntent:
        """submit2 of a round; pointless after the reveal deadline."""
        return self._submission("reveal", voting_round, self._submitter, calldata, valid_until)

    def deposit(self, voting_round: int, signature: Signature, valid_until: datetime | None) -> EvmIntent:
        """submitSignatures of a round."""
        payload = encode_signature_payload(SignaturePayload(TYPE_BARE, signature))
        calldata = encode_calldata(SUBMIT_SIGNATURES, Message(FTSO_PROTOCOL_ID, voting_round, payload))
        return self._submission("sign", voting_round, self._depositor, calldata, valid_until)

    def relay(
        self, voting_round: int, calldata: bytes, signature_count: int, valid_until: datetime | None
    ) -> EvmIntent:
        """relay of a round."""
        return EvmIntent(
            business_key=self.business_key("finalise", voting_round),
            service=SERVICE,
            chain_id=self._flare.network.chain_id,
            signer=self._finaliser,
            to=self._flare.relay_address,
            data=calldata,
            gas_limit=RELAY_GAS_LIMIT + RELAY_GAS_PER_SIGNATURE * signature_count,
            valid_until=valid_until,
            resend_s=self._insurance_s(valid_until),
        )

    def business_key(self, phase: str, voting_round: int) -> str:
        """What makes an oracle's transaction unique: network, round, phase."""
        return f"oracle:{self._flare.network.name}:{voting_round}:{phase}"

    def _submission(
        self, phase: str, voting_round: int, signer: str, calldata: bytes, valid_until: datetime | None
    ) -> EvmIntent:
        return EvmIntent(
            business_key=self.business_key(phase, voting_round),
            service=SERVICE,
            chain_id=self._flare.network.chain_id,
            signer=signer,
            to=self._flare.submission_address,
            data=calldata,
            gas_limit=SUBMISSION_GAS_LIMIT,
            valid_until=valid_until,
            resend_s=self._insurance_s(valid_until),
        )

    def _insurance_s(self, valid_until: datetime | None) -> tuple[int, ...]:
        """Who submits may die, too, and the window is open no longer than for the phase itself."""
        return () if valid_until is None else insurance_s((valid_until - self._clock.now()).total_seconds())

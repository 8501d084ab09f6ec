"""The secret half of a commit, sealed: whoever holds the database cannot open it, any later invocation can."""

from functions.oracle.core.submissions import Reveal, decode_reveal, encode_reveal
from kernel.errors import Broken
from kernel.keys.envelope import Envelope

# A sealed opening has the feeds of its own round; the bound only has to be past any round's.
FEEDS_MAX = 1_000


class OpeningUnreadable(Broken):
    """A sealed opening does not hold a random number and a value vector."""

    cause = "The row was written by other code, or for another round."
    remedy = "The round cannot be revealed; look into who wrote oracle.submissions."


class Openings:
    """Seals and opens the random number and values of one submitter, bound to chain, address and round."""

    def __init__(self, envelope: Envelope, *, chain: str, submitter: str) -> None:
        self._envelope, self._chain, self._submitter = envelope, chain, submitter

    def seal(self, voting_round: int, opening: Reveal) -> bytes:
        """What may be stored. Asks KMS, so never inside a transaction."""
        return self._envelope.seal(
            encode_reveal(opening), purpose=_purpose(voting_round), chain=self._chain, address=self._submitter
        )

    def open(self, voting_round: int, sealed: bytes) -> Reveal:
        """The opening that was sealed for this round. Raises OpeningUnreadable."""
        payload = self._envelope.open(
            sealed, purpose=_purpose(voting_round), chain=self._chain, address=self._submitter
        )
        opening = decode_reveal(payload, FEEDS_MAX)
        if opening is None:
            raise OpeningUnreadable(voting_round=voting_round)
        return opening


def _purpose(voting_round: int) -> str:
    return f"oracle-opening/{voting_round}"

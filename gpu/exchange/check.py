"""Owns the check of a proof that somebody else made: by another verifier, of inputs computed here.

It counts if its key is the one that the contract names, r and v are what the contract will compute from the market and
the proof's commitment, and the proof holds for them. Whether the commitment is that of the words is the circuit's
business: r has it, and the circuit has it too.
"""

from collections.abc import Mapping
from typing import Any

from gpu.exchange.form import ResultUnfit, proven_of, request_of
from gpu.exchange.verification import problem_of_proof
from gpu.refusals import InputRefused


def problem_of(arguments: Mapping[str, Any], result: Mapping[str, Any], output: bytes | None) -> str | None:
    """What is wrong with a result of gpu.exchange.prove, or None."""
    try:
        request, proven = request_of(arguments), proven_of(result)
    except (InputRefused, ResultUnfit) as unfit:
        return str(unfit)
    if output is not None:
        return "a proof puts nothing out besides its result"
    if not result.get("image_id") == proven.key.image_id() == request.image_id:
        return "the proof is for another key than the contract's verifier has"
    if proven.inputs != request.inputs(proven.inputs[0]):
        return "the public inputs are not those that the contract will compute"
    return problem_of_proof(proven.key, proven.proof, proven.inputs)

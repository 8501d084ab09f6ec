"""Owns the second opinion on a proof: Groth16's equation by py_ecc, which shares no code with what made the proof.

e(a, b) = e(alpha, beta) e(ic_0 + Σ inputs ic_i, gamma) e(c, delta). What a contract refuses is refused here too: inputs
and coordinates that are no field elements, points that are not on their curve, or of G2 but outside its subgroup.
"""

from collections.abc import Sequence
from typing import Any

from py_ecc.fields import optimized_bn128_FQ as FQ
from py_ecc.fields import optimized_bn128_FQ2 as FQ2
from py_ecc.fields import optimized_bn128_FQ12 as FQ12
from py_ecc.optimized_bn128 import optimized_curve as group
from py_ecc.optimized_bn128.optimized_pairing import final_exponentiate, pairing

from gpu.exchange.formats import BASE, G1, G2, Proof, VerificationKey
from gpu.exchange.r1cs import FIELD


def problem_of_proof(key: VerificationKey, proof: Proof, inputs: Sequence[int]) -> str | None:
    """Why a proof does not hold for public inputs, or None."""
    if len(inputs) != len(key.ic) - 1 or not all(0 <= value < FIELD for value in inputs):
        return "the public inputs are not as many as the key's, or are no field elements"
    try:
        a, c, alpha, *ic = (_point_1(point) for point in (proof.a, proof.c, key.alpha, *key.ic))
        b, beta, gamma, delta = (_point_2(point) for point in (proof.b, key.beta, key.gamma, key.delta))
    except ValueError as elsewhere:
        return str(elsewhere)
    public = ic[0]
    for value, point in zip(inputs, ic[1:], strict=True):
        public = group.add(public, group.multiply(point, value))
    pairs = [(b, group.neg(a)), (beta, alpha), (gamma, public), (delta, c)]
    product = FQ12.one()
    for two, one in pairs:
        product *= pairing(two, one, final_exponentiate=False)
    return None if final_exponentiate(product) == FQ12.one() else "the proof does not hold for its inputs"


def _point_1(point: G1) -> Any:
    if not all(0 <= number < BASE for number in point):
        raise ValueError("a coordinate is no field element")
    if point == (0, 0):
        return group.Z1
    found = (FQ(point[0]), FQ(point[1]), FQ.one())
    if not group.is_on_curve(found, group.b):
        raise ValueError("a point is not on the curve")
    return found


def _point_2(point: G2) -> Any:
    if not all(0 <= number < BASE for number in (*point[0], *point[1])):
        raise ValueError("a coordinate is no field element")
    if point == ((0, 0), (0, 0)):
        return group.Z2
    found = (FQ2(point[0]), FQ2(point[1]), FQ2.one())
    if not group.is_on_curve(found, group.b2) or not group.is_inf(group.multiply(found, group.curve_order)):
        raise ValueError("a point is not in the second group")
    return found

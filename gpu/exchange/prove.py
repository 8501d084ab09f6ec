"""Owns the making of a proof: Groth16 over BN254 from a .zkey and an assignment, the sums by zksnake.

1. A and B of every row, from the key's entries and the assignment; C of a row is their product, as the rows hold.
2. As polynomials over the domain of n rows, evaluated at the odd points of the domain of 2n, where A B - C is h Z.
3. a = alpha + A + r delta, b = beta + B + s delta, c = private wires + h + s a + r b - r s delta, with r and s drawn
   anew, so that a proof says nothing but that it holds.
4. What was made is verified before it is given out: an assignment that does not meet the circuit makes a proof that
   does not hold, and so does a key of another circuit.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from secrets import randbelow
from typing import Any, Final

from gpu import settings
from gpu.exchange.circuit import assignment, committed
from gpu.exchange.curve import curve, loaded, require_on_curve, require_on_twist, total
from gpu.exchange.form import Proven, request_of, result_of
from gpu.exchange.formats import G1, G2, Proof
from gpu.exchange.formats_zkey import ProvingKey, proving_key_of
from gpu.exchange.keys import by_image_id
from gpu.exchange.r1cs import FIELD, Assignment
from gpu.refusals import InputRefused

#: The last key that was used: to read one takes longer than to prove with it.
_kept: dict[bytes, "Prover"] = {}
_KEPT_MAX: Final = 1


class KeyAbsent(InputRefused):
    """There is no proving key for the verifier of a contract."""


class _Points:
    """The finite points of a section by their wires; made ready when a wire's value first needs them."""

    def __init__(self, points: Sequence[G1 | None] | Sequence[G2 | None], first: int = 0) -> None:
        self._finite = {wire: point for wire, point in enumerate(points, first) if point is not None}
        self._loaded: dict[int, Any] = {}

    def total(self, values: Sequence[int], zero: Any) -> Any:
        """The sum of the points, each times its wire's value."""
        wires = [wire for wire in self._finite if values[wire]]
        self._loaded |= {wire: loaded(self._finite[wire]) for wire in wires if wire not in self._loaded}
        return total([self._loaded[wire] for wire in wires], [values[wire] for wire in wires]) if wires else zero


class Prover:
    """A proving key, made ready."""

    def __init__(self, key: ProvingKey) -> None:
        """Raises KeyUnfit for a point that is not on its curve."""
        self.key, known = key, key.verification
        _require_on_curves(key)
        self._alpha, self._beta_1, self._delta_1 = map(loaded, (known.alpha, key.beta_1, key.delta_1))
        self._beta, self._delta, self._gamma = map(loaded, (known.beta, known.delta, known.gamma))
        self._ic = [loaded(point) for point in known.ic]
        self._a, self._b_1, self._b_2 = _Points(key.a), _Points(key.b_1), _Points(key.b_2)
        self._c, self._h = _Points(key.c, key.public + 1), _Points(key.h)
        self._image_id = known.image_id()

    @property
    def image_id(self) -> str:
        """What a contract calls the key."""
        return self._image_id

    def prove(self, values: Assignment) -> Proof:
        """A proof. Raises InputRefused for an assignment of another circuit, or one that does not meet this one."""
        if len(values) != self.key.wires:
            raise InputRefused(
                f"the key is for {self.key.wires} wires and the circuit has {len(values)}: use the key that was made "
                "for this version and this size"
            )
        r, s = randbelow(FIELD), randbelow(FIELD)
        none_1, none_2 = self._delta_1 * 0, self._delta * 0
        a = self._alpha + self._a.total(values, none_1) + self._delta_1 * r
        b_1 = self._beta_1 + self._b_1.total(values, none_1) + self._delta_1 * s
        b = self._beta + self._b_2.total(values, none_2) + self._delta * s
        h = self._h.total(_quotient(self.key, values), none_1)
        c = self._c.total(values, none_1) + h + a * s + b_1 * r + self._delta_1 * (-r * s % FIELD)
        if not self._holds(a, b, c, values[1 : self.key.public + 1]):
            raise InputRefused(
                "the certificate does not show that the allocation is that of the lists, or the key is another "
                "circuit's: compute the certificate anew, and use the key that was made for this version"
            )
        return Proof(a=(a.x, a.y), b=((b.x[0], b.x[1]), (b.y[0], b.y[1])), c=(c.x, c.y))

    def _holds(self, a: Any, b: Any, c: Any, inputs: Sequence[int]) -> bool:
        public = total(self._ic, [1, *inputs])
        right = curve().multi_pairing([self._alpha, public, c], [self._beta, self._gamma, self._delta])
        return bool(curve().pairing(a, b) == right)


def run(arguments: Mapping[str, Any], content: bytes | None) -> tuple[dict[str, Any], None]:
    """The function as it is offloaded (gpu.exchange.form says what goes in and out).

    Raises InputRefused, KeyUnfit, KeyAbsent.
    """
    request = request_of(arguments)
    prover = prover_of(content if content is not None else _from_folder(request.image_id))
    if prover.image_id != request.image_id:
        raise InputRefused(
            f"the contract's verifier is for the key {request.image_id}, and this proving key makes proofs for "
            f"{prover.image_id}: give the proving key that the verifier was deployed for"
        )
    inputs = request.inputs(committed(request.words()))
    proof = prover.prove(assignment(request.shape, inputs, request.claim))
    return result_of(Proven(proof=proof, inputs=inputs, key=prover.key.verification)), None


def run_in_public(arguments: Mapping[str, Any], content: bytes | None) -> tuple[dict[str, Any], None]:
    """The same where money depends on it: no key is used whose secrets everybody knows."""
    request = request_of(arguments)
    octets = content if content is not None else _from_folder(request.image_id)
    if prover_of(octets).key.development:
        raise InputRefused(
            "this is a development key, whose secrets are known: anybody can prove anything for its verifier; deploy "
            "the verifier of a key from a ceremony (gpu/README.md)"
        )
    return run(arguments, octets)


def prover_of(zkey: bytes) -> Prover:
    """A prover with a .zkey; the last one is kept. Raises KeyUnfit."""
    digest = sha256(zkey).digest()
    if digest not in _kept:
        made = Prover(proving_key_of(zkey))
        while len(_kept) >= _KEPT_MAX:
            _kept.pop(next(iter(_kept)))
        _kept[digest] = made
    return _kept[digest]


def _from_folder(image_id: str) -> bytes:
    path = by_image_id(settings.keys_folder(), image_id)
    try:
        return path.read_bytes()
    except FileNotFoundError as absent:
        raise KeyAbsent(
            f"no proving key at {path}: put the .zkey there that the contract's verifier was deployed for, or give it "
            "as the job's input; `make barter-keys` makes development keys"
        ) from absent


def _require_on_curves(key: ProvingKey) -> None:
    known = key.verification
    for point in (known.alpha, key.beta_1, key.delta_1, *known.ic, *key.a, *key.b_1, *key.c, *key.h):
        if point is not None:
            require_on_curve(point)
    for twice in (known.beta, known.gamma, known.delta, *key.b_2):
        if twice is not None:
            require_on_twist(twice)


def _quotient(key: ProvingKey, values: Assignment) -> list[int]:
    """A B - C at the odd points of the domain of 2n."""
    from zksnake.polynomial import fft, get_nth_root_of_unity, ifft

    rows: tuple[list[int], list[int]] = ([0] * key.domain, [0] * key.domain)
    for matrix, row, wire, factor in key.entries:
        rows[matrix][row] += factor * values[wire]
    a, b = ([value % FIELD for value in column] for column in rows)
    root, shift, shifts = get_nth_root_of_unity(2 * key.domain, 1, FIELD), 1, []
    for _ in range(key.domain):
        shifts.append(shift)
        shift = shift * root % FIELD

    def odd(evaluations: list[int]) -> list[int]:
        moved = [factor * by % FIELD for factor, by in zip(ifft(evaluations, FIELD), shifts, strict=True)]
        found: list[int] = fft(moved, FIELD)
        return found

    c = odd([one * other % FIELD for one, other in zip(a, b, strict=True)])
    return [(one * other - product) % FIELD for one, other, product in zip(odd(a), odd(b), c, strict=True)]

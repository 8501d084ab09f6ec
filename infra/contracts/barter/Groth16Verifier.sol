// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGroth16Verifier} from "./interfaces/IGroth16Verifier.sol";

/// @title Groth16Verifier: the check of a proof on BN254 with three public inputs, for the key that it is deployed with
/// @dev e(a, b) = e(alpha, beta) e(ic0 + Σ input_i ic_i, gamma) e(c, delta). The key is in the code, so that reading it
/// costs next to nothing. A precompile takes all the gas it is given when it refuses its input; so each is given its
/// price (EIP-1108), and a wrong proof costs no more than a right one. Where precompiles cost more, deployment fails.
contract Groth16Verifier is IGroth16Verifier {
    /// @dev The order of the scalar field, and that of the field of coordinates
    uint256 private constant FIELD = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    uint256 private constant BASE = 21888242871839275222246405745257275088696311157297823662689037894645226208583;
    uint256 private constant ADD_GAS = 150;
    uint256 private constant MULTIPLY_GAS = 6_000;
    uint256 private constant PAIRING_GAS = 45_000 + 4 * 34_000;
    /// @dev With less, the precompiles could not be given their price, and a right proof would seem wrong
    uint256 private constant GAS_MIN = 215_000;

    /// @notice keccak256 of the key's words
    bytes32 public immutable imageID;
    /// @notice For how many agents the circuit is
    uint256 public immutable agents;
    /// @notice For how long lists the circuit is
    uint256 public immutable listMax;

    uint256 private immutable _alphaX;
    uint256 private immutable _alphaY;
    uint256 private immutable _betaX1;
    uint256 private immutable _betaX0;
    uint256 private immutable _betaY1;
    uint256 private immutable _betaY0;
    uint256 private immutable _gammaX1;
    uint256 private immutable _gammaX0;
    uint256 private immutable _gammaY1;
    uint256 private immutable _gammaY0;
    uint256 private immutable _deltaX1;
    uint256 private immutable _deltaX0;
    uint256 private immutable _deltaY1;
    uint256 private immutable _deltaY0;
    uint256 private immutable _ic0X;
    uint256 private immutable _ic0Y;
    uint256 private immutable _ic1X;
    uint256 private immutable _ic1Y;
    uint256 private immutable _ic2X;
    uint256 private immutable _ic2Y;
    uint256 private immutable _ic3X;
    uint256 private immutable _ic3Y;

    /// @param key alpha, beta, gamma, delta, ic0 … ic3; of coordinates in the second group the imaginary part first
    constructor(uint256[22] memory key, uint256 agents_, uint256 listMax_) {
        _requireOnCurve(key);
        imageID = keccak256(abi.encodePacked(key));
        (agents, listMax) = (agents_, listMax_);
        (_alphaX, _alphaY) = (key[0], key[1]);
        (_betaX1, _betaX0, _betaY1, _betaY0) = (key[2], key[3], key[4], key[5]);
        (_gammaX1, _gammaX0, _gammaY1, _gammaY0) = (key[6], key[7], key[8], key[9]);
        (_deltaX1, _deltaX0, _deltaY1, _deltaY0) = (key[10], key[11], key[12], key[13]);
        (_ic0X, _ic0Y, _ic1X, _ic1Y) = (key[14], key[15], key[16], key[17]);
        (_ic2X, _ic2Y, _ic3X, _ic3Y) = (key[18], key[19], key[20], key[21]);
    }

    /// @notice Whether the proof holds for the public inputs
    /// @dev False for numbers outside their field and for points off their curve; reverts where the gas does not suffice.
    function verifyProof(
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c,
        uint256[3] calldata inputs
    ) external view returns (bool) {
        require(gasleft() > GAS_MIN, "Too little gas for a proof");
        if (a[1] >= BASE || inputs[0] >= FIELD || inputs[1] >= FIELD || inputs[2] >= FIELD) return false;
        uint256[4] memory sum;
        (sum[0], sum[1]) = (_ic0X, _ic0Y);
        bool computed = _addTimes(sum, _ic1X, _ic1Y, inputs[0]) && _addTimes(sum, _ic2X, _ic2Y, inputs[1])
            && _addTimes(sum, _ic3X, _ic3Y, inputs[2]);
        uint256[24] memory pairs;
        (pairs[0], pairs[1]) = (a[0], a[1] == 0 ? 0 : BASE - a[1]);
        (pairs[2], pairs[3], pairs[4], pairs[5]) = (b[0][0], b[0][1], b[1][0], b[1][1]);
        (pairs[6], pairs[7]) = (_alphaX, _alphaY);
        (pairs[8], pairs[9], pairs[10], pairs[11]) = (_betaX1, _betaX0, _betaY1, _betaY0);
        (pairs[12], pairs[13]) = (sum[0], sum[1]);
        (pairs[14], pairs[15], pairs[16], pairs[17]) = (_gammaX1, _gammaX0, _gammaY1, _gammaY0);
        (pairs[18], pairs[19]) = (c[0], c[1]);
        (pairs[20], pairs[21], pairs[22], pairs[23]) = (_deltaX1, _deltaX0, _deltaY1, _deltaY0);
        return computed && _productIsOne(pairs);
    }

    /// @dev sum += factor * (x, y); the sum is the first two words
    function _addTimes(uint256[4] memory sum, uint256 x, uint256 y, uint256 factor) private view returns (bool done) {
        uint256[3] memory product = [x, y, factor];
        assembly ("memory-safe") {
            done := staticcall(MULTIPLY_GAS, 7, product, 96, add(sum, 64), 64)
            done := and(staticcall(ADD_GAS, 6, sum, 128, sum, 64), done)
        }
    }

    /// @dev Whether the product of the pairings is one; false also where a point is not in its group
    function _productIsOne(uint256[24] memory pairs) private view returns (bool isOne) {
        assembly ("memory-safe") {
            isOne := staticcall(PAIRING_GAS, 8, pairs, 768, 0, 32)
            isOne := and(isOne, eq(mload(0), 1))
        }
    }

    /// @dev A key with a point at infinity would hold anything to be proven; one off its curve, nothing
    function _requireOnCurve(uint256[22] memory key) private view {
        for (uint256 i = 0; i < 22; i += 2) require(key[i] | key[i + 1] != 0, "A point of the key is at infinity");
        uint256[4] memory sum;
        bool added = _addTimes(sum, key[0], key[1], 1);
        for (uint256 i = 14; i < 22; i += 2) added = added && _addTimes(sum, key[i], key[i + 1], 1);
        uint256[24] memory pairs;
        for (uint256 i = 0; i < 3; i++) {
            for (uint256 word = 0; word < 4; word++) pairs[6 * i + 2 + word] = key[4 * i + 2 + word];
        }
        require(added && _productIsOne(pairs), "A point of the key is off its curve");
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IGroth16Verifier: the check of a proof on BN254, as snarkjs exports it, and which circuit it is for
interface IGroth16Verifier {
    /// @notice Whether the proof holds for the public inputs (C, r, v)
    function verifyProof(
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c,
        uint256[3] calldata inputs
    ) external view returns (bool);

    /// @notice The hash of the verification key
    function imageID() external view returns (bytes32);

    /// @notice For how many agents the circuit is
    function agents() external view returns (uint256);

    /// @notice For how long lists the circuit is
    function listMax() external view returns (uint256);
}

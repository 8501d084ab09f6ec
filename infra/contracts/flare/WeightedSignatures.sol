// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRelay} from "./interfaces/IRelay.sol";
import {SigningPolicyBytes} from "./SigningPolicy.sol";

/// @title Signatures with indices into a signing policy, and the weight behind them
/// @dev count 2 | { v 1 | r 32 | s 32 | index 2 } x count; indices ascend, so that nobody counts twice.
library WeightedSignatures {
    uint256 private constant COUNT_BYTES = 2;
    uint256 private constant SIGNATURE_BYTES = 67;
    /// @dev Half the order of the curve: a larger s is the mirror image of a valid signature.
    uint256 private constant LARGEST_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @notice Returns as soon as the signers weigh more than the threshold; what follows then is not read.
    function requireAbove(
        bytes calldata policy,
        uint256 policySize,
        bytes calldata counted,
        bytes32 digest,
        uint256 threshold
    ) internal pure {
        if (counted.length < COUNT_BYTES) revert IRelay.NoSignatureCount();
        uint256 count = uint16(bytes2(counted[:COUNT_BYTES]));
        if (counted.length < COUNT_BYTES + count * SIGNATURE_BYTES) revert IRelay.NotEnoughSignatures();

        uint256 weight = 0;
        uint256 leastIndex = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 start = COUNT_BYTES + i * SIGNATURE_BYTES;
            bytes calldata signature = counted[start:start + SIGNATURE_BYTES];
            uint256 index = uint16(bytes2(signature[65:SIGNATURE_BYTES]));
            if (index >= policySize) revert IRelay.IndexOutOfRange();
            if (index < leastIndex) revert IRelay.IndexOutOfOrder();
            leastIndex = index + 1;
            weight += _weightOf(policy, index, signature, digest);
            if (weight > threshold) return;
        }
        // The published contract answers with this string here, not with a selector.
        revert("Not enough weight");
    }

    function _weightOf(bytes calldata policy, uint256 index, bytes calldata signature, bytes32 digest)
        private
        pure
        returns (uint256)
    {
        uint8 v = uint8(signature[0]);
        bytes32 s = bytes32(signature[33:65]);
        if (v != 27 && v != 28) revert IRelay.BadV();
        if (uint256(s) > LARGEST_S) revert IRelay.BadS();
        (address expected, uint256 weight) = SigningPolicyBytes.member(policy, index);
        address signer = ecrecover(digest, v, bytes32(signature[1:33]), s);
        if (signer == address(0) || signer != expected) revert IRelay.WrongSignature();
        return weight;
    }
}

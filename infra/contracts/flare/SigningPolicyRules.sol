// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRelay} from "./interfaces/IRelay.sol";
import {PolicyHead, SigningPolicyBytes} from "./SigningPolicy.sol";

/// @title What every signing policy must satisfy before it is stored
library SigningPolicyRules {
    uint256 private constant MAX_VOTERS = 300;
    uint256 private constant MIN_THRESHOLD_BIPS = 5000;
    uint256 private constant MAX_THRESHOLD_BIPS = 6600;
    uint256 private constant BIPS = 10_000;

    /// @notice Reverts unless there are 1 to 300 voters of at most 65 535 total weight, and the threshold is 50 to 66 %.
    function check(bytes calldata encoded, PolicyHead memory head) internal pure {
        if (head.size == 0) revert IRelay.SigningPolicyEmpty();
        if (head.size > MAX_VOTERS) revert IRelay.TooManyVoters();
        uint256 total = 0;
        for (uint256 i = 0; i < head.size; ++i) {
            (, uint256 weight) = SigningPolicyBytes.member(encoded, i);
            total += weight;
        }
        if (total > type(uint16).max) revert IRelay.TotalWeightTooBig();
        if (head.threshold * BIPS < total * MIN_THRESHOLD_BIPS) revert IRelay.ThresholdTooLow();
        if (head.threshold * BIPS > total * MAX_THRESHOLD_BIPS) revert IRelay.ThresholdTooHigh();
    }
}

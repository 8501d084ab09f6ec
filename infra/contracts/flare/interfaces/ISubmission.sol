// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRandomProvider} from "./IRandomProvider.sol";

/// @title Where voters leave the calldata of a round; its content is read off-chain from the transactions
interface ISubmission is IRandomProvider {
    /// @notice The allowances of a new voting round are open.
    event NewVotingRoundInitiated();

    /// @notice Commits. True when this is the sender's first call of the round and it is entitled to one.
    function submit1() external returns (bool);

    /// @notice Reveals; the answer means the same as that of submit1.
    function submit2() external returns (bool);

    /// @notice Reserved by the protocol; the answer means the same as that of submit1.
    function submit3() external returns (bool);

    /// @notice Signatures of results; the answer means the same as that of submit1.
    function submitSignatures() external returns (bool);

    /// @notice Grants one call per method and round to the listed addresses; the systems manager only.
    function initNewVotingRound(
        address[] memory _submit1Addresses,
        address[] memory _submit2Addresses,
        address[] memory _submit3Addresses,
        address[] memory _submitSignaturesAddresses
    ) external;
}

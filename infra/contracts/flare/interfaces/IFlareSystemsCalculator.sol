// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What a voter's registration weighs
interface IFlareSystemsCalculator {
    /// @notice The parts of a registration weight; wNatCappedWeight is the voter's weight in feed medians.
    event VoterRegistrationInfo(
        address indexed voter,
        uint24 indexed rewardEpochId,
        address delegationAddress,
        uint16 delegationFeeBIPS,
        uint256 wNatWeight,
        uint256 wNatCappedWeight,
        bytes20[] nodeIds,
        uint256[] nodeWeights
    );

    /// @notice The largest share of all vote power that counts for one voter, in parts per million.
    function wNatCapPPM() external view returns (uint24);

    /// @notice The registration weight of a voter; the voter registry only.
    function calculateRegistrationWeight(address _voter, uint24 _rewardEpochId, uint256 _votePowerBlockNumber)
        external
        returns (uint256 _registrationWeight);
}

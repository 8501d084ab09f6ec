// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Who votes in a reward epoch, under which addresses and with what weight
interface IVoterRegistry {
    struct Signature {
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @notice A voter takes part in a reward epoch.
    event VoterRegistered(
        address indexed voter,
        uint24 indexed rewardEpochId,
        address indexed signingPolicyAddress,
        address submitAddress,
        address submitSignaturesAddress,
        bytes32 publicKeyPart1,
        bytes32 publicKeyPart2,
        uint256 registrationWeight
    );

    /// @notice Registers a voter for the next reward epoch; its signing policy address must have agreed.
    function registerVoter(address _voter, Signature calldata _signature) external;

    /// @notice The most voters of one reward epoch.
    function maxVoters() external view returns (uint256);

    /// @notice The voters of a reward epoch in the order of their registration.
    function getRegisteredVoters(uint256 _rewardEpochId) external view returns (address[] memory);

    /// @notice How many voters a reward epoch has.
    function getNumberOfRegisteredVoters(uint256 _rewardEpochId) external view returns (uint256);

    /// @notice Whether a voter takes part in a reward epoch.
    function isVoterRegistered(address _voter, uint256 _rewardEpochId) external view returns (bool);

    /// @notice Where the voters commit and reveal from, in voter order.
    function getRegisteredSubmitAddresses(uint256 _rewardEpochId) external view returns (address[] memory);

    /// @notice Where the voters send signatures from, in voter order.
    function getRegisteredSubmitSignaturesAddresses(uint256 _rewardEpochId) external view returns (address[] memory);

    /// @notice The keys that the voters sign results with, in voter order.
    function getRegisteredSigningPolicyAddresses(uint256 _rewardEpochId) external view returns (address[] memory);

    /// @notice The addresses that the voters' vote power is delegated to, in voter order.
    function getRegisteredDelegationAddresses(uint256 _rewardEpochId) external view returns (address[] memory);

    /// @notice The voters and their weights as calculated at registration.
    function getRegisteredVotersAndRegistrationWeights(uint256 _rewardEpochId)
        external
        view
        returns (address[] memory _voters, uint256[] memory _registrationWeights);

    /// @notice The voters and their 16-bit signing weights.
    function getRegisteredVotersAndNormalisedWeights(uint256 _rewardEpochId)
        external
        view
        returns (address[] memory _voters, uint16[] memory _normalisedWeights);

    /// @notice Whose signing policy address this is, and the voter's signing weight; zeros for a stranger.
    function getVoterWithNormalisedWeight(uint256 _rewardEpochId, address _signingPolicyAddress)
        external
        view
        returns (address _voter, uint16 _normalisedWeight);

    /// @notice A voter's weight as calculated at registration.
    function getVoterRegistrationWeight(address _voter, uint256 _rewardEpochId) external view returns (uint256);

    /// @notice A voter's signing weight.
    function getVoterNormalisedWeight(address _voter, uint256 _rewardEpochId) external view returns (uint16);

    /// @notice The sums of both kinds of weight; no voter here has a public key, so the third is zero.
    function getWeightsSums(uint256 _rewardEpochId)
        external
        view
        returns (
            uint128 _weightsSum,
            uint16 _normalisedWeightsSum,
            uint16 _normalisedWeightsSumOfVotersWithPublicKeys
        );

    /// @notice Fixes the signing weights of a reward epoch; the systems manager only.
    function createSigningPolicySnapshot(uint256 _rewardEpochId)
        external
        returns (
            address[] memory _signingPolicyAddresses,
            uint16[] memory _normalisedWeights,
            uint16 _normalisedWeightsSum
        );
}

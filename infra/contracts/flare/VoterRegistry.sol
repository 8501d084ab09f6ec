// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IEntityManager} from "./interfaces/IEntityManager.sol";
import {IFlareSystemsCalculator} from "./interfaces/IFlareSystemsCalculator.sol";
import {IFlareSystemsManager} from "./interfaces/IFlareSystemsManager.sol";
import {IVoterRegistry} from "./interfaces/IVoterRegistry.sol";

/// @title VoterRegistry: the voters of each reward epoch, with the addresses they had when they registered
contract VoterRegistry is IVoterRegistry {
    /// @dev One reward epoch; normalised is empty until the signing policy is made.
    struct Register {
        address[] voters;
        address[] submitAddresses;
        address[] submitSignaturesAddresses;
        address[] signingPolicyAddresses;
        address[] delegationAddresses;
        uint256[] weights;
        uint16[] normalised;
        mapping(address voter => uint256) positionPlusOne;
        mapping(address signingPolicyAddress => uint256) signerPlusOne;
    }

    IFlareSystemsManager public immutable flareSystemsManager;
    IEntityManager public immutable entityManager;
    IFlareSystemsCalculator public immutable flareSystemsCalculator;

    /// @inheritdoc IVoterRegistry
    uint256 public immutable maxVoters;

    mapping(uint256 rewardEpochId => Register) private _registers;

    error OnlyFlareSystemsManager();
    error RegistrationClosed();
    error AlreadyRegistered(address voter);
    error RegistryFull(uint256 maxVoters);
    error InvalidSignature(address recovered, address expected);
    error ZeroWeight(address voter);
    error NotRegistered(address voter);
    error RewardEpochNotSupported(uint256 rewardEpochId);

    /// @param manager opens and closes registration
    /// @param entityManager_ knows acting addresses
    /// @param calculator weighs voters
    /// @param maxVoters_ the most voters of one reward epoch
    constructor(
        IFlareSystemsManager manager,
        IEntityManager entityManager_,
        IFlareSystemsCalculator calculator,
        uint256 maxVoters_
    ) {
        flareSystemsManager = manager;
        entityManager = entityManager_;
        flareSystemsCalculator = calculator;
        maxVoters = maxVoters_;
    }

    /// @inheritdoc IVoterRegistry
    /// @dev The signature is of EIP-191 of keccak256(abi.encode(uint24 rewardEpochId, address voter)).
    function registerVoter(address voter, Signature calldata signature) external {
        uint24 rewardEpochId = flareSystemsManager.getCurrentRewardEpochId() + 1;
        (uint256 votePowerBlock, bool enabled) = flareSystemsManager.getVoterRegistrationData(rewardEpochId);
        if (!enabled) revert RegistrationClosed();
        Register storage register = _registers[rewardEpochId];
        if (register.positionPlusOne[voter] != 0) revert AlreadyRegistered(voter);
        if (register.voters.length >= maxVoters) revert RegistryFull(maxVoters);

        IEntityManager.VoterAddresses memory acting = entityManager.getVoterAddresses(voter);
        bytes32 digest = MessageHashUtils.toEthSignedMessageHash(keccak256(abi.encode(rewardEpochId, voter)));
        address signer = ECDSA.recover(digest, signature.v, signature.r, signature.s);
        if (signer != acting.signingPolicyAddress) revert InvalidSignature(signer, acting.signingPolicyAddress);
        uint256 weight = flareSystemsCalculator.calculateRegistrationWeight(voter, rewardEpochId, votePowerBlock);
        if (weight == 0) revert ZeroWeight(voter);

        _append(register, voter, acting, weight);
        emit VoterRegistered(
            voter,
            rewardEpochId,
            signer,
            acting.submitAddress,
            acting.submitSignaturesAddress,
            bytes32(0),
            bytes32(0),
            weight
        );
    }

    /// @inheritdoc IVoterRegistry
    function createSigningPolicySnapshot(uint256 rewardEpochId)
        external
        returns (address[] memory signers, uint16[] memory normalised, uint16 normalisedSum)
    {
        if (msg.sender != address(flareSystemsManager)) revert OnlyFlareSystemsManager();
        Register storage register = _registers[rewardEpochId];
        uint256[] memory weights = register.weights;
        uint256 sum = _sum(weights);
        for (uint256 i = 0; i < weights.length; ++i) {
            // No weight exceeds the sum, so the quotient fits.
            uint16 share = uint16(weights[i] * type(uint16).max / sum);
            register.normalised.push(share);
            normalisedSum += share;
        }
        return (register.signingPolicyAddresses, register.normalised, normalisedSum);
    }

    /// @inheritdoc IVoterRegistry
    function getRegisteredVoters(uint256 rewardEpochId) external view returns (address[] memory) {
        return _registers[rewardEpochId].voters;
    }

    /// @inheritdoc IVoterRegistry
    function getNumberOfRegisteredVoters(uint256 rewardEpochId) external view returns (uint256) {
        return _registers[rewardEpochId].voters.length;
    }

    /// @inheritdoc IVoterRegistry
    function isVoterRegistered(address voter, uint256 rewardEpochId) external view returns (bool) {
        return _registers[rewardEpochId].positionPlusOne[voter] != 0;
    }

    /// @inheritdoc IVoterRegistry
    function getRegisteredSubmitAddresses(uint256 rewardEpochId) external view returns (address[] memory) {
        return _snapshot(rewardEpochId).submitAddresses;
    }

    /// @inheritdoc IVoterRegistry
    function getRegisteredSubmitSignaturesAddresses(uint256 rewardEpochId) external view returns (address[] memory) {
        return _snapshot(rewardEpochId).submitSignaturesAddresses;
    }

    /// @inheritdoc IVoterRegistry
    function getRegisteredSigningPolicyAddresses(uint256 rewardEpochId) external view returns (address[] memory) {
        return _snapshot(rewardEpochId).signingPolicyAddresses;
    }

    /// @inheritdoc IVoterRegistry
    function getRegisteredDelegationAddresses(uint256 rewardEpochId) external view returns (address[] memory) {
        return _snapshot(rewardEpochId).delegationAddresses;
    }

    /// @inheritdoc IVoterRegistry
    function getRegisteredVotersAndRegistrationWeights(uint256 rewardEpochId)
        external
        view
        returns (address[] memory, uint256[] memory)
    {
        return (_registers[rewardEpochId].voters, _registers[rewardEpochId].weights);
    }

    /// @inheritdoc IVoterRegistry
    function getRegisteredVotersAndNormalisedWeights(uint256 rewardEpochId)
        external
        view
        returns (address[] memory, uint16[] memory)
    {
        Register storage register = _snapshot(rewardEpochId);
        return (register.voters, register.normalised);
    }

    /// @inheritdoc IVoterRegistry
    function getVoterWithNormalisedWeight(uint256 rewardEpochId, address signingPolicyAddress)
        external
        view
        returns (address voter, uint16 normalisedWeight)
    {
        Register storage register = _snapshot(rewardEpochId);
        uint256 position = register.signerPlusOne[signingPolicyAddress];
        if (position == 0) return (address(0), 0);
        return (register.voters[position - 1], register.normalised[position - 1]);
    }

    /// @inheritdoc IVoterRegistry
    function getVoterRegistrationWeight(address voter, uint256 rewardEpochId) external view returns (uint256) {
        Register storage register = _registers[rewardEpochId];
        return register.weights[_positionOf(register, voter)];
    }

    /// @inheritdoc IVoterRegistry
    function getVoterNormalisedWeight(address voter, uint256 rewardEpochId) external view returns (uint16) {
        Register storage register = _snapshot(rewardEpochId);
        return register.normalised[_positionOf(register, voter)];
    }

    /// @inheritdoc IVoterRegistry
    function getWeightsSums(uint256 rewardEpochId)
        external
        view
        returns (uint128 weightsSum, uint16 normalisedSum, uint16)
    {
        Register storage register = _snapshot(rewardEpochId);
        for (uint256 i = 0; i < register.normalised.length; ++i) {
            normalisedSum += register.normalised[i];
        }
        return (uint128(_sum(register.weights)), normalisedSum, 0);
    }

    function _append(
        Register storage register,
        address voter,
        IEntityManager.VoterAddresses memory acting,
        uint256 weight
    ) private {
        register.voters.push(voter);
        register.submitAddresses.push(acting.submitAddress);
        register.submitSignaturesAddresses.push(acting.submitSignaturesAddress);
        register.signingPolicyAddresses.push(acting.signingPolicyAddress);
        register.delegationAddresses.push(entityManager.getDelegationAddressOf(voter));
        register.weights.push(weight);
        register.positionPlusOne[voter] = register.voters.length;
        register.signerPlusOne[acting.signingPolicyAddress] = register.voters.length;
    }

    function _snapshot(uint256 rewardEpochId) private view returns (Register storage register) {
        register = _registers[rewardEpochId];
        if (register.normalised.length == 0) revert RewardEpochNotSupported(rewardEpochId);
    }

    function _positionOf(Register storage register, address voter) private view returns (uint256) {
        uint256 position = register.positionPlusOne[voter];
        if (position == 0) revert NotRegistered(voter);
        return position - 1;
    }

    function _sum(uint256[] memory weights) private pure returns (uint256 sum) {
        for (uint256 i = 0; i < weights.length; ++i) {
            sum += weights[i];
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IEntityManager} from "./interfaces/IEntityManager.sol";
import {IFlareSystemsCalculator} from "./interfaces/IFlareSystemsCalculator.sol";

/// @title FlareSystemsCalculator: vote power to registration weight, to the power of three quarters
/// @dev Locally the owner states each delegation address's vote power; there is no wrapped token and no staking here.
contract FlareSystemsCalculator is IFlareSystemsCalculator, Ownable {
    uint256 private constant PPM = 1_000_000;
    /// @dev The fee that the network gives a voter who set none: 20 %.
    uint16 private constant DELEGATION_FEE_BIPS = 2000;

    IEntityManager public immutable entityManager;
    address public immutable voterRegistry;

    /// @inheritdoc IFlareSystemsCalculator
    uint24 public immutable wNatCapPPM;

    /// @notice Vote power delegated to an address, in wei.
    mapping(address delegationAddress => uint256) public votePowerOf;

    /// @notice All vote power, in wei; the cap is a share of it.
    uint256 public totalVotePower;

    error OnlyVoterRegistry();

    /// @param governance states vote power
    /// @param entityManager_ knows delegation addresses
    /// @param voterRegistry_ asks for weights
    /// @param wNatCapPPM_ the largest share that counts for one voter
    constructor(address governance, IEntityManager entityManager_, address voterRegistry_, uint24 wNatCapPPM_)
        Ownable(governance)
    {
        entityManager = entityManager_;
        voterRegistry = voterRegistry_;
        wNatCapPPM = wNatCapPPM_;
    }

    /// @notice States what is delegated to an address, in wei; local.
    function setVotePower(address delegationAddress, uint256 votePowerWei) external onlyOwner {
        totalVotePower = totalVotePower - votePowerOf[delegationAddress] + votePowerWei;
        votePowerOf[delegationAddress] = votePowerWei;
    }

    /// @inheritdoc IFlareSystemsCalculator
    function calculateRegistrationWeight(address voter, uint24 rewardEpochId, uint256)
        external
        returns (uint256)
    {
        if (msg.sender != voterRegistry) revert OnlyVoterRegistry();
        address delegationAddress = entityManager.getDelegationAddressOf(voter);
        uint256 weight = votePowerOf[delegationAddress];
        uint256 capped = Math.min(weight, Math.mulDiv(totalVotePower, wNatCapPPM, PPM));
        emit VoterRegistrationInfo(
            voter,
            rewardEpochId,
            delegationAddress,
            DELEGATION_FEE_BIPS,
            weight,
            capped,
            new bytes20[](0),
            new uint256[](0)
        );
        uint256 root = Math.sqrt(capped);
        return root * Math.sqrt(root);
    }
}

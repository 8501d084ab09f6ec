// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEntityManager} from "./interfaces/IEntityManager.sol";

/// @title EntityManager: a voter proposes an acting address, the address confirms; no address acts for two voters
contract EntityManager is IEntityManager {
    enum Role {
        DELEGATION,
        SUBMIT,
        SUBMIT_SIGNATURES,
        SIGNING_POLICY
    }

    mapping(Role => mapping(address voter => address)) private _proposed;
    mapping(Role => mapping(address voter => address)) private _confirmed;
    mapping(Role => mapping(address acting => address voter)) private _voterOf;

    error AddressNotProposed(address voter, address acting);
    error AddressAlreadyRegistered(address acting, address voter);

    /// @inheritdoc IEntityManager
    function proposeDelegationAddress(address acting) external {
        _propose(Role.DELEGATION, acting);
        emit DelegationAddressProposed(msg.sender, acting);
    }

    /// @inheritdoc IEntityManager
    function confirmDelegationAddressRegistration(address voter) external {
        _confirm(Role.DELEGATION, voter);
        emit DelegationAddressRegistrationConfirmed(voter, msg.sender);
    }

    /// @inheritdoc IEntityManager
    function proposeSubmitAddress(address acting) external {
        _propose(Role.SUBMIT, acting);
        emit SubmitAddressProposed(msg.sender, acting);
    }

    /// @inheritdoc IEntityManager
    function confirmSubmitAddressRegistration(address voter) external {
        _confirm(Role.SUBMIT, voter);
        emit SubmitAddressRegistrationConfirmed(voter, msg.sender);
    }

    /// @inheritdoc IEntityManager
    function proposeSubmitSignaturesAddress(address acting) external {
        _propose(Role.SUBMIT_SIGNATURES, acting);
        emit SubmitSignaturesAddressProposed(msg.sender, acting);
    }

    /// @inheritdoc IEntityManager
    function confirmSubmitSignaturesAddressRegistration(address voter) external {
        _confirm(Role.SUBMIT_SIGNATURES, voter);
        emit SubmitSignaturesAddressRegistrationConfirmed(voter, msg.sender);
    }

    /// @inheritdoc IEntityManager
    function proposeSigningPolicyAddress(address acting) external {
        _propose(Role.SIGNING_POLICY, acting);
        emit SigningPolicyAddressProposed(msg.sender, acting);
    }

    /// @inheritdoc IEntityManager
    function confirmSigningPolicyAddressRegistration(address voter) external {
        _confirm(Role.SIGNING_POLICY, voter);
        emit SigningPolicyAddressRegistrationConfirmed(voter, msg.sender);
    }

    /// @inheritdoc IEntityManager
    function getDelegationAddressOf(address voter) external view returns (address) {
        return _acting(Role.DELEGATION, voter);
    }

    /// @inheritdoc IEntityManager
    function getVoterAddresses(address voter) external view returns (VoterAddresses memory) {
        return VoterAddresses({
            submitAddress: _acting(Role.SUBMIT, voter),
            submitSignaturesAddress: _acting(Role.SUBMIT_SIGNATURES, voter),
            signingPolicyAddress: _acting(Role.SIGNING_POLICY, voter)
        });
    }

    /// @inheritdoc IEntityManager
    /// @dev Locally as of now, whatever the block: addresses have no history here.
    function getVoterForSigningPolicyAddress(address acting, uint256) external view returns (address voter) {
        voter = _voterOf[Role.SIGNING_POLICY][acting];
        return voter == address(0) ? acting : voter;
    }

    function _propose(Role role, address acting) private {
        address voter = _voterOf[role][acting];
        if (voter != address(0)) revert AddressAlreadyRegistered(acting, voter);
        _proposed[role][msg.sender] = acting;
    }

    function _confirm(Role role, address voter) private {
        if (_proposed[role][voter] != msg.sender) revert AddressNotProposed(voter, msg.sender);
        address other = _voterOf[role][msg.sender];
        if (other != address(0)) revert AddressAlreadyRegistered(msg.sender, other);
        delete _voterOf[role][_confirmed[role][voter]];
        delete _proposed[role][voter];
        _confirmed[role][voter] = msg.sender;
        _voterOf[role][msg.sender] = voter;
    }

    function _acting(Role role, address voter) private view returns (address acting) {
        acting = _confirmed[role][voter];
        return acting == address(0) ? voter : acting;
    }
}

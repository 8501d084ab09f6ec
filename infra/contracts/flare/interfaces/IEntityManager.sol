// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Which hot addresses act for a voter; each is proposed by the voter and confirmed by the address itself
interface IEntityManager {
    struct VoterAddresses {
        address submitAddress;
        address submitSignaturesAddress;
        address signingPolicyAddress;
    }

    event DelegationAddressProposed(address indexed voter, address indexed delegationAddress);
    event DelegationAddressRegistrationConfirmed(address indexed voter, address indexed delegationAddress);
    event SubmitAddressProposed(address indexed voter, address indexed submitAddress);
    event SubmitAddressRegistrationConfirmed(address indexed voter, address indexed submitAddress);
    event SubmitSignaturesAddressProposed(address indexed voter, address indexed submitSignaturesAddress);
    event SubmitSignaturesAddressRegistrationConfirmed(address indexed voter, address indexed submitSignaturesAddress);
    event SigningPolicyAddressProposed(address indexed voter, address indexed signingPolicyAddress);
    event SigningPolicyAddressRegistrationConfirmed(address indexed voter, address indexed signingPolicyAddress);

    function proposeDelegationAddress(address _delegationAddress) external;
    function confirmDelegationAddressRegistration(address _voter) external;
    function proposeSubmitAddress(address _submitAddress) external;
    function confirmSubmitAddressRegistration(address _voter) external;
    function proposeSubmitSignaturesAddress(address _submitSignaturesAddress) external;
    function confirmSubmitSignaturesAddressRegistration(address _voter) external;
    function proposeSigningPolicyAddress(address _signingPolicyAddress) external;
    function confirmSigningPolicyAddressRegistration(address _voter) external;

    /// @notice The delegation address of a voter: its own address until another is confirmed.
    function getDelegationAddressOf(address _voter) external view returns (address);

    /// @notice The acting addresses of a voter: its own address where none is confirmed.
    function getVoterAddresses(address _voter) external view returns (VoterAddresses memory _addresses);

    /// @notice The voter that an address signs policies for, as of a block: the address itself where there is none.
    function getVoterForSigningPolicyAddress(address _signingPolicyAddress, uint256 _blockNumber)
        external
        view
        returns (address _voter);
}

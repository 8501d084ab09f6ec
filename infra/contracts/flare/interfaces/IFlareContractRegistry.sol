// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The one address a client must know: every other contract is found by name
interface IFlareContractRegistry {
    /// @notice The address of a name; zero when unknown.
    function getContractAddressByName(string calldata _name) external view returns (address);

    /// @notice The address of keccak256(abi.encode(name)); zero when unknown.
    function getContractAddressByHash(bytes32 _nameHash) external view returns (address);

    /// @notice The addresses of names, in their order.
    function getContractAddressesByName(string[] calldata _names) external view returns (address[] memory);

    /// @notice The addresses of name hashes, in their order.
    function getContractAddressesByHash(bytes32[] calldata _nameHashes) external view returns (address[] memory);

    /// @notice Every name and its address.
    function getAllContracts() external view returns (string[] memory _names, address[] memory _addresses);
}

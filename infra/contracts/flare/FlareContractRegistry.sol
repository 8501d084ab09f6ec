// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IFlareContractRegistry} from "./interfaces/IFlareContractRegistry.sol";

/// @title FlareContractRegistry: names to addresses
contract FlareContractRegistry is IFlareContractRegistry, Ownable {
    string[] private _names;
    mapping(bytes32 nameHash => address) private _addresses;

    error LengthsDiffer();
    error ZeroAddress(string name);

    /// @param governance names contracts
    constructor(address governance) Ownable(governance) {}

    /// @notice Names contracts, or renames them; local.
    function setContracts(string[] calldata names, address[] calldata addresses) external onlyOwner {
        if (names.length != addresses.length) revert LengthsDiffer();
        for (uint256 i = 0; i < names.length; ++i) {
            if (addresses[i] == address(0)) revert ZeroAddress(names[i]);
            bytes32 nameHash = keccak256(abi.encode(names[i]));
            if (_addresses[nameHash] == address(0)) _names.push(names[i]);
            _addresses[nameHash] = addresses[i];
        }
    }

    /// @inheritdoc IFlareContractRegistry
    function getContractAddressByName(string calldata name) external view returns (address) {
        return _addresses[keccak256(abi.encode(name))];
    }

    /// @inheritdoc IFlareContractRegistry
    function getContractAddressByHash(bytes32 nameHash) external view returns (address) {
        return _addresses[nameHash];
    }

    /// @inheritdoc IFlareContractRegistry
    function getContractAddressesByName(string[] calldata names) external view returns (address[] memory addresses) {
        addresses = new address[](names.length);
        for (uint256 i = 0; i < names.length; ++i) {
            addresses[i] = _addresses[keccak256(abi.encode(names[i]))];
        }
    }

    /// @inheritdoc IFlareContractRegistry
    function getContractAddressesByHash(bytes32[] calldata nameHashes)
        external
        view
        returns (address[] memory addresses)
    {
        addresses = new address[](nameHashes.length);
        for (uint256 i = 0; i < nameHashes.length; ++i) {
            addresses[i] = _addresses[nameHashes[i]];
        }
    }

    /// @inheritdoc IFlareContractRegistry
    function getAllContracts() external view returns (string[] memory names, address[] memory addresses) {
        names = _names;
        addresses = new address[](names.length);
        for (uint256 i = 0; i < names.length; ++i) {
            addresses[i] = _addresses[keccak256(abi.encode(names[i]))];
        }
    }
}

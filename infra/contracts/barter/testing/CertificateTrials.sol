// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Certificate} from "../Certificate.sol";
import {Words} from "../Words.sol";

/// @title CertificateTrials: certificates, tried inside one call: every one of a small market, or one of any
contract CertificateTrials {
    uint256[4096] private _lists;

    /// @notice The allocations that some certificate shows, and how many certificates do
    /// @dev Positions 0 to `listMax`, labels 1 to the number of agents, each agent's independently of the others'.
    /// @return shown each allocation once, its items as index plus one in the digits of base 16
    function tryAll(uint256[] memory lists, uint256 listMax) external returns (uint256[] memory shown, uint256 held) {
        uint256 agents = lists.length;
        for (uint256 i = 0; i < agents; i++) _lists[i] = lists[i];
        uint256[] memory found = new uint256[](16);
        uint256 distinct;
        for (uint256 p = 0; p < (listMax + 1) ** agents; p++) {
            uint256[] memory positions = _digits(p, listMax + 1, agents, 0);
            uint256[] memory received = _received(lists, positions, listMax);
            if (!Certificate.isPermutation(received)) continue;
            for (uint256 l = 0; l < agents ** agents; l++) {
                uint256[] memory labels = _digits(l, agents, agents, 1);
                if (!Certificate.holds(_lists, received, labels, positions, listMax)) continue;
                held++;
                distinct = _noted(found, distinct, received);
            }
        }
        shown = new uint256[](distinct);
        for (uint256 i = 0; i < distinct; i++) shown[i] = found[i];
    }

    /// @notice Whether each item is received once, and whether positions and labels show it
    function tryOne(
        uint256[] memory lists,
        uint256[] memory received,
        uint256[] memory labels,
        uint256[] memory positions,
        uint256 listMax
    ) external returns (bool permutes, bool shown) {
        for (uint256 i = 0; i < lists.length; i++) _lists[i] = lists[i];
        permutes = Certificate.isPermutation(received);
        shown = permutes && Certificate.holds(_lists, received, labels, positions, listMax);
        require(labels.length == lists.length, "The labels were not left as they were");
    }

    /// @notice Entries of packed words, and what lies in memory behind them
    function unpack(bytes calldata packed, uint256 entries) external pure returns (uint256[] memory unpacked, uint256 behind) {
        unpacked = Words.unpack(packed, entries);
        uint256[] memory next = new uint256[](1);
        behind = next[0];
    }

    function _digits(uint256 number, uint256 base, uint256 count, uint256 least)
        private
        pure
        returns (uint256[] memory digits)
    {
        digits = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            digits[i] = least + number % base;
            number /= base;
        }
    }

    function _received(uint256[] memory lists, uint256[] memory positions, uint256 listMax)
        private
        pure
        returns (uint256[] memory received)
    {
        received = new uint256[](lists.length);
        for (uint256 i = 0; i < lists.length; i++) {
            received[i] = positions[i] == listMax ? i + 1 : (lists[i] >> (12 * positions[i])) & 4095;
        }
    }

    function _noted(uint256[] memory found, uint256 distinct, uint256[] memory received) private pure returns (uint256) {
        uint256 code;
        for (uint256 i = 0; i < received.length; i++) code = code * 16 + received[i];
        for (uint256 i = 0; i < distinct; i++) {
            if (found[i] == code) return distinct;
        }
        found[distinct] = code;
        return distinct + 1;
    }
}

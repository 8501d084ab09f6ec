// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Words: small numbers, 21 of 12 bits in a word of 252, the first in the lowest bits
/// @dev 252 bits fit into a field element of BN254, so the same words go into a proof. An item is its index plus one;
/// zero is no item.
library Words {
    uint256 internal constant BITS = 12;
    uint256 internal constant PER_WORD = 21;
    uint256 internal constant ENTRY_MAX = 4095;

    /// @notice How many words hold so many entries
    function count(uint256 entries) internal pure returns (uint256) {
        return (entries + PER_WORD - 1) / PER_WORD;
    }

    /// @notice The entry at a place of a word
    function entryAt(uint256 word, uint256 place) internal pure returns (uint256) {
        return (word >> (BITS * place)) & ENTRY_MAX;
    }

    /// @notice An entry as a word that holds it at a place and nothing else
    function put(uint256 entry, uint256 place) internal pure returns (uint256) {
        return entry << (BITS * place);
    }

    /// @notice So many entries of as many packed words as they take; nothing may lie behind the last one
    /// @dev Seven entries at a time; what is behind the last entry is zero, and cut off.
    function unpack(bytes calldata packed, uint256 entries) internal pure returns (uint256[] memory unpacked) {
        assert(packed.length == 32 * count(entries));
        unpacked = new uint256[](count(entries) * PER_WORD);
        bool canonical = true;
        assembly ("memory-safe") {
            let place := add(unpacked, 32)
            let left := entries
            for { let at := packed.offset } left { at := add(at, 32) } {
                let word := calldataload(at)
                let here := PER_WORD
                if lt(left, here) { here := left }
                left := sub(left, here)
                if shr(mul(here, BITS), word) {
                    canonical := 0
                    break
                }
                let next := add(place, mul(32, PER_WORD))
                for { } word { word := shr(84, word) } {
                    mstore(place, and(word, ENTRY_MAX))
                    mstore(add(place, 32), and(shr(12, word), ENTRY_MAX))
                    mstore(add(place, 64), and(shr(24, word), ENTRY_MAX))
                    mstore(add(place, 96), and(shr(36, word), ENTRY_MAX))
                    mstore(add(place, 128), and(shr(48, word), ENTRY_MAX))
                    mstore(add(place, 160), and(shr(60, word), ENTRY_MAX))
                    mstore(add(place, 192), and(shr(72, word), ENTRY_MAX))
                    place := add(place, 224)
                }
                place := next
            }
            mstore(unpacked, entries)
        }
        require(canonical, "Words are not canonical");
    }
}

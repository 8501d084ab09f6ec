// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Words: small numbers, 21 of 12 bits in a word of 252, the first in the lowest bits
/// @dev 252 bits fit into a field element of BN254, so the same words go into a proof. An item is its index plus one;
/// zero is no item.
library Words {
    uint256 internal constant BITS = 12;
    uint256 internal constant PER_WORD = 21;
    uint256 internal constant ENTRY_MAX = 4095;
    uint256 private constant WORD_END = 1 << (BITS * PER_WORD);

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

    /// @notice So many entries of packed words; nothing may lie behind the last one
    function unpack(bytes calldata packed, uint256 entries) internal pure returns (uint256[] memory unpacked) {
        unpacked = new uint256[](entries);
        unchecked {
            for (uint256 first = 0; first < entries; first += PER_WORD) {
                uint256 word = uint256(bytes32(packed[first / PER_WORD * 32:]));
                require(word < WORD_END, "Words are not canonical");
                uint256 end = first + PER_WORD < entries ? first + PER_WORD : entries;
                assembly ("memory-safe") {
                    let last := add(add(unpacked, 32), shl(5, end))
                    for { let place := add(add(unpacked, 32), shl(5, first)) } lt(place, last) {
                        place := add(place, 32)
                    } {
                        mstore(place, and(word, ENTRY_MAX))
                        word := shr(BITS, word)
                    }
                }
                require(word == 0, "Words are not canonical");
            }
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Certificate: whether an allocation is that of top trading cycles, without running them
/// @dev Each agent has a position and a label of at least one. It is valid if and only if
///   C1  what is received is a permutation
///   C2  every item before an agent's position has a label strictly smaller than the agent's
///   C3  the label of the agent whose item is received is the receiver's
/// A position of `listMax` is the agent's own item. Lists hold neither the agent's own item nor anything behind it.
///
/// Agents and items are counted from one here, as the entries of words are: so an entry, times 32, is also its place in
/// an array, whose first word is its length. In assembly, since this is what a market pays for by the agent: a third of
/// what Solidity's checks of each index would make it. They would never fail: lists hold deposited items only, and what
/// is received is a permutation before anything is looked up by it.
library Certificate {
    /// @notice C1: whether each item is received once
    function isPermutation(uint256[] memory received) internal pure returns (bool isOne) {
        uint256[16] memory given;
        assembly ("memory-safe") {
            isOne := 1
            let agents := mload(received)
            for { let agent := 1 } iszero(gt(agent, agents)) { agent := add(agent, 1) } {
                let item := mload(add(received, shl(5, agent)))
                // 256 items a word of `given`; what is out of range is no item of this market.
                let word := add(given, shl(5, shr(8, and(item, 0xfff))))
                let bit := shl(and(item, 0xff), 1)
                let known := mload(word)
                if or(or(iszero(item), gt(item, agents)), and(known, bit)) {
                    isOne := 0
                    break
                }
                mstore(word, or(known, bit))
            }
        }
    }

    /// @notice C2 and C3: whether positions and labels show an allocation that is a permutation
    /// @param lists each agent's list as a word: best first, 12 bits each, then zeros
    function holds(
        uint256[] memory lists,
        uint256[] memory received,
        uint256[] memory labels,
        uint256[] memory positions,
        uint256 listMax
    ) internal pure returns (bool held) {
        assembly ("memory-safe") {
            held := 1
            let end := shl(5, add(mload(lists), 1))
            for { let at := 32 } lt(at, end) { at := add(at, 32) } {
                let item := mload(add(received, at))
                let label := mload(add(labels, at))
                let position := mload(add(positions, at))
                if or(
                    or(iszero(label), gt(position, listMax)),
                    iszero(eq(mload(add(labels, shl(5, item))), label)) // C3
                ) {
                    held := 0
                    break
                }
                let rest := mload(add(lists, at))
                for { let left := position } and(gt(left, 0), gt(rest, 0)) { left := sub(left, 1) } {
                    if iszero(lt(mload(add(labels, shl(5, and(rest, 0xfff)))), label)) { held := 0 } // C2
                    rest := shr(12, rest)
                }
                let there := and(rest, 0xfff)
                if eq(position, listMax) { there := shr(5, at) }
                if iszero(eq(there, item)) { held := 0 }
                if iszero(held) { break }
            }
        }
    }
}

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
        assembly ("memory-safe") {
            isOne := 1
            let agents := mload(received)
            let there := 1 // an item a bit, of 256 items at a time; the lowest one is that of no item
            for { let first := 0 } iszero(gt(first, agents)) { first := add(first, 256) } {
                for { let at := shl(5, agents) } at { at := sub(at, 32) } {
                    // What is not of these 256 shifts its bit out of the word.
                    there := or(there, shl(sub(mload(add(received, at)), first), 1))
                }
                // There are as many agents as items: if each item is there, none is twice, and nothing else is.
                isOne := and(isOne, iszero(not(or(there, shl(sub(add(agents, 1), first), not(0))))))
                there := 0
            }
        }
    }

    /// @notice C2 and C3: whether positions and labels show an allocation that is a permutation
    /// @dev A position behind an agent's list, but for `listMax`, is that of no item, which nobody receives.
    /// @param lists each agent's list as a word: best first, 12 bits each, at most `listMax`, then zeros
    function holds(
        uint256[4096] storage lists,
        uint256[] memory received,
        uint256[] memory labels,
        uint256[] memory positions,
        uint256 listMax
    ) internal view returns (bool held) {
        assembly ("memory-safe") {
            held := 1
            let agents := mload(received)
            mstore(labels, 0) // the label of no item, while it stands for the array's length
            for { let agent := agents } agent { agent := sub(agent, 1) } {
                let at := shl(5, agent)
                let label := mload(add(labels, at))
                let list := sload(add(lists.slot, sub(agent, 1)))
                let position := mload(add(positions, at))
                let bits := mul(12, position)
                let item := and(shr(bits, list), 0xfff)
                if eq(position, listMax) { item := agent }
                held := and(held, and(lt(0, label), eq(mload(add(received, at)), item)))
                held := and(held, eq(mload(add(labels, shl(5, item))), label)) // C3
                // C2, two items at a time; behind the last one there is no item, whose label is smaller than any.
                for { let rest := and(list, sub(shl(bits, 1), 1)) } rest { rest := shr(24, rest) } {
                    held := and(held, lt(mload(add(labels, and(shl(5, rest), 0x1ffe0))), label))
                    held := and(held, lt(mload(add(labels, and(shr(7, rest), 0x1ffe0))), label))
                }
            }
            mstore(labels, agents)
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title MoodyRecipient: takes a payment, refuses it, burns gas over it, or has itself paid once more
/// @dev What tests of the bridge pay to. Anybody may change its mood, also between a simulation and the payment.
contract MoodyRecipient {
    enum Mood {
        Takes,
        Refuses,
        Burns,
        Reenters
    }

    Mood public mood;
    uint256 public appetite;
    address public registry;
    bytes public again;
    bool public wasPaidAgain;

    error Refused();

    /// @notice From now on take everything, or refuse it
    function feel(Mood mood_) external {
        mood = mood_;
    }

    /// @notice From now on burn so much gas over each payment; more than there is makes the payment fail
    function burn(uint256 appetite_) external {
        (mood, appetite) = (Mood.Burns, appetite_);
    }

    /// @notice From now on call the registry with this and the same value while being paid, and take what comes of it
    function reenter(address registry_, bytes calldata again_) external {
        (mood, registry, again) = (Mood.Reenters, registry_, again_);
    }

    receive() external payable {
        if (mood == Mood.Refuses) revert Refused();
        if (mood == Mood.Burns) _burn();
        if (mood == Mood.Reenters) (wasPaidAgain,) = registry.call{value: msg.value}(again);
    }

    function _burn() private view {
        uint256 before = gasleft();
        while (before - gasleft() < appetite) {}
    }
}

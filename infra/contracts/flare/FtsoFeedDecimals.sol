// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IFlareSystemsManager} from "./interfaces/IFlareSystemsManager.sol";
import {IFtsoFeedDecimals} from "./interfaces/IFtsoFeedDecimals.sol";

/// @title FtsoFeedDecimals: decimals by feed and reward epoch
/// @dev Locally a setting holds from the next reward epoch on, and may be replaced until then.
contract FtsoFeedDecimals is IFtsoFeedDecimals, Ownable {
    /// @dev A setting and the reward epoch that it starts with.
    struct Setting {
        uint24 fromRewardEpochId;
        int8 decimals;
    }

    uint256 private constant FEED_ID_BYTES = 21;

    IFlareSystemsManager public immutable flareSystemsManager;

    /// @inheritdoc IFtsoFeedDecimals
    int8 public immutable defaultDecimals;

    mapping(bytes21 feedId => Setting[]) private _settings;

    error LengthsDiffer();

    /// @param governance sets decimals
    /// @param manager knows the reward epoch
    /// @param defaultDecimals_ of feeds without a setting
    constructor(address governance, IFlareSystemsManager manager, int8 defaultDecimals_) Ownable(governance) {
        flareSystemsManager = manager;
        defaultDecimals = defaultDecimals_;
    }

    /// @notice Sets the decimals of concatenated feed ids from the next reward epoch on; local.
    function setDecimals(bytes calldata feedIds, bytes calldata decimals) external onlyOwner {
        if (feedIds.length != decimals.length * FEED_ID_BYTES) revert LengthsDiffer();
        uint24 from = flareSystemsManager.getCurrentRewardEpochId() + 1;
        for (uint256 i = 0; i < decimals.length; ++i) {
            bytes21 feedId = bytes21(feedIds[i * FEED_ID_BYTES:(i + 1) * FEED_ID_BYTES]);
            _set(feedId, from, int8(uint8(decimals[i])));
        }
    }

    /// @inheritdoc IFtsoFeedDecimals
    function getCurrentDecimals(bytes21 feedId) external view returns (int8) {
        return getDecimals(feedId, flareSystemsManager.getCurrentRewardEpochId());
    }

    /// @inheritdoc IFtsoFeedDecimals
    function getCurrentDecimalsBulk(bytes memory feedIds) external view returns (bytes memory) {
        return getDecimalsBulk(feedIds, flareSystemsManager.getCurrentRewardEpochId());
    }

    /// @inheritdoc IFtsoFeedDecimals
    function getDecimals(bytes21 feedId, uint256 rewardEpochId) public view returns (int8) {
        Setting[] storage settings = _settings[feedId];
        for (uint256 i = settings.length; i > 0; --i) {
            if (settings[i - 1].fromRewardEpochId <= rewardEpochId) return settings[i - 1].decimals;
        }
        return defaultDecimals;
    }

    /// @inheritdoc IFtsoFeedDecimals
    function getDecimalsBulk(bytes memory feedIds, uint256 rewardEpochId) public view returns (bytes memory decimals) {
        uint256 count = feedIds.length / FEED_ID_BYTES;
        if (feedIds.length != count * FEED_ID_BYTES) revert LengthsDiffer();
        decimals = new bytes(count);
        for (uint256 i = 0; i < count; ++i) {
            bytes21 feedId;
            assembly ("memory-safe") {
                feedId := mload(add(add(feedIds, 32), mul(i, FEED_ID_BYTES)))
            }
            decimals[i] = bytes1(uint8(getDecimals(feedId, rewardEpochId)));
        }
    }

    function _set(bytes21 feedId, uint24 from, int8 decimals) private {
        Setting[] storage settings = _settings[feedId];
        bool replaces = settings.length > 0 && settings[settings.length - 1].fromRewardEpochId == from;
        if (replaces) settings[settings.length - 1].decimals = decimals;
        else settings.push(Setting(from, decimals));
        emit DecimalsChanged(feedId, decimals, from);
    }
}

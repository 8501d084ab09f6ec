// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title Escrow: keeps what a user wants moved to L1, until the registry there says that it was paid
/// @dev Of the zkSync kind: a caller from L1 arrives under its alias. Names are those of the deployed escrow.
contract Escrow is Ownable {
    struct Order {
        address recipient_address;
        uint256 amount;
        uint256 fee;
    }

    /// @dev What zkSync adds to the address of a contract on L1 that calls on L2.
    uint160 private constant ALIAS = uint160(0x1111000000000000000000000000000000001111);

    address public immutable registryAlias;
    address payable public immutable marketMaker;

    uint256 public current_order_id;
    mapping(uint256 orderId => Order) private _orders;
    mapping(uint256 orderId => bool) private _pending;
    bool public paused;

    event SetOrder(uint256 order_id, address recipient_address, uint256 amount, uint256 fee);
    event ClaimPayment(uint256 order_id, address marketMaker, uint256 amount);

    error Paused();
    error NothingToMove(uint256 value, uint256 fee);
    error OnlyRegistry();
    error NotPending(uint256 orderId);
    error AnotherOrder(uint256 orderId);
    error NotTaken();

    /// @param registry the payment registry on L1
    /// @param marketMaker_ whom claims repay
    constructor(address registry, address payable marketMaker_) Ownable(msg.sender) {
        unchecked {
            registryAlias = address(uint160(registry) + ALIAS);
        }
        marketMaker = marketMaker_;
    }

    /// @notice Lock the call's value: `fee` of it for whoever pays the rest to the recipient on L1
    /// @return orderId counted from 0
    function set_order(address recipient_address, uint256 fee) external payable returns (uint256 orderId) {
        if (paused) revert Paused();
        if (msg.value <= fee) revert NothingToMove(msg.value, fee);
        uint256 amount = msg.value - fee;
        orderId = current_order_id++;
        _orders[orderId] = Order(recipient_address, amount, fee);
        _pending[orderId] = true;
        emit SetOrder(orderId, recipient_address, amount, fee);
    }

    /// @notice The recipient, amount and fee of an order; zeros for none
    function get_order(uint256 order_id) external view returns (address, uint256, uint256) {
        Order memory order = _orders[order_id];
        return (order.recipient_address, order.amount, order.fee);
    }

    /// @notice Whether an order was set and not repaid yet
    function is_order_pending(uint256 order_id) external view returns (bool) {
        return _pending[order_id];
    }

    /// @notice Repay the market maker; only the registry on L1
    function claim_payment(uint256 order_id, address recipient_address, uint256 amount) external {
        if (msg.sender != registryAlias) revert OnlyRegistry();
        _claim(order_id, recipient_address, amount);
    }

    /// @notice The same for several, all or none; only the registry on L1
    function claim_payment_batch(
        uint256[] calldata order_ids,
        address[] calldata recipient_addresses,
        uint256[] calldata amounts
    ) external {
        if (msg.sender != registryAlias) revert OnlyRegistry();
        for (uint256 i = 0; i < order_ids.length; i++) {
            _claim(order_ids[i], recipient_addresses[i], amounts[i]);
        }
    }

    /// @notice Take no more orders, or take them again
    function pause(bool paused_) external onlyOwner {
        paused = paused_;
    }

    function _claim(uint256 order_id, address recipient_address, uint256 amount) private {
        Order memory order = _orders[order_id];
        if (!_pending[order_id]) revert NotPending(order_id);
        if (order.recipient_address != recipient_address || order.amount != amount) revert AnotherOrder(order_id);
        _pending[order_id] = false;
        (bool success,) = marketMaker.call{value: order.amount + order.fee}("");
        if (!success) revert NotTaken();
        emit ClaimPayment(order_id, marketMaker, amount);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {Certificate} from "./Certificate.sol";
import {Words} from "./Words.sol";
import {IGroth16Verifier} from "./interfaces/IGroth16Verifier.sol";

/// @title Exchange: top trading cycles of NFTs, with a result that is verified here
/// @dev Each token is an agent, owned by who deposited it; its index is its place among the deposits. A list holds
/// indices, so it fits into one word of storage. Whoever brings the trades has to bring what proves them: a
/// certificate, which is checked against the lists (direct), or a proof of one (groth16). Nothing else moves a token to
/// another owner.
contract Exchange {
    enum Phase {
        Deposit,
        Rank,
        Trade,
        Withdraw,
        Cleanup
    }

    struct Token {
        address collection;
        uint256 tokenId;
    }

    struct TokenPreferences {
        address owner;
        bytes32 tokenHash;
        bytes32[] preferences;
    }

    struct Limits {
        uint256 agentsMax;
        uint256 listMax;
    }

    struct Durations {
        uint256 depositSeconds;
        uint256 rankSeconds;
    }

    /// @notice How many blocks a proof may take; with more than these, anybody may end the wait
    uint256 public constant PROOF_BLOCKS = 250;
    /// @notice What a proof is bound to, besides the market
    bytes32 public constant DOMAIN = keccak256("counterpart barter allocation 1");
    /// @dev How many agents' trades one transaction of Ethereum enacts, whatever they list: 2^24 gas (EIP-7825)
    uint256 private constant ENACTABLE_MAX = 900;
    /// @dev The order of BN254's scalar field
    uint256 private constant FIELD = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

    /// @dev The words before W in what r is drawn from
    uint256 private constant HEAD = 7;

    address public immutable operator;
    IGroth16Verifier public immutable verifier;
    uint256 public immutable agentsMax;
    uint256 public immutable listMax;
    uint256 public immutable depositFee;
    uint256 private immutable _depositSeconds;
    uint256 private immutable _rankSeconds;

    Phase public currentPhase;
    uint256 public phaseStartTimestamp;
    uint256 public tradeInitiatedAtBlock;
    mapping(bytes32 tokenHash => address) public tokenOwners;

    Token[] private _tokens;
    uint256 private _left;
    mapping(bytes32 tokenHash => uint256) private _places; // index plus one
    uint256[4096] private _lists; // agent's list as a word; an array, so that no slot has to be hashed

    event PhaseChanged(uint8 newPhase);
    event Deposited(bytes32 indexed tokenHash, address indexed owner, address collection, uint256 tokenId);
    event PreferencesSet(bytes32 indexed tokenHash, uint256 list);
    event Reallocated(bytes32 indexed tokenHash, address indexed from, address indexed to);
    event Withdrawn(bytes32 indexed tokenHash, address indexed owner);

    modifier inPhase(Phase phase) {
        require(currentPhase == phase, "Not in the correct phase");
        _;
    }

    /// @param verifier_ of proofs; the zero address takes certificates only
    constructor(
        address operator_,
        IGroth16Verifier verifier_,
        Limits memory limits,
        Durations memory durations,
        uint256 depositFee_
    ) {
        require(operator_ != address(0), "No operator");
        require(limits.agentsMax > 0, "No agents");
        require(limits.agentsMax <= ENACTABLE_MAX, "More agents than one transaction enacts");
        require(limits.listMax > 0 && limits.listMax <= Words.PER_WORD, "Too long lists for a word");
        if (address(verifier_) != address(0)) {
            require(verifier_.agents() >= limits.agentsMax, "More agents than the circuit takes");
            require(verifier_.listMax() == limits.listMax, "Other lists than the circuit's");
        }
        operator = operator_;
        verifier = verifier_;
        (agentsMax, listMax, depositFee) = (limits.agentsMax, limits.listMax, depositFee_);
        (_depositSeconds, _rankSeconds) = (durations.depositSeconds, durations.rankSeconds);
        phaseStartTimestamp = block.timestamp;
    }

    /// @notice Bring a token; the fee is exact
    function depositNFT(Token calldata token) external payable inPhase(Phase.Deposit) returns (bytes32 tokenHash) {
        tokenHash = getTokenHash(token);
        require(_places[tokenHash] == 0, "Token already deposited");
        require(_tokens.length < agentsMax, "Too many tokens");
        require(msg.value == depositFee, "Not the deposit fee");
        _tokens.push(token);
        _places[tokenHash] = _tokens.length;
        tokenOwners[tokenHash] = msg.sender;
        _left++;
        emit Deposited(tokenHash, msg.sender, token.collection, token.tokenId);
        IERC721(token.collection).transferFrom(msg.sender, address(this), token.tokenId);
        require(IERC721(token.collection).ownerOf(token.tokenId) == address(this), "Token did not arrive");
    }

    /// @notice Say for which tokens one's own would be given, best first; what is not listed is never received
    /// @dev The own token ends the list: neither it nor what follows it is stored.
    function setPreferences(bytes32 tokenHash, bytes32[] calldata preferences) external inPhase(Phase.Rank) {
        require(tokenOwners[tokenHash] == msg.sender, "Not token owner");
        uint256[16] memory seen;
        uint256 list;
        uint256 length;
        bool ended;
        for (uint256 i = 0; i < preferences.length; i++) {
            uint256 item = _places[preferences[i]];
            require(item != 0, "Invalid preference token");
            uint256 bit = 1 << (item % 256);
            require(seen[item / 256] & bit == 0, "Duplicate preference token");
            seen[item / 256] |= bit;
            ended = ended || preferences[i] == tokenHash;
            if (!ended) list |= Words.put(item, length++);
            require(length <= listMax, "Too many preferences");
        }
        _lists[_places[tokenHash] - 1] = list;
        emit PreferencesSet(tokenHash, list);
    }

    /// @notice Enter the next phase, once this one's time is over
    function advancePhase() external returns (uint8) {
        if (currentPhase == Phase.Deposit || currentPhase == Phase.Rank) {
            require(block.timestamp >= phaseStartTimestamp + phaseDuration(), "Phase duration not passed");
            if (currentPhase == Phase.Rank) tradeInitiatedAtBlock = block.number;
        } else if (currentPhase == Phase.Trade) {
            require(
                block.number > tradeInitiatedAtBlock + PROOF_BLOCKS,
                "Can only manually set to Withdraw after 250 blocks with no proof"
            );
        } else {
            require(currentPhase == Phase.Withdraw, "Not in the correct phase");
            require(_left == 0, "Tokens not withdrawn");
        }
        _enter(Phase(uint8(currentPhase) + 1));
        return uint8(currentPhase);
    }

    /// @notice Enact the trades that are proven
    /// @param journal what each agent receives, as packed words of items
    /// @param seal a byte for the way, then: 0 labels and positions as packed words; 1 (a, b, c, C) of a proof
    function reallocateTokens(bytes calldata journal, bytes calldata seal) external inPhase(Phase.Trade) {
        _enact(_verified(journal, seal));
        _enter(Phase.Withdraw);
    }

    /// @notice What each agent receives, as index plus one, if the seal shows it for the lists that are here
    /// @dev Returned as it lies in memory: to encode it once more costs 80 gas an agent.
    function verifyTrades(bytes calldata journal, bytes calldata seal) external view returns (uint256[] memory received) {
        received = _verified(journal, seal);
        assembly {
            let encoded := sub(received, 32) // whatever was there, nothing comes after this
            mstore(encoded, 32)
            return(encoded, shl(5, add(mload(received), 2)))
        }
    }

    /// @notice Take one's token out
    function withdrawNFT(bytes32 tokenHash) external inPhase(Phase.Withdraw) {
        require(tokenOwners[tokenHash] == msg.sender, "Not token owner");
        delete tokenOwners[tokenHash];
        emit Withdrawn(tokenHash, msg.sender);
        Token memory token = _tokens[_places[tokenHash] - 1];
        if (--_left == 0) _enter(Phase.Cleanup);
        IERC721(token.collection).transferFrom(address(this), msg.sender, token.tokenId);
    }

    /// @notice Send the fees to the operator
    /// @dev From Withdraw on: whoever leaves a token here for ever keeps the contract out of Cleanup, but not the fees.
    function collectFees() external {
        require(currentPhase >= Phase.Withdraw, "Not in the correct phase");
        (bool sent,) = payable(operator).call{value: address(this).balance}("");
        require(sent, "Fees not taken");
    }

    /// @notice The name of a token in all calls and events
    function getTokenHash(Token memory token) public pure returns (bytes32) {
        return keccak256(abi.encodePacked(token.collection, token.tokenId));
    }

    /// @notice Seconds that the phase lasts at least; zero where time does not end it
    function phaseDuration() public view returns (uint256) {
        if (currentPhase == Phase.Deposit) return _depositSeconds;
        return currentPhase == Phase.Rank ? _rankSeconds : 0;
    }

    /// @notice The hash of the verification key that proofs are checked with; zero where there is none
    function imageID() external view returns (bytes32) {
        return address(verifier) == address(0) ? bytes32(0) : verifier.imageID();
    }

    /// @notice Whether the token is here
    function isTokenDeposited(bytes32 tokenHash) external view returns (bool) {
        return tokenOwners[tokenHash] != address(0);
    }

    /// @notice Whose the token is by now; zero if it is not here
    function getCurrentOwner(bytes32 tokenHash) external view returns (address) {
        return tokenOwners[tokenHash];
    }

    /// @notice Collection and id of a token that was deposited
    function getTokenFromHash(bytes32 tokenHash) external view returns (Token memory) {
        require(_places[tokenHash] != 0, "Token not deposited");
        return _tokens[_places[tokenHash] - 1];
    }

    /// @notice How many tokens were deposited
    function agentCount() external view returns (uint256) {
        return _tokens.length;
    }

    /// @notice The tokens that were deposited, in the order of their indices
    function getDepositedTokens() external view returns (Token[] memory) {
        return _tokens;
    }

    /// @notice A page of them
    function depositedTokens(uint256 first, uint256 count) external view returns (Token[] memory page) {
        page = new Token[](_pageLength(first, count));
        for (uint256 i = 0; i < page.length; i++) page[i] = _tokens[first + i];
    }

    /// @notice A token's list, without its own at the end
    function getPreferences(bytes32 tokenHash) public view returns (bytes32[] memory preferences) {
        require(_places[tokenHash] != 0, "Token not deposited");
        uint256 list = _lists[_places[tokenHash] - 1];
        uint256 length;
        while (length < listMax && Words.entryAt(list, length) != 0) length++;
        preferences = new bytes32[](length);
        for (uint256 i = 0; i < length; i++) preferences[i] = getTokenHash(_tokens[Words.entryAt(list, i) - 1]);
    }

    /// @notice Every token with its owner and its list
    function getAllTokenPreferences() external view returns (TokenPreferences[] memory) {
        return tokenPreferences(0, _tokens.length);
    }

    /// @notice A page of them
    function tokenPreferences(uint256 first, uint256 count) public view returns (TokenPreferences[] memory page) {
        page = new TokenPreferences[](_pageLength(first, count));
        for (uint256 i = 0; i < page.length; i++) {
            bytes32 tokenHash = getTokenHash(_tokens[first + i]);
            page[i] = TokenPreferences(tokenOwners[tokenHash], tokenHash, getPreferences(tokenHash));
        }
    }

    /// @notice A page of the lists as they are stored: a word an agent
    function preferenceWords(uint256 first, uint256 count) public view returns (uint256[] memory page) {
        page = new uint256[](_pageLength(first, count));
        assembly ("memory-safe") {
            let end := add(add(page, 32), shl(5, mload(page)))
            let slot := add(_lists.slot, first)
            for { let place := add(page, 32) } lt(place, end) { place := add(place, 32) } {
                mstore(place, sload(slot))
                slot := add(slot, 1)
            }
        }
    }

    function _pageLength(uint256 first, uint256 count) private view returns (uint256) {
        if (first >= _tokens.length) return 0;
        return count < _tokens.length - first ? count : _tokens.length - first;
    }

    /// @dev What each agent receives, as index plus one
    function _verified(bytes calldata journal, bytes calldata seal) private view returns (uint256[] memory received) {
        uint256 agents = _tokens.length;
        require(journal.length == 32 * Words.count(agents), "Journal of another length");
        received = Words.unpack(journal, agents);
        require(Certificate.isPermutation(received), "Not a permutation");
        require(seal.length > 0 && uint8(seal[0]) < 2, "Unknown kind of seal");
        if (uint8(seal[0]) == 0) _checkCertificate(received, seal[1:]);
        else _checkProof(journal, agents, seal[1:]);
    }

    function _checkCertificate(uint256[] memory received, bytes calldata seal) private view {
        uint256 agents = received.length;
        uint256 half = 32 * Words.count(agents);
        require(seal.length == 2 * half, "Seal of another length");
        uint256[] memory labels = Words.unpack(seal[:half], agents);
        uint256[] memory positions = Words.unpack(seal[half:], agents);
        require(Certificate.holds(_lists, received, labels, positions, listMax), "Certificate does not hold");
    }

    /// @dev The proof's public inputs are (C, r, v): C is the circuit's own hash of the words W that it used, r is drawn
    /// from the market, C and the words W that are here, and v is W as a polynomial at r. The circuit computes v from its
    /// words, so they are these. C has to be inside r, or whoever proves could choose words once r is known.
    function _checkProof(bytes calldata journal, uint256 agents, bytes calldata seal) private view {
        require(address(verifier) != address(0), "No verifier of proofs");
        (uint256[2] memory a, uint256[2][2] memory b, uint256[2] memory c, uint256 commitment) =
            abi.decode(seal, (uint256[2], uint256[2][2], uint256[2], uint256));
        require(commitment < FIELD, "Commitment outside the field");
        uint256[] memory told = _told(journal, agents, commitment);
        uint256 r;
        uint256 v;
        assembly ("memory-safe") {
            let place := add(add(told, 32), shl(5, mload(told)))
            let first := add(add(told, 32), shl(5, HEAD))
            r := mod(keccak256(add(told, 32), shl(5, mload(told))), FIELD)
            for { } gt(place, first) { } {
                place := sub(place, 32)
                v := mulmod(add(v, mload(place)), r, FIELD) // words have 252 bits, so the sum is one
            }
        }
        require(verifier.verifyProof(a, b, c, [commitment, r, v]), "Proof does not hold");
    }

    /// @dev What r is drawn from: the market and the commitment in HEAD words, then W: the lists, then the allocation, of
    /// as many agents as the circuit has. Those beyond ours list nothing and keep their own item. In assembly, so that an
    /// agent costs little more than the read of its list.
    function _told(bytes calldata journal, uint256 agents, uint256 commitment)
        private
        view
        returns (uint256[] memory told)
    {
        uint256 size = verifier.agents();
        require(agents <= size, "More agents than the circuit takes");
        told = new uint256[](HEAD + size + Words.count(size));
        (told[0], told[1], told[2]) = (uint256(DOMAIN), block.chainid, uint256(uint160(address(this))));
        (told[3], told[4], told[5], told[6]) = (tradeInitiatedAtBlock, agents, listMax, commitment);
        uint256 bits = Words.BITS;
        uint256 perWord = Words.PER_WORD;
        assembly ("memory-safe") {
            let place := add(add(told, 32), shl(5, HEAD))
            let allocation := add(place, shl(5, size))
            let end := add(_lists.slot, agents)
            for { let slot := _lists.slot } lt(slot, end) { slot := add(slot, 1) } {
                mstore(place, sload(slot))
                place := add(place, 32)
            }
            calldatacopy(allocation, journal.offset, journal.length)
            for { let agent := agents } lt(agent, size) { agent := add(agent, 1) } {
                let word := add(allocation, shl(5, div(agent, perWord)))
                mstore(word, or(mload(word), shl(mul(mod(agent, perWord), bits), add(agent, 1))))
            }
        }
    }

    function _enact(uint256[] memory received) private {
        address[] memory owners = new address[](received.length);
        bytes32[] memory hashes = new bytes32[](received.length);
        for (uint256 i = 0; i < received.length; i++) {
            hashes[i] = getTokenHash(_tokens[i]);
            owners[i] = tokenOwners[hashes[i]];
        }
        for (uint256 i = 0; i < received.length; i++) {
            uint256 item = received[i] - 1;
            if (item == i) continue;
            tokenOwners[hashes[item]] = owners[i];
            emit Reallocated(hashes[item], owners[item], owners[i]);
        }
    }

    function _enter(Phase phase) private {
        currentPhase = phase;
        phaseStartTimestamp = block.timestamp;
        emit PhaseChanged(uint8(phase));
    }
}

"""Owns what a node's refusal of a transaction means: one table from Agave's words to our meanings.

sendTransaction answers -32002 with words and, after a preflight, with the runtime's own error in `data.err`; -32003 is
a signature that does not verify, -32005 a node that is behind, -32016 one that has not reached a slot yet. The words
hold the most: they are matched, lower-cased, by the first row that occurs in them. The same table reads the name of a
runtime error, as it stands in a landed transaction or a simulation ("BlockhashNotFound"). What no row knows is UNKNOWN.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

RuntimeFailure = Mapping[str, Any] | str


class Refusal(StrEnum):
    """What a refusal means for the entry whose bytes were sent."""

    KNOWN = "known"  # The chain has these very bytes: as good as accepted.
    EXPIRED = "expired"  # Its blockhash is too old or unknown here. Look the signature up; the re-sign rule decides.
    UNFUNDED = "unfunded"  # The payer cannot pay, or an account falls below its rent. Alarm; top up; send again.
    CONTENDED = "contended"  # Accounts are in use, or the block is full of them. Send the same bytes again.
    BUSY = "busy"  # The node is behind, starting, or out of room. Send the same bytes again, or elsewhere.
    FAILING = "failing"  # It fails on this node's present state; a later state, or another node's, may differ.
    UNACCEPTABLE = "unacceptable"  # No node will ever take these bytes. Fail the entry.
    UNKNOWN = "unknown"  # Words that no row knows. Send again, and let a person read them.


MEANINGS: Final[tuple[tuple[str, Refusal], ...]] = (
    ("already been processed", Refusal.KNOWN),
    ("alreadyprocessed", Refusal.KNOWN),
    ("blockhash not found", Refusal.EXPIRED),
    ("blockhashnotfound", Refusal.EXPIRED),
    ("block height exceeded", Refusal.EXPIRED),
    ("blockhash expired", Refusal.EXPIRED),
    ("insufficient funds for fee", Refusal.UNFUNDED),
    ("insufficientfundsforfee", Refusal.UNFUNDED),
    ("insufficient funds for rent", Refusal.UNFUNDED),
    ("insufficientfundsforrent", Refusal.UNFUNDED),
    ("insufficient account balance for rent", Refusal.UNFUNDED),
    ("no record of a prior credit", Refusal.UNFUNDED),
    ("accountnotfound", Refusal.UNFUNDED),
    ("account in use", Refusal.CONTENDED),
    ("accountinuse", Refusal.CONTENDED),
    ("would exceed", Refusal.CONTENDED),
    ("wouldexceed", Refusal.CONTENDED),
    ("cluster is currently under maintenance", Refusal.BUSY),
    ("clustermaintenance", Refusal.BUSY),
    ("node is behind", Refusal.BUSY),
    ("node is unhealthy", Refusal.BUSY),
    ("minimum context slot", Refusal.BUSY),
    ("too many requests", Refusal.BUSY),
    ("rate limit", Refusal.BUSY),
    ("error processing instruction", Refusal.FAILING),
    ("instructionerror", Refusal.FAILING),
    ("program cache", Refusal.CONTENDED),
    ("programcache", Refusal.CONTENDED),
    ("temporarily restricted", Refusal.CONTENDED),
    ("programexecutiontemporarilyrestricted", Refusal.CONTENDED),
    ("resanitization", Refusal.EXPIRED),
    ("signature verification", Refusal.UNACCEPTABLE),
    ("signaturefailure", Refusal.UNACCEPTABLE),
    ("too large", Refusal.UNACCEPTABLE),
    ("failed to deserialize", Refusal.UNACCEPTABLE),
    ("invalid base64", Refusal.UNACCEPTABLE),
    ("sanitize", Refusal.UNACCEPTABLE),
    ("invalid transaction", Refusal.UNACCEPTABLE),
    ("loads a writable account that cannot be written", Refusal.UNACCEPTABLE),
    ("invalidwritableaccount", Refusal.UNACCEPTABLE),
    ("account may not be used to pay", Refusal.UNACCEPTABLE),
    ("invalidaccountforfee", Refusal.UNACCEPTABLE),
    ("program that does not exist", Refusal.FAILING),
    ("programaccountnotfound", Refusal.FAILING),
    ("invalidprogramforexecution", Refusal.FAILING),
    ("loaded twice", Refusal.UNACCEPTABLE),
    ("accountloadedtwice", Refusal.UNACCEPTABLE),
    ("too many account locks", Refusal.UNACCEPTABLE),
    ("toomanyaccountlocks", Refusal.UNACCEPTABLE),
    ("duplicate instruction", Refusal.UNACCEPTABLE),
    ("duplicateinstruction", Refusal.UNACCEPTABLE),
    ("address lookup table", Refusal.FAILING),
    ("addresslookuptable", Refusal.FAILING),
    ("address table", Refusal.FAILING),
    ("unsupported version", Refusal.UNACCEPTABLE),
    ("unsupportedversion", Refusal.UNACCEPTABLE),
    ("callchaintoodeep", Refusal.UNACCEPTABLE),
    ("missingsignatureforfee", Refusal.UNACCEPTABLE),
    ("invalidaccountindex", Refusal.UNACCEPTABLE),
    ("maxloadedaccountsdatasizeexceeded", Refusal.UNACCEPTABLE),
    ("invalidloadedaccountsdatasizelimit", Refusal.UNACCEPTABLE),
)

# Where an answer has no words that a row knows, or none at all.
MEANING_OF_CODE: Final[Mapping[int, Refusal]] = {
    -32002: Refusal.FAILING,
    -32003: Refusal.UNACCEPTABLE,
    -32005: Refusal.BUSY,
    -32006: Refusal.UNACCEPTABLE,
    -32013: Refusal.UNACCEPTABLE,
    -32015: Refusal.UNACCEPTABLE,
    -32016: Refusal.BUSY,
    429: Refusal.BUSY,
}


def meaning_of(words: str, rpc_code: int = 0) -> Refusal:
    """What a node's answer to sendTransaction means; UNKNOWN when neither its words nor its code has a row."""
    # What follows are a program's own words, which may be anything.
    lower = words.lower().partition("log messages:")[0]
    known = next((meaning for fragment, meaning in MEANINGS if fragment in lower), None)
    return known or MEANING_OF_CODE.get(rpc_code, Refusal.UNKNOWN)


def meaning_of_failure(failure: RuntimeFailure) -> Refusal:
    """What the runtime's error means, of a simulation or of a transaction that landed and failed."""
    return meaning_of(failure if isinstance(failure, str) else json.dumps(failure))

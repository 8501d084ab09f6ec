"""Owns content that anybody can check: named by its hash, held by the bucket and by pinning services of IPFS."""

from kernel.pinning.blocks import BlockForged, CidUnfit
from kernel.pinning.encodings import Encoding, EncodingUnfit
from kernel.pinning.pinning import REPAIR_KIND, ContentTooLarge, PinDisagrees, Pinned, Pinning
from kernel.pinning.pins import Kept, Pin, PinChanged
from kernel.pinning.replication import Replication
from kernel.pinning.sources import ContentUnavailable, Sources
from kernel.pinning.store import ContentStore, S3Store, StoreUnavailable, StoreUnusable

__all__ = [
    "REPAIR_KIND",
    "BlockForged",
    "CidUnfit",
    "ContentStore",
    "ContentTooLarge",
    "ContentUnavailable",
    "Encoding",
    "EncodingUnfit",
    "Kept",
    "Pin",
    "PinChanged",
    "PinDisagrees",
    "Pinned",
    "Pinning",
    "Replication",
    "S3Store",
    "Sources",
    "StoreUnavailable",
    "StoreUnusable",
]

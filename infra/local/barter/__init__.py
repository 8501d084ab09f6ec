"""A market of NFTs on a local chain."""

"""The slice of barter: top trading cycles of NFTs, with a result that the contract can verify."""

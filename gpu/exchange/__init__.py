"""The proof that an allocation of NFTs is that of top trading cycles: its circuit, its prover and its verifiers."""

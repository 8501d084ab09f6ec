"""Where the oracle touches the world: the repository, and one file per Flare contract or vendor."""

"""A Flare network on a local anvil node: contracts, voters, offers and a signing policy, all through real calls."""

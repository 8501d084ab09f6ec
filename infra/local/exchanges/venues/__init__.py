"""One file per venue: its listings, its paths and the shape of its answers."""

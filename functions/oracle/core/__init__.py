"""What the oracle decides: Flare's voting protocol and prices, as values in and values out."""

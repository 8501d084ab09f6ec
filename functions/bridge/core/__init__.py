"""What the bridge decides: orders, bytes of both registries, costs and limits, as values in and values out."""

"""What the ops slice decides, as values in and values out."""

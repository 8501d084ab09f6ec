"""The market of six that the original publishes, and what it comes to."""

#: S1 to S6 as 0 to 5: each one's items, best first.
LISTS = [[2, 1, 3, 0], [2, 4, 5], [2, 0], [1, 4, 5, 3], [0, 2, 1], [1, 3, 4, 5]]
#: S3 keeps its own; 1 -> 2 -> 5 -> 1; 4 and 6 change.
ALLOCATION = [1, 4, 2, 5, 0, 3]

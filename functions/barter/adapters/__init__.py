"""What barter reads, stores and sends: one file a table, contract or step."""

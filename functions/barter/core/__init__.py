"""What barter decides: pure functions, no clock, network, database or vendor."""

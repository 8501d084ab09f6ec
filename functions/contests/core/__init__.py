"""What contests decide: pure functions, no clock, network, database or vendor."""

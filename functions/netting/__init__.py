"""Signed trade intents in, one settlement per batch out."""

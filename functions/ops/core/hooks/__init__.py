"""Webhooks of chain providers: whether a delivery is genuine, and what it tells.

Each provider's file turns its payload into the same values as the cursors make (`kernel.chain_events`), so an event has
one identity, whoever tells it first. Fields that we do not know are let be: providers add some at any time.
"""

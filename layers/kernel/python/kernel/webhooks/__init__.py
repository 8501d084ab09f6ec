"""Owns what we tell others unasked: signed by Standard Webhooks, at least once, and never to where none may go.

A slice publishes with `Webhooks`; administrators keep the receivers with `Endpoints` and see to `Deliveries`.
"""

from kernel.webhooks.publishing import MessageChanged, MessageTooLarge, Webhooks

__all__ = ["MessageChanged", "MessageTooLarge", "Webhooks"]

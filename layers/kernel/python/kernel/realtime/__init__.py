"""Owns news for those who are connected: topics, numbered messages, their way to every WebSocket that reads them."""

from kernel.realtime.realtime import QUEUE, Publisher, Realtime, order_of
from kernel.realtime.registry import Joined, Published, Registry, Seen, Verdict
from kernel.realtime.topics import KINDS, Access, Reader, Topic, TopicForbidden, TopicUnknown, topic_for, topic_named

__all__ = [
    "KINDS",
    "QUEUE",
    "Access",
    "Joined",
    "Published",
    "Publisher",
    "Reader",
    "Realtime",
    "Registry",
    "Seen",
    "Topic",
    "TopicForbidden",
    "TopicUnknown",
    "Verdict",
    "order_of",
    "topic_for",
    "topic_named",
]

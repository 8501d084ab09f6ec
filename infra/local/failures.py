"""What people are told in place of a traceback: the base of every error that this machine, not our code, causes."""


class LocalFailure(Exception):
    """Something on this machine kept the local cloud from working; the message says what, and what to do."""

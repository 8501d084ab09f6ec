"""Owns foreign text on its way into a column: Postgres stores neither NUL nor half a surrogate pair."""


def storable(text: str, length_max: int) -> str:
    """The text cut to a length, without what a text column refuses: a record must not fail because of its words."""
    return text[:length_max].replace("\x00", "").encode("utf-8", "replace").decode("utf-8")

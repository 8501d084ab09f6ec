"""What one part of a CloudFormation template says of another: Ref, Fn::GetAtt, the ${…} of Fn::Sub, DependsOn."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

#: A resource or parameter, and the attribute of it that is asked for; "" for a Ref.
Named = tuple[str, str]
_IN_TEXT = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")


def references(value: Any) -> Iterator[Named]:
    """Everything that ``value`` names, pseudo parameters of AWS left out."""
    named: list[Named] = []
    renamed(value, named.append)
    yield from named


def renamed(value: Any, rename: Callable[[Named], str | None]) -> Any:
    """``value`` with what it names replaced by a Ref to what ``rename`` says; None leaves it as it is."""
    match value:
        case list():
            told: Any = [renamed(one, rename) for one in value]
        case {"Ref": str(name)}:
            told = value if name.startswith("AWS::") else _or(rename((name, "")), value)
        case {"Fn::GetAtt": str(text)}:
            told = _or(rename(_split(text)), value)
        case {"Fn::GetAtt": [name, attribute]}:
            told = _or(rename((name, attribute)), value)
        case {"Fn::Sub": str(text)}:
            told = {"Fn::Sub": _in_text(text, set(), rename)}
        case {"Fn::Sub": [text, own]}:
            told = {"Fn::Sub": [_in_text(text, set(own), rename), renamed(own, rename)]}
        case dict():
            told = {key: renamed(one, rename) for key, one in value.items()}
        case _:
            told = value
    return told


def waits_for(resource: Mapping[str, Any]) -> list[str]:
    """What a resource's DependsOn lists."""
    waits = resource.get("DependsOn", [])
    return [waits] if isinstance(waits, str) else list(waits)


def _or(name: str | None, value: Any) -> Any:
    return value if name is None else {"Ref": name}


def _split(text: str) -> Named:
    name, _, attribute = text.partition(".")
    return name, attribute


def _in_text(text: str, own: set[str], rename: Callable[[Named], str | None]) -> str:
    def replaced(found: re.Match[str]) -> str:
        if found[1].startswith("AWS::") or found[1] in own:
            return found[0]
        name = rename(_split(found[1]))
        return found[0] if name is None else f"${{{name}}}"

    return _IN_TEXT.sub(replaced, text)

"""infra/SETTINGS.md: every setting of the bundle with its default, its meaning, and where it comes from.

Meanings are the `#:` comments in front of the fields; `make documents` writes the table, a test compares.
"""

import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from infra.local import settings
from infra.local.runner.variables import load_yaml
from kernel.settings import FrozenSettings, environment_names

FILE = settings.ROOT / "infra/SETTINGS.md"
HEAD = """# Settings

Written by `make documents` from the code. A function reads its environment once, into frozen settings; `serverless.yml`
fills it. A secret stands there by reference: `secretsmanager:<name>` or `ssm:<name>`.

"""
SHOWN_MAX = 60


def document() -> str:
    """The whole page."""
    for path in sorted((settings.ROOT / "functions").glob("*/wiring.py")):
        importlib.import_module(f"functions.{path.parent.name}.wiring")
    parts = [_of_class(one) for one in sorted(_classes(), key=lambda one: one.__module__)]
    return HEAD + "\n".join([*parts, _parameters()])


def _classes() -> list[type[FrozenSettings]]:
    known = FrozenSettings.__subclasses__()
    return [one for one in known if one.__module__.startswith(("kernel.", "functions."))]


def _of_class(declared: type[FrozenSettings]) -> str:
    place = declared.__module__.replace(".", "/") + ".py"
    meanings, names, sources = _meanings(declared), environment_names(declared), _sources()
    lines = [f"## `{place}`", "", "| variable | default | meaning | filled from |", "|---|---|---|---|"]
    for field, facts in declared.model_fields.items():
        source = sources.get(names[field], "its default")
        lines.append(f"| `{names[field]}` | {_default(facts)} | {meanings.get(field, '')} | {source} |")
    return "\n".join([*lines, ""])


def _default(facts: FieldInfo) -> str:
    if facts.default is PydanticUndefined:
        return "none: it must be set"
    text = str(getattr(facts.default, "value", facts.default))
    shown = text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"
    return f"`{shown}`" if shown else "empty"


def _meanings(declared: type[Any]) -> dict[str, str]:
    """A `#:` comment speaks of the fields below it up to the next comment or empty line."""
    meanings: dict[str, str] = {}
    said, is_open = "", False
    for line in textwrap.dedent(inspect.getsource(declared)).splitlines():
        stripped = line.strip()
        if stripped.startswith("#:"):
            said = f"{said} {stripped[2:].strip()}".strip() if is_open else stripped[2:].strip()
            is_open = True
        elif match := re.match(r"    (\w+): ", line):
            meanings[match[1]] = said.replace("|", "\\|")
            is_open = False
        elif not stripped:
            said, is_open = "", False
    return meanings


def _sources() -> dict[str, str]:
    """Variable -> what fills it, as serverless.yml or a slice's functions.yml says."""
    told: dict[str, str] = {}
    root = load_yaml(settings.ROOT / "serverless.yml")
    for name, value in root["provider"]["environment"].items():
        told[name] = _source(value)
    for path in sorted((settings.ROOT / "functions").glob("*/functions.yml")):
        for function in load_yaml(path).values():
            for name, value in (function.get("environment") or {}).items():
                told.setdefault(name, _source(value))
    return told


def _source(value: Any) -> str:
    if isinstance(value, dict):
        return "the stack's own resources"
    text = str(value).replace("${sls:stage}", "<stage>")
    # A choice by a parameter is filled from it, too: ${self:custom.secrets_from.${param:secrets_extension_arn}, ...}.
    match = re.fullmatch(r"\$\{(?:self:.*\$\{)?param:(\w+)\}.*", text)
    return f"parameter `{match[1]}`" if match else f"`{text}`"


def _parameters() -> str:
    lines = ["## Parameters of `serverless.yml`", ""]
    lines += ["Defaults in `infra/params.yml`; given per stage under `params`, or as `--param name=value`.", ""]
    lines += ["| parameter | default | meaning |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {f'`{default}`' if default else 'empty'} | {said} |" for name, default, said in _declared()
    ]
    return "\n".join([*lines, ""])


def _declared() -> Iterator[tuple[str, str, str]]:
    """Name, default and the comment above it, up to the next comment."""
    path = settings.ROOT / "infra/params.yml"
    defaults = load_yaml(path)
    said, is_open = "", False
    for line in path.read_text(encoding="utf-8").split("\n\n")[1].splitlines():
        if line.startswith("#"):
            said = f"{said} {line[1:].strip()}" if is_open else line[1:].strip()
            is_open = True
        elif match := re.match(r"(\w+):", line):
            yield match[1], str(defaults[match[1]]), said
            is_open = False

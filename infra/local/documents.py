"""The documents that are made from the code: what /docs serves (OpenAPI, AsyncAPI, error codes), and infra/SETTINGS.md.

`make documents` writes them beside the handler that serves them; a test compares, so what is served is what is there.
"""

import importlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from infra.local import settings
from infra.local.deployment import settings_table
from kernel.errors import CounterpartError, catalogue
from kernel.realtime import asyncapi

FOLDER = settings.ROOT / "functions/ops/adapters/documents"
ABOUT = {
    "title": "Counterpart",
    "version": "1",
    "description": "The off-chain half of five on-chain markets. Amounts are texts of integers with the unit in the "
    "field's name; times are ISO 8601 in UTC; every error has a code of the catalogue.",
}
REFERENCE = "#/components/schemas/"
BUNDLE = ("kernel.", "functions.")


def modules(*folders: str, pattern: str = "*.py") -> Iterator[str]:
    """The dotted names of the bundle's modules under these folders, in order."""
    for folder in folders:
        for path in sorted((settings.ROOT / folder).rglob(pattern)):
            parts = path.relative_to(settings.ROOT).with_suffix("").parts
            dotted = ".".join(parts).removeprefix("layers.kernel.python.").removesuffix(".__init__")
            yield dotted


def openapi() -> dict[str, Any]:
    """One document of every API, found by their files; each operation is tagged with its slice."""
    merged: dict[str, Any] = {"openapi": "3.1.0", "info": ABOUT, "paths": {}, "components": {}}
    for name in modules("functions", pattern="http_*.py"):
        service = name.split(".")[1]
        document = importlib.import_module(name).app.openapi()
        document = _renamed(document, merged["components"].get("schemas", {}), name.rpartition(".")[2])
        for path, operations in document["paths"].items():
            known = merged["paths"].setdefault(path, {})
            for method, operation in operations.items():
                if method in known:
                    raise ValueError(f"{name} and another handler both serve {method.upper()} {path}")
                known[method] = {**operation, "tags": [service]}
        for kind, things in document.get("components", {}).items():
            merged["components"].setdefault(kind, {}).update(things)
    merged["paths"] = dict(sorted(merged["paths"].items()))
    return merged


def errors() -> list[dict[str, Any]]:
    """The catalogue: every error that the bundle can answer with or record."""
    for name in modules("functions", "layers/kernel/python/kernel"):
        importlib.import_module(name)
    ours = {error.code for error in _errors(CounterpartError) if error.__module__.startswith(BUNDLE)}
    entries = [asdict(entry) for entry in catalogue() if entry.code in ours]
    return [{**entry, "example": json.loads(entry["example"])} for entry in entries]


def _errors(error: type[CounterpartError]) -> Iterator[type[CounterpartError]]:
    """The descendants; whoever makes the documents in a test process has errors of tests among them."""
    for child in error.__subclasses__():
        yield child
        yield from _errors(child)


def documents() -> dict[Path, str]:
    """Each document's file and what belongs into it."""
    made = {"openapi.json": openapi(), "asyncapi.json": asyncapi.document(), "errors.json": errors()}
    served = {FOLDER / name: _text(document) for name, document in made.items()}
    return {**served, settings_table.FILE: settings_table.document()}


def main() -> int:
    """Write them; 0."""
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(settings.ROOT)}")
    return 0


def _renamed(document: Mapping[str, Any], taken: Mapping[str, Any], handler: str) -> dict[str, Any]:
    """The document with a name of its own for each schema that another handler has, differently, under its name."""
    schemas = document.get("components", {}).get("schemas", {})
    clashing = [name for name, schema in schemas.items() if name in taken and taken[name] != schema]
    if not clashing:
        return dict(document)
    text = json.dumps(document)
    prefix = "".join(word.title() for word in handler.removeprefix("http_").split("_"))
    for name in clashing:
        text = re.sub(rf'"{re.escape(REFERENCE + name)}"', f'"{REFERENCE}{prefix}{name}"', text)
    renamed: dict[str, Any] = json.loads(text)
    renamed["components"]["schemas"] = {
        (f"{prefix}{name}" if name in clashing else name): schema
        for name, schema in renamed["components"]["schemas"].items()
    }
    return renamed


def _text(document: Any) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())

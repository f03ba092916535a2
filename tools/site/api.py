"""The API reference: a page for each family of names, with signatures, types and docstrings.

The names are those of the modules' `__all__`; the families of operations are those of
docs/operations.md, where a test checks that none is missing.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from sphinx.util.inspect import stringify_signature

from minigrad.core.primitive import Primitive
from tools.site.docstrings import as_rst, summary
from tools.site.pages import DOCS, ROOT

# Modules with a page of their own, all names on it, in the order of the contents.
PLAIN = ("minigrad.linalg", "minigrad.special", "minigrad.nn", "minigrad.nn.init",
         "minigrad.optim", "minigrad.optim.lr_scheduler", "minigrad.check", "minigrad.inspect",
         "minigrad.cuda", "minigrad.errors", "nst", "weights_converter")
_FAMILY = re.compile(r"^\| ([a-z][^|]+) \| (`[^|]+) \|$", re.MULTILINE)


@dataclass
class Page:
    """One page of the reference: an introduction, and names by section."""

    name: str
    title: str
    introduction: str
    sections: dict[str, list[tuple[str, Any]]] = field(default_factory=dict)


def pages() -> Iterator[Page]:
    """All pages, in the order of the contents."""
    mg = importlib.import_module("minigrad")
    yield _tensors(mg)
    for title, section in (("minigrad", "minigrad"), ("functional", "minigrad.functional")):
        module = importlib.import_module(section)
        for family, names in families(section):
            slug = re.sub(r"\W+", "-", family)
            yield Page(f"api/{title}-{slug}", f"{section}: {family}", "", {
                "": [(f"{section}.{name}", getattr(module, name)) for name in names]})
    for name in PLAIN:
        yield _of_module(importlib.import_module(name))


def families(section: str) -> list[tuple[str, list[str]]]:
    """The families of a section of docs/operations.md, with their names."""
    text = (DOCS / "operations.md").read_text(encoding="utf-8")
    part = text.split(f"## `{section}`\n")[1].split("\n## ")[0]
    return [(family, re.findall(r"`(\w+)`", names)) for family, names in _FAMILY.findall(part)]


def _tensors(mg: ModuleType) -> Page:
    """The names in `minigrad` itself that are not operations: tensors, gradients, modes."""
    operations = set(mg.ops.__all__)
    names = [name for name in mg.__all__ if name not in operations
             and not isinstance(getattr(mg, name), (ModuleType, str))]
    creation = importlib.import_module("minigrad.creation")
    made = [name for name in names if getattr(mg, name).__module__ == creation.__name__]
    classes = [name for name in names if inspect.isclass(getattr(mg, name))]
    rest = [name for name in names if name not in {*made, *classes}]
    return Page("api/tensors", "minigrad: tensors and gradients",
                "Every operation that follows in this reference is a function of ``minigrad``; "
                "nearly all are methods of a Tensor as well.", {
                    title: [(f"minigrad.{name}", getattr(mg, name)) for name in found]
                    for title, found in (("Types", classes), ("Making tensors", made),
                                         ("Gradients and modes", rest))})


def _of_module(module: ModuleType) -> Page:
    names = getattr(module, "__all__", None) or [
        name for name, value in vars(module).items() if not name.startswith("_")
        and getattr(value, "__module__", "") == module.__name__]
    sections: dict[str, list[tuple[str, Any]]] = {}
    for name in names:
        value = getattr(module, name)
        if not isinstance(value, ModuleType):
            sections.setdefault(_heading(module, value), []).append(
                (f"{module.__name__}.{name}", value))
    return Page(f"api/{module.__name__.replace('.', '-')}", module.__name__,
                as_rst(module.__doc__ or ""), sections)


def _heading(module: ModuleType, value: Any) -> str:
    """The first line of the module that defines a name, where the page's module is a package."""
    origin = inspect.getmodule(value)
    if origin is None or origin is module or not hasattr(module, "__path__"):
        return ""
    return re.split(r"[.;:](?:\s|$)", summary(origin.__doc__ or ""))[0]


# ------------------------------------------------------------------ as reStructuredText


def as_document(page: Page) -> str:
    """A page as reStructuredText."""
    parts = [_underlined(page.title, "="), page.introduction]
    for title, names in page.sections.items():
        if title:
            parts.append(_underlined(title, "-"))
        parts += [_entry(name, value) for name, value in names]
    return "\n\n".join(filter(None, parts)) + "\n"


def contents(names: Iterable[str]) -> str:
    """The first page of the reference."""
    listed = "\n".join(f"   {name.removeprefix('api/')}" for name in names)
    return (f"{_underlined('API reference', '=')}\n\n"
            "Everything public, with its types. The search field finds names as well.\n\n"
            f".. toctree::\n   :maxdepth: 1\n\n{listed}\n")


def _underlined(title: str, mark: str) -> str:
    return f"{title}\n{mark * len(title)}"


def _entry(name: str, value: Any) -> str:
    if inspect.isclass(value):
        kind = "exception" if issubclass(value, BaseException) else "class"
        members = "\n\n".join(_members(value))
        body = as_rst(value.__doc__ or "") + ("\n\n" + members if members else "")
    elif callable(value):
        kind, body = "function", as_rst(_documentation(value))
    else:
        return f".. py:data:: {name}\n\n   :code:`{value!r}`"
    return _directive(kind, f"{name}{signature(value)}", body + _source(value))


def _documentation(value: Any) -> str:
    return (value.forward.__doc__ if isinstance(value, Primitive) else value.__doc__) or ""


def _members(cls: type) -> Iterator[str]:
    """Public methods and properties that the class itself defines and documents."""
    for name, value in vars(cls).items():
        inner = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        if name.startswith("_") or not getattr(inner, "__doc__", None):
            continue
        if isinstance(value, property):
            yield _directive("property", name, as_rst(value.__doc__ or ""))
        elif inspect.isfunction(inner):
            mark = {classmethod: "classmethod", staticmethod: "staticmethod"}.get(type(value), "")
            options = f":{mark}:" if mark else ""
            yield _directive("method", f"{name}{signature(inner, method=mark != 'staticmethod')}",
                             as_rst(inner.__doc__ or ""), options)


def signature(value: Any, method: bool = False) -> str:
    """The signature with its types, without `self`; empty where Python knows none."""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    parameters = list(found.parameters.values())[1 if method else 0:]
    result = found.return_annotation
    if isinstance(value, Primitive):
        parameters = [parameter.replace(annotation="Tensor") if parameter.name in value.rules
                      else parameter for parameter in parameters]
        result = "Tensor"
    elif inspect.isclass(value):
        result = inspect.Signature.empty
    text = stringify_signature(found.replace(parameters=parameters, return_annotation=result),
                               unqualified_typehints=True)
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def _directive(kind: str, head: str, body: str, options: str = "") -> str:
    inside = "\n\n".join(filter(None, (options, body)))
    lines = "\n".join("   " + line if line else "" for line in inside.splitlines())
    return f".. py:{kind}:: {head}\n" + ("\n" if not options else "") + lines


def _source(value: Any) -> str:
    """The source of a function or an operation, folded away, with its place."""
    function = value.forward if isinstance(value, Primitive) else value
    try:
        lines, first = inspect.getsourcelines(inspect.unwrap(function))
        path = inspect.getsourcefile(inspect.unwrap(function)) or ""
    except (OSError, TypeError):
        return ""
    if inspect.isclass(value) or not path.startswith(str(ROOT)):
        return ""
    code = inspect.cleandoc("\n" + "".join(lines))
    shown = "\n".join("   " + line if line else "" for line in code.splitlines())
    place = path.removeprefix(f"{ROOT}/")
    return ("\n\n.. raw:: html\n\n   <details class=\"source\"><summary>Source: "
            f"{place}, line {first}</summary>\n\n.. code-block:: python\n\n{shown}\n\n"
            ".. raw:: html\n\n   </details>")

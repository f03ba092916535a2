"""The words and numbers on the page of `explain`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from minigrad.anomaly import created_at
from minigrad.backend import is_array
from minigrad.core.graph import Node
from minigrad.inspect.measure import Nudge
from minigrad.inspect.model import Vertex
from minigrad.inspect.naming import public_name
from minigrad.inspect.texts import SMALL, arrays_in, describe, histogram, numbers, place_of
from minigrad.inspect.trace import Saved, Sent, Step

MARKS = {"agrees": "✓", "kink": "△", "differs": "✗", "undefined": "?"}


def nudge_in_words(nudge: Nudge, name: str, symbol: str) -> str:
    """A sentence: what was nudged, how far the loss moved, and whether the gradient agrees."""
    where = name
    if nudge.index is None:
        where = f"all of {name} up or down at random,"
    elif nudge.index:
        at = str(list(nudge.index))
        where = f"{name} at {at}" if " " in name else name + at
    said = f"nudge {where} by {nudge.by:.4g}: {symbol} moves by {nudge.moved:.4g}"
    if nudge.kind == "agrees":
        said += f", {nudge.slope:.4g} per unit"
    elif nudge.kind == "kink":
        said += (f". There is a kink here: {nudge.left:.4g} per unit on the left, "
                 f"{nudge.right:.4g} on the right; the rule takes {nudge.claimed:.4g}")
    elif nudge.kind == "differs":
        said += f", {nudge.slope:.4g} per unit, but the backward pass says {nudge.claimed:.4g}"
    else:
        said = f"nudge {where} by {nudge.by:.4g}: {symbol} is not a finite number, or its " \
               f"gradient is not, so there is nothing to compare"
    return said.replace("-", "−")


def title_of(vertex: Vertex) -> str:
    if vertex.kind == "operation" and vertex.name:
        return f"{vertex.name} = {vertex.title}"
    return vertex.title


def contents(group: Vertex) -> str:
    """The operations in a group, the most frequent first."""
    counts = Counter(public_name(owner.primitive.name) for owner in group.members
                     if isinstance(owner, Node))
    return f"{sum(counts.values()):,} operations: " + ", ".join(
        f"{name} × {count}" if count > 1 else name for name, count in counts.most_common(12)
    ) + (" …" if len(counts) > 12 else "")


def calling_line(node: Any) -> str:
    """The calling line with the file's name alone, since a page may be passed on."""
    line = created_at.get(node) if isinstance(node, Node) else None
    return f"{place_of(line)}   {line.text}" if line else ""


def array_data(array: Any) -> dict:
    if not is_array(array):
        return {"text": numbers(array), "histogram": None}
    return {"text": describe(array), "histogram": histogram(array)}


def reserved(sent: dict) -> str:
    partial = sent["path"] < sent["of"]
    return sent["totalShort"] + (f" ({sent['path']} of {sent['of']} paths)" if partial else "")


def _used(step: Step, sent: Sent) -> Iterator[tuple[str, Any]]:
    """The values of a rule's parameters, by name."""
    values = {"g": step.gradient, **{saved.name: saved.value for saved in step.saved}}
    return ((name, values.get(name)) for name in sent.rule.names)


def numbers_used(step: Step, sent: Sent) -> str:
    """Values of a rule's parameters, such as `g = 1, y = 5`, if all are small."""
    texts = []
    for name, value in _used(step, sent):
        if value is None or not is_array(value) or value.size > SMALL:
            return ""
        called = step.operands.get(name, name)
        renamed = f" (your {called})" if called != name and name != "out" else ""
        texts.append(f"{name} = {numbers(value)}{renamed}")
    return ", ".join(texts)


def scalars(step: Step, sent: Sent) -> dict[str, str]:
    """The numbers behind a rule's parameters; empty if one is an array of several elements."""
    texts = {}
    for name, value in _used(step, sent):
        if is_array(value) and value.size == 1:
            text = numbers(value).strip("[]")
        elif type(value) in (int, float):
            text = numbers(value)
        else:
            return {}
        texts[name] = f"({text})" if text.startswith("−") else text
    return texts


def saved_text(saved: Saved) -> str:
    arrays = arrays_in(saved.value)
    if not arrays:
        return f"{saved.name} = {saved.value}"
    before = f"{saved.name} = "
    below = "\n" + " " * len(before)        # the rows of a matrix stand below one another
    return "\n".join(before + describe(array).replace("\n", below) for array in arrays)

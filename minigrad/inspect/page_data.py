"""What the script of the page reads: the forward and the backward pass in steps, as texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.anomaly import created_at
from minigrad.backend import is_array
from minigrad.core.graph import Node
from minigrad.core.tensor import Tensor
from minigrad.inspect.drawing import value_text
from minigrad.inspect.formula import formula as rule_formula
from minigrad.inspect.measure import Measured, Nudge, Replay
from minigrad.inspect.model import Model, Vertex
from minigrad.inspect.naming import public_name
from minigrad.inspect.rules import formula
from minigrad.inspect.stretch import Stretch, key_of
from minigrad.inspect.texts import (
    SMALL,
    describe,
    gradient_text,
    histogram,
    numbers,
    plain,
    shape_text,
)
from minigrad.inspect.trace import Saved, Sent, Step, arrays_in

MARKS = {"agrees": "✓", "kink": "△", "differs": "✗", "undefined": "?"}


class PageData:
    """The steps of one pass, and the longest gradient text of each box.

    Each step of the backward pass becomes text as it comes, so that its arrays can be released.

    Attributes
    ----------
    steps : as the script shows them.
    widest : for each vertex, the longest text about its gradient.
    """

    def __init__(self, model: Model, steps: Iterable[Step], symbol: str, replay: Replay) -> None:
        self.model, self.symbol, self.replay = model, symbol, replay
        self.places = model.index()
        self.edge_of = {(edge.target, edge.rule): i for i, edge in enumerate(model.edges)
                        if edge.rule is not None}
        self.edge_between = {(edge.source, edge.target): i for i, edge in enumerate(model.edges)}
        self.paths = Counter(edge.source for edge in model.edges if edge.rule is not None)
        self.received: Counter = Counter()
        self.widest = [""] * len(model.vertices)
        self.steps: list[dict] = [self._start()]
        self.steps += [self._forward(i) for i, vertex in enumerate(model.vertices)
                       if vertex.kind in ("operation", "stretch", "group")]
        self.verdicts: list[tuple[str, int]] = []       # of complete gradients, with their steps
        turn: dict | None = None
        for vertex, members in groupby(steps, key=self._vertex):
            for step in members if model.vertices[vertex].kind != "group" else ():
                if turn is None:
                    turn = self._turn(step)
                self._append(vertex, self._backward(step, vertex))
            if model.vertices[vertex].kind == "group":
                members = list(members)
                if turn is None:
                    turn = self._turn(members[0])
                self._append(vertex, self._group(members, vertex))
        if turn is not None:
            turn["notes"] += self._summary()

    def _vertex(self, step: Step) -> int:
        return self.places[key_of(step.node)]

    def _append(self, vertex: int, step: dict) -> None:
        for sent in step["sent"]:
            self.widest[sent["target"]] = max(self.widest[sent["target"]], _reserve(sent), key=len)
        self.steps.append(step)

    # -- before, and forward

    def _start(self) -> dict:
        notes = ["The leaves and the constants are there from the beginning. Now each operation "
                 "computes its result from theirs, from top to bottom."]
        if self.model.folded:
            boxes = sum(vertex.kind == "group" for vertex in self.model.vertices)
            notes.append(f"{self.model.folded:,} operations are too many to draw: they are folded "
                         f"into {boxes} boxes, by module or by neighbourhood. Explain a smaller "
                         f"part, or pass max_boxes, to see each of them.")
        unknown = [vertex for vertex in self.model.vertices
                   if vertex.value is None and vertex.kind in ("operation", "stretch")]
        if unknown:
            notes.append(f"This graph was finished before anything was recorded, so {len(unknown)} "
                         f"of its values are not known: no rule needed them.")
        if self.replay.unknown is not None:
            name = public_name(self.replay.unknown.primitive.name)
            notes.append(f"Gradients are not measured, since the operands of {name} are not known. "
                         f"explain(function, *inputs) knows all of them, and so does a graph that "
                         f"was computed within `with inspect.record():`.")
        return {"phase": "start", "vertex": None, "title": "Before the first step", "notes": notes,
                "sent": [], "saved": []}

    def _forward(self, i: int) -> dict:
        vertex = self.model.vertices[i]
        edges = [e for e, edge in enumerate(self.model.edges) if edge.target == i]
        inputs = [self._input(e) for e in edges] if vertex.kind != "group" else []
        step = {"phase": "forward", "vertex": i, "edges": edges, "sent": [], "saved": [],
                "inputs": inputs, "notes": [], "title": _title(vertex), "formula": "",
                "created": "", "result": None}
        if isinstance(vertex.owner, Stretch):
            stretch = vertex.owner
            step["title"] = f"{stretch.name} is stretched"
            step["notes"] = [f"{stretch.name} has shape {tuple(stretch.source.shape)} and is "
                             f"repeated along {stretch.dims_in_words()}, to shape {stretch.shape}. "
                             f"No memory is used for the copies."]
        elif isinstance(vertex.owner, Node):
            step["formula"] = formula(vertex.owner.primitive)
            step["created"] = _created(vertex.owner)
            if vertex.title != vertex.owner.primitive.name:
                step["notes"] = [f"{vertex.title} is what you call; the primitive behind it is "
                                 f"{vertex.owner.primitive.name}."]
        else:
            step["notes"] = [_contents(vertex)]
        if vertex.value is None:
            step["notes"].append(f"Its value, {shape_text(vertex.shape)}, was not recorded.")
        else:
            step["result"] = _array(vertex.value)
        return step

    def _input(self, e: int) -> dict:
        edge = self.model.edges[e]
        vertex = self.model.vertices[edge.source]
        known = vertex.value is not None
        small = known and (not is_array(vertex.value) or vertex.value.size <= SMALL)
        return {"name": vertex.called, "text": numbers(vertex.value) if small
                else shape_text(vertex.shape), "kind": vertex.kind}

    # -- backward

    def _turn(self, first: Step) -> dict:
        """The forward pass is done; the gradient of the loss with respect to itself."""
        root = len(self.model.vertices) - 1
        vertex, symbol = self.model.vertices[root], self.symbol
        value = f" = {numbers(vertex.value)}" if vertex.value.size <= SMALL else ""
        seed = {"target": root, "edge": -1, "of": 1, "path": 1,
                "totalShort": gradient_text(first.gradient), "short": ""}
        turn = {"phase": "turn", "vertex": None, "title": "The turn", "saved": [], "sent": [seed],
                "gradientTitle": f"∂{symbol}/∂{symbol}", "gradient": _array(first.gradient),
                "notes": [f"The forward pass is done: {symbol}{value}.",
                          "The backward pass goes upwards and visits each operation once, when the "
                          "gradient of its result is complete. It starts with the derivative of "
                          f"{symbol} with respect to itself."]}
        self._append(root, turn)
        return turn

    def _summary(self) -> list[str]:
        """What the measurements say, in one sentence."""
        counts = Counter(verdict for verdict, _ in self.verdicts)
        if not counts:
            return []
        total = sum(counts.values())
        if counts["agrees"] == total:
            return [f"✓ All {total} gradients below agree with measured ones."]
        said = []
        for verdict, words in (("differs", "do not agree with measured ones"),
                               ("kink", "are taken at a kink"),
                               ("undefined", "are not numbers, or their measurement is not")):
            steps = [str(step) for found, step in self.verdicts if found == verdict]
            if steps:
                said.append(f"{MARKS[verdict]} {len(steps)} of {total} gradients {words}: step "
                            + ", ".join(steps[:12]) + (" …" if len(steps) > 12 else "") + ".")
        return said

    def _backward(self, step: Step, vertex: int) -> dict:
        called = self.model.vertices[vertex].called
        measured = self.replay.measure(step.node, step.gradient)
        if measured is not None:
            self.verdicts.append((measured.verdict, len(self.steps)))
        sent = [self._sent(step, rule, one, vertex, measured)
                for rule, one in enumerate(step.sent)]
        summed = f", the sum of {step.paths} paths" if step.paths > 1 else ""
        shown = {"phase": "backward", "vertex": vertex, "title": _title(self.model.vertices[vertex]),
                 "formula": step.formula, "created": _created(step.node), "notes": [],
                 "gradientTitle": f"∂{self.symbol}/∂{self._result(step, called)} is complete"
                                  f"{summed}",
                 "gradient": _array(step.gradient), "sent": sent,
                 "measured": self._measured(measured, called),
                 "saved": [_saved(saved) for saved in step.saved],
                 "savedBytes": f"{step.saved_bytes:,} bytes"}
        if isinstance(step.node, Stretch):
            shown["title"] = step.node.in_words()
            shown["notes"] = [f"Every copy of {step.node.name} moved {self.symbol}, so their "
                              f"gradients add up."]
            shown["gradientTitle"] = f"∂{self.symbol}/∂(stretched {step.node.name})"
        elif isinstance(step.node, Tensor):
            shown["title"] = f"leaf {called}" if called != "leaf" else "leaf"
            shown["notes"] = [f"{called} was made by the user, so the pass ends here; backward() "
                              f"adds this to .grad."]
        return shown

    def _result(self, step: Step, called: str) -> str:
        named = not isinstance(step.node, Node) or called != step.public_name
        return called if named else "result"

    def _sent(self, step: Step, rule: int, sent: Sent, vertex: int, whole: Measured | None) -> dict:
        target = self.places[key_of(sent.target)]
        self.received[target] += 1
        path, of = self.received[target], self.paths[target]
        to = self.model.vertices[target].called
        if isinstance(sent.target, Stretch):
            to = f"the stretched {sent.target.name}"
        measured = None
        if isinstance(step.node, Node):
            place = (step.node, step.node.plan.inputs[rule])
            if not isinstance(sent.target, Stretch):
                measured = self.replay.measure(place if of > 1 else sent.target, sent.gradient)
            else:
                measured = self.replay.measure(sent.target, sent.gradient)
        shown = {"name": sent.name, "rule": sent.rule.text, "place": sent.rule.place, "to": to,
                 "target": target, "edge": self.edge_of[vertex, rule], "path": path, "of": of,
                 "gradient": _array(sent.gradient), "short": plain(sent.gradient),
                 "flow": plain(sent.gradient, max_size=1),
                 "before": None if sent.before is None else plain(sent.before),
                 "totalPlain": plain(sent.total), "totalShort": gradient_text(sent.total),
                 "formula": self._formula(step, sent, to), "with": _numbers_used(step, sent),
                 "measured": self._measured(measured, to)}
        if measured is not None and measured.verdict == "differs" and whole is not None \
                and whole.verdict == "agrees":
            shown["measured"]["text"] += f". What arrived was right, so the rule of " \
                                         f"{step.public_name} is wrong."
        return shown

    def _formula(self, step: Step, sent: Sent, to: str) -> str:
        if not sent.formula:
            return ""
        left = f"∂{self.symbol}/∂{to}" if " " not in to else f"∂{self.symbol}/∂({to})"
        text = f"{left} = {sent.formula}"
        scalars = _scalars(step, sent)
        if scalars:
            text += f" = {rule_formula(sent.rule, scalars)} = {numbers(sent.gradient)}"
        return text

    def _measured(self, measured: Measured | None, name: str) -> dict | None:
        if measured is None:
            return None
        return {"verdict": measured.verdict, "mark": MARKS[measured.verdict],
                "text": self._in_words(measured.telling, name),
                "slopes": "" if measured.slopes is None or measured.slopes.size < 2
                else describe(measured.slopes)}

    def _in_words(self, nudge: Nudge, name: str) -> str:
        where = f"all of {name} up or down at random" if nudge.index is None else \
            name + (str(list(nudge.index)) if nudge.index else "")
        said = f"nudge {where} by {nudge.by:.4g}: {self.symbol} moves by {nudge.moved:.4g}"
        if nudge.verdict == "agrees":
            said += f", {nudge.slope:.4g} per unit"
        elif nudge.verdict == "kink":
            said += (f". There is a kink here: {nudge.left:.4g} per unit on the left, "
                     f"{nudge.right:.4g} on the right; the rule takes {nudge.claimed:.4g}")
        elif nudge.verdict == "differs":
            said += f", {nudge.slope:.4g} per unit, but the backward pass says {nudge.claimed:.4g}"
        else:
            said += f", and the backward pass says {nudge.claimed:.4g}: not finite numbers"
        return said.replace("-", "−")

    def _group(self, members: list[Step], vertex: int) -> dict:
        """One step for a box of folded operations: what came in, what went out."""
        box = self.model.vertices[vertex]
        flows: dict[int, list[Any]] = {}
        for step in members:
            for sent in step.sent:
                target = self.places[key_of(sent.target)]
                if target != vertex:
                    flows.setdefault(target, []).append(sent.gradient)
        shown = []
        for target, gradients in flows.items():
            self.received[target] += 1
            shown.append(self._flow(vertex, target, gradients))
        leaves = [f"{step.name or 'leaf'}   {gradient_text(step.gradient)}" for step in members
                  if isinstance(step.node, Tensor)]
        return {"phase": "backward", "vertex": vertex, "title": _title(box), "formula": "",
                "created": "", "notes": [_contents(box)], "leaves": leaves, "saved": [],
                "gradientTitle": f"∂{self.symbol}/∂result of its last operation",
                "gradient": _array(members[0].gradient), "sent": shown, "measured": None}

    def _flow(self, vertex: int, target: int, gradients: list[Any]) -> dict:
        size = float(np.sqrt(sum(float((np.abs(g.astype(np.float64)) ** 2).sum())
                                 for g in gradients)))
        text = f"‖{size:.4g}‖"
        return {"name": "", "rule": "", "place": "", "to": self.model.vertices[target].called,
                "target": target, "edge": self.edge_between[target, vertex],
                "path": self.received[target], "of": self.paths[target], "gradient": None,
                "short": text, "flow": text, "before": None, "totalPlain": text,
                "totalShort": f"‖grad‖ {size:.4g}", "formula": "", "with": "", "measured": None}

    def as_dict(self) -> dict:
        """One pass, for the script."""
        return {"values": [value_text(vertex) for vertex in self.model.vertices],
                "loss": numbers(self.model.vertices[-1].value)
                if self.model.vertices[-1].value.size == 1 else "", "steps": self.steps}


def structure(model: Model) -> dict:
    """What all passes through a graph have in common: its boxes before anything is computed."""
    return {"vertices": [{"kind": vertex.kind, "shape": shape_text(vertex.shape)}
                         for vertex in model.vertices],
            "edges": [edge.port < (edge.ports - 1) / 2 for edge in model.edges]}


def _title(vertex: Vertex) -> str:
    if vertex.kind == "operation" and vertex.name:
        return f"{vertex.name} = {vertex.title}"
    return vertex.title


def _contents(group: Vertex) -> str:
    """The operations in a group, the most frequent first."""
    counts = Counter(public_name(owner.primitive.name) for owner in group.members
                     if isinstance(owner, Node))
    return f"{sum(counts.values()):,} operations: " + ", ".join(
        f"{name} × {count}" if count > 1 else name for name, count in counts.most_common(12)
    ) + (" …" if len(counts) > 12 else "")


def _created(node: Any) -> str:
    """The calling line with the file's name alone, since a page may be passed on."""
    line = created_at.get(node) if isinstance(node, Node) else None
    return f"{Path(line.file).name}:{line.number}   {line.text}" if line else ""


def _array(array: Any) -> dict:
    if not is_array(array):
        return {"text": numbers(array), "histogram": None}
    return {"text": describe(array), "histogram": histogram(array)}


def _reserve(sent: dict) -> str:
    partial = sent["path"] < sent["of"]
    return sent["totalShort"] + (f" ({sent['path']} of {sent['of']} paths)" if partial else "")


def _used(step: Step, sent: Sent) -> Iterator[tuple[str, Any]]:
    """The values of a rule's parameters, by name."""
    values = {"g": step.gradient, **{saved.name: saved.value for saved in step.saved}}
    return ((name, values.get(name)) for name in sent.rule.names)


def _numbers_used(step: Step, sent: Sent) -> str:
    """Values of a rule's parameters, such as `g = 1, y = 5`, if all are small."""
    texts = []
    for name, value in _used(step, sent):
        if value is None or not is_array(value) or value.size > SMALL:
            return ""
        called = step.operands.get(name, name)
        renamed = f" (your {called})" if called != name and name != "out" else ""
        texts.append(f"{name} = {numbers(value)}{renamed}")
    return ", ".join(texts)


def _scalars(step: Step, sent: Sent) -> dict[str, str]:
    """The numbers behind a rule's parameters; empty if one is an array of several."""
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


def _saved(saved: Saved) -> str:
    arrays = arrays_in(saved.value)
    if not arrays:
        return f"{saved.name} = {saved.value}"
    return "\n".join(f"{saved.name} = {describe(array)}" for array in arrays)

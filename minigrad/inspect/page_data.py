"""Data for the script of the page: the forward and the backward pass in steps, as texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import numpy as np

from minigrad.backend import is_array
from minigrad.core.graph import Node
from minigrad.core.tensor import Tensor
from minigrad.inspect.drawing import value_text
from minigrad.inspect.formula import formula as rule_formula
from minigrad.inspect.measure import Measured, Replay
from minigrad.inspect.model import Model
from minigrad.inspect.naming import public_name
from minigrad.inspect.page_texts import (
    MARKS,
    array_data,
    calling_line,
    contents,
    nudge_in_words,
    numbers_used,
    reserved,
    saved_text,
    scalars,
    title_of,
)
from minigrad.inspect.rules import formula
from minigrad.inspect.stretch import Stretch, key_of
from minigrad.inspect.texts import (
    SMALL,
    describe,
    gradient_text,
    is_table,
    numbers,
    plain,
    shape_text,
)
from minigrad.inspect.trace import Sent, Step


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
        self.unmeasured = 0
        self.groups: dict[int, dict] = {}               # the steps of folded boxes
        self.kinds: list[tuple[str, int]] = []       # of complete gradients, with their steps
        turn = len(self.steps)
        for vertex, members in groupby(steps, key=self._vertex):
            # Only a box of folded operations needs several steps at once.
            if model.vertices[vertex].kind == "group":
                self._add_backward(vertex, list(members))
            else:
                for step in members:
                    self._add_backward(vertex, [step])
        self.steps[turn]["notes"] += self._summary()

    def _add_backward(self, vertex: int, members: list[Step]) -> None:
        if self.steps[-1]["phase"] in ("start", "forward"):
            self._append(self._turn(members[0]))
        if self.model.vertices[vertex].kind != "group":
            self._append(self._backward(members[0], vertex))
        elif isinstance(members[0].node, Tensor):       # leaves come last, when the box is done
            self.groups[vertex]["leaves"] += [
                f"{step.name or 'leaf'}   {gradient_text(step.gradient)}" for step in members]
        else:
            self.groups[vertex] = self._group(members, vertex)
            self._append(self.groups[vertex])

    def _vertex(self, step: Step) -> int:
        return self.places[key_of(step.node)]

    def _append(self, shown: dict) -> None:
        for sent in shown["sent"]:
            self.widest[sent["target"]] = max(self.widest[sent["target"]], reserved(sent), key=len)
        self.steps.append(shown)

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
        if self.replay.changed:
            notes.append("✗ The leaves have been changed since this was computed, so the values do "
                         "not fit together. Explain a loss before the optimiser's step, or "
                         "compute it within `with inspect.record():`.")
        if self.replay.too_large:
            notes.append("Gradients are not measured, since the arrays are too large to compute "
                         "everything again several times. Explain it with a smaller input.")
        return {"phase": "start", "vertex": None, "title": "Before the first step", "notes": notes,
                "sent": [], "saved": []}

    def _forward(self, i: int) -> dict:
        vertex = self.model.vertices[i]
        edges = [e for e, edge in enumerate(self.model.edges) if edge.target == i]
        inputs = [self._input(e) for e in edges] if vertex.kind != "group" else []
        step: dict[str, Any] = {
            "phase": "forward", "vertex": i, "edges": edges, "sent": [], "saved": [],
            "inputs": inputs, "notes": [], "title": title_of(vertex), "formula": "",
            "created": "", "result": None}
        if isinstance(vertex.owner, Stretch):
            stretch = vertex.owner
            step["title"] = f"{stretch.name} is stretched"
            step["notes"] = [f"{stretch.name} has shape {tuple(stretch.source.shape)} and is "
                             f"repeated along {stretch.dims_in_words()}, to shape {stretch.shape}. "
                             f"No memory is used for the copies."]
        elif isinstance(vertex.owner, Node):
            step["formula"] = formula(vertex.owner.primitive)
            step["created"] = calling_line(vertex.owner)
            if vertex.title != vertex.owner.primitive.name:
                step["notes"] = [f"The primitive behind {vertex.title} is "
                                 f"{vertex.owner.primitive.name}."]
        else:
            step["notes"] = [contents(vertex)]
        if vertex.value is None:
            step["notes"].append(f"Its value, {shape_text(vertex.shape)}, was not recorded.")
        else:
            step["result"] = array_data(vertex.value)
        return step

    def _input(self, e: int) -> dict:
        edge = self.model.edges[e]
        vertex = self.model.vertices[edge.source]
        known = vertex.value is not None
        small = known and (not is_array(vertex.value) or vertex.value.size <= SMALL)
        table = known and not small and is_table(vertex.value)
        name = self._value_of(edge.source) if vertex.kind != "constant" else vertex.title
        text = numbers(vertex.value) if small else shape_text(vertex.shape)
        shown = describe(vertex.value) if table else ""
        return {"name": name, "text": "" if shown.startswith(text + ":") else text,
                "kind": vertex.kind, "small": small, "table": shown}

    # -- backward

    def _turn(self, first: Step) -> dict:
        """The forward pass is done; the gradient of the loss with respect to itself."""
        root = len(self.model.vertices) - 1
        vertex, symbol = self.model.vertices[root], self.symbol
        value = f" = {numbers(vertex.value)}" if vertex.value.size <= SMALL else ""
        seed = {"target": root, "edge": -1, "of": 1, "path": 1,
                "totalShort": gradient_text(first.gradient), "short": ""}
        return {"phase": "turn", "vertex": None, "title": "The turn", "saved": [], "sent": [seed],
                "gradientTitle": f"∂{symbol}/∂{symbol}", "gradient": array_data(first.gradient),
                "notes": [f"The forward pass is done: {symbol}{value}.",
                          "The backward pass goes upwards and visits each operation once, when the "
                          "gradient of its result is complete. It starts with the derivative of "
                          f"{symbol} with respect to itself."]}

    def _summary(self) -> list[str]:
        """The outcome of the measurements, in one sentence."""
        counts = Counter(kind for kind, _ in self.kinds)
        if not counts:
            return []
        total = sum(counts.values())
        said = []
        if self.unmeasured:
            said.append(f"{self.unmeasured} of {total + self.unmeasured} gradients are not "
                        f"measured: it would take too long, or they have no elements.")
        if counts["agrees"] == total:
            return [f"✓ All {total} gradients below that are measured agree." if self.unmeasured
                    else f"✓ All {total} gradients below agree with measured ones.", *said]
        for kind, words in (("differs", "do not agree with measured ones"),
                               ("kink", "are taken at a kink"),
                               ("undefined", "are not numbers, or their measurement is not")):
            steps = [str(step) for found, step in self.kinds if found == kind]
            if steps:
                said.append(f"{MARKS[kind]} {len(steps)} of {total} gradients {words}: step "
                            + ", ".join(steps[:12]) + (" …" if len(steps) > 12 else "") + ".")
        return said

    def _backward(self, step: Step, vertex: int) -> dict:
        called = self._value_of(vertex)
        measured = self.replay.measure(step.node, step.gradient)
        if measured is None:
            self.unmeasured += 1
        else:
            self.kinds.append((measured.kind, len(self.steps)))
        sent = [self._sent(step, rule, one, vertex, measured)
                for rule, one in enumerate(step.sent)]
        summed = f", the sum of {step.paths} paths" if step.paths > 1 else ""
        shown: dict[str, Any] = {
            "phase": "backward", "vertex": vertex, "title": title_of(self.model.vertices[vertex]),
            "formula": step.formula, "created": calling_line(step.node), "notes": [],
            "gradientTitle": f"{self._derivative(called)} is complete{summed}",
            "gradient": array_data(step.gradient), "sent": sent,
            "measured": self._measured(measured, called),
            "saved": [saved_text(saved) for saved in step.saved],
            "savedBytes": f"{step.saved_bytes:,} bytes"}
        if isinstance(step.node, Stretch):
            shown["title"] = step.node.in_words()
            shown["notes"] = [f"Every copy of {step.node.name} moved {self.symbol}, so their "
                              f"gradients add up."]
        elif isinstance(step.node, Tensor):
            shown["title"] = called if called == "the leaf" else f"leaf {called}"
            shown["notes"] = [f"{called} was made by the user, so the pass ends here; backward() "
                              f"adds this to .grad."]
        return shown

    def _value_of(self, i: int) -> str:
        """A name for the value of a box: the user's name, or "the result of" its operation."""
        vertex = self.model.vertices[i]
        if isinstance(vertex.owner, Stretch):
            return "the stretched " + vertex.owner.name.removeprefix("the ")
        if vertex.kind == "leaf":
            return "the leaf" if vertex.title == "leaf" else vertex.title
        return vertex.name or f"the result of {vertex.title}"

    def _derivative(self, called: str) -> str:
        return f"∂{self.symbol}/∂{called}" if " " not in called else f"∂{self.symbol}/∂({called})"

    def _sent(self, step: Step, rule: int, sent: Sent, vertex: int, whole: Measured | None) -> dict:
        target = self.places[key_of(sent.target)]
        self.received[target] += 1
        path, of = self.received[target], self.paths[target]
        to = self._value_of(target)
        # One operand of one operation, before or after it was stretched; where no other path leads
        # to the target, its value is nudged instead.
        call, number = (step.node.node, step.node.rule) if isinstance(step.node, Stretch) \
            else (step.node, rule)
        assert isinstance(call, Node)
        place: Any = (call, call.plan.inputs[number])
        if of == 1 or isinstance(sent.target, Stretch):
            place = sent.target
        measured = self.replay.measure(place, sent.gradient)
        shown: dict[str, Any] = {
            "name": "" if isinstance(step.node, Stretch) else sent.name,
            "operation": step.public_name, "rule": sent.rule.text, "place": sent.rule.place,
            "to": to, "target": target, "edge": self.edge_of[vertex, rule], "path": path, "of": of,
            "gradient": array_data(sent.gradient), "short": plain(sent.gradient),
            "flow": plain(sent.gradient, max_size=1),
            "before": None if sent.before is None else plain(sent.before),
            "totalPlain": plain(sent.total), "totalShort": gradient_text(sent.total),
            "formula": self._formula(step, sent, to), "with": numbers_used(step, sent),
            "measured": self._measured(measured, to)}
        if measured is not None and measured.kind == "differs" and whole is not None \
                and whole.kind == "agrees":
            shown["measured"]["text"] += f". What arrived was right, so the rule of " \
                                         f"{step.public_name} is wrong."
        return shown

    def _formula(self, step: Step, sent: Sent, to: str) -> str:
        if not sent.formula:
            return ""
        text = f"{self._derivative(to)} = {sent.formula}"
        values = scalars(step, sent)
        if values:
            text += f" = {rule_formula(sent.rule, values)} = {numbers(sent.gradient)}"
        return text

    def _measured(self, measured: Measured | None, name: str) -> dict | None:
        if measured is None:
            return None
        return {"kind": measured.kind, "mark": MARKS[measured.kind],
                "text": nudge_in_words(measured.telling, name, self.symbol),
                "slopes": "" if measured.slopes is None or measured.slopes.size < 2
                else describe(measured.slopes)}

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
        return {"phase": "backward", "vertex": vertex, "title": title_of(box), "formula": "",
                "created": "", "notes": [contents(box)], "leaves": [], "saved": [],
                "gradientTitle": f"∂{self.symbol}/∂result of its last operation",
                "gradient": array_data(members[0].gradient), "sent": shown, "measured": None}

    def _flow(self, vertex: int, target: int, gradients: list[Any]) -> dict:
        size = float(np.sqrt(sum(float((np.abs(g.astype(np.float64)) ** 2).sum())
                                 for g in gradients)))
        text = f"‖{size:.4g}‖"
        return {"name": "", "operation": "", "rule": "", "place": "", "to": self._value_of(target),
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
    """The structure that all passes through a graph share: its boxes, without values."""
    return {"vertices": [{"kind": vertex.kind, "shape": shape_text(vertex.shape)}
                         for vertex in model.vertices],
            "edges": [[edge.port, edge.ports] for edge in model.edges]}

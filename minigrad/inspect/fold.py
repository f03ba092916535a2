"""Fold a large graph: operations of one module, or neighbours in time, become one box."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from minigrad.core.graph import Node
from minigrad.inspect.model import Edge, Model, Vertex
from minigrad.inspect.record import record_of

MAX_BOXES = 300     # operations; a larger picture could not be read
FEW = 40            # boxes to aim for, if one level of modules has too few and the next too many

Path = tuple[tuple[str, str], ...]


def folded(model: Model, names: dict[int, str], max_boxes: int = MAX_BOXES) -> Model:
    """The model with at most `max_boxes` boxes of operations.

    Operations that ran one after the other within one module are one group, at the finest level of
    modules that has few enough groups; if those are very few, neighbouring modules of the next
    level are grouped instead. Where modules are unknown, neighbours in the order of computation are
    one group. Leaves and constants that only one group uses are part of it.
    """
    operations = [vertex for vertex in model.vertices if vertex.kind == "operation"]
    if len(operations) <= max_boxes:
        return model
    nodes = [vertex.owner for vertex in operations if isinstance(vertex.owner, Node)]
    runs = _runs(nodes, _paths(nodes, names), max_boxes)
    return _Folder(model, runs).model


def _paths(nodes: Sequence[Node], names: dict[int, str]) -> list[Path]:
    """The modules that each operation was made in, as recorded or by the parameters it uses."""
    paths: list[Path] = []
    for node in nodes:
        recorded = record_of(node)
        if recorded is not None:
            paths.append(recorded.modules)
            continue
        owners = [names.get(id(parent), "").rpartition(".")[0] for parent in node.parents]
        owner = next(filter(None, owners), "")
        if owner:
            paths.append(tuple([(part, "") for part in owner.split(".")]))
        else:       # relu, sums … go with what came before
            paths.append(paths[-1] if paths else ())
    return paths


Run = tuple[Path, list[Node]]


def _runs(nodes: Sequence[Node], paths: Sequence[Path], most: int) -> list[tuple[str, list[Node]]]:
    """Neighbours with a title for each group, at most `most` of them."""
    runs: list[Run] = [((*path, (f"operation {i}", "")), [node])
                       for i, (node, path) in enumerate(zip(nodes, paths))]
    depth = max(map(len, paths)) + 1
    while len(runs) > most and depth:
        depth -= 1
        finer, runs = runs, [(key, [node for node, _ in run]) for key, run in
                             groupby(zip(nodes, paths), key=lambda pair: pair[1][:depth])]
    few = min(FEW, most)
    if few // 2 <= len(runs) <= most:
        return [(_title(key), members) for key, members in runs]
    return _joined(finer, depth, max(few - len(runs), 1))


def _joined(runs: Sequence[Run], depth: int, most: int) -> list[tuple[str, list[Node]]]:
    """Neighbouring modules joined, but only those of one module at `depth`."""
    size = -(-len(runs) // most)
    joined = []
    for _, siblings in groupby(runs, key=lambda run: run[0][:depth]):
        inner = list(siblings)
        for i in range(0, len(inner), size):
            part = inner[i:i + size]
            first, last = part[0][0], part[-1][0]
            title = _title(first) if len(part) == 1 else f"{_name(first)} … {_name(last)}"
            joined.append((title, [node for _, members in part for node in members]))
    return joined


def _title(path: Path) -> str:
    if not path:
        return "outside of modules"
    name, kind = _name(path), path[-1][1]
    return f"{name} ({kind})" if name and kind else name or kind


def _name(path: Path) -> str:
    return ".".join(part for part, _ in path if part)


class _Folder:
    """Builds the folded model."""

    def __init__(self, model: Model, runs: list[tuple[str, list[Node]]]) -> None:
        self.old = model
        self.group_of: dict[int, int] = {}      # old vertex → number of the run
        index = model.index()
        for number, (_, members) in enumerate(runs):
            for node in members:
                self.group_of[index[id(node)]] = number
        self._absorb()
        self.model = Model([], [], folded=sum(len(members) for _, members in runs))
        self.places: dict[int, int] = {}        # old vertex → new vertex
        self._add_vertices(runs)
        self._add_edges()

    def _absorb(self) -> None:
        """Put leaves and constants that only one group uses into it, and all stretches."""
        users: dict[int, set[int | None]] = {}
        for edge in reversed(self.old.edges):       # of a stretch, its operation comes first
            source, group = edge.source, self.group_of.get(edge.target)
            users.setdefault(source, set()).add(group)
            if self.old.vertices[source].kind == "operation":
                continue
            if len(users[source]) == 1 and group is not None:
                self.group_of[source] = group
            else:
                self.group_of.pop(source, None)

    def _add_vertices(self, runs: list[tuple[str, list[Node]]]) -> None:
        """Add first the leaves and constants in no group, then the groups, in their order."""
        for i, vertex in enumerate(self.old.vertices):
            if i not in self.group_of:
                self.places[i] = self._append(vertex)
        within: dict[int, list[int]] = {}
        for i, group in sorted(self.group_of.items()):
            within.setdefault(group, []).append(i)
        for group, (title, _) in enumerate(runs):
            olds = [self.old.vertices[i] for i in within[group]]
            result = [vertex for vertex in olds if vertex.kind == "operation"][-1]
            place = self._append(Vertex(
                "group", title, result.shape, result.dtype, result.name, result.value,
                members=[vertex.owner for vertex in olds if vertex.owner is not None]))
            self.places.update((i, place) for i in within[group])

    def _append(self, vertex: Vertex) -> int:
        self.model.vertices.append(vertex)
        return len(self.model.vertices) - 1

    def _add_edges(self) -> None:
        """One edge between two boxes, however many there were."""
        found: dict[tuple[int, int], Edge] = {}
        for edge in self.old.edges:
            ends = self.places[edge.source], self.places[edge.target]
            if ends[0] == ends[1]:
                continue
            if ends not in found:
                found[ends] = Edge(*ends, name="", rule=edge.rule)
            elif edge.rule is not None:
                found[ends].rule = edge.rule
        by_target: dict[int, list[Edge]] = {}
        for edge in found.values():
            by_target.setdefault(edge.target, []).append(edge)
        for edges in by_target.values():
            for port, edge in enumerate(edges):
                edge.port, edge.ports = port, len(edges)
        self.model.edges = list(found.values())

"""Lay out the boxes of a graph: rows by depth, few crossings, straight lines.

The layered method of Sugiyama, Tagawa and Toda, "Methods for visual understanding of
hierarchical system structures" (1981): (1) put every vertex into a row above those computed
from it, (2) split long edges at each row, (3) order each row by the mean positions of its
neighbours, in sweeps down and up, (4) move boxes sideways towards their neighbours without changing
the order.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 8
ROW_GAP = 52.0          # pixels between rows
BOX_GAP = 26.0          # pixels between boxes of a row
BEND = 14.0             # width of a passing edge in a row
PORTS = 0.7             # the part of a box's width over which the edges enter it


@dataclass
class Placed:
    """A finished layout, in pixels; the origin is the upper left corner.

    Attributes
    ----------
    centers : (x, y) of each vertex.
    paths : the points of each edge, from its source to its target.
    width, height : of the whole drawing.
    """

    centers: list[tuple[float, float]]
    paths: list[list[tuple[float, float]]]
    width: float
    height: float


def place(sizes: Sequence[tuple[float, float]],
          edges: Sequence[tuple[int, int, float]]) -> Placed:
    """Lay out a graph whose edges lead from earlier to later vertices.

    Parameters
    ----------
    sizes : (width, height) of each box, in pixels.
    edges : (source, target, port): indices of vertices, and where the edge enters the target,
        from −½ (left end of the box) to ½ (right end).
    """
    rows_of = _rows_of(len(sizes), edges)
    widths = [width for width, _ in sizes]
    chains, pieces = _cut(edges, rows_of, widths)
    rows: list[list[int]] = [[] for _ in range(max(rows_of) + 1)]
    for vertex, row in enumerate(rows_of):
        rows[row].append(vertex)
    rows = _ordered(rows, pieces, len(widths))
    x = _sideways(rows, pieces, widths)
    y = _heights(rows, sizes)
    margin = 12.0
    left = min(x[v] - widths[v] / 2 for v in range(len(widths))) - margin
    right = max(x[v] - left + widths[v] / 2 for v in range(len(widths))) + margin
    points = [(x[v] - left, y[rows_of[v]] + margin) for v in range(len(widths))]
    paths = []
    for (source, target, port), chain in zip(edges, chains):
        (sx, sy), (tx, ty) = points[source], points[target]
        paths.append([(sx, sy + sizes[source][1] / 2), *[points[bend] for bend in chain],
                      (tx + port * widths[target] * PORTS, ty - sizes[target][1] / 2)])
    bottom = max(points[v][1] + sizes[v][1] / 2 for v in range(len(sizes)))
    return Placed(points[:len(sizes)], paths, right, bottom + margin)


def _rows_of(count: int, edges: Sequence[tuple[int, int, float]]) -> list[int]:
    """Rows by the longest path to the end: each vertex is just above its first use."""
    below = [0] * count         # rows between a vertex and the last row
    for source, target, _ in sorted(edges, key=lambda edge: edge[1], reverse=True):
        below[source] = max(below[source], below[target] + 1)
    return [max(below) - distance for distance in below]


def _cut(edges: Sequence[tuple[int, int, float]], rows_of: list[int], widths: list[float]
         ) -> tuple[list[list[int]], list[tuple[int, int, float]]]:
    """Add bends (as vertices) to edges over several rows; return them and edges from row to row."""
    chains: list[list[int]] = []
    pieces: list[tuple[int, int, float]] = []
    for source, target, port in edges:
        chain = []
        for row in range(rows_of[source] + 1, rows_of[target]):
            chain.append(len(rows_of))
            rows_of.append(row)
            widths.append(BEND)
        chains.append(chain)
        stops = [source, *chain, target]
        pieces.extend((a, b, port if b == target else 0.0) for a, b in pairwise(stops))
    return chains, pieces


# ------------------------------------------------------------------ the order in each row


def _ordered(rows: list[list[int]], pieces: list[tuple[int, int, float]], count: int
             ) -> list[list[int]]:
    """Rows in the best order after sweeps of the barycentre method, up and down."""
    above: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    below: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    for source, target, port in pieces:
        above[target].append((source, 0.0))
        below[source].append((target, port))
    best, fewest = [list(row) for row in rows], _crossings(rows, pieces)
    for sweep in range(2 * SWEEPS):
        upward = sweep % 2 == 0
        neighbours = below if upward else above
        position = _positions(rows)
        for row in reversed(rows) if upward else rows:
            _sort_row(row, neighbours, position)
        crossings = _crossings(rows, pieces)
        if crossings < fewest or sweep == 0:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _positions(rows: list[list[int]]) -> dict[int, int]:
    return {vertex: i for row in rows for i, vertex in enumerate(row)}


def _sort_row(row: list[int], neighbours: list, position: dict[int, int]) -> None:
    """Sort by the mean position of the neighbours; a vertex without any keeps its position."""
    def mean(vertex: int) -> float:
        others = neighbours[vertex]
        if not others:
            return position[vertex]
        return sum(position[v] + port for v, port in others) / len(others)

    row.sort(key=mean)
    position.update((vertex, i) for i, vertex in enumerate(row))


def _crossings(rows: list[list[int]], pieces: list[tuple[int, int, float]]) -> int:
    """Number of crossing pairs of edges: inversions of their lower ends, row by row."""
    position = _positions(rows)
    row_of = {vertex: i for i, row in enumerate(rows) for vertex in row}
    by_row: dict[int, list] = {}
    for source, target, port in pieces:
        by_row.setdefault(row_of[source], []).append((position[source], position[target] + port))
    total = 0
    for ends in by_row.values():
        seen: list[float] = []
        for _, end in sorted(ends, reverse=True):
            total += bisect_left(seen, end)
            insort(seen, end)
    return total


# ----------------------------------------------------------------------- coordinates


def _sideways(rows: list[list[int]], pieces: list[tuple[int, int, float]], widths: list[float]
              ) -> list[float]:
    """x of every vertex: each row moves as close to its neighbours as its order allows."""
    x = [0.0] * len(widths)
    above: list[list[tuple[int, float]]] = [[] for _ in widths]
    below: list[list[tuple[int, float]]] = [[] for _ in widths]
    for source, target, port in pieces:
        above[target].append((source, -PORTS * port * widths[target]))
        below[source].append((target, PORTS * port * widths[target]))
    for row in rows:
        _spread(row, [0.0] * len(row), x, widths)
    for sweep in range(4 * SWEEPS):
        for row in rows if sweep % 2 else reversed(rows):
            _spread(row, [_preferred(v, above[v] + below[v], x) for v in row], x, widths)
    for row in reversed(rows):      # finally upwards, so that chains of operations are straight
        _spread(row, [_preferred(v, below[v], x) for v in row], x, widths)
    return x


def _preferred(vertex: int, others: list[tuple[int, float]], x: list[float]) -> float:
    """Preferred position of a vertex: the mean of its neighbours."""
    return sum(x[v] + shift for v, shift in others) / len(others) if others else x[vertex]


def _spread(row: list[int], preferred: list[float], x: list[float], widths: list[float]) -> None:
    """Positions nearest to `preferred` (least squares) without overlap.

    Isotonic regression by pooling adjacent violators: boxes that would overlap form a block, which
    is placed at the mean of its members' preferred positions.
    """
    offsets = [0.0]
    for a, b in pairwise(row):
        offsets.append(offsets[-1] + (widths[a] + widths[b]) / 2 + BOX_GAP)
    blocks: list[list[float]] = []          # [sum of preferred positions, members]
    for position, offset in zip(preferred, offsets):
        blocks.append([position - offset, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, members = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += members
    starts = [total / members for total, members in blocks for _ in range(int(members))]
    for vertex, start, offset in zip(row, starts, offsets):
        x[vertex] = start + offset


def _heights(rows: list[list[int]], sizes: Sequence[tuple[float, float]]) -> list[float]:
    """y of the middle of each row."""
    middles, y = [], 0.0
    for row in rows:
        tallest = max((sizes[v][1] for v in row if v < len(sizes)), default=0.0)
        middles.append(y + tallest / 2)
        y += tallest + ROW_GAP
    return middles

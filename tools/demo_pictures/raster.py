"""The visible surface of each pixel: a depth-buffer rasteriser for flat polygons and small leaves.

Both kinds of view, the camera's (perspective) and the sun's (parallel), share one property: over a
flat polygon, the *nearness* (1/z for the camera, -z for the sun) is an affine function of the
pixel. So three numbers per polygon are enough to compare depths.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

NEAR = 0.5  # metres; polygons are clipped at this distance from the camera


@dataclass
class Mesh:
    """Flat convex polygons and leaves, with the data that the shader needs.

    A polygon's first edge is the u axis of its texture; v is at right angles to it. `extra` holds
    (width, eave height, gable rise, random key), from which a facade places its windows.
    """

    corners: list[np.ndarray] = field(default_factory=list)
    normals: list[np.ndarray] = field(default_factory=list)
    materials: list[int] = field(default_factory=list)
    tints: list[tuple[float, float, float]] = field(default_factory=list)
    extras: list[tuple[float, float, float, float]] = field(default_factory=list)
    leaf_centres: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    leaf_normals: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    leaf_tints: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    leaf_radii: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    def add(self, corners, material: int, tint, extra=(1.0, 0.0, 0.0, 0.0)) -> None:
        """Add one convex polygon, corners in order around it, metres."""
        corners = np.asarray(corners, float)
        # Newell's sum is the area vector. It allows doubled corners, which tapered strips have.
        following = np.roll(corners, -1, axis=0)
        normal = np.cross(corners - corners[0], following - corners[0]).sum(0)
        length = np.linalg.norm(normal)
        if length < 1e-9:
            return
        self.corners.append(corners)
        self.normals.append(normal / length)
        self.materials.append(material)
        self.tints.append(tuple(tint))
        self.extras.append(tuple(extra))

    def add_leaves(self, centres, normals, tints, radius: float) -> None:
        """Add many leaves: small discs that always face the viewer, shaded with `normals`."""
        self.leaf_centres = np.concatenate([self.leaf_centres, centres.astype(np.float32)])
        self.leaf_normals = np.concatenate([self.leaf_normals, normals.astype(np.float32)])
        self.leaf_tints = np.concatenate([self.leaf_tints, tints.astype(np.float32)])
        radii = np.full(len(centres), radius, np.float32)
        self.leaf_radii = np.concatenate([self.leaf_radii, radii])


class Camera:
    """Perspective view along +z in which vertical lines stay vertical, as in architecture.

    `flip=-1` views the world mirrored in the water plane y = 0, for reflections.
    """

    def __init__(self, width, height, position, focal, horizon, flip=1) -> None:
        self.width, self.height = width, height
        self.position = np.asarray(position, float)
        self.focal, self.horizon, self.flip = focal, horizon, flip

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points (..., 3) to pixel column, pixel row and nearness."""
        z = points[..., 2] - self.position[2]
        column = self.width / 2 + self.focal * (points[..., 0] - self.position[0]) / z
        rise = self.flip * points[..., 1] - self.position[1]
        return column, self.horizon - self.focal * rise / z, 1 / z

    def plane(self, normal: np.ndarray, point: np.ndarray) -> tuple[float, float, float]:
        """Nearness over the plane as  a·column + b·row + c."""
        n = normal * (1, self.flip, 1)
        distance = n @ (point * (1, self.flip, 1) - self.position)
        distance = distance if abs(distance) > 1e-9 else 1e-9
        a, b = n[0] / self.focal / distance, -n[1] / self.focal / distance
        return a, b, n[2] / distance - a * self.width / 2 - b * self.horizon

    def behind(self, points: np.ndarray) -> np.ndarray:
        """Which points (..., 3) lie behind the near plane."""
        return points[..., 2] - self.position[2] < NEAR

    def clip(self, corners: np.ndarray) -> np.ndarray:
        """Clip a polygon at the near plane (Sutherland and Hodgman, one plane)."""
        depth = corners[:, 2] - self.position[2] - NEAR
        inside = []
        for k in range(len(corners)):
            if depth[k - 1] * depth[k] < 0:
                share = depth[k - 1] / (depth[k - 1] - depth[k])
                inside.append(corners[k - 1] + share * (corners[k] - corners[k - 1]))
            if depth[k] >= 0:
                inside.append(corners[k])
        return np.array(inside).reshape(-1, 3)

    def pixels_per_metre(self, nearness: np.ndarray) -> np.ndarray:
        return self.focal * nearness

    def rays(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Directions (N, 3) through pixel centres, in true world space, with z component 1."""
        x = (column + 0.5 - self.width / 2) / self.focal
        y = self.flip * (self.horizon - row - 0.5) / self.focal
        return np.stack([x, y, np.ones_like(x)], -1)

    def eye(self) -> np.ndarray:
        return self.position * (1, self.flip, 1)


class ParallelView:
    """View along parallel rays, from a distant light to a ball around `centre`."""

    def __init__(self, side: int, to_light, centre, radius: float) -> None:
        self.width = self.height = side
        forward = -np.asarray(to_light, float) / np.linalg.norm(to_light)
        right = np.cross((0.0, 1.0, 0.0), forward)
        right /= np.linalg.norm(right)
        self.axes = np.stack([right, np.cross(forward, right), forward])
        self.centre, self.scale = np.asarray(centre, float), side / (2 * radius)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        local = (points - self.centre) @ self.axes.T
        half = self.width / 2
        return half + self.scale * local[..., 0], half - self.scale * local[..., 1], -local[..., 2]

    def plane(self, normal: np.ndarray, point: np.ndarray) -> tuple[float, float, float]:
        right, up, forward = self.axes @ normal
        forward = forward if abs(forward) > 1e-9 else 1e-9
        a, b = right / forward / self.scale, -up / forward / self.scale
        offset = normal @ (point - self.centre) / forward
        return a, b, -offset - (a + b) * self.width / 2

    def behind(self, points: np.ndarray) -> np.ndarray:
        return np.zeros(points.shape[:-1], bool)

    def pixels_per_metre(self, nearness: np.ndarray) -> np.ndarray:
        return np.full_like(nearness, self.scale)


def rasterise(mesh: Mesh, view, empty: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw everything into a depth buffer.

    Returns
    -------
    nearness : (H, W) float32, `empty` where nothing is seen.
    index : (H, W) int32, the polygon seen, or the number of polygons + the leaf, or -1.
    """
    nearness = np.full((view.height, view.width), empty, np.float32)
    index = np.full((view.height, view.width), -1, np.int32)
    for k, x, y in _outlines(mesh, view):
        _fill(x, y, view.plane(mesh.normals[k], mesh.corners[k][0]), k, nearness, index)
    _splat(mesh, view, nearness, index)
    return nearness, index


def _outlines(mesh: Mesh, view) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Number and pixel coordinates of the corners of each polygon that may be in the picture."""
    counts = np.array([len(corners) for corners in mesh.corners])
    first = np.cumsum(counts) - counts
    together = np.concatenate(mesh.corners)
    # Dividing by a z near 0 is harmless: those polygons are clipped and projected below.
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        x, y, _ = view.project(together)
    cut = np.logical_or.reduceat(view.behind(together), first)
    visible = np.ones(len(counts), bool)
    for value, limit in ((x, view.width), (y, view.height)):
        low = np.ceil(np.minimum.reduceat(value, first) - 0.5)
        high = np.floor(np.maximum.reduceat(value, first) - 0.5)
        # Too small to hold a pixel's centre, or outside the picture, in this direction.
        visible &= (np.maximum(low, 0) <= high) & (low < limit)
    for k in np.flatnonzero(visible | cut):
        if not cut[k]:
            yield int(k), x[first[k]:first[k] + counts[k]], y[first[k]:first[k] + counts[k]]
            continue
        corners = view.clip(mesh.corners[k])
        if len(corners) >= 3:
            yield int(k), *view.project(corners)[:2]


def _fill(x, y, plane, k: int, nearness, index) -> None:
    """Write one convex polygon where it is nearer than the current surface."""
    height, width = nearness.shape
    left, right = max(int(x.min()), 0), min(int(x.max()) + 1, width)
    top, bottom = max(int(y.min()), 0), min(int(y.max()) + 1, height)
    if left >= right or top >= bottom:
        return
    column = np.arange(left, right) + 0.5
    row = np.arange(top, bottom)[:, None] + 0.5
    a, b, c = plane
    depth = a * column + (b * row + c)
    inside = depth > nearness[top:bottom, left:right]
    x, y = x.tolist(), y.tolist()
    area = sum(x[i - 1] * y[i] - x[i] * y[i - 1] for i in range(len(x)))
    turn = 1 if area > 0 else -1
    for i in range(len(x)):
        # A pixel lies inside when it is on the same side of every edge as the polygon's area.
        across, along = turn * (x[i] - x[i - 1]), turn * (y[i] - y[i - 1])
        inside &= across * (row - y[i]) >= along * (column - x[i])
    nearness[top:bottom, left:right][inside] = depth[inside]
    index[top:bottom, left:right][inside] = k


def _splat(mesh: Mesh, view, nearness, index) -> None:
    """Write all leaves, as discs of whole pixels, the nearest last so that it stays."""
    x, y, depth = view.project(mesh.leaf_centres)
    radius = np.clip(mesh.leaf_radii * view.pixels_per_metre(depth), 0.5, 9.0)
    places, depths, leaves = [], [], []
    reach = int(np.ceil(radius.max())) if len(radius) else 0
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            # A leaf is slightly wider than high, which looks like foliage and not like dots.
            near = np.flatnonzero(dx * dx + 1.6 * dy * dy <= radius * radius)
            column, row = x[near].astype(int) + dx, y[near].astype(int) + dy
            seen = (column >= 0) & (column < view.width) & (row >= 0) & (row < view.height)
            near, flat = near[seen], (row * view.width + column)[seen]
            visible = depth[near] > nearness.ravel()[flat]
            places.append(flat[visible])
            depths.append(depth[near[visible]])
            leaves.append(near[visible])
    if not places:
        return
    place, value, leaf = (np.concatenate(part) for part in (places, depths, leaves))
    order = np.argsort(value, kind="stable")
    nearness.ravel()[place[order]] = value[order]
    index.ravel()[place[order]] = len(mesh.corners) + leaf[order]

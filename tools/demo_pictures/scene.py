"""The demonstration's content picture: a town at a bend of a river, late on a summer afternoon.

Polygons and leaves are drawn into depth buffers from the camera, from its mirror image under the
water, from the sun and from a few points of the sky. The buffers of the lights determine shadows,
and the mirrored picture is what the water reflects.
"""

from __future__ import annotations

import numpy as np

from tools.demo_pictures import surfaces, town
from tools.demo_pictures.landscape import SKYLIGHT, SUNLIGHT, TO_SUN, hazed, hill_depth, hills, sky
from tools.demo_pictures.noise import Noise, mix, ramp
from tools.demo_pictures.raster import Camera, Mesh, ParallelView, rasterise

EYE = np.array([3.0, 6.4, 0.0])
FOCAL = 0.86  # of the picture's width
HORIZON = 0.545  # of the picture's height, from the top
SAMPLES = 2  # per pixel, in each direction


def build_world(seed: int, detail: float = 1.0) -> Mesh:
    """Town, bridge, boats and trees; the seed chooses houses and trees, not the composition.

    `detail` below 1 gives the trees fewer and larger leaves, for small pictures.
    """
    rng = np.random.default_rng(seed)
    mesh, bank = Mesh(), town.Bank()
    _ground(mesh, bank)
    town.row(mesh, rng, bank, 5.0, town.QUAY_HEIGHT, 6, 210, (6.5, 11.0))
    town.row(mesh, rng, bank, 21.0, 4.5, 30, 230, (7.0, 10.0), gaps=3)
    town.row(mesh, rng, bank, 38.0, 9.0, 40, 230, (6.5, 10.0), gaps=7)
    town.row(mesh, rng, bank, 58.0, 15.0, 50, 240, (6.0, 9.0), gaps=12)
    _, along, inward = bank.frame(104)
    town.church(mesh, bank.point(104, 25, 4.0), along, inward)
    _, along, inward = bank.frame(60)
    town.bridge(mesh, bank.point(60, 0, 0), -inward, along, town.RIVER_WIDTH)
    _plant(mesh, rng, bank, detail)
    for along_quay in (20, 30, 40, 50):
        town.lamp(mesh, bank.point(along_quay, 0.9, town.QUAY_HEIGHT))
    for s, out, turn, length, tint in (
        (17, 1.6, 0.10, 4.6, (0.10, 0.24, 0.36)), (22.5, 1.5, 0.02, 4.2, (0.50, 0.10, 0.06)),
        (30, 1.5, 0.12, 4.8, (0.16, 0.30, 0.20)), (38, 1.6, 0.1, 4.5, (0.62, 0.55, 0.42)),
        (24, 12.5, 0.75, 5.0, (0.48, 0.13, 0.07)), (47, 9.0, -0.5, 4.8, (0.12, 0.20, 0.32)),
    ):
        town.boat(mesh, bank.point(s, -out, 0), turn + bank.frame(s)[1][0], length, tint)
    return mesh


def _ground(mesh: Mesh, bank: town.Bank) -> None:
    """Quays and the rising land behind them on the left, a grassy bank on the right."""
    quay, paved, green = town.QUAY_HEIGHT, (0.52, 0.46, 0.38), (0.115, 0.135, 0.045)
    town.strip(mesh, bank, (0, -0.5), (0, quay), town.STONE, town.STONE_TINT)
    town.strip(mesh, bank, (-0.12, quay), (0.35, quay + 0.22), town.STONE, (0.62, 0.56, 0.46))
    levels = ((0.35, quay), (5, quay), (18, 4.5), (34, 9), (54, 15), (90, 22), (260, 24))
    for k in range(len(levels) - 1):
        material, tint = (town.PAVING, paved) if k == 0 else (town.GRASS, green)
        town.strip(mesh, bank, levels[k], levels[k + 1], material, tint)
    right = -town.RIVER_WIDTH
    slope = ((right, -0.3), (right - 1.5, 0.9), (right - 5, 1.7))
    for k in range(len(slope) - 1):
        town.strip(mesh, bank, slope[k], slope[k + 1], town.GRASS, green)
    # The land inside the bend is a fan: strips there would fold over each other.
    pivot = (70.0, 2.6, 10.0)
    for at in np.arange(0.0, 200.0, 8.0):
        edge = [bank.point(at + step, right - 5, 1.7) for step in (0, 8)]
        mesh.add([*edge, pivot], town.GRASS, green)


def _plant(mesh: Mesh, rng, bank: town.Bank, detail: float) -> None:
    """Trees along the right bank, in the gardens on the slope, and a few on the quay."""

    def grow(foot, height: float, spread: float, tint, leaves: int) -> None:
        town.tree(mesh, rng, foot, height, spread, tint, int(leaves * detail), detail**-0.5)

    greens = ((0.13, 0.19, 0.04), (0.10, 0.16, 0.045), (0.19, 0.22, 0.05), (0.26, 0.22, 0.05))
    right = -town.RIVER_WIDTH
    for s, inland, height in ((23, 4.5, 13), (32, 8, 10), (39, 4.5, 11), (47, 13, 12), (57, 10, 11),
                              (68, 5, 13), (78, 4, 11), (90, 6, 13), (104, 5, 12)):
        foot = bank.point(s, right - inland, 1.4)
        tint = np.array(greens[rng.integers(4)])
        grow(foot, height * rng.uniform(0.9, 1.1), height * 0.34, tint, 2_200_000 // (s + 40))
    for _ in range(46):
        at, depth = rng.uniform(45, 230), rng.choice([17.0, 33.0, 52.0, 70.0, 90.0])
        ground = np.interp(depth, (5, 54, 90), (2, 15, 22))
        foot = bank.point(at, depth + rng.uniform(-1, 1), ground)
        height = rng.uniform(6, 10)
        grow(foot, height, height * 0.36, greens[rng.integers(4)], 3500)
    for at in np.arange(12, 60, 0.8):
        # Reeds and bushes hide the line where the right bank meets the water.
        foot = bank.point(at, right - rng.uniform(0.2, 1.6), 0.2)
        grow(foot, rng.uniform(1.2, 2.6), 0.9, greens[rng.integers(4)], 500)


class Lights:
    """Sun shadows, and the part of the sky that each point sees, from parallel depth buffers."""

    def __init__(self, mesh: Mesh, side: int) -> None:
        centre, radius = (14.0, 8.0, 78.0), 112.0
        self.sun = self._look(mesh, ParallelView(side, TO_SUN, centre, radius))
        angles = np.radians(np.arange(6) * 60 + 20)
        directions = [(np.cos(a), 0.75, np.sin(a)) for a in angles] + [(0.05, 1.0, 0.02)]
        self.sky = [self._look(mesh, ParallelView(max(side // 3, 64), d, centre, radius))
                    for d in directions]

    @staticmethod
    def _look(mesh: Mesh, view: ParallelView):
        return view, rasterise(mesh, view, -1e9)[0]

    @staticmethod
    def _seen(look, point: np.ndarray, bias: float) -> np.ndarray:
        """Share (N,) of a pixel's neighbourhood in which nothing lies nearer to the light."""
        view, nearness = look
        x, y, depth = view.project(point)
        total = np.zeros(len(point), np.float32)
        for dx, dy in ((-0.5, -0.2), (0.2, -0.5), (0.5, 0.2), (-0.2, 0.5)):
            column = np.clip((x + dx).astype(int), 0, view.width - 1)
            row = np.clip((y + dy).astype(int), 0, view.height - 1)
            total += depth + bias > nearness[row, column]
        return total / 4

    def irradiance(self, point: np.ndarray, normal: np.ndarray, leafy: np.ndarray) -> np.ndarray:
        """Light (N, 3) that falls on points with these normals: sun, sky, and light from below."""
        raised = point + 0.12 * normal
        facing = normal @ TO_SUN
        # Leaves let light through, so their terminator is soft.
        facing = np.where(leafy, 0.30 + 0.70 * facing, facing)
        direct = np.clip(facing, 0, None) * self._seen(self.sun, raised, 0.12)
        visible = sum(self._seen(look, raised + 0.3 * normal, 0.35) for look in self.sky)
        openness = 0.12 + 0.88 * visible / len(self.sky)
        dome = openness * (0.62 + 0.38 * normal[:, 1])
        bounce = 0.16 * openness * (1 - normal[:, 1])
        return (SUNLIGHT * direct[:, None] + SKYLIGHT * dome[:, None]
                + np.array([1.0, 0.85, 0.62]) * bounce[:, None])


class Renderer:
    """Shades the visible surfaces: polygons, leaves, hills or sky."""

    def __init__(self, mesh: Mesh, lights: Lights, noise: Noise) -> None:
        self.mesh, self.lights, self.noise = mesh, lights, noise
        self.normals = np.concatenate([np.array(mesh.normals), mesh.leaf_normals])
        self.tints = np.concatenate([np.array(mesh.tints), mesh.leaf_tints])
        leaf_material = np.full(len(mesh.leaf_centres), town.LEAF)
        self.materials = np.concatenate([np.array(mesh.materials), leaf_material])
        self.extras = np.array(mesh.extras, np.float32)
        self.origins = np.array([c[0] for c in mesh.corners])
        edges = np.array([c[1] - c[0] for c in mesh.corners])
        self.u_axes = edges / np.maximum(np.linalg.norm(edges, axis=1, keepdims=True), 1e-9)
        # Masonry and ground use world coordinates, so that strips join without a seam.
        level = np.cross((0.0, 1.0, 0.0), np.array(mesh.normals))
        size = np.linalg.norm(level, axis=1, keepdims=True)
        solid = np.isin(mesh.materials, (town.STONE, town.GRASS, town.PAVING))
        upright = solid & (size[:, 0] > 0.3)
        self.origins[solid] = 0
        self.u_axes[upright] = (level / np.maximum(size, 1e-9))[upright]
        self.v_axes = np.cross(np.array(mesh.normals), self.u_axes)
        # v runs upwards whichever way round the corners were given.
        self.v_axes *= np.where(self.v_axes[:, 1:2] < 0, -1, 1)

    def radiance(self, view: Camera, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Colours (H, W, 3) where `mask` is true, and the nearness (H, W) of the surfaces."""
        nearness, index = rasterise(self.mesh, view, 0.0)
        row, column = np.nonzero(mask)
        ray = view.rays(row, column)
        near, seen = nearness[row, column], index[row, column]
        colour = sky(ray, self.noise)
        beyond = hill_depth(view, self.noise)[row, column]
        hill = np.flatnonzero((seen < 0) & (beyond > 0))
        colour[hill] = self._hills(view, ray[hill], beyond[hill])
        solid = np.flatnonzero(seen >= 0)
        colour[solid] = self._solid(view, ray[solid], near[solid], seen[solid])
        picture = np.zeros((view.height, view.width, 3))
        picture[row, column] = colour
        return picture, nearness

    def _hills(self, view: Camera, ray: np.ndarray, nearness: np.ndarray) -> np.ndarray:
        distance = 1 / nearness
        return hazed(hills(view.eye() + ray * distance[:, None], self.noise), distance)

    def _solid(self, view: Camera, ray, nearness, seen) -> np.ndarray:
        distance = 1 / np.maximum(nearness, 1e-6)
        point = view.eye() + ray * distance[:, None]
        normal = self.normals[seen]
        leafy = self.materials[seen] == town.LEAF
        away = (np.einsum("nk,nk->n", normal, ray) > 0) & ~leafy
        normal = np.where(away[:, None], -normal, normal)
        colour = self._albedo(view, point, normal, ray, distance, seen)
        return hazed(colour * self.lights.irradiance(point, normal, leafy), distance)

    def _albedo(self, view: Camera, point, normal, ray, distance, seen) -> np.ndarray:
        colour = self.tints[seen].astype(float)
        material = self.materials[seen]
        slant = np.abs(np.einsum("nk,nk->n", normal, ray)) / np.linalg.norm(ray, axis=1)
        scale = distance / view.focal / np.clip(slant, 0.15, 1)
        for kind, paint in surfaces.PAINT.items():
            pick = np.flatnonzero(material == kind)
            face = seen[pick]
            local = point[pick] - self.origins[face]
            width, eave, rise, key = self.extras[face].T
            patch = surfaces.Patch(
                np.einsum("nk,nk->n", local, self.u_axes[face]),
                np.einsum("nk,nk->n", local, self.v_axes[face]),
                colour[pick], width, eave, rise, key, scale[pick])
            colour[pick] = paint(patch, self.noise)
        return colour


def water(view: Camera, mirrored: np.ndarray, wet: np.ndarray, noise: Noise) -> np.ndarray:
    """Colours (N, 3) of wet pixels: the mirrored picture, shaken by ripples, over dark green."""
    row, column = np.nonzero(wet)
    ray = view.rays(row, column)
    distance = -view.eye()[1] / ray[:, 1]
    point = view.eye() + ray * distance[:, None]
    x, z = point[:, 0], point[:, 2]
    # Ripples lie across the stream; patches of wind roughen the surface here and there.
    long = noise.fractal(x * 0.35, z * 1.1, 4) - 0.5
    short = noise.fractal(x * 1.6 + 50, z * 4.2, 4) - 0.5
    wind = 0.35 + 1.1 * ramp(0.42, 0.62, noise.fractal(x * 0.05 + 7, z * 0.11 + 3, 3))
    slope = (0.9 * long + 0.8 * short * np.minimum(1, 25 / distance)) * wind
    sway = (noise.fractal(x * 1.1 + 9, z * 2.3 + 5, 3) - 0.5) * wind
    reach = 0.085 * view.focal
    seen_row = np.clip(row + slope * reach, 0, view.height - 1).astype(int)
    seen_column = np.clip(column + 0.35 * sway * reach, 0, view.width - 1).astype(int)
    reflected = mirrored[seen_row, seen_column]
    steep = -ray[:, 1] / np.linalg.norm(ray, axis=1)
    share = np.clip(0.26 + 0.74 * (1 - steep - 0.5 * slope) ** 4, 0, 0.92)
    depth = np.array([0.050, 0.075, 0.055]) * (1 + 0.6 * long[:, None])
    return hazed(mix(depth, reflected, share), distance)


def develop(radiance: np.ndarray, rng) -> np.ndarray:
    """From light to a picture: glow, exposure, a film curve, a soft vignette and a little grain."""
    height, width = radiance.shape[:2]
    light = 0.57 * radiance
    y, x = np.mgrid[-1:1:height * 1j, -1:1:width * 1j]
    light = light * (1 - 0.16 * np.clip(x * x * 0.7 + y * y * 0.8 - 0.25, 0, 1))[..., None]
    curve = light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14)
    grey = curve.mean(-1, keepdims=True)
    curve = np.clip(grey + 1.16 * (curve - grey), 0, 1)
    encoded = np.clip(curve, 0, 1) ** (1 / 2.2)
    grain = rng.normal(0, 0.005, (height, width, 1))
    return (np.clip(encoded + grain, 0, 1) * 255 + 0.5).astype(np.uint8)


def draw_scene(width: int = 640, height: int = 480, seed: int = 0) -> np.ndarray:
    """Draw the content picture.

    Parameters
    ----------
    width, height : int
        Size in pixels; the composition is made for 4:3.
    seed : int
        Chooses houses, trees, clouds and ripples; the same seed gives the same bytes.

    Returns
    -------
    (height, width, 3) uint8 array, sRGB.
    """
    noise, mesh = Noise(seed + 1), build_world(seed, min(1.0, width / 480))
    w, h = width * SAMPLES, height * SAMPLES
    lights = Lights(mesh, int(np.clip(3.2 * w, 300, 2600)))
    renderer = Renderer(mesh, lights, noise)
    shape = w, h, EYE, FOCAL * w, HORIZON * h
    camera = Camera(*shape)
    picture, nearness = renderer.radiance(camera, np.ones((h, w), bool))
    below = camera.horizon - np.arange(h)[:, None] - 0.5 < 0
    surface = (np.arange(h)[:, None] + 0.5 - camera.horizon) / camera.focal / EYE[1]
    wet = below & (nearness < surface)
    mirrored, _ = renderer.radiance(Camera(*shape, flip=-1), np.ones((h, w), bool))
    picture[wet] = water(camera, mirrored, wet, noise)
    small = picture.reshape(height, SAMPLES, width, SAMPLES, 3).mean((1, 3))
    return develop(small, np.random.default_rng(seed + 2))

"""Ink: mountains in mist, a pine and a boat, in sepia washes and dry brush strokes on paper."""

from __future__ import annotations

import numpy as np

from tools.demo_pictures.brush import SPACING
from tools.demo_pictures.noise import Noise, ramp
from tools.drawings.marks import covered
from tools.drawings.shapes import ellipse, grain, mask, smooth, to_bytes

SAMPLES = 2
PAPER = np.array((0.955, 0.915, 0.835), np.float32)
# What a full load of ink lets through of each channel: sepia, warm where thin, nearly black thick.
INK = np.array((0.075, 0.045, 0.030), np.float32)


class Wash:
    """Ink on paper: how much lies on each pixel (H, W), 0 none, 1 a full load.

    Parameters
    ----------
    tooth : (H, W) heights of the paper, 0 to 1. Dry brushes touch the high spots only.
    """

    def __init__(self, tooth: np.ndarray, noise: Noise, rng) -> None:
        self.tooth, self.noise, self.rng = tooth, noise, rng
        self.height, self.width = tooth.shape
        self.ink = np.zeros(tooth.shape, np.float32)
        self.y, self.x = np.mgrid[0:self.height, 0:self.width] / np.float32(self.height)
        self.pool = noise.fractal(self.x * 4.5, self.y * 6.5, 5)
        self.broken = ramp(0.42, 0.62, noise.fractal(self.x * 7 + 5, self.y * 7, 2))

    def flood(self, inside: np.ndarray, amount, lift: float = 0.0) -> None:
        """A wet wash over a mask: uneven, with a dark rim where it dried, grainy in hollows.

        `lift` is the share of the ink below that the water takes away.
        """
        shift = self.rng.integers(self.height), self.rng.integers(self.width)
        pool, broken = (np.roll(field, shift, (0, 1)) for field in (self.pool, self.broken))
        amount = amount * (0.55 + 0.90 * pool) * (1.06 - 0.12 * self.tooth)
        soft: np.ndarray = inside.astype(np.float32)
        reach = max(int(0.0022 * self.height), 1)
        for _ in range(2):
            soft = (soft + np.roll(soft, reach, 0) + np.roll(soft, -reach, 0)
                    + np.roll(soft, reach, 1) + np.roll(soft, -reach, 1)) / 5
        rim = inside * (1 - soft) * broken
        self.ink *= 1 - lift * inside
        self.ink += np.where(inside, amount * (1 + 0.9 * rim), 0)

    def stroke(self, points, width: float, load: float, dry: float = 0.3, taper: float = 0.4
               ) -> None:
        """One stroke of a pointed brush along points in heights of the picture."""
        self.strokes([points], np.array([width]), np.array([load]), dry, taper)

    def strokes(self, lines, widths, loads, dry: float = 0.3, taper: float = 0.4) -> None:
        """Many strokes; `dry` from 0, an even line, to 1, bristles that skip."""
        paths = [_resampled(smooth(np.asarray(line) * self.height, closed=False))
                 for line in lines]
        longest = max(map(len, paths))
        used = np.array([len(path) for path in paths])
        padded = np.stack([np.concatenate([path, np.repeat(path[-1:], longest - len(path), 0)])
                           for path in paths]).astype(np.float32)
        # Wide enough for some lanes of bristles even where the brush is thin.
        wide = np.maximum(np.asarray(widths) * self.height, 1.4)
        layer = np.zeros(self.ink.size, np.float32)
        for c in covered(padded, used, wide, (self.height, self.width), taper):
            lane = c.across * 0.30 * wide[c.stroke] + 13.7 * c.stroke
            run = c.along * used[c.stroke] * SPACING / (0.045 * self.height)
            streak = self.noise.smooth(lane + 50, run + 3.1 * c.stroke)
            empty = dry * (0.25 + 0.95 * c.along)
            wet = streak * 0.75 + 0.25 * self.tooth.ravel()[c.place] > empty * 0.72
            value = np.asarray(loads)[c.stroke] * (0.70 + 0.5 * streak) * (1 - 0.3 * c.along)
            np.maximum.at(layer, c.place[wet], value[wet].astype(np.float32))
        self.ink += layer.reshape(self.ink.shape)

    def picture(self) -> np.ndarray:
        """The paper seen through the ink, (H, W, 3)."""
        paper = PAPER * (0.975 + 0.05 * self.tooth[..., None])
        stain = self.noise.fractal(self.x * 2.5 + 9, self.y * 2.5, 4)
        paper = paper * (1 - 0.07 * ramp(0.45, 0.75, stain))[..., None]
        # Light goes through the layer: by the exponent it is absorbed more in blue than in red.
        return paper * INK ** np.clip(self.ink, 0, 1.25)[..., None]


def _resampled(curve: np.ndarray) -> np.ndarray:
    step = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    at = np.linspace(0, step[-1], max(int(step[-1] / SPACING), 4))
    return np.stack([np.interp(at, step, curve[:, k]) for k in range(2)], -1)


def _peaks(wash: Wash, crest, amount: float, fade: float) -> None:
    """A range: darkest below the crest, dissolving downwards into mist, with dry folds."""
    top = crest(wash.x[0])
    depth = wash.y - top[None, :]
    wash.flood(depth > 0, amount * np.exp(-(np.clip(depth, 0, None) / fade) ** 1.4), lift=0.72)
    lines, widths, loads = [], [], []
    for x in wash.rng.uniform(-0.02, 1.27, int(150 * (amount + 0.3))):
        start = float(np.interp(x, wash.x[0], top))
        steep = float(np.interp(x + 0.02, wash.x[0], top) - np.interp(x - 0.02, wash.x[0], top))
        side = np.sign(steep) or 1.0
        y = start + wash.rng.uniform(0.002, 0.6 * fade)
        long = wash.rng.uniform(0.35, 0.95) * fade * 0.8
        lines.append([(x, y), (x + side * 0.16 * long, y + 0.4 * long),
                      (x + side * 0.30 * long + wash.rng.normal(0, 0.004), y + long)])
        widths.append(wash.rng.uniform(0.006, 0.017))
        loads.append(amount * wash.rng.uniform(0.30, 0.85) * np.exp(-(y - start) / fade))
    wash.strokes(lines, np.array(widths), np.array(loads), dry=0.85, taper=0.6)
    ridge = [np.stack([xs := np.linspace(a, a + 0.10, 9), np.interp(xs, wash.x[0], top)], -1)
             for a in np.arange(-0.05, 1.25, 0.075) if wash.rng.random() < 0.8]
    wash.strokes(ridge, wash.rng.uniform(0.004, 0.010, len(ridge)),
                 amount * wash.rng.uniform(0.5, 1.1, len(ridge)), dry=0.6)


def _sky(wash: Wash) -> None:
    """Broad wet strokes of thin ink round a pale moon, a few of them dry."""
    rng = wash.rng
    for count, width, load, dry in ((26, 0.085, 0.045, 0.35), (30, 0.045, 0.06, 0.9)):
        lines = []
        for _ in range(count):
            x, y, long = rng.uniform(-0.2, 1.0), 0.36 * rng.random() ** 1.3, rng.uniform(0.25, 0.6)
            lines.append([(x, y), (x + 0.5 * long, y + rng.normal(0, 0.012)),
                          (x + long, y - rng.uniform(0, 0.03))])
        wash.strokes(lines, width * rng.uniform(0.6, 1.3, count),
                     load * rng.uniform(0.5, 1.3, count), dry)
    moon = np.hypot(wash.x - 1.03, wash.y - 0.135)
    wash.ink *= ramp(0.052, 0.057, moon)
    wash.ink += 0.05 * np.exp(-((moon - 0.06) / 0.02).clip(0)) * (moon > 0.056)


def _mountains(wash: Wash) -> None:
    noise = wash.noise
    rough = lambda x, scale, shift: noise.fractal(x * scale + shift, 0 * x + shift, 6, 0.52) - 0.5
    bump = lambda x, middle, wide: np.exp(-np.abs((x - middle) / wide) ** 1.7)
    _peaks(wash, lambda x: 0.33 - 0.12 * bump(x, 0.30, 0.2) - 0.08 * bump(x, 1.1, 0.25)
           + 0.18 * rough(x, 4, 2), 0.13, 0.16)
    _peaks(wash, lambda x: 0.44 - 0.31 * bump(x, 0.70, 0.125) - 0.14 * bump(x, 0.92, 0.10)
           + 0.17 * rough(x, 5, 7), 0.30, 0.20)
    _peaks(wash, lambda x: 0.545 - 0.20 * bump(x, 1.20, 0.17) - 0.06 * bump(x, 0.42, 0.10)
           + 0.12 * rough(x, 6, 5), 0.46, 0.11)


def _woods(wash: Wash) -> None:
    """Trees on the far shore: dabs of a full brush, smaller and fainter to the left."""
    lines, widths, loads = [], [], []
    for x in np.sort(wash.rng.uniform(0.28, 1.25, 260)):
        near = ramp(0.3, 1.2, np.array(x))
        foot = 0.600 + 0.012 * np.sin(9 * x) + wash.rng.normal(0, 0.006)
        tall = (0.012 + 0.055 * near) * wash.rng.uniform(0.4, 1.2)
        lines.append([(x, foot), (x + wash.rng.normal(0, 0.004), foot - 0.5 * tall),
                      (x + wash.rng.normal(0, 0.006), foot - tall)])
        widths.append(0.5 * tall * wash.rng.uniform(0.5, 1.1))
        loads.append((0.22 + 0.45 * near) * wash.rng.uniform(0.4, 1.1))
    wash.strokes(lines, np.array(widths), np.array(loads), dry=0.6, taper=0.8)


def _water(wash: Wash) -> None:
    shade = 0.11 * np.exp(-np.clip(wash.y - 0.61, 0, None) / 0.06)
    wash.flood(wash.y > 0.612 + 0.006 * np.sin(17 * wash.x), shade + 0.012, lift=0.8)
    lines, widths, loads = [], [], []
    for _ in range(95):
        near = wash.rng.random() ** 0.7
        y, x = 0.63 + 0.33 * near, wash.rng.uniform(0.0, 1.2)
        long = (0.04 + 0.17 * near) * wash.rng.uniform(0.5, 1.2)
        lines.append([(x, y), (x + 0.5 * long, y + wash.rng.normal(0, 0.003)), (x + long, y)])
        widths.append((0.003 + 0.010 * near) * wash.rng.uniform(0.5, 1.3))
        loads.append(wash.rng.uniform(0.06, 0.22))
    wash.strokes(lines, np.array(widths), np.array(loads), dry=0.9, taper=0.5)


def _boat(wash: Wash) -> None:
    hull = smooth([(0.615, 0.742), (0.66, 0.762), (0.735, 0.764), (0.80, 0.738), (0.785, 0.775),
                   (0.73, 0.790), (0.655, 0.786)])
    wash.flood(mask(hull, wash.width, wash.height), 0.62)
    wash.stroke([(0.612, 0.740), (0.69, 0.765), (0.803, 0.736)], 0.009, 0.85, 0.25)
    man = smooth([(0.722, 0.760), (0.712, 0.715), (0.728, 0.688), (0.745, 0.695), (0.752, 0.730),
                  (0.748, 0.762)])
    wash.flood(mask(man, wash.width, wash.height), 0.55)
    wash.flood(mask(ellipse(0.733, 0.676, 0.012, 0.013), wash.width, wash.height), 0.40)
    wash.stroke([(0.708, 0.672), (0.733, 0.655), (0.760, 0.673)], 0.012, 0.95, 0.1)
    wash.stroke([(0.725, 0.705), (0.66, 0.66), (0.575, 0.640)], 0.0035, 0.9, 0.1, 0.7)
    wash.stroke([(0.575, 0.640), (0.568, 0.71), (0.572, 0.80)], 0.0016, 0.5, 0.2, 0.5)
    for k in range(5):
        y = 0.800 + 0.016 * k
        wash.stroke([(0.63 + 0.012 * k, y), (0.71, y + 0.004), (0.79 - 0.016 * k, y)],
                    0.008, 0.30 - 0.045 * k, 0.8)


def _pine(wash: Wash) -> None:
    """The tree of the foreground: a leaning trunk, angular boughs, and pads of needles."""
    rng = wash.rng
    trunk = np.array([(0.02, 1.03), (0.085, 0.86), (0.075, 0.70), (0.155, 0.56), (0.150, 0.42),
                      (0.235, 0.31), (0.250, 0.22)])
    wash.stroke(trunk, 0.062, 0.55, 0.45, 0.9)
    for shift, width in ((0.016, 0.020), (-0.018, 0.014), (0.003, 0.018)):
        wash.stroke(trunk + (shift, 0.004), width, 0.55, 0.9, 0.8)
    bark = [trunk[k] + (trunk[k + 1] - trunk[k]) * t + rng.normal(0, 0.007, 2)
            for k in range(4) for t in rng.random(11)]
    wash.strokes([[b, b + (0.006, -0.006), b + (0.012, 0.002)] for b in bark],
                 rng.uniform(0.004, 0.010, len(bark)), rng.uniform(0.3, 0.8, len(bark)), 0.4)
    boughs = ([(0.152, 0.50), (0.24, 0.49), (0.31, 0.52), (0.40, 0.50)],
              [(0.150, 0.45), (0.08, 0.42), (0.03, 0.44), (-0.03, 0.42)],
              [(0.21, 0.34), (0.31, 0.33), (0.37, 0.36), (0.45, 0.345)],
              [(0.235, 0.30), (0.17, 0.25), (0.10, 0.26), (0.04, 0.23)],
              [(0.248, 0.24), (0.30, 0.19), (0.37, 0.19)],
              [(0.078, 0.72), (0.17, 0.70), (0.24, 0.73)])
    wash.strokes(boughs, np.array((0.020, 0.019, 0.017, 0.016, 0.012, 0.012)), np.full(6, 0.9),
                 0.35, 0.7)
    pads = ((0.31, 0.495, 0.085), (0.41, 0.485, 0.075), (0.235, 0.475, 0.05), (0.02, 0.405, 0.08),
            (0.095, 0.40, 0.05), (0.345, 0.325, 0.075), (0.45, 0.330, 0.06), (0.08, 0.235, 0.075),
            (0.165, 0.235, 0.05), (0.265, 0.165, 0.08), (0.365, 0.175, 0.065), (0.23, 0.705, 0.045),
            (0.30, 0.21, 0.05))
    for x, y, size in pads:
        wash.flood(mask(smooth(ellipse(x, y + 0.012, size, 0.40 * size, count=10)
                               + rng.normal(0, 0.005, (10, 2))), wash.width, wash.height), 0.20)
        count = int(1500 * size)
        turn = rng.uniform(-2.9, -0.25, count)
        foot = np.stack([x + size * rng.uniform(-1, 1, count),
                         y + 0.02 + 0.30 * size * rng.uniform(-1, 0.6, count)], -1)
        tip = np.stack([np.cos(turn), np.sin(turn)], -1) * rng.uniform(0.014, 0.034, (count, 1))
        lines = np.stack([foot, foot + 0.55 * tip, foot + tip + (0, 0.002)], 1)
        wash.strokes(lines, rng.uniform(0.0018, 0.0042, count), rng.uniform(0.35, 1.0, count),
                     0.15, 0.7)


def _shore(wash: Wash) -> None:
    """Rocks and reeds at the lower edge, and birds."""
    rng = wash.rng
    for points, amount in (([(-0.05, 0.90), (0.06, 0.865), (0.16, 0.905), (0.27, 0.915),
                             (0.36, 0.985), (0.40, 1.05), (-0.05, 1.05)], 0.55),
                           ([(0.98, 1.05), (1.02, 0.955), (1.09, 0.93), (1.15, 0.885),
                             (1.30, 0.87), (1.3, 1.05)], 0.42)):
        rock = smooth(points)
        wash.flood(mask(rock, wash.width, wash.height), amount)
        for _ in range(26):
            k = rng.integers(len(rock))
            x, y = rock[k] + rng.uniform((-0.02, 0.0), (0.02, 0.05))
            wash.stroke([(x, y), (x + 0.025, y + 0.010), (x + 0.045, y + 0.045)],
                        rng.uniform(0.006, 0.020), rng.uniform(0.25, 0.6), 0.9, 0.6)
    lines, widths = [], []
    for _ in range(60):
        x, tall = rng.normal(1.12, 0.055), rng.uniform(0.08, 0.27)
        lean = rng.normal(-0.05, 0.05)
        lines.append([(x, 1.01), (x + 0.3 * lean, 1.0 - 0.55 * tall), (x + lean, 1.0 - tall)])
        widths.append(rng.uniform(0.003, 0.008))
    wash.strokes(lines, np.array(widths), rng.uniform(0.4, 1.0, 60), 0.3, 0.8)
    for x, y, size in ((0.46, 0.16, 0.020), (0.51, 0.135, 0.016), (0.545, 0.165, 0.014),
                       (0.59, 0.115, 0.011)):
        wash.stroke([(x - size, y - 0.3 * size), (x - 0.4 * size, y - 0.45 * size), (x, y)],
                    0.005, 0.75, 0.1, 0.5)
        wash.stroke([(x, y), (x + 0.4 * size, y - 0.55 * size), (x + size, y - 0.35 * size)],
                    0.005, 0.75, 0.1, 0.5)


def draw_ink(width: int = 640, height: int = 512, seed: int = 0) -> np.ndarray:
    """Paint the picture; see `tools.drawings` for parameters and result."""
    rng, noise = np.random.default_rng(seed + 40), Noise(seed + 41)
    w, h = width * SAMPLES, height * SAMPLES
    wash = Wash(grain(w, h, 3.6 * h / 1024, noise), noise, rng)
    for part in (_sky, _mountains, _woods, _water, _boat, _shore, _pine):
        part(wash)
    return to_bytes(wash.picture(), SAMPLES)

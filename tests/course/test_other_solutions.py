"""Solutions that go another way than the course's pass as well: the checks ask for results.

Each is joined to the engine of its step as a step would be, so it holds only what is different.
"""

import pytest

from course import assemble, catalogue
from course.grading.checks import check_source

OTHERS = {
    "21 both ends at once": (21, '''
def with_error(f, x, h):
    ends = {k: f(x + k * h) for k in (-1, -0.5, 0.5, 1)}
    wide, fine = (ends[1] - ends[-1]) / (2 * h), (ends[0.5] - ends[-0.5]) / h
    return fine, abs(wide - fine) + NOISE * max(map(abs, (ends[1], ends[-1]))) / h


def has_kink(f, x, h=2.0 ** -10):
    gaps = [abs(f(x + k) - 2 * f(x) + f(x - k)) / k for k in (h, h / 4)]
    return gaps[0] > 1e-6 and 2 * gaps[1] > gaps[0]
'''),
    "21 one leaf after the other": (21, '''
def claimed(f, arrays, directions, weights):
    total = 0.0
    for place, direction in enumerate(directions):
        leaves = [Tensor(array, requires_grad=number == place)
                  for number, array in enumerate(arrays)]
        end = f(*leaves)
        if end.requires_grad:
            end.backward(weights)
            total += float(np.vdot(leaves[place].grad, direction))
    return total
'''),
    "22 a sign, and no numpy.real": (22, '''
@Elementwise
def absolute(x):
    return x * np.where(np.asarray(x).real < 0, -1.0, 1.0)


def complex_slope(f, x, h=2.0 ** -66):
    return (f(complex(x, h)) / h).imag


def best(f, x):
    pair, exact = measured(f, x), complex_slope(f, x)
    if abs(exact - pair[0]) > pair[1]:
        return pair
    return exact, abs(exact) * NOISE
'''),
    "22 the type is looked at": (22, '''
class Tensor:
    def __init__(self, data, requires_grad=False):
        array = np.asarray(data)
        self.data = array if array.dtype.kind == "c" else array.astype(np.float64)
        self.requires_grad = requires_grad
        self.inputs = []
        self.kept = {}
        self.stretches = False
        self.number = next(numbers)
        self.grad = None
'''),
    "23 in other words": (23, '''
def is_linear(f, shape, rng):
    x, y = whole(rng, shape), whole(rng, shape)
    at = {name: f(Tensor(point)).data for name, point in (
        ("0", 0 * x), ("x", x), ("y", y), ("x + y", x + y), ("3x", 3 * x))}
    return np.array_equal(at["x + y"] + at["0"], at["x"] + at["y"]) and np.array_equal(
        at["3x"] + 2 * at["0"], 3 * at["x"])


def adjoint_gap(f, shape, rng):
    leaf, u = Tensor(whole(rng, shape), requires_grad=True), whole(rng, shape)
    end = f(leaf)
    v = whole(rng, end.shape)
    end.backward(v)
    back = float(np.vdot(u, leaf.grad))
    return float(np.vdot(v, f(Tensor(u)).data) - np.vdot(v, f(Tensor(0 * u)).data)) - back
'''),
    "24 written with exec, restored by hand": (24, '''
def planted(rule, mistake):
    names = ", ".join(inspect.signature(rule).parameters)
    return eval(f"lambda {names}: mistake(rule({names}))", {"mistake": mistake, "rule": rule})


def survivors(operation, accepts):
    found, own = [], dict(operation.rules)
    try:
        for name in own:
            for title in MISTAKES:
                operation.rules = {**own, name: planted(own[name], MISTAKES[title])}
                if accepts():
                    found.append((name, title))
    finally:
        operation.rules = own
    return found
'''),
    "25 one sum after the other": (25, '''
def unbroadcast(g, shape):
    while len(g.shape) > len(shape):
        g = sum_over(g, 0)
    for dim, length in enumerate(shape):
        if length == 1:
            g = sum_over(g, dim, True)
    return g


def put_rule(g, index):
    return g[index]


def hessian_times(f, x, v):
    leaf = Tensor(x, requires_grad=True)
    first, = gradients(f(leaf), [leaf], recorded=True)
    return gradients(first, [leaf], v)[0].data
'''),
    "26 the block is counted": (26, '''
def features(picture, network, layers):
    found, wanted, former = {}, list(layers), None
    for name, (w, b) in network.items():
        if not name.startswith("conv") or not wanted:
            continue
        if former is not None and name[:5] != former[:5]:
            picture = max_pool2d(picture)
        former = name
        picture = maximum(conv2d(picture, w, b, 1), 0)
        layer = "relu" + name[4:]
        if layer in wanted:
            found[layer] = maximum(conv2d(picture, *network[layer]), 0)
            wanted.remove(layer)
    return found
'''),
    "27 by broadcasting, without a matrix product": (27, '''
def gram(x):
    maps = x.shape[1]
    one, two = x.reshape(maps, 1, -1), x.reshape(1, maps, -1)
    return (one * two).mean(2)
'''),
    "28 other sums": (28, '''
def relative(x, target):
    return ((x - target) * (x - target)).sum() * (1 / float(np.vdot(target, target)))


def roughness(picture):
    _, channels, height, width = picture.shape
    total = 0.0
    for row in range(1, height):
        total = total + ((picture[:, :, row] - picture[:, :, row - 1]) ** 2).sum() / (
            channels * (height - 1) * width)
    for column in range(1, width):
        total = total + ((picture[:, :, :, column] - picture[:, :, :, column - 1]) ** 2).sum() / (
            channels * height * (width - 1))
    return total


def transfer_loss(picture, network, content, styles, style_weight, smoothness):
    found = features(picture, network, {*content, *styles})
    shown = [relative(found[layer], content[layer]) for layer in content]
    painted = [relative(gram(found[layer]), styles[layer]) for layer in styles]
    return sum(shown, Tensor(0.0)) / len(shown) + style_weight * (
        sum(painted, Tensor(0.0)) / len(painted)) + smoothness * roughness(picture)
'''),
    "29 by recursion, and a search with for": (29, '''
def direction(g, pairs):
    def times(g, pairs, scale):
        if not pairs:
            return scale * g
        s, y = pairs[-1]
        part = (s @ g) / (s @ y)
        inner = times(g - part * y, pairs[:-1], scale)
        return inner + s * (part - (y @ inner) / (s @ y))

    last = pairs[-1] if pairs else None
    return -times(g, pairs, (last[0] @ last[1]) / (last[1] @ last[1]) if last else 1.0)


def lbfgs(f, x, steps, memory=10):
    value, g = f(x)
    pairs = []
    for _ in range(steps):
        d = direction(g, pairs)
        length = 1.0 if pairs else 0.1 / max(abs(g))
        for _ in range(200):
            new, new_g = f(x + length * d)
            if new <= value + 1e-4 * length * (g @ d) or length <= 1e-10:
                break
            length = length / 2
        if new >= value:
            return x
        if (length * d) @ (new_g - g) > 0:
            pairs.append((length * d, new_g - g))
            del pairs[:-memory]
        x, value, g = x + length * d, new, new_g
    return x
'''),
    "30 targets one layer after the other": (30, '''
def paint(photograph, painting, network, steps, style_weight=3.0, smoothness=0.2,
          content=CONTENT, style=STYLE):
    targets = {layer: features(photograph, network, [layer])[layer].data for layer in content}
    styles = {}
    for layer in style:
        styles.update(style_of(painting, network, [layer]))

    def f(flat):
        leaf = Tensor(flat, requires_grad=True)
        end = transfer_loss(leaf.reshape(*photograph.shape), network, targets, styles,
                            style_weight, smoothness)
        end.backward()
        return end.data.item(), leaf.grad

    return lbfgs(f, photograph.ravel(), steps).reshape(photograph.shape)
'''),
}


@pytest.mark.slow
@pytest.mark.parametrize("number, source", OTHERS.values(), ids=OTHERS)
def test_another_way_is_right_as_well(number, source):
    step = catalogue.step(number)
    joined = catalogue.solved(number).joined(assemble.parse(source)).source(step.docstring)
    assert joined != catalogue.engine(number)
    verdict = check_source(step, joined, step.filename)
    assert verdict, "\n".join(verdict.lines())

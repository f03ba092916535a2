"""What readers tried in steps 19 to 30: the first finding names the mistake."""

import pytest

from course import catalogue
from course.grading.checks import check_source

MISTAKES = [
    ("g in place", 19, "return g * (out > 0)", "g[out <= 0] = 0; return g", "changes g in place"),
    ("no mask", 19, "return g * (out > 0)", "return g * out", "only the sign of out matters"),
    ("sum of corners", 19, " / size ** 2", " / size", "a block has size² pixels"),
    ("NumPy on Tensors", 19, "functools.reduce(maximum,", "functools.reduce(np.maximum,",
     "NumPy's functions know no Tensors"),
    ("no return", 19, "    return functools.reduce(add,", "    functools.reduce(add,",
     "is a `return` missing?"),
    ("half of a pixel", 20, "padding=self.w.shape[2] // 2", "padding=(self.w.shape[2] - 1) / 2",
     "divide by `//`"),
    ("gain under the root", 20, "gain / np.sqrt(channels * size * size)",
     "np.sqrt(gain / (channels * size * size))", "the gain does not belong under the root"),
    ("known layers only", 20, "getattr(layer, \"parameters\", [])",
     "layer.parameters if isinstance(layer, Linear) else []", "whatever its class"),
    ("larger error", 21, "return fine, bend + rounding", "return fine, max(bend, rounding)",
     "both errors add up"),
    ("near values", 21, "max(abs(f(x + h)), abs(f(x - h)))",
     "max(abs(f(x + h / 2)), abs(f(x - h / 2)))",
     "with the whole h"),
    ("half a gap", 21, "return abs((f(x + h) - f(x)) / h - (f(x) - f(x - h)) / h)",
     "return abs(f(x + h) - 2 * f(x) + f(x - h)) / (2 * h)", "this is half of the gap"),
    ("small gap", 21, "gap(h) > 1e-6 and", "gap(h / 4) > 1e-6 and", "not that with h / 4"),
    ("measured", 21, "    leaves = [Tensor(array, requires_grad=True) for array in arrays]\n",
     "    return measured(along(f, arrays, directions, weights), 0.0)[0]\n"
     "    leaves = [Tensor(array, requires_grad=True) for array in arrays]\n", "ask the rules"),
    ("array", 21, "sum((leaf.grad * direction).sum() for", "sum(leaf.grad * direction for",
     "is an array of shape (2, 3), but should be one number"),
    ("real step", 22, "np.imag(f(x + 1j * h)) / h", "np.imag(f(x + h)) / h", "move x by 1j · h"),
    ("bound kept", 22, "(exact, NOISE * abs(exact)) if", "(exact, error) if",
     "the bound of the complex step is NOISE times its size"),
    ("no longer complex", 22, "np.iscomplexobj(data)", "np.iscomplex(data).any()",
     "what is complex has to stay complex"),
    ("always complex", 22, "np.complex128 if np.iscomplexobj(data) else np.float64",
     "np.complex128", "only what is complex becomes complex128"),
    ("tolerance", 23, "(change(x + y) == change(x) + change(y)).all()",
     "np.allclose(change(x + y), change(x) + change(y))", "which a tolerance hides"),
    ("sums forgotten", 23, "return (v * change).sum() - (u * leaf.grad).sum()",
     "return v * change[0] - u * leaf.grad", "but should be one number"),
    ("at u", 23, "Tensor(whole(rng, shape), requires_grad=True)", "None; leaf = Tensor(u, True)",
     "at a point of its own, not at u"),
    ("is True", 24, "if accepts():", "if accepts() is True:", "whatever it returns for true"),
    ("not asked", 24, "if accepts():", "if accepts:", "`accepts` was never called"),
    ("title first", 24, "found.append((name, title))", "found.append((title, name))",
     "the name of the input comes first"),
    ("no wraps", 24, "    @functools.wraps(rule)\n", "", "`@functools.wraps(rule)` above"),
    ("rule by NumPy", 25, "    return sum_over(g, dim, keepdim)",
     "    return Tensor(g.data.sum(axis=dim, keepdims=keepdim))", "use an operation of the engine"),
    ("rule of put by NumPy", 25, "    return take(g, index)", "    return Tensor(g.data[index])",
     "use an operation of the engine"),
    ("kept changed", 25, "            kept = {name: Tensor(value.data)",
     "            kept = tensor.kept = {name: Tensor(value.data)", "make a new `kept`"),
    ("first pass", 25, "[leaf], recorded=True)\n    second", "[leaf])\n    second",
     "the first one has to be recorded"),
    ("weights", 26, "conv2d(picture, *network[name], padding=1)",
     "conv2d(picture, *(Tensor(a, requires_grad=True) for a in network[name]), padding=1)",
     "nobody asks for it"),
    ("name", 26, "if layer in layers:", "if name in layers:", "not like conv1_1 (`name`)"),
    ("mean", 26, "max_pool2d(picture), name[4]",
     "conv2d(picture[:, :, ::2, ::2], np.eye(picture.shape[1])[:, :, None, None], "
     "np.zeros(picture.shape[1])), name[4]", "what features returns for relu2_1"),
    ("rows by reshape", 27, "rows = x.reshape(channels, height * width)",
     "rows = x.reshape(height * width, channels).permute(1, 0)",
     "`reshape` does not exchange dimensions"),
    ("detached", 27, "{layer: gram(x).data for", "{layer: gram(x) for", "should return arrays"),
    ("one mean", 28, "    return (down ** 2).mean() + (across ** 2).mean()",
     "    return ((down ** 2).sum() + (across ** 2).sum()) / (np.prod(down.shape) + "
     "np.prod(across.shape))", "not one mean over all"),
    ("no Gram matrix", 28, "relative(gram(found[layer]), target)", "relative(found[layer], target)",
     "is the Gram matrix of the features taken"),
    ("no content", 28, "loss = loss + relative(found[layer], target) / len(content)", "pass",
     "the content is missing"),
    ("a pair of nothing", 29, "if s @ y > 0:", "if s @ y >= 0:", "s · y = 0 is not to be kept"),
    ("all forgotten", 29, "            pairs = [*pairs, (s, y)][-memory:]\n",
     "            pairs = [*pairs, (s, y)][-memory:]\n        else:\n            pairs = []\n",
     "no reason to forget the others"),
    ("a floor for the value", 29, "and length > 1e-10", "and new > 1e-10",
     "for another halving, not the value"),
    ("s taken away", 29, "g = g - part * y", "g = g - part * s", "so many y, not so many s"),
    ("nothing comes back", 29, "        x, value, g = x + length * d, new, new_g\n    return x",
     "        x, value, g = x + length * d, new, new_g\n", "the end is None"),
    ("targets anew", 30, "        picture = Tensor(flat",
     "        styles = style_of(painting, network, style)\n        picture = Tensor(flat",
     "computes the targets anew"),
    ("targets with gradients", 30, "    targets = {layer: x.data for layer, x in found.items()}",
     "    targets = features(Tensor(photograph, requires_grad=True), network, content)",
     "the targets require a gradient"),
    ("a Tensor for a number", 30, "return float(loss.data), picture", "return loss, picture",
     "should return a plain number"),
]


@pytest.mark.slow
@pytest.mark.parametrize("number, old, new, words", [row[1:] for row in MISTAKES],
                         ids=[row[0] for row in MISTAKES])
def test_a_mistake_has_a_name(number, old, new, words):
    source = catalogue.engine(number)
    assert old in source
    verdict = check_source(catalogue.step(number), source.replace(old, new), "mine.py",
                           until_first=True)
    assert words in verdict.findings[0].text

"""What readers tried in steps 10 to 18: the first finding names the mistake."""

import pytest
from findings import first_finding

from course import catalogue

CUT = "result[:, :, padding:padding + x_shape[2], padding:padding + x_shape[3]]"

MISTAKES = [
    ("kept of the source", 10, "tensor.kept[name] for", "source.kept[name] for",
     "`source.kept` is of another operation"),
    ("the input kept", 10, "result.kept[need] = known[need]", "result.kept[name] = known[name]",
     "these are the inputs themselves"),
    ("the first input", 10, "                    result.kept[need] = known[need]\n",
     "                    result.kept[need] = known[need]\n                break\n",
     "does the loop end after the first one?"),
    ("square of the mean", 11, "((outputs - targets) ** 2).mean()",
     "(outputs - targets).mean() ** 2", "this is the square of the mean"),
    ("overflow thrown away", 11, "np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))",
     "np.where(x > 0, x + np.log1p(np.exp(-x)), np.log1p(np.exp(x)))",
     "on the way a power of e overflows"),
    ("plus", 11, "softplus(scores) - scores * targets", "softplus(scores) + scores * targets",
     "target times score is added; it is subtracted"),
    ("sure scores", 11, "(softplus(scores) - scores * targets).mean()",
     "-(targets * log(sigmoid(scores)) + (1 - targets) * log(1 - sigmoid(scores))).mean()",
     "no logarithm of a sigmoid"),
    ("mean subtracted", 12, "x - x.max(axis=-1, keepdims=True)",
     "x - x.mean(axis=-1, keepdims=True)", "what is subtracted first is the mean"),
    ("twice", 12, "-log_softmax(scores)", "-log_softmax(exp(log_softmax(scores)))",
     "softmax is applied twice"),
    ("rate within", 13, "self.momentum * self.velocities[i] + parameter.grad\n            "
     "parameter.data = parameter.data - self.lr * self.velocities[i]",
     "self.momentum * self.velocities[i] + self.lr * parameter.grad\n            "
     "parameter.data = parameter.data - self.velocities[i]", "so that a new rate counts at once"),
    ("in place", 13, "parameter.data = parameter.data - self.lr * self",
     "parameter.data -= self.lr * self", "the data of a parameter was changed in place"),
    ("betas", 13, "b1, b2 = self.betas", "b2, b1 = self.betas", "β₁ and β₂ are exchanged"),
    ("eps", 13, "(np.sqrt(square) + self.eps)", "np.sqrt(square)", "eps is missing"),
    ("no name", 13, "np.sqrt(square) + self.eps", "square ** 2 + self.eps",
     "are right then, so what is wrong comes after"),
    ("a list of its own", 14, "getattr(layer, \"parameters\", [])",
     "layer.parameters if isinstance(layer, Linear) else []", "whatever its class is"),
    ("cut", 14, "x = layer(x)", "x = layer(x.data)", "no gradient reaches the input"),
    ("labels as they lie", 14, "labels[chosen]", "labels[start:start + batch]",
     "the labels are taken as they lie"),
    ("zero_grad too late", 14, "            optimizer.zero_grad()\n            loss.backward()\n",
     "            loss.backward()\n            optimizer.zero_grad()\n",
     "`zero_grad` stands between"),
    ("inputs judged", 14, "network(inputs).data.argmax", "inputs.argmax",
     "the inputs themselves were taken"),
    ("not cut", 15, "x = Tensor(ends[-1].data, requires_grad=True)", "x = ends[-1]",
     "the network is not cut"),
    ("no gradient", 15, "Tensor(ends[-1].data, requires_grad=True)", "Tensor(ends[-1].data)",
     "a leaf that does not require a gradient"),
    ("another leaf", 15, "leaves[i].grad)", "leaves[i - 1].grad)", "begins without a gradient"),
    ("root of the gain", 15, "gain / np.sqrt(inputs)", "np.sqrt(gain / inputs)",
     "the gain does not belong under the root"),
    ("corner", 16, "(padding, padding), (padding, padding))", "(0, 2 * padding), (0, 2 * padding))",
     "the picture lies at the top left"),
    ("first channel", 16, "x[n, :, i:i + high, j:j + wide] * w[f]",
     "x[n, 0, i:i + high, j:j + wide] * w[f, 0]", "this is the first channel only"),
    ("overwritten", 17, "+= g[n, f, i, j] * w[f]", "= g[n, f, i, j] * w[f]",
     "a later copy overwrites the earlier ones"),
    ("empty slice", 17, CUT, "result[:, :, padding:-padding, padding:-padding]", "`0:-0`"),
    ("far border", 17, CUT, "result[:, :, :x_shape[2], :x_shape[3]]",
     "below and on the right only"),
    ("pictures left", 17, "g.sum(axis=(0, 2, 3))", "g.sum(axis=(2, 3))",
     "sum over the pictures, too"),
    ("across, down", 18, "places.transpose(0, 2, 3, 1, 4, 5)", "places.transpose(0, 3, 2, 1, 4, 5)",
     "in the order picture, across, down, channel"),
    ("columns", 18, "permute(reshape(w, (filters, -1)), (1, 0))", "reshape(w, (-1, filters))",
     "the filters were cut into columns at the wrong places"),
    ("places", 18, "    for i, j in np.ndindex(high, wide):\n        result[:, :, i:i + down, "
     "j:j + across] += g[:, :, :, :, i, j]",
     "    for i, j in np.ndindex(down, across):\n        result[:, :, i:i + high, "
     "j:j + wide] += g[:, :, i, j]", "it loops over the places of a picture")]


@pytest.mark.slow
@pytest.mark.parametrize("number, old, new, words", [row[1:] for row in MISTAKES],
                         ids=[f"{row[1]} {row[0]}" for row in MISTAKES])
def test_a_mistake_has_a_name(number, old, new, words):
    source = catalogue.engine(number)
    assert old in source
    assert words in first_finding(number, source.replace(old, new))

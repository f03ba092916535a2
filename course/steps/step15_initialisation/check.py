"""Checks of step 15."""

import itertools

import numpy as np

from course.grading.checks import Checks
from course.grading.layers import check_beginning

CHECKS = Checks()
INIT = "Linear.__init__"
TINY = 1e-30                    # of the complex step


@CHECKS("how large the weights begin")
def beginnings(work):
    for inputs, outputs, options in ((400, 50, {}), (50, 400, {}), (300, 60, {"gain": 3.0}),
                                     (60, 300, {"gain": 0.25})):
        gain = options.get("gain", 1.0)
        w, b, asked, listed = work.call("beginning", inputs, outputs,
                                        int(work.rng.integers(2 ** 31)), options,
                                        doing=f"Linear({inputs}, {outputs}, rng)")
        what = f"Linear({inputs}, {outputs}, rng{', gain=' + str(gain) if options else ''})"
        work.same(INIT, f"the shape of w of {what}", list(np.shape(w)), [inputs, outputs])
        work.same(INIT, f"b of {what}", b, np.zeros(outputs))
        if not all(asked) or not listed:
            raise work.wrong(INIT, f"w and b of {what} are to be Tensors that require a gradient, "
                                   f"and both in `parameters`")
        deviation(work, what, w, gain, inputs, outputs)


def deviation(work, what, w, gain, inputs, outputs):
    """How large the weights are; six deviations of 20,000 random numbers are 0.04."""
    check_beginning(work, INIT, what, w, gain / np.sqrt(inputs), {
        "the number of inputs counts, since a result is a sum over them; these are outputs":
            gain / np.sqrt(outputs),
        "the root is missing: variances add up, not deviations": gain / inputs,
        "the gain is missing": 1 / np.sqrt(inputs),
        "the gain is divided by; it multiplies": 1 / gain / np.sqrt(inputs),
        "this is the guess of step 14": 0.1,
        "the numbers of inputs and outputs are averaged here; the page takes the inputs":
            gain * np.sqrt(2 / (inputs + outputs)),
        "numbers without a random sign or size": 0.0}, within=0.04)


@CHECKS("the weights come from rng")
def from_rng(work):
    seed = int(work.rng.integers(2 ** 31))
    one, two, other = (work.call("beginning", 5, 4, number, {}, doing="Linear(5, 4, rng)")[0]
                       for number in (seed, seed, seed + 1))
    if not np.array_equal(one, two):
        raise work.wrong(INIT, "with the same rng the weights differ from time to time; draw them "
                               "from `rng`, so that a training can be repeated")
    if np.array_equal(one, other):
        raise work.wrong(INIT, "with another rng the weights are the same; draw them from `rng`")


def onward(layers, x, labels):
    """The loss of what a network makes of x; for complex numbers as well."""
    for layer in layers:
        x = getattr(np, layer)(x) if isinstance(layer, str) else x @ layer[0] + layer[1]
    shares = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    return -np.log(shares[np.arange(len(labels)), labels]).mean()


def measured(layers, x, labels):
    """Values and gradients behind each layer; the gradients by the complex step, one by one."""
    values, gradients = [], []
    for number, layer in enumerate(layers):
        x = getattr(np, layer)(x) if isinstance(layer, str) else x @ layer[0] + layer[1]
        gradient = np.zeros_like(x)
        for index in np.ndindex(x.shape):
            moved = x.astype(complex)
            moved[index] += TINY * 1j
            gradient[index] = onward(layers[number + 1:], moved, labels).imag / TINY
        values.append(x)
        gradients.append(gradient)
    return values, gradients


@CHECKS("the sizes of values and gradients, layer by layer")
def sizes(work):
    for widths, functions in (((4, 3, 5, 3), ("tanh", "exp")), ((3, 2), ()),
                              ((2, 4, 3), ("tanh",))):
        layers = []
        for place, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
            layers.append((work.rng.normal(0, 0.7, (inputs, outputs)),
                           work.rng.normal(0, 0.3, outputs)))
            layers += functions[place:place + 1]
        x, labels = work.rng.normal(size=(6, widths[0])), work.rng.integers(0, widths[-1], 6)
        of_values, of_gradients = work.call("sizes", layers, x, labels, doing="layer_sizes")
        values, gradients = measured(layers, x, labels)
        what = f"of a network of {len(layers)} layers"
        work.same("layer_sizes", f"the sizes of the values {what}", of_values,
                  [value.std() for value in values])
        work.same("layer_sizes", f"the sizes of the gradients {what}", of_gradients,
                  [gradient.std() for gradient in gradients])

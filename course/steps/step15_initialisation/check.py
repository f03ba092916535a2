"""Checks of step 15."""

import itertools

import numpy as np

from course.grading.checks import Checks
from course.grading.layers import check_beginning
from course.grading.verdict import Wrong

CHECKS = Checks()
INIT, SIZES = "Linear.__init__", "layer_sizes"
TINY = 1e-30                    # of the complex step


@CHECKS("how large the weights begin")
def beginnings(work):
    for inputs, outputs, options in ((400, 50, {}), (50, 400, {}), (200, 60, {"gain": 2.5}),
                                     (60, 300, {"gain": 0.25})):
        gain = options.get("gain", 1.0)
        w, b, asked, listed = work.call("beginning", inputs, outputs,
                                        int(work.rng.integers(2 ** 31)), options,
                                        doing=f"Linear({inputs}, {outputs}, rng)")
        what = f"Linear({inputs}, {outputs}, rng{', gain=' + str(gain) if options else ''})"
        work.same(INIT, f"the shape of w of {what}", list(np.shape(w)), [inputs, outputs], likely={
            "inputs come first, then outputs": [outputs, inputs]})
        work.same(INIT, f"b of {what}", b, np.zeros(outputs), likely={
            "biases begin at 0": np.asarray(b) if np.shape(b) == (outputs,) else 0.5,
            "there is one bias for each output": np.asarray(b)})
        if not all(asked) or not listed:
            raise work.wrong(INIT, f"w and b of {what} are to be Tensors that require a gradient, "
                                   f"and both in `parameters`")
        deviation(work, what, w, gain, inputs, outputs)


def deviation(work, what, w, gain, inputs, outputs):
    """How large the weights are; six deviations of 20,000 random numbers are 0.04."""
    check_beginning(work, INIT, what, w, gain / np.sqrt(inputs), {
        "the number of inputs counts, since a result is a sum over them; these are outputs":
            gain / np.sqrt(outputs),
        "the gain does not belong under the root": np.sqrt(gain / inputs),
        "the gain is squared": gain ** 2 / np.sqrt(inputs),
        "the root is missing: variances add up, not deviations": gain / inputs,
        "this is the variance, gain² / n; `rng.normal` takes the deviation": gain ** 2 / inputs,
        "the gain is missing": 1 / np.sqrt(inputs),
        "the gain is divided by; it multiplies": 1 / gain / np.sqrt(inputs),
        "this multiplies by the root of n; divide by it": gain * np.sqrt(inputs),
        "this multiplies by n; divide by its root": gain * inputs,
        "they are drawn with the deviation 1 and never scaled; of `rng.normal` the first number "
        "is the mean, the second the deviation": 1.0,
        "they are drawn with the deviation of the gain alone": gain,
        "uniform numbers between −a and a have the deviation a / √3":
            gain / np.sqrt(3 * inputs),
        "uniform numbers between 0 and a have the deviation a / √12, and their mean is not 0":
            gain / np.sqrt(12 * inputs),
        "this is the guess of step 14": 0.1,
        "the numbers of inputs and outputs are averaged here; the page takes the inputs":
            gain * np.sqrt(2 / (inputs + outputs)),
        "the numbers of inputs and outputs are added here; the page takes the inputs":
            gain / np.sqrt(inputs + outputs),
        "the numbers of inputs and outputs are multiplied here; the page takes the inputs":
            gain / np.sqrt(inputs * outputs),
        "the gain of 1 stands for max(x, 0) here: a factor √2 is too much":
            gain * np.sqrt(2 / inputs),
        "all weights are equal; draw them at random, or all units stay equal":
            w.std() if w.std() < 1e-9 else 0.0}, within=0.04)


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
        values, gradients = measured(layers, x, labels)
        what = f"of a network of {len(layers)} layers"
        try:
            of_values, of_gradients = work.call("sizes", layers, x, labels, doing="layer_sizes")
            work.same(SIZES, f"the sizes of the values {what}", of_values,
                      [value.std() for value in values])
            work.same(SIZES, f"the sizes of the gradients {what}", of_gradients,
                      [gradient.std() for gradient in gradients])
        except Wrong as wrong:
            if work.alive:
                runs, passes = work.call("traced", layers, x, labels, doing="layer_sizes")
                ended = " raises " in wrong.text
                name = misrun(runs, len(layers)) or mispassed(passes, len(layers))
                if name:
                    told = "" if ended else f"\n{wrong.text}"
                    raise work.wrong(SIZES, name + told) from None
            raise


def misrun(runs, count):
    """What is wrong with the way forward through the pieces, or an empty text."""
    for i, (given, asked) in enumerate(runs[:count + 1]):
        who = f"layer {i + 1}" if i < count else "the loss"
        if i == 0:
            continue
        if given == "input":
            return (f"{who} got the input of the whole network; it takes the leaf that was made "
                    f"behind layer {i}")
        if given == f"end {i - 1}":
            return (f"the network is not cut: {who} got the very result of layer {i}; it takes a "
                    f"new Tensor of the same data, the leaf")
        if given == "array":
            return (f"{who} got a plain array; it takes a leaf, a Tensor that is made of the data "
                    f"and requires a gradient")
        if given != f"leaf {i - 1}":
            return (f"{who} got something else than the numbers that layer {i} returned; make the "
                    f"leaf of the result's `data`")
        if not asked:
            return (f"{who} got a leaf that does not require a gradient, so it will have none: "
                    f"requires_grad=True")
    return ""


def mispassed(passes, count):
    """What is wrong with the way back, or an empty text; the first pass is that of the loss."""
    own = passes[1:]
    if count < 2 or not passes:
        return ""
    if not own:
        return "on the way back no pass is made through a layer; begin one at each `ends[i]`"
    if [began for began, _ in own[:2]] == [f"end {i}" for i in (1, 2)][:len(own)] and count > 2:
        return "the passes go from the first layer to the last; the last one has to come first"
    for number, (began, gradient) in enumerate(own):
        i = count - 1 - number
        if began.startswith("leaf"):
            return ("a pass begins at a leaf, which was made of nothing, so it goes nowhere; it "
                    "begins at the result of the layer, which `ends[i]` has to hold")
        if not began.startswith("end"):
            return ""
        place = int(began[4:])
        if gradient is None:
            return (f"the pass from `ends[{place}]` begins without a gradient: none was given, or "
                    f"`leaves[{place}].grad` is None (`backward` sets a `grad` itself, and returns "
                    f"None)")
        if gradient != f"leaf {place}":
            what = "something else" if gradient == "other" else f"`leaves[{gradient[5:]}].grad`"
            return (f"a pass begins at `ends[{place}]` with {what}; it begins with the gradient of "
                    f"the leaf that has the same numbers, `leaves[{place}].grad`")
        if place != i:
            return (f"pass {number + 1} on the way back begins at `ends[{place}]`, but it is the "
                    f"turn of `ends[{i}]`")
    if len(own) < count - 1:
        return f"{len(own)} passes are made on the way back; {count - 1} layers need one"
    return ""

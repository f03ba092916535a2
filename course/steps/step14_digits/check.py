"""Checks of step 14."""

import numpy as np

from course.grading.checks import Checks
from course.grading.work import close

CHECKS = Checks()
RATE = 0.7


@CHECKS("the parameters of a network")
def parameters(work):
    found, of_functions, own = work.call("collected", doing="Sequential(…)")
    where = "Sequential.__init__"
    if own != [2, 2]:
        raise work.wrong(where, "the list of a layer's own parameters was changed; begin with a "
                                "new list")
    if sorted(found) != [0, 1, 2, 3]:
        missing = [f"{'wb'[i % 2]} of layer {i // 2 + 1}" for i in range(4) if i not in found]
        raise work.wrong(where, "the parameters of Sequential(Linear, tanh, Linear, exp) are not "
                         "the four of its layers, each once" + (
                             f": {' and '.join(missing)} missing" if missing else ""))
    if of_functions:
        raise work.wrong(where, "Sequential(tanh, exp) has parameters, but its layers have none")


@CHECKS("through all layers, in their order")
def order(work):
    x = work.rng.normal(size=3)
    found = work.call("passed_on", x, doing="calling a Sequential")
    for value, right, layers in zip(found, (2 * (x + 1), 2 * x + 1, 2 * (x + 2), x), (
            "x + 1, then 2x", "2x, then x + 1", "x + 1 twice, then 2x", "no layer at all")):
        work.same("Sequential.__call__", f"what a network of {layers} makes of {x.round(3)}", value,
                  right, likely={"the layers are in the wrong order, or one is left out":
                                 2 * x + 1 if "then 2x" in layers else 2 * (x + 1)})


def loss_and_gradient(w, b, x, labels):
    """Cross-entropy of a layer, and its gradients for w and b."""
    scores = x @ w + b
    log_shares = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    message = np.exp(log_shares)
    rows = np.arange(len(labels))
    message[rows, labels] -= 1
    message /= len(labels)
    return -log_shares[rows, labels].mean(), x.T @ message, message.sum(axis=0)


def batches_of(work, seen, inputs, epochs, batch):
    """Which examples the network got, batch by batch; each epoch has to have each of them once."""
    count = len(inputs)
    sizes = [min(batch, count - start) for start in range(0, count, batch)] * epochs
    what = f"of {count} examples, {epochs} times in portions of {batch},"
    if [len(rows) for rows in seen] != sizes:
        raise work.wrong("train", f"{what} the network gets portions of the sizes "
                                  f"{[len(rows) for rows in seen]}, but should get {sizes}")
    chosen = [[int(np.abs(inputs - row).sum(axis=1).argmin()) for row in rows] for rows in seen]
    orders = np.concatenate(chosen).reshape(epochs, count).tolist()
    for order in orders:
        if sorted(order) != list(range(count)):
            raise work.wrong("train", f"{what} the network gets number {order} in one epoch; each "
                                      f"has to come once")
        if order == sorted(order):
            raise work.wrong("train", "the examples come in the order of the data; take them in "
                                      "that of `order`")
    if epochs > 1 and orders[0] == orders[1]:
        raise work.wrong("train", "the order is the same in each epoch; leave the line that draws "
                                  "it as it was")
    return chosen


@CHECKS("training, portion by portion")
def training(work):
    # So many examples come in the order of the data by chance once in 300,000 times, or less.
    for count, epochs, batch in ((11, 2, 4), (12, 1, 12), (9, 2, 3)):
        inputs, w = work.rng.normal(size=(count, 5)), work.rng.normal(size=(5, 3))
        labels = work.rng.integers(0, 3, count)
        found, seen, gradients = work.call(
            "trained", w, RATE, inputs, labels, epochs, batch, int(work.rng.integers(2 ** 31)),
            doing=f"train with {count} examples")
        chosen = batches_of(work, seen, inputs, epochs, batch)
        if len(gradients) != len(chosen):
            raise work.wrong("train", f"{len(chosen)} portions were used, but the optimizer made "
                                      f"{len(gradients)} steps")
        b, before = np.zeros(3), np.zeros_like(w)
        losses = []
        for number, rows in enumerate(chosen):
            loss, of_w, of_b = loss_and_gradient(w, b, inputs[rows], labels[rows])
            gradient = gradients[number]
            if gradient is None:
                raise work.wrong("train", "the optimizer made a step without a gradient; "
                                          "`zero_grad` comes before the backward pass")
            work.same("train", f"the gradient of the weights at step {number + 1}", gradient, of_w,
                      likely={"those of the step before were not forgotten": of_w + before})
            losses.append(loss)
            before = gradient
            w, b = w - RATE * of_w, b - RATE * of_b
        if len(found) != len(losses):
            raise work.wrong("train", f"train returned {len(found)} losses, but made "
                                      f"{len(losses)} steps")
        for number, (loss, right) in enumerate(zip(found, losses)):
            if not isinstance(loss, float):
                raise work.wrong("train", "the losses are to be plain numbers, by `float`: a "
                                          "Tensor would hold on to its whole graph")
            if not close(loss, right):
                work.same("train", f"the loss that was kept of step {number + 1}", loss, right)


@CHECKS("accuracy")
def share(work):
    for count in (4, 7):
        scores = work.rng.permutation(5 * count).reshape(count, 5).astype(float)
        best = scores.argmax(axis=1)
        labels = np.where(np.arange(count) < 3, best, (best + 1) % 5)
        found = work.call("share", scores, labels, doing="accuracy")
        work.same("accuracy", f"the accuracy where 3 of {count} are right", found, 3 / count,
                  likely={"this is the number of right ones; divide it by that of all": 3,
                          "this is the share of wrong ones": 1 - 3 / count,
                          "this is the number of wrong ones": count - 3})
    square = np.array([[0.0, 2.0, 1.0], [3.0, 4.0, 9.0], [7.0, 6.0, 8.0]])
    found = work.call("share", square, np.array([1, 2, 0]), doing="accuracy")
    work.same("accuracy", "the accuracy of the scores [[0, 2, 1], [3, 4, 9], [7, 6, 8]] for the "
              "labels 1, 2, 0", found, 2 / 3, likely={
                  "the highest score was looked for in each column; each row has its own": 0.0})

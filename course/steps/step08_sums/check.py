"""Checks of step 8."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.records import check_record

CHECKS = Checks()


def checked(work, where, shape, cases):
    """Check formulas of x, each given with the same in NumPy, and perhaps common mistakes."""
    for text, reference, *likely in cases:
        check_rules(work, text, {"x": work.random(*shape)}, where=where, reference=reference,
                    likely=likely[0] if likely else None)


def likely_sums(dim):
    """Gradients of x.sum(dim) by common mistakes."""
    def stretched(x, g, dim=dim):
        return np.broadcast_to(g if dim is None else np.expand_dims(g, dim), x.shape)

    def wrongly(place):
        def along(x, g):
            try:
                return np.broadcast_to(np.expand_dims(g, place), x.shape)
            except ValueError:
                return np.nan
        return along

    wrong = {} if dim is None else {
        f"the dimension that is gone was dimension {dim}, and g is stretched along dimension "
        f"{place}": wrongly(place) for place in range(3) if place != dim}
    return {
        "g is stretched as it is, along the wrong dimension; put the one that is gone back first, "
        "by `np.expand_dims`": wrongly(0) if dim else lambda x, g: np.nan,
        **wrong,
        "g is shared out; each element that was added gets all of it":
            lambda x, g: stretched(x, g) / (x.size if dim is None else x.shape[dim]),
        "g is shared out among all elements; each that was added gets all of it":
            lambda x, g: stretched(x, g) / x.size,
        "g is multiplied with x; each element that was added gets g as it is":
            lambda x, g: stretched(x, g) * x,
        "g is summed, and each element gets this sum; each gets the g of its own sum":
            lambda x, g: np.full(x.shape, g.sum()),
        "g is multiplied with the number of elements; each gets g as it is":
            lambda x, g: stretched(x, g) * (x.size if dim is None else x.shape[dim]),
        "g has still the shape of the sum; stretch it to that of x.data, by `np.broadcast_to`":
            lambda x, g: g}


@CHECKS("sums of everything, and along a dimension")
def sums(work):
    checked(work, "sum_over", (3, 3), [("x.sum(0)", lambda x: x.sum(0), likely_sums(0)),
                                       ("x.sum(1)", lambda x: x.sum(1), likely_sums(1))])
    checked(work, "sum_over", (3, 2, 4), [
        ("x.sum()", np.sum, likely_sums(None)),
        ("x.sum(0)", lambda x: x.sum(0), likely_sums(0)),
        ("x.sum(1)", lambda x: x.sum(1), likely_sums(1)),
        ("x.sum(-1)", lambda x: x.sum(-1), likely_sums(2)),
        ("x.sum(1, keepdim=True)", lambda x: x.sum(1, keepdims=True)),
        ("x.sum(keepdim=True)", lambda x: x.sum(keepdims=True)),
        ("x.sum(2, True) * x", lambda x: x.sum(2, keepdims=True) * x)])
    checked(work, "sum_over", (3, 3), [("x.sum(0) * x", lambda x: x.sum(0) * x),
                                       ("x.sum(1) * x", lambda x: x.sum(1) * x)])


@CHECKS("means", ("TypeError", "tuple indices must be", "without `dim` all elements are added up, "
                  "and `data.size` counts them"))
def means(work):
    x = work.random(5, 2, 4)
    for dim in (0, 2, None):
        given = "" if dim is None else dim
        found = work.call("value_of", f"x.mean({given})", {"x": x}, doing=f"x.mean({given})")
        total = x.sum(dim)
        work.same("Tensor.mean", f"for x of shape (5, 2, 4) x.mean({given})", found, x.mean(dim),
                  likely={
                      "this is divided by the number of all elements; count those that were added "
                      "up": total / x.size,
                      "this is the sum; divide it by how many were added up": total,
                      "this is divided by the number of elements of the result; count those that "
                      "were added up": total / total.size,
                      "this is multiplied with how many were added up; divide by it":
                          total * (x.size if dim is None else x.shape[dim]),
                      "this is divided by the number of dimensions; count the elements that were "
                      "added up": total / x.ndim,
                      "this is divided by the number of the dimension; count the elements along "
                      "it, `data.shape[dim]`": total / dim if dim else np.nan,
                      "this is divided by the length of the first dimension; count the elements "
                      "that were added up": total / len(x),
                      "this is divided by the length of the last dimension; count the elements "
                      "that were added up": total / x.shape[-1],
                      "`dim` is not handed on: this is the sum of all elements, divided by the "
                      "length of one dimension": x.sum() / x.shape[dim or 0],
                      "`dim` is not handed on: this is the mean of all elements": x.mean()})
    found = work.call("value_of", "x.mean(1, keepdim=True)", {"x": x},
                      doing="x.mean(1, keepdim=True)")
    work.same("Tensor.mean", "for x of shape (5, 2, 4) x.mean(1, keepdim=True)", found,
              x.mean(1, keepdims=True), likely={
                  "`keepdim` is not handed on to the sum, so the dimension is gone": x.mean(1)})
    checked(work, "Tensor.mean", (5, 2, 4), [
        ("x.mean()", np.mean),
        ("x.mean(0)", lambda x: x.mean(0)),
        ("x.mean(2)", lambda x: x.mean(2)),
        ("(x - x.mean(1, keepdim=True)) ** 2", lambda x: (x - x.mean(1, keepdims=True)) ** 2)])


def values_of(work, where, text, shape, right, likely):
    """Compare a value of x, before its rule is looked at."""
    x = work.random(*shape)
    found = work.call("value_of", text, {"x": x}, doing=text)
    work.same(where, f"{text} for x of shape {shape}", found, right(x),
              likely={sentence: wrong(x) for sentence, wrong in likely.items()})


@CHECKS("another shape, and another order of dimensions")
def shapes(work):
    check_record(work, "reshape", "x.reshape(4)", {"x": np.ones((2, 2))})
    values_of(work, "reshape", "x.reshape(4, 6)", (2, 3, 4), lambda x: x.reshape(4, 6), {
        "the elements are read column by column; a reshape keeps their order":
            lambda x: x.reshape((4, 6), order="F")})
    unchanged = {"g is passed on in the shape of the result; bring it back to the shape of x.data, "
                 "by another reshape": lambda x, g: g,
                 "the elements are read column by column on the way back; keep their order":
                     lambda x, g: g.reshape(x.shape, order="F")}
    checked(work, "reshape", (2, 3, 4), [
        ("x.reshape(4, 6)", lambda x: x.reshape(4, 6), unchanged),
        ("x.reshape(24) * 2", lambda x: x.reshape(24) * 2),
        ("x.reshape(-1, 8)", lambda x: x.reshape(-1, 8), unchanged)])
    check_record(work, "permute", "x.permute(1, 0)", {"x": np.ones((2, 2))})
    for dims in ((1, 2, 0), (2, 0, 1), (0, 2, 1), (-1, 0, 1)):
        def moved(x, dims=dims):
            return x.transpose(dims)

        text = f"x.permute({', '.join(map(str, dims))})"
        values_of(work, "permute", text, (2, 3, 4), moved, {
            "the dimensions go to the places that `dims` names; dimension i of the result is "
            "dimension dims[i] of x": lambda x, dims=dims: x.transpose(np.argsort(np.mod(dims, 3))),
            "all dimensions are in reverse order; give `dims` to `transpose`": lambda x: x.T,
            "this is x as it is": lambda x: x,
            "a reshape keeps the order of the elements; `transpose` moves dimensions":
                lambda x, moved=moved: x.reshape(moved(x).shape)})
        checked(work, "permute", (2, 3, 4), [(text, moved, {
            "`dims` is applied once more; the inverse order leads back, `np.argsort(dims)`":
                lambda x, g, dims=dims: g.transpose(dims),
            "`dims` is read backwards, which is not the inverse; that is `np.argsort(dims)`":
                lambda x, g, dims=dims: g.transpose(dims[::-1]),
            "all dimensions are in reverse order; the inverse of `dims` is `np.argsort(dims)`":
                lambda x, g: g.T,
            "g is passed on as it is; its dimensions have to be put back": lambda x, g: g,
            "a reshape keeps the order of the elements; a permutation is undone by `transpose`":
                lambda x, g: g.reshape(x.shape)})])


def likely_taken(index):
    """Gradients of x[index] by common mistakes."""
    def put(x, value, start=0.0):
        result = np.zeros(x.shape) + start
        np.add.at(result, index, value)
        return result

    def last(x, g):
        result = np.zeros(x.shape)
        result[index] = g
        return result

    def picked(x, g):
        try:
            return g[index]
        except IndexError:
            return np.nan

    return {
        "1 is added for each copy; what the copy receives, g, is to be added":
            lambda x, g: put(x, 1.0),
        "g is added to the data; start with zeros, since what was not taken has no gradient":
            lambda x, g: put(x, g, x),
        "g is added to ones; start with zeros": lambda x, g: put(x, g, 1.0),
        "the rule picks from g once more; it is to put g into zeros of the shape of x.data": picked,
        "g is passed on as it is; put it into zeros of the shape of x.data": lambda x, g: g,
        "the last copy of an element overwrites the others; add up what they receive, by "
        "`np.add.at`": last,
        "g is multiplied with the elements; they receive g as it is":
            lambda x, g: put(x, g * x[index]),
        "this is the sign-flipped gradient": lambda x, g: -put(x, g),
        "every element gets the sum of g; those that were not taken get nothing":
            lambda x, g: np.full(x.shape, g.sum())}


def picks(work, cases):
    checked(work, "take", (4, 3), [
        (f"x[{text}]", lambda x, index=index: x[index], likely_taken(index))
        for text, index in cases.items()])


@CHECKS("elements, rows and slices")
def slices(work):
    picks(work, {"1": 1, "1, 2": (1, 2), ":, 1:": np.s_[:, 1:], "::2, ::-1": np.s_[::2, ::-1]})
    checked(work, "take", (4, 3), [
        ("x[0] * x[-1] + x[0]", lambda x: x[0] * x[-1] + x[0])])


@CHECKS("elements that are taken more than once")
def repeated(work):
    picks(work, {"[0, 2, 2, 0, 0]": [0, 2, 2, 0, 0],
                 "[1, 1, 3], [0, 0, 2]": ([1, 1, 3], [0, 0, 2])})

"""Probes of step 30."""

import numpy as np

__all__ = ["asked", "painted"]


def asked(engine, photograph, painting, network, points, style_weight, smoothness, content, style):
    """What `paint` hands to `lbfgs`: values and gradients at some points, the start, the steps.

    `lbfgs` is replaced by a function that asks at the points and returns the last one.
    """
    seen, own = {}, engine.lbfgs

    def asking(f, x, steps, *more):
        seen["start"], seen["steps"] = np.array(x), steps
        answers = [f(point.reshape(-1)) for point in points]
        seen["values"] = [value for value, _ in answers]
        seen["gradients"] = [gradient for _, gradient in answers]
        seen["kinds"] = sorted({type(value).__name__ for value, _ in answers})
        return points[-1].reshape(-1)

    engine.lbfgs = asking
    try:
        end = engine.paint(photograph, painting, network, 7, style_weight, smoothness,
                           tuple(content), tuple(style))
    finally:
        engine.lbfgs = own
    return seen, end


def painted(engine, photograph, painting, network, steps, content, style):
    """A painting."""
    return engine.paint(photograph, painting, network, steps, 3.0, 0.2, tuple(content),
                        tuple(style))

"""Probes of step 30."""

import numpy as np

__all__ = ["asked", "painted"]


def asked(engine, photograph, painting, network, points, style_weight, smoothness, content, style):
    """What `paint` hands to `lbfgs`: values and gradients at some points, the start, the steps.

    `lbfgs` is replaced by a function that asks at the points and returns the last one. Noted is
    also whether f looks at the photograph or the painting anew, away from the first point, and
    whether a target requires a gradient.
    """
    seen, own = {}, {name: getattr(engine, name) for name in ("lbfgs", "features", "transfer_loss")}
    current = [None]

    def asking(f, x, steps, *more, **named):
        seen.update(start=np.array(x), steps=steps, anew=False, recorded=False)
        answers = []
        for current[0] in points:
            answers.append(f(current[0].reshape(-1)))
        seen["values"] = [value for value, _ in answers]
        seen["gradients"] = [np.array(gradient) for _, gradient in answers]
        seen["kinds"] = sorted({type(value).__name__ for value, _ in answers})
        return points[-1].reshape(-1)

    def features(picture, *more, **named):
        if current[0] is not None:
            data = getattr(picture, "data", picture)
            seen["anew"] |= any(np.array_equal(data, one) for one in (photograph, painting)
                                if not np.array_equal(one, current[0]))
        return own["features"](picture, *more, **named)

    def transfer_loss(*values, **named):
        for value in (*values, *named.values()):
            if isinstance(value, dict):
                seen["recorded"] |= any(getattr(target, "requires_grad", False)
                                        for target in value.values())
        return own["transfer_loss"](*values, **named)

    engine.lbfgs, engine.features, engine.transfer_loss = asking, features, transfer_loss
    try:
        end = engine.paint(photograph, painting, network, 7, style_weight, smoothness,
                           tuple(content), tuple(style))
    finally:
        for name, function in own.items():
            setattr(engine, name, function)
    return seen, end


def painted(engine, photograph, painting, network, steps, content, style):
    """A painting."""
    return engine.paint(photograph, painting, network, steps, 3.0, 0.2, tuple(content),
                        tuple(style))

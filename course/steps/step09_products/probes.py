"""Probes of step 9."""

import numpy as np

from course.grading.probes import gradients as pulled

__all__ = ["pulled", "refused"]


def refused(engine, one, two):
    """The message with which matmul refuses two shapes, or None."""
    try:
        engine.matmul(np.ones(one), np.ones(two))
    except ValueError as error:
        return str(error)
    return None

"""Probes of step 8."""

from course.grading.probes import gradients as pulled

__all__ = ["pulled"]

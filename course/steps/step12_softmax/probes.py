"""Probes of step 12."""

from course.grading.probes import gradients as pulled

__all__ = ["pulled"]

"""Probes of step 12."""

from course.grading.probes import gradients as pulled
from course.grading.probes import line_of_rule, value_of

__all__ = ["line_of_rule", "pulled", "value_of"]

"""Probes of step 12."""

from course.grading.probes import changed_by, line_of_rule, value_of
from course.grading.probes import gradients as pulled

__all__ = ["changed_by", "line_of_rule", "pulled", "value_of"]

"""Probes of step 8."""

from course.grading.probes import form_of_record, line_of_rule, value_of
from course.grading.probes import gradients as pulled

__all__ = ["form_of_record", "line_of_rule", "pulled", "value_of"]

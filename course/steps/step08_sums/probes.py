"""Probes of step 8."""

from course.grading.probes import changed_by, form_of_record, line_of_rule, value_of
from course.grading.probes import gradients as pulled

__all__ = ["changed_by", "form_of_record", "line_of_rule", "pulled", "value_of"]

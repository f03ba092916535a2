"""Whether an operation of the reader records its inputs in the form that is agreed on."""

from __future__ import annotations

from typing import Any

from course.grading.work import Work

_KINDS = {
    "no Tensor": "it returns {detail}, and should return a Tensor: `Tensor(value, [(x, rule), …])`",
    "data": "the `data` of the result is {detail}, and should be {plain}: compute with `x.data`",
    "not a pair": "one of the recorded inputs is {detail}; each is a pair in brackets, (x, rule)",
    "exchanged": "a recorded pair is (rule, x); the input comes first: (x, rule)",
    "no function": "the rule of an input is {detail}, and should be a function of g: `lambda g: …`",
    "no input": "a rule stands beside {detail}; it stands beside the Tensor that it belongs to",
}


def check_record(work: Work, where: str, text: str, inputs: dict[str, Any],
                 of: str = "an array") -> None:
    """Whether the result of a formula is a Tensor with pairs of inputs and rules.

    Raises
    ------
    Wrong
        It is not; the sentence says what stands where something else should.
    """
    kind, detail = work.call("form_of_record", text, inputs, doing=text)
    if kind:
        raise work.wrong(where, f"{text}: {_KINDS[kind].format(detail=detail, plain=of)}")

"""Kinds of mistakes in derivative rules, each with the sentence that a report shows."""

from __future__ import annotations

from dataclasses import dataclass

SENTENCES = {
    "wrong_sign": "the sign is flipped",
    "factor_of_two": "off by a factor of two",
    "constant_factor": "off by the constant factor {detail}",
    "inner_derivative_missing": "the inner derivative of the chain rule is missing",
    "wrong_exponent": "an exponent is one too high or too low",
    "inverted_factor": "a factor divides where it should multiply, or multiplies where it should "
                       "divide",
    "product_rule_term_missing": "a term of the product rule is missing",
    "input_for_output": "the formula is one of the output, but is evaluated at the input",
    "output_for_input": "the formula is one of the input, but is evaluated at the output",
    "zero_gradient": "the gradient is zero everywhere: a term is missing, or it was cut off",
    "missing_path": "the input is used twice, and one use is not counted",
    "upstream_ignored": "the upstream gradient is not used",
    "upstream_twice": "the upstream gradient is multiplied in twice",
    "mask_of_upstream": "the rule is not linear in the upstream gradient, as if it were masked by "
                        "its sign or size",
    "upstream_changed": "the rule writes into the upstream gradient",
    "upstream_layout": "the rule relies on the memory layout of the upstream gradient",
    "input_layout": "the rule relies on the memory layout of an input",
    "mask_wrong_side": "the mask is the wrong way round: gradients flow where they should be zero",
    "mask_missing": "a mask is missing: the gradient flows where the function is constant, too",
    "one_branch_zero": "one branch of a piecewise function gets no gradient",
    "mask_redrawn": "the rule draws random numbers of its own",
    "broadcast_sum_missing": "the sum over broadcast dimensions is missing",
    "broadcast_mean": "a mean is taken over broadcast dimensions instead of the sum",
    "wrong_axis": "a sum, mean or scan goes along the wrong axis",
    "batch_mean_forgotten": "the mean over the batch is forgotten: {detail} times too large",
    "batch_mean_twice": "the mean over the batch is taken twice: {detail} times too small",
    "spread_over_all": "the gradient goes to all elements instead of the selected ones",
    "order_not_reversed": "the order is not reversed in the backward pass",
    "one_element_dropped": "right except for the elements at an edge: a bound is off by one",
    "transposed": "the result is transposed",
    "transpose_missing": "another input is multiplied in without being transposed",
    "gradients_swapped": "the gradients of two inputs are exchanged",
    "symmetric_part_missing": "only one of a matrix and its transpose is counted",
    "softmax_diagonal_only": "softmax's diagonal without the rest of its Jacobian",
    "target_not_subtracted": "a constant, such as the target, is not subtracted",
    "mean_detached": "a mean is treated as a constant",
    "variance_detached": "a variance, norm or other scale is treated as a constant",
    "epsilon_mismatch": "a small constant differs between the function and the rule",
    "kernel_flip": "a kernel is flipped where it should not be, or not flipped where it should",
    "shifted_by_one": "the gradient is shifted by one element",
    "stride_ignored": "a stride is ignored",
    "duplicates_overwritten": "contributions to an element overwrite one another instead of "
                              "adding up",
    "permutation_not_inverted": "the permutation is applied again instead of its inverse",
    "reshape_for_transpose": "a reshape is used where a transposition is needed",
    "pieces_swapped": "pieces of a concatenation go to the wrong inputs",
    "memory_order": "rows and columns are confused when an array is flattened",
    "conjugate_missing": "a complex factor is not conjugated",
    "stale_value": "the rule uses a value saved by another call",
    "gradient_accumulates": "a buffer is not cleared, so that calls add up",
    "input_changed": "the function or the rule writes into its input",
    "low_precision": "the rule computes with fewer digits than its input has",
}


@dataclass(frozen=True)
class Mistake:
    """A named mistake.

    Attributes
    ----------
    kind : a key of `SENTENCES`.
    sure : whether the numbers leave no other kind; otherwise it is a guess.
    detail : a number for the sentence.
    """

    kind: str
    sure: bool = True
    detail: str = ""

    def sentence(self) -> str:
        text = SENTENCES[self.kind].format(detail=self.detail)
        if self.kind == "constant_factor":      # the factor is a fact; only its cause is a guess
            return text
        return text if self.sure else f"perhaps {text}"

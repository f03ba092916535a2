"""The kinds of mistakes, each with one sentence that says what was done wrong."""

KINDS = {
    # Factors.
    "wrong_sign": "The sign of a factor is wrong.",
    "factor_of_two": "A factor of two is lost or added.",
    "constant_factor": "A constant factor, such as log 2 or a scale, is forgotten.",
    "inner_derivative_missing": "The chain rule's inner derivative is forgotten.",
    "wrong_exponent": "The exponent is one too high or one too low.",
    "inverted_factor": "A factor divides where it should multiply, or the other way round.",
    "product_rule_term_missing": "One term of a product or quotient rule is missing.",
    "input_for_output": "A formula of the output is evaluated at the input.",
    "output_for_input": "A formula of the input is evaluated at the output.",
    "zero_gradient": "An input gets no gradient at all.",
    "missing_path": "An input is used several times, and one of the uses is not counted.",
    # The upstream gradient.
    "upstream_ignored": "The upstream gradient is not used, as if it were one.",
    "upstream_twice": "The upstream gradient is multiplied in twice.",
    "mask_of_upstream": "The result is masked by the sign of the upstream gradient.",
    "upstream_changed": "The rule writes into the upstream gradient that it is given.",
    "upstream_layout": "The rule relies on the memory layout of the upstream gradient.",
    # Masks.
    "mask_wrong_side": "The gradient flows where it should be zero, and not where it should flow.",
    "mask_missing": "The gradient flows also where the function is constant.",
    "one_branch_zero": "One branch of a piecewise function gets no gradient.",
    "mask_redrawn": "A random mask is drawn again in the backward pass.",
    # Broadcasting and reductions.
    "broadcast_sum_missing": "A broadcast input's gradient is not summed over those dimensions.",
    "broadcast_mean": "A broadcast input's gradient is averaged instead of summed.",
    "wrong_axis": "A sum, a product or a shift goes along the wrong axis.",
    "batch_mean_forgotten": "The forward averages over the batch; the rule does not divide.",
    "batch_mean_twice": "The rule divides by the size of the batch twice.",
    "spread_over_all": "The gradient goes to all elements instead of the selected one.",
    "order_not_reversed": "A scan runs in the same direction in the backward pass.",
    "one_element_dropped": "A loop bound is off by one: an element at the edge gets nothing.",
    # Matrices.
    "transposed": "The result is transposed.",
    "transpose_missing": "A matrix is multiplied in without the transposition that it needs.",
    "gradients_swapped": "Gradients of two inputs are exchanged.",
    "symmetric_part_missing": "Only one of a matrix and its transpose is counted.",
    # Softmax and losses.
    "softmax_diagonal_only": "Softmax is differentiated as if every output had its own input only.",
    "target_not_subtracted": "The target is not subtracted from the prediction.",
    # Normalisation.
    "mean_detached": "A mean is treated as a constant.",
    "variance_detached": "A variance, norm or other scale is treated as a constant.",
    "epsilon_mismatch": "The forward and the rule place or choose a small constant differently.",
    # Images, indices and shapes.
    "kernel_flip": "A kernel is flipped where it should not be, or not where it should.",
    "shifted_by_one": "The gradient lands one element beside its place.",
    "stride_ignored": "A stride or dilation is treated as one.",
    "duplicates_overwritten": "Contributions to an element overwrite each other instead of adding.",
    "permutation_not_inverted": "A permutation is applied again instead of its inverse.",
    "reshape_for_transpose": "The shape is restored by a reshape where a transposition is needed.",
    "pieces_swapped": "Pieces of a concatenation or split go to the wrong inputs.",
    "memory_order": "Rows and columns are confused when an array is flattened.",
    # Complex numbers.
    "conjugate_missing": "A factor of a complex function is not conjugated.",
    # State and precision.
    "stale_value": "A saved value is from another call, or from before a change.",
    "gradient_accumulates": "A buffer is not cleared, so calls add up.",
    "input_changed": "The rule or the forward writes into its input.",
    "low_precision": "The rule computes with fewer digits than its input has.",
}

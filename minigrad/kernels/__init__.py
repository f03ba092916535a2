"""Array code below the Tensor: what operations compute, on NumPy or CuPy arrays.

Images are N×C×H×W in every signature. In memory the kernels keep channels innermost (N×H×W×C),
because that makes NumPy fast, and return transposed views.
"""

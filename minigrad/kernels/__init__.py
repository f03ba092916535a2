"""Array code that knows no Tensor: what the operations compute, on NumPy or CuPy arrays.

Images come and go as N×C×H×W; in memory the kernels keep channels innermost (N×H×W×C),
which is what makes NumPy fast, and hand out transposed views of it.
"""

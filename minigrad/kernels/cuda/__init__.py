"""The kernels on a CUDA device: the same functions as one folder up, for CuPy's arrays.

`minigrad.kernels.dispatch` sends arrays here. Each `.cu` file has a Python file of the
same name beside it that launches it; products of matrices go to cuBLAS (`.blas`). Arrays
come as `xp`, the library that they belong to: nothing here imports CuPy.
"""

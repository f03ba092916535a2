"""Kernels for CUDA devices: the functions of `minigrad.kernels`, for CuPy's arrays.

`minigrad.kernels.dispatch` sends arrays here. The Python file with the name of a `.cu` file
launches its kernels. Matrix products go to cuBLAS (see `blas`). No module here imports CuPy
(`minigrad.cuda_start` does); functions receive the array library as `xp`.
"""

"""Adapters: functions of each framework as a `Differentiable` on plain arrays.

Neither PyTorch nor JAX is imported unless a function of theirs is given.
"""

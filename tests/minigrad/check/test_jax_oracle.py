"""Functions of JAX through the checker of plain arrays."""

import pytest

from minigrad.check import GradcheckError, check_function

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")
pytestmark = pytest.mark.oracle


def with_vjp(factor):
    @jax.custom_vjp
    def sine(x):
        return jnp.sin(x)

    sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (factor * g * jnp.cos(x),))
    return sine


def with_jvp(factor):
    @jax.custom_jvp
    def product(x, y):
        return x * jnp.sin(y)

    @product.defjvp
    def _(primals, tangents):
        (x, y), (dx, dy) = primals, tangents
        return product(x, y), dx * jnp.sin(y) + factor * x * jnp.cos(y) * dy

    return product


def test_custom_vjp(rng):
    x = rng.standard_normal(4)
    assert check_function(with_vjp(1), (x,))
    with pytest.raises(GradcheckError):
        check_function(with_vjp(1.0001), (x,))


def test_custom_jvp(rng):
    x = rng.standard_normal(4)
    assert check_function(with_jvp(1), (x, x))
    with pytest.raises(GradcheckError, match="input 1"):
        check_function(with_jvp(2), (x, x))


def test_dicts_of_parameters(rng):
    parameters = {"w": jnp.ones((2, 3)), "step": 3}
    report = check_function(lambda p, x: p["w"] @ x, (parameters, jnp.ones((3, 1))))
    assert report.labels == ["input 0['w']", "input 1"]
    assert set(report.exact.values()) == {"exact"}
    assert "float32" in report.message()


def test_complex_functions():
    assert check_function(lambda z: z * z.conj() + z ** 2, (jnp.ones(3) + 2j,))

"""What all tests share: the array library as a fixture, seeded numbers, ways to make tensors."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import backend


def pytest_addoption(parser):
    parser.addoption("--play-gpu", action="store_true",
                     help="let the host play a GPU, see tests/minigrad/stand_in_cuda.py: with "
                          "-m gpu, everything that would run on one runs there, slowly")


def pytest_configure(config):
    if config.getoption("--play-gpu"):
        sys.path.insert(0, str(Path(__file__).parent / "minigrad"))
        import stand_in_cuda
        stand_in_cuda.install(backend, pytest.MonkeyPatch())


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    """Where a test of the engine computes: NumPy always, CuPy where there is a GPU."""
    if request.param == "cuda" and not backend.cuda_is_available():
        pytest.skip("no CUDA device, or CuPy is not installed")
    return backend.canonical_device(request.param)


@pytest.fixture
def xp(device):
    """The array library of ``device``."""
    return backend.array_module(backend.to_device(np.zeros(1), device))


@pytest.fixture
def rng():
    """The same random numbers in every run."""
    return np.random.default_rng(20150826)


@pytest.fixture
def leaf(device):
    """Make a float64 tensor on ``device`` that requires a gradient."""
    def make(values, dtype=np.float64):
        return mg.tensor(np.asarray(values, dtype), requires_grad=True, device=device)
    return make


@pytest.fixture
def constant(device):
    """Make a tensor on ``device`` that requires no gradient; arrays keep their element type."""
    def make(values, dtype=None):
        return mg.tensor(values, dtype=dtype, device=device)
    return make


@pytest.fixture
def on_device(device):
    """Move a NumPy array to ``device``."""
    return lambda array: backend.to_device(np.asarray(array), device)


@pytest.fixture
def leave_no_primitives(monkeypatch):
    """Primitives that a test declares (often wrong on purpose) are forgotten after it."""
    module = sys.modules["minigrad.primitive"]
    monkeypatch.setattr(module, "_registry", module.registered_primitives())


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A headless browser with one tab, see `browser.py`; skips where there is none."""
    path = Path(__file__).with_name("browser.py")
    spec = importlib.util.spec_from_file_location("tests_browser", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.CHROMIUM is None:
        pytest.skip("needs a Chromium browser on the path")
    browser = module.Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()

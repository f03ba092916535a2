"""What all tests share: the array library as a fixture, seeded numbers, ways to make tensors."""

import gc
import importlib.util
import os
import re
import sys
from pathlib import Path

# Side by side, the second thread of each process would mostly wait for a core.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("MINIGRAD_NUM_THREADS", "1")

import numpy as np
import pytest

import minigrad as mg
from minigrad import backend
from minigrad.cuda import is_available

MAX_NAME = 200                          # characters of a test's name with its parameters
LEFT_OUT = pytest.StashKey[int]()        # how many tests were left out for want of a GPU


def pytest_addoption(parser):
    parser.addoption("--play-gpu", action="store_true",
                     help="let the host play a GPU (tests/minigrad/helpers/stand_in_cuda.py): with "
                          "-m gpu, every test for a GPU runs there, slowly")
    parser.addoption("--share", metavar="K/N", default="1/1",
                     help="the K-th of N shares of the tests: every N-th of them")


def pytest_ignore_collect(collection_path, config):
    """Importing PyTorch takes seconds: files of comparisons are left alone if none shall run."""
    if "not oracle" in config.option.markexpr and collection_path.name.endswith("oracle.py"):
        return True
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Workers of xdist begin with a contiguous half each, and steal from one another at the end."""
    option = config.option
    if getattr(option, "numprocesses", None) and option.dist == "no":
        option.dist = "worksteal"


def pytest_configure(config):
    # Tests start hundreds of processes: what the first one compiles, the others shall find.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False         # multiprocessing hands it on
    config.stash[LEFT_OUT] = 0
    if config.getoption("--play-gpu"):
        import stand_in_cuda
        stand_in_cuda.install(backend, pytest.MonkeyPatch())


# The garbage collector need not visit, again and again, what stays until the end: thousands of
# tests, and the libraries that they import.

@pytest.hookimpl(wrapper=True)
def pytest_collection(session):
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def what_stays_is_not_visited():
    yield
    gc.collect()
    gc.freeze()


def pytest_itemcollected(item):
    """Ids are the same in every process: xdist compares them, people keep and paste them."""
    name = item.nodeid.rpartition("::")[2]
    if "object at 0x" in name or len(name) > MAX_NAME or _is_long_for_old_pytest(item):
        raise pytest.UsageError(f"{item.nodeid[:MAX_NAME]}: give its parameters ids")


def _is_long_for_old_pytest(item):
    """Newer versions write "source3" for a long text without an id; older ones write it whole."""
    case = getattr(item, "callspec", None)
    return case is not None and any(
        isinstance(value, str) and len(value) > MAX_NAME and re.search(rf"\b{name}\d+\b", case.id)
        for name, value in case.params.items())


# Last, so that what -m and -k have left out does not count.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Where there is no GPU, its tests are left out: one line tells it, not hundreds of skips."""
    wanting = [item for item in items if item.get_closest_marker("gpu")]
    if wanting and not is_available():
        config.stash[LEFT_OUT] = len(wanting)
        _leave_out(config, items, wanting)
    share, shares = map(int, config.getoption("--share").split("/"))
    _leave_out(config, items, [item for number, item in enumerate(items)
                               if number % shares != share - 1])


def _leave_out(config, items, wanting):
    gone = set(wanting)
    items[:] = [item for item in items if item not in gone]
    config.hook.pytest_deselected(items=wanting)


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):         # one of several processes of xdist
        session.config.workeroutput["left_out"] = session.config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    left_out = getattr(node, "workeroutput", {}).get("left_out", 0)
    node.config.stash[LEFT_OUT] = max(node.config.stash[LEFT_OUT], left_out)    # all have all


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[LEFT_OUT]:
        terminalreporter.write_line(
            f"{config.stash[LEFT_OUT]} test(s) for a GPU were left out: {mg.cuda.missing()}")


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    """Where a test of the engine computes: NumPy always, CuPy where there is a GPU."""
    return backend.canonical_device(request.param)


@pytest.fixture
def played(monkeypatch):
    """A GPU that the host plays, with what only it can say: waits, launches, limits of memory."""
    import stand_in_cuda
    return stand_in_cuda.install(backend, monkeypatch)


@pytest.fixture(params=["played", pytest.param("real", marks=pytest.mark.gpu)])
def cuda(request, monkeypatch):
    """CuPy as the tests of kernels need it: on a GPU that the host plays, and on a real one."""
    if request.param == "real":
        import real_cuda
        return real_cuda.RealCuda(backend.cuda_library(), monkeypatch)
    import host_kernels
    import stand_in_cuda
    if host_kernels.COMPILER is None:
        pytest.skip("no C++ compiler to run the kernels on the host with")
    return stand_in_cuda.install(backend, monkeypatch)


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
    module = sys.modules["minigrad.core.primitive"]
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

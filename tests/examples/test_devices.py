"""Every example computes on the device that it is told: played by the engine's stand-in for CuPy.

The stand-in (tests/minigrad/helpers/stand_in.py) refuses what CuPy refuses, such as a NumPy
function on its arrays. So code that forgets a copy to the device or back ends in an error.
"""

import importlib

import pytest
import stand_in

import minigrad as mg
from examples import common, digits
from minigrad import backend, nn
from nst.model import weights
from nst.system import free_memory

EXAMPLES = {
    "perceptron": [], "inverter": [], "descent": [], "activations": [], "softmax_table": [],
    "toy_backprop": [], "linear_regression": ["--steps", "3"],
    "mlp": ["--epochs", "1", "--folds", "1", "--activation", "tanh"],
    "digits_cnn": ["--epochs", "1", "--folds", "1"],
    "cyclegan": ["--size", "16", "--filters", "2", "--blocks", "1", "--steps", "2", "--pictures",
                 "2", "--held-out", "2", "--judge-steps", "2"],
    "reconstruct": ["--weights", "random:0", "--size", "24", "--iterations", "2"],
}
# Constants of a module that make its run shorter, where no option does.
SHORTER = {
    "inverter": {"BATCHES": 301}, "descent": {"STEPS": 100},
    "digits_cnn": {"CHANNELS": (16, 4, 16)},
    "reconstruct": {"CONTENT_LAYERS": ("relu1_1",), "POOLINGS": ("pool1",)},
}
USES_SKLEARN = ("linear_regression", "mlp", "digits_cnn")


def test_whatever_is_registered_can_be_moved_to(monkeypatch):
    stand_in.install(backend, monkeypatch, stand_in.Library(), "stand")
    layer = nn.Linear(2, 3).to("stand")
    assert layer.weight.device == mg.ones(2).to("stand:0").device == "stand:0"
    assert layer.to("cpu").to("float64").weight.dtype == "float64"


@pytest.mark.parametrize("name", EXAMPLES)
def test_on_another_device(name, monkeypatch, tmp_path, capsys, load_narrow):
    """Everything is handed to Matplotlib; that it can be drawn, test_command_line.py shows."""
    pytest.importorskip("matplotlib")
    if name in USES_SKLEARN:
        pytest.importorskip("sklearn")
        images, labels = digits.load()
        monkeypatch.setattr(digits, "load", lambda: (images[:150], labels[:150]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(common, "save_plot", lambda figure, file: print(f"Plot: {file}"))
    stand_in.install(backend, monkeypatch, stand_in.Library(), "stand")
    module = importlib.import_module(
        "examples.cyclegan.__main__" if name == "cyclegan" else f"examples.{name}")
    for constant, value in SHORTER.get(name, {}).items():
        monkeypatch.setattr(module, constant, value)
    if name == "descent":
        momentum, _, device = module.descend.__defaults__
        monkeypatch.setattr(module.descend, "__defaults__", (momentum, module.STEPS, device))
    if name == "reconstruct":
        monkeypatch.setattr(weights, "load", load_narrow.__wrapped__)
        # There is no CUDA to be asked.
        monkeypatch.setattr(free_memory, "available", lambda device="cpu": 1 << 40)
    module.program([*EXAMPLES[name], "--device", "stand:0", "--plot", "out.png"])
    assert "out.png" in capsys.readouterr().out

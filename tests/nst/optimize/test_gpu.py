"""Style transfer on a GPU: a real one, and one that the host plays, see stand_in_cuda.py."""

import dataclasses
import functools

import host_kernels
import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import OutOfMemoryError
from nst import Settings, stylize
from nst.loss import objective
from nst.loss.tiled import TiledObjective
from nst.model import weights
from nst.optimize import evaluation, host_copy
from nst.optimize.progress import Progress
from nst.pictures.masks import Masks
from nst.system import out_of_memory

pytestmark = pytest.mark.usefixtures("narrow_network")
needs_compiler = pytest.mark.skipif(host_kernels.COMPILER is None,
                                    reason="no C++ compiler to run the kernels on the host with")
# Small margins, and float32 unless TF32 matters: the host plays tensor cores slowly.
SMALL = {"size": 16, "margin": 4, "content_layers": "relu2_1", "style_layers": "relu1_1,relu2_1",
         "weights": "random:0", "iterations": 5, "tv_weight": 0.01}


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_the_same_run_on_both_devices(cuda, pictures, optimizer, monkeypatch):
    made = []
    plain = evaluation.LossAndGradient.__init__
    monkeypatch.setattr(evaluation.LossAndGradient, "__init__",
                        lambda self, *args: (plain(self, *args), made.append(self))[0])
    runs = [stylize(*pictures, Settings(**SMALL, optimizer=optimizer, device=device,
                                        precision="highest"))
            for device in ("cpu", "cuda")]
    here, there = ([step.total for step in run.history] for run in runs)
    assert runs[1].device == "cuda:0" and len(here) == len(there) == 6
    np.testing.assert_allclose(there[0], here[0], rtol=1e-5)
    np.testing.assert_allclose(there, here, rtol=1e-3)      # steps amplify what is rounded
    layers = [run.history[-1].style_layers for run in runs]
    assert layers[0].keys() == layers[1].keys() and layers[0]
    assert [run.recording is not None and run.recording.recorded for run in made][-1]


@pytest.mark.parametrize("padding", ["zeros", "replicate"])
def test_weights_that_want_other_pixels_are_recorded_too(cuda, padding):
    """As torchvision's do: each colour has a factor of its own, which is uploaded once."""
    network = dataclasses.replace(weights.load("random:0", "relu1_1", "cuda"),
                                  scale=(0.5, 0.25, 2.0))
    settings = Settings(content_layers="relu1_1", style_layers="relu1_1", padding=padding)
    rng = np.random.default_rng(3)
    content, style = (mg.tensor(rng.standard_normal((1, 3, 8, 8)).astype("f"), device="cuda")
                      for _ in range(2))
    run = evaluation.LossAndGradient(objective.Objective(network, settings, content, style),
                      (0.5 * content).detach().requires_grad_())
    totals = [run()[0].item() for _ in range(4)]
    assert run.recording.recorded, run.recording.refusal
    assert len(set(totals)) == 1


def test_the_small_network_is_recorded_too(cuda):
    network = weights.load("small", "relu2_1", "cuda")
    settings = Settings(content_layers="relu2_1", style_layers="relu1_1,relu2_1")
    picture = mg.rand(1, 3, 8, 8, device="cuda", requires_grad=True)
    loss = objective.Objective(network, settings, picture.detach(), picture.detach())
    run = evaluation.LossAndGradient(loss, picture)
    for _ in range(3):
        run()
    assert run.recording.recorded, run.recording.refusal


def test_the_roots_of_w2_are_recorded_too(cuda):
    """Gradient and terms as on the host, whether a graph is replayed or not.

    There are more pixels than channels, or eigenvalues near 0 would be a matter of rounding.
    """
    settings = Settings(content_layers="relu1_1", style_layers="relu1_1", tv_weight=0.01,
                        style_loss="w2", variable="pyramid", palette_weight=0.0)
    rng = np.random.default_rng(3)
    content, style, start = (60 * rng.standard_normal((1, 3, 16, 16)).astype("f")
                             for _ in range(3))
    gradients, terms = [], []
    for device in ("cpu", "cuda"):
        loss = objective.Objective(weights.load("random:0", "relu1_1", device), settings,
                                   *(mg.tensor(x, device=device) for x in (content, style)),
                                   border=2)
        run = evaluation.LossAndGradient(
            loss, mg.tensor(start, device=device, requires_grad=True))
        for _ in range(1 if device == "cpu" else 4):
            terms.append(run()[1])
            gradients.append(run.picture.grad.numpy())
    assert run.recording.recorded, run.recording.refusal
    for gradient, term in zip(gradients[1:], terms[1:]):
        assert term["style"] == pytest.approx(terms[0]["style"], rel=1e-5)
        assert np.linalg.norm(gradient - gradients[0]) < 1e-4 * np.linalg.norm(gradients[0])


LEFT = (np.arange(12) < 6) * np.ones((12, 1), np.float32)
LEFT_AND_RIGHT = Masks(None, (LEFT, 1 - LEFT), (None, None))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("tiled", [False, True])
def test_the_palette_is_added_to_a_recorded_evaluation(cuda, masked, tiled, whole_network):
    """Gradient and terms as on the host, whether a graph is replayed or not.

    In precision "high", where neither conv1_1 nor what depends on it may be rounded to TF32.
    """
    settings = Settings(content_layers="relu1_1", style_layers="relu1_1", tv_weight=0.01)
    rng = np.random.default_rng(3)
    content, style, other, start = (60 * rng.standard_normal((1, 3, 16, 16)).astype("f")
                                    for _ in range(4))
    masks = LEFT_AND_RIGHT if masked else None
    kind = functools.partial(TiledObjective, side=16) if tiled else objective.Objective
    gradients, terms = [], []
    for device in ("cpu", "cuda"):
        on_device = [mg.tensor(x, device=device) for x in (content, style, other)]
        loss = kind(weights.load("random:0", "relu1_1", device), settings, on_device[0],
                    on_device[1:], masks, border=2)
        run = evaluation.LossAndGradient(
            loss, mg.tensor(start, device=device, requires_grad=True))
        for _ in range(1 if device == "cpu" else 5):
            with mg.cuda.matmul_precision("high"):
                total, values = run()
            assert total.item() == values["total"]
            terms.append(values)
            gradients.append(run.picture.grad.numpy())
    assert run.recording.recorded, run.recording.refusal
    for gradient, values in zip(gradients[1:], terms[1:]):
        assert values.keys() == terms[0].keys()
        for name in ("content", "style", "tv", "palette", "total"):
            assert values[name] == pytest.approx(terms[0][name], rel=1e-5)
        apart = np.linalg.norm(gradient - gradients[0])     # colours of one bin share a rank
        assert apart < 1e-3 * np.linalg.norm(gradients[0])


def test_a_palette_that_is_not_finite_is_noticed(cuda):
    """Its loss, and its gradient alone."""
    settings = Settings(content_layers="relu1_1", style_layers="relu1_1")
    picture = mg.rand(1, 3, 8, 8, device="cuda", requires_grad=True)
    loss = objective.Objective(weights.load("random:0", "relu1_1", "cuda"), settings,
                               picture.detach(), picture.detach())
    plain = loss.palette
    for wrong, palette in {
            "the palette loss": lambda picture: plain(picture) * float("inf"),
            "the gradient": lambda picture: plain(picture) + (0 * picture).sqrt().sum().double(),
    }.items():
        loss.palette = palette
        run = evaluation.LossAndGradient(loss, picture)
        for _ in range(4):          # plain, twice, and recorded
            with np.errstate(all="ignore"), \
                    pytest.raises(evaluation.NonFiniteError, match=wrong):
                run()
        assert run.palette.recorded


def test_what_calls_cusolver_is_not_recorded_but_computed(cuda, rng):
    """With a floor of 0 the root needs eigenvalues."""
    x = mg.tensor(rng.standard_normal((5, 5)), device="cuda")
    run = mg.cuda.Recording(lambda: mg.functional.trace_sqrt(x @ x.T, floor=0.0))
    values = [run().item() for _ in range(4)]
    assert not run.recorded
    assert run.refusal.startswith("NotImplementedError: calling cuSOLVER API during stream capture")
    np.testing.assert_allclose(values, np.linalg.svd(x.numpy())[1].sum(), rtol=1e-12)


@needs_compiler
def test_one_wait_per_evaluation(played, pictures, monkeypatch):
    """Copies of the best picture, which are rare, and L-BFGS apart."""
    monkeypatch.setattr(host_copy.HostCopy, "update", lambda *args, **named: None)
    waits = []
    stylize(*pictures, Settings(**SMALL, optimizer="adam", device="cuda", precision="highest"),
            observe=lambda progress: waits.append(played.syncs))
    assert max(np.diff(waits[3:])) <= 1


@needs_compiler
def test_one_wait_per_evaluation_of_regions(played):
    settings = Settings(content_layers="relu1_1", style_layers="relu1_1")
    picture = mg.rand(1, 3, 12, 12, device="cuda", requires_grad=True)
    styles = [picture.detach(), picture.detach() + 1]
    run = evaluation.LossAndGradient(
        objective.Objective(weights.load("random:0", "relu1_1", "cuda"), settings,
                            picture.detach(), styles, LEFT_AND_RIGHT), picture)
    waits = []
    for _ in range(6):
        run()
        waits.append(played.syncs)
    assert run.recording.recorded and max(np.diff(waits[3:])) == 1


@needs_compiler
def test_out_of_memory_while_it_works(played, pictures):
    def observe(progress: Progress) -> None:
        if len(progress.history) == 1:
            played.limit = played.used          # from now on nothing more

    result = stylize(*pictures, Settings(**SMALL, device="cuda", precision="highest"), observe)
    assert result.ended == "fault" and result.best_iteration == 0 and len(result.history) == 1
    assert "cuda:0 does not have enough memory for" in result.cause and "requested" in result.cause
    assert max(result.picture.size) == 16


@needs_compiler
def test_out_of_memory_before_the_first_iteration(played, pictures):
    def limit_after_the_weights(*args):
        played.limit = played.used + 100_000
        return original(*args)

    from nst.job import transfer
    original = transfer.Objective
    transfer.Objective = limit_after_the_weights
    try:
        with pytest.raises(OutOfMemoryError, match="cuda:0 does not have enough memory for 16×12"):
            stylize(*pictures, Settings(**SMALL, device="cuda"))
    finally:
        transfer.Objective = original


def test_which_size_fits():
    room = out_of_memory.BYTES_OVERHEAD + 1000 * 1000 * out_of_memory.BYTES_PER_PIXEL
    assert out_of_memory.largest_size((2000, 2000), room) == 992
    assert out_of_memory.largest_size((1000, 2000), room) == 1408
    assert out_of_memory.largest_size((512, 512), room) == 496         # smaller than what failed
    assert out_of_memory.largest_size((512, 512), 10) == 0
    assert out_of_memory.in_words(MemoryError(), (300, 400), "cpu") == (
        "there is not enough memory for 400×300 pixels; choose a smaller --size than 400")


def test_a_gpu_gives_the_picture_of_the_cpu(device, pictures):
    """On whatever device there is: losses of float32 agree as far as float32 goes."""
    settings = Settings(**SMALL, device=device, precision="highest")
    here = stylize(*pictures, Settings(**SMALL, device="cpu"))
    there = stylize(*pictures, settings)
    assert there.history[0].total == pytest.approx(here.history[0].total, rel=1e-4)
    assert there.history[-1].total == pytest.approx(here.history[-1].total, rel=0.05)
    assert mg.is_grad_enabled()

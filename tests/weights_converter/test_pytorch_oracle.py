"""PyTorch's files, written by PyTorch itself, in both of its formats."""

import argparse
import collections
import zipfile

import numpy as np
import pytest

from weights_converter import WeightsError, convert, detect, verify, vgg_spec
from weights_converter.detect import detect as kind_of
from weights_converter.fingerprints import TORCHVISION_16, TORCHVISION_19

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

# Where the convolutions are among torchvision's ``features``.
PLACES = {"vgg19": (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34),
          "vgg16": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)}


def state(layers, architecture="vgg19", prefix="features.", top=True):
    """A state_dict as torchvision's and Caffe's files have it."""
    made = collections.OrderedDict()
    for place, (weight, bias) in zip(PLACES[architecture], layers.values()):
        made[f"{prefix}{place}.weight"] = torch.from_numpy(weight)
        made[f"{prefix}{place}.bias"] = torch.from_numpy(bias)
    if top:
        made["classifier.0.weight"], made["classifier.0.bias"] = torch.zeros(5, 7), torch.zeros(5)
    return made


@pytest.fixture(params=["zip", "legacy"])
def save(request, tmp_path):
    """Save as torch.save does since 1.6, and as it did before."""
    def to_file(thing):
        path = tmp_path / "file.pth"
        torch.save(thing, path, _use_new_zipfile_serialization=request.param == "zip")
        right = detect.TORCH_ZIP if request.param == "zip" else detect.TORCH_LEGACY
        assert kind_of(path) == right
        return path
    return to_file


def test_caffe_derived_and_gatys(save, first, check_conversion):
    layers = first("conv3_2", held="torch")
    check_conversion(save(state(layers)), "conv3_2")
    check_conversion(save({f"{name}.{what}": torch.from_numpy(array)
                           for name, pair in layers.items()
                           for what, array in zip(("weight", "bias"), pair)}), "conv3_2")


def test_a_whole_network(layers, tmp_path, check_conversion):
    torch.save(state(layers), tmp_path / "file.pth")
    check_conversion(tmp_path / "file.pth", "conv5_4", architecture="vgg19")


@pytest.mark.parametrize("network", [TORCHVISION_19, TORCHVISION_16], ids=lambda n: n.title)
def test_torchvisions_own_stay_rgb_with_mean_and_deviation(save, tmp_path, network):
    generator = np.random.default_rng(8)
    layers = {name: (generator.standard_normal(shape, np.float32) * np.float32(0.02),
                     generator.standard_normal(shape[0], np.float32))
              for name, shape in list(vgg_spec.ARCHITECTURES[network.architecture].items())[:8]}
    layers["conv1_1"][0][0, 0] = network.kernel
    weights = convert(save(state(layers, network.architecture)), tmp_path / "out.h5")
    assert (weights.architecture, weights.color_order) == (network.architecture, "RGB")
    assert (weights.input_range, weights.mean) == ((0, 1), (0.485, 0.456, 0.406))
    assert weights.std == (0.229, 0.224, 0.225) and "torchvision" in weights.licence
    np.testing.assert_array_equal(weights.layers["conv1_1"][0], layers["conv1_1"][0])
    report = str(verify(tmp_path / "out.h5"))
    assert f"{network.title}" in report and "RGB, 0..1, mean 0.485" in report
    assert f"{len(layers)} shape fits" in report


def adain(layers):
    """As AdaIN's ``vgg_normalised``: pictures prepared by a 1×1 convolution, filters rescaled."""
    prepare = torch.nn.Conv2d(3, 3, 1)
    prepare.weight.data = 255 * torch.eye(3).flip(0)[:, :, None, None]
    prepare.bias.data = -torch.tensor(vgg_spec.MEAN)
    modules, before = [prepare], np.ones(3, np.float32)
    generator = np.random.default_rng(4)
    for weight, bias in layers.values():
        scale = generator.uniform(0.003, 0.18, len(bias)).astype(np.float32)
        conv = torch.nn.Conv2d(*weight.shape[1::-1], 3)
        conv.weight.data = torch.from_numpy(
            weight * scale[:, None, None, None] / before[:, None, None])
        conv.bias.data = torch.from_numpy(bias * scale)
        modules += [torch.nn.ReflectionPad2d(1), conv, torch.nn.ReLU()]
        before = scale
    return torch.nn.Sequential(*modules).state_dict()


def test_adains_normalised_network(save, layers, first, tmp_path):
    weights = convert(save(adain(first("conv3_2", held="torch"))), tmp_path / "out.h5")
    assert list(weights.layers) == list(vgg_spec.LAYERS[:6])
    assert (weights.color_order, weights.mean) == ("BGR", vgg_spec.MEAN)
    report = verify(tmp_path / "out.h5")
    assert {row.verdict for row in report.layers} == {"rescaled"}
    assert "Oxford's VGG19, filters rescaled" in str(report)


def test_another_first_layer_is_refused(save, first, tmp_path):
    other = adain(first("conv1_2", held="torch"))
    other["0.weight"] = other["0.weight"].flip(0)
    with pytest.raises(WeightsError, match=r"0\.weight is a 1×1 convolution on colours, but not"):
        convert(save(other), tmp_path / "out.h5")


def test_all_that_a_checkpoint_can_contain(save, first, check_conversion):
    """Nested, prefixed, parameters instead of tensors, views, transposed memory, other types."""
    layers = state(first(held="torch"), prefix="module.features.")
    layers = {name: torch.nn.Parameter(tensor) for name, tensor in layers.items()}
    name = "module.features.2.weight"
    layers[name] = layers[name].data.to(memory_format=torch.channels_last)
    both = torch.cat([torch.zeros(10), layers["module.features.2.bias"].data])
    layers["module.features.2.bias"] = both[10:]
    layers["module.features.0.bias"] = layers["module.features.0.bias"].data.double()
    check_conversion(save({"epoch": 3, "lr": 0.1, "name": "vgg", "done": True, "none": None,
                           "list": [1, (2, 3)], "state_dict": layers}))


def negated(tensor):
    """As it is, but stored with the other sign and a mark."""
    return torch._neg_view((-tensor).clone())


def part(tensor):
    """A part of a larger tensor, so its elements are not neighbours."""
    return torch.stack([tensor, tensor], -1)[..., 0]


@pytest.mark.parametrize("view", [negated, part])
def test_views_have_the_values_that_pytorch_shows(save, first, check_conversion, view):
    layers = state(first("conv1_2", held="torch"))
    layers["features.2.weight"] = view(layers["features.2.weight"])
    layers["features.2.bias"] = view(layers["features.2.bias"])
    check_conversion(save(layers), "conv1_2")


@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_after_training(first, tmp_path, check_conversion, protocol, zipped):
    """With the optimiser's moments, and what scripts keep beside the weights."""
    layers = state(first("conv1_2", held="torch"), top=False)
    network = torch.nn.Module()
    network.features = torch.nn.Sequential(
        torch.nn.Conv2d(3, 64, 3), torch.nn.ReLU(), torch.nn.Conv2d(64, 64, 3))
    network.load_state_dict(layers)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9)
    network.features(torch.ones(1, 3, 8, 8)).sum().backward()
    optimiser.step()
    torch.save({"epoch": 3, "state_dict": network.state_dict(), "optimizer": optimiser.state_dict(),
                "size": torch.Size([1, 2]), "type": torch.float32, "device": torch.device("cpu"),
                "args": argparse.Namespace(lr=0.1), "best": np.float64(0.5), "mean": np.zeros(3),
                "seen": {1, "x"}, "name": b"vgg", (1, 2): 3, None: 4, 1.5: 5},
               tmp_path / "file.pth", pickle_protocol=protocol,
               _use_new_zipfile_serialization=zipped)
    check_conversion(tmp_path / "file.pth", "conv1_2")


@pytest.mark.parametrize("kind", ["float8_e4m3fn", "float8_e5m2", "complex64", "uint16", "uint32",
                                  "uint64", "bool"])
def test_a_tensor_of_another_type_beside_the_weights(save, first, check_conversion, kind):
    layers = state(first("conv1_2", held="torch"))
    check_conversion(save({"extra": torch.zeros(5).to(getattr(torch, kind)), **layers,
                           "last": torch.zeros(5).to(getattr(torch, kind))}), "conv1_2")


def test_an_archive_without_sums(first, tmp_path, check_conversion):
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(state(first("conv1_2", held="torch")), tmp_path / "2024-01-01T12:00.pth")
    finally:
        torch.serialization.set_crc32_options(True)
    check_conversion(tmp_path / "2024-01-01T12:00.pth", "conv1_2")


def test_half_precision(save, first, check_conversion):
    layers = state(first(held="torch"))
    check_conversion(save({name: t.half() for name, t in layers.items()}), tolerance=5e-4)


def test_bfloat16(save, first, tmp_path):
    """With eight bits of precision the first layer can still be told."""
    layers = first("conv1_2", held="torch")
    path = save({name: tensor.bfloat16() for name, tensor in state(layers).items()})
    weights = convert(path, tmp_path / "out.h5")
    for name, pair in layers.items():
        for found, right in zip(weights.layers[name], pair):
            np.testing.assert_array_equal(found, torch.from_numpy(right).bfloat16().float())


def test_a_compressed_copy_of_a_zip(first, tmp_path, check_conversion):
    torch.save(state(first(held="torch")), tmp_path / "file.pth")
    with (zipfile.ZipFile(tmp_path / "file.pth") as old,
          zipfile.ZipFile(tmp_path / "new.pth", "w", zipfile.ZIP_DEFLATED) as new):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    check_conversion(tmp_path / "new.pth")


def test_a_whole_model_is_told_what_to_save(save, tmp_path):
    with pytest.raises(WeightsError, match=r"uses torch.nn.modules.*save its state_dict"):
        convert(save(torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3))), tmp_path / "out.h5")


def test_batch_normalisation(save, first, tmp_path):
    layers = state(first(held="torch"))
    layers["features.1.running_mean"] = torch.zeros(64)
    with pytest.raises(WeightsError, match="batch normalisation"):
        convert(save(layers), tmp_path / "out.h5")


def test_expanded_tensors_are_read(save, first, tmp_path):
    """Strides of 0: one number for a whole layer; nothing is known of it, so it is refused."""
    layers = state(first("conv1_2", held="torch"))
    layers["features.2.weight"] = torch.zeros(1).expand(64, 64, 3, 3)
    with pytest.raises(WeightsError, match=r"conv1_2 have a standard deviation of 0.00000"):
        convert(save(layers), tmp_path / "out.h5")


def test_a_file_that_was_cut_off(save, first, tmp_path):
    path = save(state(first("conv1_2", held="torch")))
    whole = path.read_bytes()
    for length in (20, 300, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsError, match=r"damaged|cut short"):
            convert(path, tmp_path / "out.h5")

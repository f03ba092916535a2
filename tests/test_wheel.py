"""The wheel holds the three packages with their data, the pytest plugin, and nothing else."""

import importlib
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("minigrad", "nst", "weights_converter")
PLUGIN = "pytest_gradcheck.py"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The files of the wheel, name -> content, built from a copy: building leaves traces."""
    source = tmp_path_factory.mktemp("source") / "copy"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(
        ".*", "shared", "build", "dist", "*.egg-info", "__pycache__"))
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", str(source),
               "--wheel-dir", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_three_packages_and_nothing_else(wheel):
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {*PACKAGES, PLUGIN}


def test_every_file_of_the_packages_is_there(wheel):
    """Modules, kernels, pages, the demonstration's pictures, the small network."""
    expected = {path.relative_to(ROOT).as_posix() for package in PACKAGES
                for path in (ROOT / package).rglob("*")
                if path.is_file() and "__pycache__" not in path.parts} | {PLUGIN}
    assert {name for name in wheel if ".dist-info/" not in name} == expected


def test_console_scripts_lead_to_functions(wheel):
    (text,) = (content for name, content in wheel.items() if name.endswith("entry_points.txt"))
    parser = ConfigParser()
    parser.read_string(text.decode())
    scripts = dict(parser["console_scripts"])
    assert set(scripts) == {"nst", "weights-converter", "minigrad-check"}
    for target in scripts.values():
        module, function = target.split(":")
        assert callable(getattr(importlib.import_module(module), function))

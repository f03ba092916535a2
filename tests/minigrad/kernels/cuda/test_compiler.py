"""The CUDA programs compile: with nvcc, where it is installed, for the architectures in use."""

import itertools
import shutil
import subprocess
from importlib import resources

import pytest

from minigrad.kernels.cuda import compiler, direct, winograd

ARCHITECTURES = ("arch=compute_80,code=sm_80", "arch=compute_90,code=sm_90",
                 "arch=compute_90,code=compute_90")
NVCC = shutil.which("nvcc")
needs_nvcc = pytest.mark.skipif(NVCC is None, reason="nvcc is not on the PATH")
PROGRAMS = ("relu_mask", "im2col", "pool", "pad", "vectors", "lbfgs")
IN_FLOAT32 = (("pool2", ""), ("implicit", ""), ("direct", direct.definitions(3, 64, True)))


def compile_for(targets, text, path):
    """Run nvcc; whatever it says, warnings included, is a failure."""
    program = path / "program.cu"
    program.write_text(text)
    targets = [word for target in targets for word in ("-gencode", target)]
    result = subprocess.run([NVCC, "-std=c++14", "-ftz=true", "-fatbin", *targets, "-Xptxas",
                             "-warn-spills", "-o", str(path / "program.fatbin"), str(program)],
                            capture_output=True, text=True)
    assert not result.returncode and not result.stderr.strip(), result.stderr
    assert (path / "program.fatbin").stat().st_size > 10_000


def text_of(name):
    """A .cu file as it is."""
    return (resources.files("minigrad.kernels.cuda") / f"{name}.cu").read_text(encoding="utf-8")


@needs_nvcc
def test_all_programs_compile(tmp_path):
    """In float32, with F(4×4, 3×3): what a style transfer runs; for the oldest architecture."""
    head = ["typedef float real;", "typedef int offset;", "typedef unsigned char mark;",
            text_of("common"), winograd.definitions(4, False)]
    compile_for(ARCHITECTURES[:1], "\n".join([*head, *map(text_of, (*PROGRAMS, "winograd"))]),
                tmp_path)


@needs_nvcc
@pytest.mark.parametrize("name, extra", IN_FLOAT32, ids=[name for name, _ in IN_FLOAT32])
def test_what_float32_alone_has_compiles_without_spills(name, extra, tmp_path):
    compile_for(ARCHITECTURES[:1], compiler.source(name, "f", extra), tmp_path)


VARIANTS = {
    **{f"winograd-{m}-{turned}": ("winograd", "f", winograd.definitions(m, turned))
       for m, turned in itertools.product(winograd.TILES, (False, True))},
    **{f"{name}-{real}": (name, real, "")
       for name, real in itertools.product(PROGRAMS, "fd") if name != "pool"},
    **{f"pool-{real}-{mark}": ("pool", real, f"typedef {mark} mark;")
       for real, mark in itertools.product("fd", ("unsigned char", "int"))},
    "pool2": ("pool2", "f", ""), "implicit": ("implicit", "f", ""),
    **{f"direct-{channels}-{filters}-{is_gated}":
       ("direct", "f", direct.definitions(channels, filters, is_gated))
       for channels, filters, is_gated in itertools.product((1, 3, 4), (32, 64), (False, True))}}


@pytest.mark.slow
@needs_nvcc
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name, real, extra", VARIANTS.values(), ids=list(VARIANTS))
def test_every_variant_compiles(name, real, extra, large, tmp_path):
    compile_for(ARCHITECTURES, compiler.source(name, real, extra, large), tmp_path)


def test_programs_are_part_of_the_package():
    for name in (*PROGRAMS, "winograd", "pool2", "direct", "implicit"):
        text = compiler.source(name)
        assert text.startswith("typedef float real;\ntypedef int offset;\n")
        assert 'extern "C" __global__ void' in text and "#include" not in text

"""Files of every format, damaged at random: success or one sentence, in bounded time and memory.

Ten thousand cases; with SLOW_TESTS=reduced, four hundred. The networks are small (they stop at
conv1_2): what is tested is the parsing.
"""

import contextlib
import json
import os
import pickletools
import signal
import struct
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from weights_converter import WeightsError, convert, read_weights, write_weights
from weights_converter.errors import DAMAGE
from weights_converter.unpickler import unpickle

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.slow

REDUCED = os.environ.get("SLOW_TESTS") == "reduced"
CASES = 400 if REDUCED else 10_000
DATA = Path(__file__).parent / "data"
MAX_SECONDS = 10           # of the processor, for one file
MAX_MEMORY = 1 << 30       # of addresses, beyond what the process has before

fuzz = settings(
    deadline=None, database=None, derandomize=True, phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck))

# Numbers that sizes, offsets and counts are fond of, and beginnings of structures.
EDGES = [b"\0", b"\xff", b"\x7f", b"\x80", b"\xff" * 4, b"\xff" * 8, b"\xff\xff\xff\x7f", b"\0" * 8,
         b"\0\0\0\x80", b"\x01" + b"\0" * 7, b"{" * 40, b"[" * 40, b"(" * 40, b"9" * 30, b"../../",
         b"\x80\x02.", b"PK\x05\x06", b"\x0e\0\0\0", b"\x0f\0\0\0\xff\xff\xff\0"]
ODD = [None, True, -1, 0, 1, 3, 64, 2**31, 2**63, 2**70, 0.5, 1e308, "", "x" * 1000, "../x", "F32",
       "uint8", [], [3, 3, 3, 64], [2**40] * 8, [-1], {}, [[[[]]]]]


# ---------------------------------------------------------------- files to begin with


def _write_safetensors(path, held):
    header, data = {}, b""
    for layer, arrays in held.items():
        for what, array in zip(("weight", "bias"), arrays):
            content = array.tobytes()
            header[f"{layer}.{what}"] = {"dtype": "F32", "shape": array.shape,
                                         "data_offsets": [len(data), len(data) + len(content)]}
            data += content
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.fixture(scope="module")
def originals(tmp_path_factory, writers, first, make_weights):
    """Format -> (name of the file to read, the bytes of each file)."""
    held = first("conv1_2")
    write = {
        "keras": lambda path: writers["keras"](path, held),
        "keras whole model": lambda path: writers["keras"](path, held, root="model_weights"),
        "keras 3": lambda path: writers["keras 3"](path, held),
        "mat": lambda path: writers["mat"](path, held),
        "mat plain": lambda path: writers["mat"](path, held, compressed=False),
        "tfjs": lambda path: writers["tfjs"](path, held),
        "tfjs uint8": lambda path: writers["tfjs"](path, held, "uint8"),
        "npz": lambda path: writers["npz"](open(path, "wb"), held),  # noqa: SIM115
        "npz compressed": lambda path: writers["npz"](open(path, "wb"), held, True),  # noqa: SIM115
        "safetensors": lambda path: _write_safetensors(path, held),
        "torch zip": lambda path: path.write_bytes((DATA / "torch_zip.pth").read_bytes()),
        "torch legacy": lambda path: path.write_bytes((DATA / "torch_legacy.pth").read_bytes()),
        "own": lambda path: write_weights(path, make_weights()),
    }
    found = {}
    for name, make in write.items():
        folder = tmp_path_factory.mktemp("original")
        make(folder / "file")
        files = {file.name: file.read_bytes() for file in folder.iterdir()}
        found[name] = files
        _read(folder / "file", folder / "out.h5")       # without a change it is good
    return found


def _read(path, destination):
    """What a user can do with a file: convert it, or use it if it is converted."""
    try:
        convert(path, destination)
    except WeightsError as error:
        if "is converted already" not in str(error):
            raise
        read_weights(path)


# ---------------------------------------------------------------- changes


def mutate(draw, data):
    """Change, insert, remove or repeat bytes, a few times; near both ends above all."""
    data = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        if not data:
            break
        low, high = draw(st.sampled_from([(0, 4096), (len(data) - 2048, len(data)),
                                          (0, len(data))]))
        at = draw(st.integers(max(low, 0), min(high, len(data)) - 1))
        kind = draw(st.sampled_from(["bit", "byte", "edge", "insert", "cut", "double", "end"]))
        if kind == "bit":
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "byte":
            data[at] = draw(st.integers(0, 255))
        elif kind == "edge":
            edge = draw(st.sampled_from(EDGES))
            data[at : at + len(edge)] = edge
        elif kind == "insert":
            data[at:at] = draw(st.sampled_from(EDGES))
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 64))]
        elif kind == "double":
            data[at:at] = data[at : at + draw(st.integers(1, 64))]
        else:
            del data[at:]
    return bytes(data)


def mutate_json(draw, thing):
    """Replace one value, somewhere inside, by an odd one."""
    if isinstance(thing, dict | list) and thing and draw(st.integers(0, 9)):
        keys = list(thing) if isinstance(thing, dict) else range(len(thing))
        key = draw(st.sampled_from(list(keys)))
        copy = dict(thing) if isinstance(thing, dict) else list(thing)
        copy[key] = mutate_json(draw, thing[key])
        return copy
    return draw(st.sampled_from(ODD))


def change(draw, name, data):
    """A mutant of one file of a format; its JSON as JSON, half of the time."""
    if name.startswith("tfjs") and data[:1] == b"{" and draw(st.booleans()):
        return json.dumps(mutate_json(draw, json.loads(data))).encode()
    if name == "safetensors" and draw(st.booleans()):
        (length,) = struct.unpack("<Q", data[:8])
        header = json.dumps(mutate_json(draw, json.loads(data[8 : 8 + length]))).encode()
        return struct.pack("<Q", len(header)) + header + data[8 + length :]
    return mutate(draw, data)


# ---------------------------------------------------------------- the verdict


class _TooSlow(BaseException):
    """Not an Exception, so that no reader takes it for damage."""


@contextlib.contextmanager
def bounds():
    """Limits on processor time and addresses; running into either is a failure."""
    def too_slow(number, frame):
        raise _TooSlow

    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    before, limits = signal.signal(signal.SIGPROF, too_slow), resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MAX_MEMORY, limits[1]))
    signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        resource.setrlimit(resource.RLIMIT_AS, limits)


def check_sentence(error):
    text = str(error)
    assert "\n" not in text and 20 < len(text) < 1500, text
    assert not isinstance(error.__cause__, MemoryError), text


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux's /proc")
def test_damaged_files(originals, tmp_path):
    ends = Counter()

    @settings(fuzz, max_examples=CASES)
    @given(st.data())
    def run(data):
        name = data.draw(st.sampled_from(sorted(originals)))
        files = originals[name]
        target = data.draw(st.sampled_from(sorted(files)))
        changed = change(data.draw, name, files[target])
        for other, content in files.items():
            (tmp_path / other).write_bytes(changed if other == target else content)
        try:
            with bounds():
                _read(tmp_path / "file", tmp_path / "out.h5")
            ends[name, "good"] += 1
        except WeightsError as error:
            check_sentence(error)
            ends[name, "refused"] += 1
        for path in tmp_path.iterdir():
            path.unlink()

    run()
    total = sum(ends.values())
    good = sum(count for (_, end), count in ends.items() if end == "good")
    print(f"{total} damaged files: {total - good} refused, {good} still good")
    for name in sorted(originals):
        print(f"  {name:18} {ends[name, 'refused']:5} refused {ends[name, 'good']:5} good")
        assert ends[name, "refused"], name
    assert total >= CASES


OPCODES = {opcode.name: opcode for opcode in pickletools.opcodes}


@st.composite
def programs(draw):
    """Pickles of random instructions, with arguments that sometimes fit."""
    parts = []
    for _ in range(draw(st.integers(1, 30))):
        opcode = OPCODES[draw(st.sampled_from(sorted(OPCODES)))]
        parts.append(opcode.code.encode("latin-1"))
        if opcode.arg is not None:
            parts.append(draw(st.sampled_from([
                b"\x00", b"\x01", b"\xff", b"\x02\x00", b"\x01\x00\x00\x00", b"\xff" * 4,
                b"\xff" * 8, b"\x03\x00\x00\x00abc", b"\x03abc", b"1\n", b"torch\nFloatStorage\n",
                b"collections\nOrderedDict\n", b"torch._utils\n_rebuild_tensor_v2\n",
                b"os\nsystem\n", b"'x'\n"])))
    return b"\x80\x02" + b"".join(parts) + draw(st.sampled_from([b".", b""]))


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux's /proc")
def test_random_pickles():
    @settings(fuzz, max_examples=CASES // 2)
    @given(programs())
    def run(program):
        with bounds(), contextlib.suppress(WeightsError, *set(DAMAGE) - {MemoryError}):
            unpickle(program)

    run()

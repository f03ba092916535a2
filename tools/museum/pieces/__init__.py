"""The pieces, room by room."""

from tools.museum.piece import Piece
from tools.museum.pieces import (
    algebra,
    formulae,
    layouts,
    normalisation,
    paths,
    places,
    points,
    state,
)
from tools.museum.pieces.later import LATER

ROOMS = {
    "Memory, and the gradient that comes from above": layouts.PIECES,
    "Paths": paths.PIECES,
    "Formulae": formulae.PIECES,
    "Normalisation": normalisation.PIECES,
    "Places": places.PIECES,
    "Memories": state.PIECES,
    "Points": points.PIECES,
    "Matrices, complex numbers, second derivatives": algebra.PIECES,
}

# The report says that the project's own tests, or a gradient check, passed.
TESTS_PASSED = [
    "chainer/chainer#1178", "tensorflow/tensorflow#1847", "mlpack/mlpack#1923",
    "JuliaDiff/ChainRules.jl#74", "HIPS/autograd#412", "tenstorrent/tt-metal#6533",
    "BobMcDear/attorch#17", "linkedin/Liger-Kernel#1375", "linkedin/Liger-Kernel#1413",
    "0809zheng/CS231n-assignment2019#19", "ahrefs/ocannl#512", "tensorflow/tensorflow#4859",
    "denizyuret/Knet.jl#288", "chainer/chainer#3541", "pytorch/pytorch#23925",
    "huggingface/candle#2337", "pytorch/pytorch#18825", "ooples/AiDotNet.Tensors#80",
    "pytorch/pytorch#194719", "pytorch/pytorch#58509", "pytorch/pytorch#76185",
    "happynear/caffe-windows#46",
]

PIECES: list[Piece] = [piece for room in ROOMS.values() for piece in room]

__all__ = ["LATER", "PIECES", "ROOMS", "TESTS_PASSED"]

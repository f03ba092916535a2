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

PIECES: list[Piece] = [piece for room in ROOMS.values() for piece in room]

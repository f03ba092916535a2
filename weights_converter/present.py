"""A file in the place of a download: whether it is what is asked for, or may be replaced."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from minigrad.errors import ArgumentError
from minigrad.hdf5 import METADATA_OF_ROOT
from weights_converter import vgg_spec
from weights_converter.converted import read_weights
from weights_converter.errors import NoMemoryError, WeightsError
from weights_converter.safe_hdf5 import SMALL, get_attribute, is_converted, open_hdf5, text
from weights_converter.sources import Source
from weights_converter.verify import verify
from weights_converter.weights import Weights

HOW_TO_REPLACE = "name another file, or add --force to replace it"


@dataclass(frozen=True)
class Wanted:
    """What is to be fetched.

    Attributes
    ----------
    network : str
        "vgg19" or "vgg16".
    dtype : str
        "float32" or "float16".
    last : str or None
        The last layer; None if all are wanted.
    digests : tuple of str
        The beginnings of SHA-256 hashes, one of which its source must have; empty if any will do.
    """

    network: str
    dtype: str
    last: str | None
    digests: tuple[str, ...]

    def lacks(self, weights: Weights) -> str:
        """Why these weights do not do, as clauses of a sentence; "" if they do."""
        last = self.last or vgg_spec.layers_of(self.network)[-1]
        reasons = []
        if last not in weights.layers:
            reasons.append(f"stops at {list(weights.layers)[-1]}, not at {last}")
        if weights.dtype != self.dtype:
            reasons.append(f"is stored as {weights.dtype}, not {self.dtype}")
        if self.digests and not weights.source_sha256.startswith(self.digests):
            reasons.append(f"was made from a file with the SHA-256 {weights.source_sha256}, not "
                           f"{' or '.join(self.digests)}")
        return " and ".join(reasons)


def digests_of(sources: Sequence[Source]) -> tuple[str, ...]:
    """The SHA-256 hashes of sources, for `Wanted`; none if one of them has no such hash."""
    digests = [source.digest or "" for source in sources]
    if not all(digest.startswith("sha256:") for digest in digests):
        return ()
    return tuple(digest.removeprefix("sha256:") for digest in digests)


def check_own(path: Path, network: str, is_named: bool) -> None:
    """Check that a download may replace a file: none, an older download, or a damaged one.

    Parameters
    ----------
    path : Path
    network : str
    is_named : bool
        Whether the user has named the file. In the cache folder, what no program of this project
        wrote is taken for a damaged download.

    Raises
    ------
    ArgumentError
        It is something else.
    """
    if not os.path.isfile(path):
        return
    found = _architecture(path)
    if found is None and is_named:
        raise ArgumentError(f"{path} already exists and is not a converted network; "
                            f"{HOW_TO_REPLACE}")
    if found not in (None, network):
        what = "the small network" if found == SMALL else f"the network {found[:20]!r}"
        raise ArgumentError(f"{path} already exists and holds {what}, not {network}; "
                            f"{HOW_TO_REPLACE}")


def verified(path: Path) -> Weights | None:
    """The verified weights in a file that `check_own` has accepted; None if it is damaged.

    Raises
    ------
    ArgumentError
        They are somebody's own: whole, but not those of the published network.
    """
    try:
        return verify(path).weights
    except NoMemoryError:
        raise
    except WeightsError as error:
        if not _is_whole(path):
            return None
        raise ArgumentError(f"{path} already exists and has other numbers than the published "
                            f"network ({error}); {HOW_TO_REPLACE}") from error


def _is_whole(path: Path) -> bool:
    try:
        read_weights(path)
    except NoMemoryError:
        raise
    except WeightsError:
        return False
    return True


def _architecture(path: Path) -> str | None:
    """The network that a file states, if a program of this project wrote it."""
    try:
        with open_hdf5(path, METADATA_OF_ROOT) as file:
            if is_converted(path, file):
                return text(get_attribute(path, file.attrs, "architecture"))
    except NoMemoryError:
        raise
    except WeightsError:
        pass
    return None

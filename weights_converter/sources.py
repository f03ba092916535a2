"""Public addresses of Oxford's weights, in the order in which they are tried."""

from __future__ import annotations

from dataclasses import dataclass

_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
_CHOLLET = "https://github.com/fchollet/deep-learning-models/releases/download/v0.1"
_JOHNSON = "https://web.eecs.umich.edu/~justincj/models"
_NOTOP = "weights_tf_dim_ordering_tf_kernels_notop.h5"


@dataclass(frozen=True)
class Source:
    """An address, and what its publisher says of the file.

    Attributes
    ----------
    url : str
    size : int or None
        Bytes.
    digest : str or None
        "md5:HEX" or "sha256:HEX"; of a SHA-256 the first digits may be all that is published.
    """

    url: str
    size: int | None = None
    digest: str | None = None


# The Keras files hold the convolutions only. Those of J. Johnson were made from the Caffe models,
# hold the dense layers as well, and carry the first digits of their hash in their names.
SOURCES = {
    "vgg19": (
        Source(f"{_KERAS}/vgg19/vgg19_{_NOTOP}", 80_134_624,
               "md5:253f8cb515780f3b799900260a226db6"),
        Source(f"{_CHOLLET}/vgg19_{_NOTOP}", 80_134_624, "md5:253f8cb515780f3b799900260a226db6"),
        Source(f"{_JOHNSON}/vgg19-d01eb7cb.pth", None, "sha256:d01eb7cb"),
    ),
    "vgg16": (
        Source(f"{_KERAS}/vgg16/vgg16_{_NOTOP}", 58_889_256,
               "md5:6d6bbae143d832006294945121d1f1fc"),
        Source(f"{_CHOLLET}/vgg16_{_NOTOP}", 58_889_256, "md5:6d6bbae143d832006294945121d1f1fc"),
        Source(f"{_JOHNSON}/vgg16-00b39a1b.pth", None, "sha256:00b39a1b"),
    ),
}

"""Public addresses of Oxford's weights, in the order of attempts."""

from __future__ import annotations

from dataclasses import dataclass

_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
_CHOLLET = "https://github.com/fchollet/deep-learning-models/releases/download/v0.1"
_JOHNSON = "https://web.eecs.umich.edu/~justincj/models"
_NOTOP = "weights_tf_dim_ordering_tf_kernels_notop.h5"


@dataclass(frozen=True)
class Source:
    """An address, with the published size and hash.

    Attributes
    ----------
    url : str
    size : int or None
        In bytes.
    digest : str or None
        "md5:HEX" or "sha256:HEX"; for some, only the first digits of a SHA-256 are published.
    """

    url: str
    size: int | None = None
    digest: str | None = None


# The Keras files contain only the convolutions. J. Johnson's were converted from the Caffe models
# and contain the dense layers too; their names contain the first digits of their hashes.
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

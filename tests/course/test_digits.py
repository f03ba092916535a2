"""The digits that the course draws."""

import numpy as np

from course.digits import SIZE, STROKES, digits, draw


def test_pictures_and_labels():
    pictures, labels = digits(40, seed=1)
    assert pictures.shape == (40, SIZE, SIZE) and labels.shape == (40,)
    assert pictures.min() == 0 and pictures.max() == 1 and set(labels) == set(range(10))
    assert np.array_equal(pictures, digits(40, seed=1)[0])
    assert not np.array_equal(pictures, digits(40, seed=2)[0])


def test_each_digit_is_drawn_whole_and_differs_from_the_others():
    for seed in range(20):
        pictures = draw(np.arange(10), np.random.default_rng(seed))
        border = np.concatenate([pictures[:, 0], pictures[:, -1], pictures[:, :, 0],
                                 pictures[:, :, -1]], axis=1)
        assert border.mean() < 0.02 and (pictures.sum((1, 2)) > 12).all()
    assert len(STROKES) == 10
    mean = [draw(np.full(30, label), np.random.default_rng(3)).mean(0) for label in range(10)]
    far = [np.abs(one - two).sum() for i, one in enumerate(mean) for two in mean[:i]]
    assert min(far) > 10


def test_a_shift_moves_the_digit():
    def middle(picture):
        return (picture.sum(0) * np.arange(SIZE)).sum() / picture.sum()

    ones = np.zeros(60, int)
    spread = [np.std([middle(picture) for picture in draw(ones, np.random.default_rng(0), shift=s)])
              for s in (0.0, 0.2)]
    assert spread[1] > 3 * spread[0]
    assert draw([5], np.random.default_rng(0), size=24).shape == (1, 24, 24)

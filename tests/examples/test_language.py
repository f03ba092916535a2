"""The two networks that learn to write: both styles compute alike, and they learn."""

import numpy as np
import pytest

import minigrad as mg
from examples import makemore, manual_text, tiny_gpt

WORDS = ["none", "name", "module", "mode", "method", "method", "type", "types", "token", "tuple"]
LETTERS = manual_text.alphabet(makemore.END + "".join(WORDS))


def test_the_manual_has_words():
    words = manual_text.words()
    assert len(words) > 2000 and {"class", "import", "yield"} <= set(words)
    assert all(word.isascii() and word.islower() and 3 <= len(word) <= 12 for word in words)


def test_examples_of_a_word():
    contexts, following = makemore.examples_of(["no"], ".no")
    assert contexts.tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 2]]
    assert following.tolist() == [1, 2, 0]


def test_both_styles_of_makemore_compute_the_same():
    data = makemore.examples_of(WORDS, LETTERS)
    losses, words = [], []
    for style in ("written", "layers"):
        network, parameters = makemore.make(style, len(LETTERS), 0)
        losses.append(makemore.train(network, parameters, data, 60, 0))
        mg.manual_seed(0)
        words.append(makemore.invent(network, LETTERS, 5))
    np.testing.assert_allclose(losses[0], losses[1], rtol=2e-3)
    assert np.mean(losses[0][-10:]) < 0.6 * losses[0][0]
    assert all(set(word) <= set(LETTERS) for group in words for word in group)


def small_gpt():
    mg.manual_seed(1)
    return tiny_gpt.GPT(len(LETTERS), context=8, width=16, heads=2, dropout=0.0)


def test_gpt_does_not_look_ahead():
    network = small_gpt()
    text = np.arange(8)[None] % len(LETTERS)
    scores = network(mg.tensor(text)).numpy()
    text[0, 5] = 0
    changed = network(mg.tensor(text)).numpy()
    np.testing.assert_allclose(changed[0, :5], scores[0, :5], atol=1e-6)
    assert np.abs(changed[0, 5:] - scores[0, 5:]).max() > 1e-3


def test_gpt_learns_and_writes():
    text = manual_text.numbers(makemore.END.join(WORDS * 30), LETTERS)
    network = small_gpt()
    losses = tiny_gpt.train(network, text, 60, 0)
    assert np.mean(losses[-10:]) < 0.75 * losses[0]
    written = tiny_gpt.write(network, text[:3], 12)
    assert len(written) == 15 and max(written) < len(LETTERS)


def both_gradients(build, theirs):
    """Gradients by name of our network, and of PyTorch's with the same parameters."""
    torch = pytest.importorskip("torch")
    network, loss = build()
    loss.backward()
    tensors = {name: torch.tensor(p.numpy(), requires_grad=True)
               for name, p in network.named_parameters()}
    theirs(tensors).backward()
    for name, parameter in network.named_parameters():
        expected = tensors[name].grad.numpy()
        np.testing.assert_allclose(parameter.grad.numpy(), expected, atol=1e-9, rtol=1e-7,
                                   err_msg=name)


@pytest.mark.oracle
def test_gradients_of_makemore_are_pytorchs():
    torch = pytest.importorskip("torch")
    TF = torch.nn.functional
    contexts, following = makemore.examples_of(WORDS, LETTERS)

    def build():
        network = makemore.make("layers", len(LETTERS), 0)[0].double()
        return network, mg.functional.cross_entropy(network(mg.tensor(contexts)),
                                                    mg.tensor(following))

    def theirs(p):
        x = TF.embedding(torch.tensor(contexts), p["layers.0.weight"]).flatten(1)
        x = x @ p["layers.2.weight"].T
        x = TF.batch_norm(x, None, None, p["layers.3.weight"], p["layers.3.bias"], training=True)
        x = torch.tanh(x) @ p["layers.5.weight"].T + p["layers.5.bias"]
        return TF.cross_entropy(x, torch.tensor(following))

    both_gradients(build, theirs)


@pytest.mark.oracle
def test_gradients_of_gpt_are_pytorchs():
    torch = pytest.importorskip("torch")
    TF = torch.nn.functional
    rng = np.random.default_rng(0)
    text, following = (rng.integers(0, len(LETTERS), (3, 8)) for _ in range(2))

    def build():
        network = small_gpt().double()
        return network, tiny_gpt.loss_of(network, (mg.tensor(text), mg.tensor(following)))

    def norm(x, p, name):
        return TF.layer_norm(x, (16,), p[f"{name}.weight"], p[f"{name}.bias"])

    def theirs(p):
        x = TF.embedding(torch.tensor(text), p["characters.weight"]) + p["places.weight"]
        block = "blocks.0."
        parts = (norm(x, p, block + "norm1") @ p[block + "attention.project.weight"].T).chunk(3, 2)
        q, k, v = (part.reshape(3, 8, 2, 8).transpose(1, 2) for part in parts)
        y = TF.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
        x = x + TF.linear(y.reshape(3, 8, 16), p[block + "attention.join.weight"],
                          p[block + "attention.join.bias"])
        y = TF.gelu(TF.linear(norm(x, p, block + "norm2"), p[block + "network.0.weight"],
                              p[block + "network.0.bias"]))
        x = x + TF.linear(y, p[block + "network.2.weight"], p[block + "network.2.bias"])
        scores = TF.linear(norm(x, p, "norm"), p["scores.weight"], p["scores.bias"])
        return TF.cross_entropy(scores.flatten(0, 1), torch.tensor(following).flatten())

    both_gradients(build, theirs)

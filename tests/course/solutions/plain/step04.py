"""As the page says it, line by line."""


class Tensor:
    def backward(self):
        """Set `grad` of everything that this Tensor was made from."""
        self.grad = 1.0
        for tensor in made_from(self):
            for source, rule in tensor.inputs:
                source.grad = rule(tensor.grad)


def made_from(end):
    """`end` and every Tensor that went into it: each once, the youngest first."""
    found, todo = {end}, [end]
    while todo:
        for source, _ in todo.pop().inputs:
            if source not in found:
                found.add(source)
                todo.append(source)
    return sorted(found, key=lambda tensor: tensor.number, reverse=True)

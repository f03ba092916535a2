"""By the first student, from the page alone."""


class Tensor:
    def backward(self):
        """Set `grad` of everything that this Tensor was made from."""
        self.grad = 1.0
        for tensor in made_from(self):
            for source, rule in tensor.inputs:
                source.grad = rule(tensor.grad)


def made_from(end):
    """`end` and every Tensor that went into it: each once, the youngest first."""
    found = []
    seen = set()
    todo = [end]
    while todo:
        tensor = todo.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        found.append(tensor)
        todo.extend(source for source, _ in tensor.inputs)
    return sorted(found, key=lambda tensor: tensor.number, reverse=True)

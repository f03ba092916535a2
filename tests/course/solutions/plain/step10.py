"""As the page says it, line by line."""


class Tensor:
    def backward(self, gradient=None):
        """Add to `grad` of every leaf that this Tensor was made from and that requires it.

        gradient : how fast the end result grows with each element; for a single number it is 1.
        """
        if gradient is None:
            if self.data.size != 1:
                raise ValueError(f"backward() needs a gradient of the shape {self.data.shape}; "
                                 f"only a single number does without")
            gradient = np.ones(self.data.shape)
        grads = {self.number: np.asarray(gradient, dtype=np.float64)}       # of this pass
        for tensor in made_from(self):
            g = grads.pop(tensor.number)    # complete: everything made from it is younger
            for source, rule in tensor.inputs:
                part = rule(g, **{name: tensor.kept[name] for name in needs(rule)})
                if tensor.stretches:
                    part = unbroadcast(part, source.data.shape)
                if source.number in grads:
                    part = grads[source.number] + part
                grads[source.number] = part
            if tensor.requires_grad and not tensor.inputs:
                tensor.grad = g if tensor.grad is None else tensor.grad + g


class Operation:
    def derivative(self, **rules):
        """Declare the rules, each under the name of its input."""
        inputs = set(self.signature.parameters)
        known = inputs | {f"{name}_shape" for name in inputs} | {"out"}
        for name, rule in rules.items():
            if name not in inputs:
                raise TypeError(f"{self.function.__name__} has no parameter {name}")
            for need in needs(rule):
                if need not in known:
                    raise TypeError(f"the rule of {name} needs {need}, which nobody knows")
            self.rules[name] = rule

    def __call__(self, *values, **options):
        """Run the function; the result keeps what the rules of this call name, and no more."""
        call = self.signature.bind(*values, **options)
        call.apply_defaults()
        arrays = {name: value.data if isinstance(value, Tensor) else value
                  for name, value in call.arguments.items()}
        out = self.function(**arrays)
        known = {**arrays, "out": out}
        known.update({f"{name}_shape": np.shape(array) for name, array in arrays.items()
                      if isinstance(array, (np.ndarray, int, float))})      # an index has none
        result = Tensor(out)
        for name, rule in self.rules.items():
            value = call.arguments[name]
            if isinstance(value, Tensor) and value.requires_grad:
                result.inputs.append((value, rule))
                for need in needs(rule):
                    result.kept[need] = known[need]
        result.requires_grad = bool(result.inputs)
        result.stretches = self.stretches
        return result

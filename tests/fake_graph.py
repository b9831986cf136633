"""What CUDA graphs do, on a CPU: record a function's operations, and do them again.

Stricter than CUDA in one thing: the function is recorded twice, and what Python changed
in between is refused. CUDA would hold the first value for ever, without a word.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

# What needs a value on the host, has a shape that depends on values, or brings a number
# of the host's to the device.
REFUSED = {"_local_scalar_dense", "equal", "nonzero", "masked_select", "lift_fresh"}


class FakeGraph:
    """A `capture.Graph` on the CPU.

    Attributes:
        made: all graphs of one test, in order.
    """

    made = []

    def __init__(self, generator):
        self.generator, self.tape = generator, None
        self.warm, self.replays = 0, 0
        self.made.append(self)

    def plainly(self, function):
        self.warm += 1
        return function()

    def record(self, function):
        first, _ = self._recorded(function)
        tape, result = self._recorded(function)
        if in_words(first) != in_words(tape):
            raise RuntimeError("a number of Python's has changed")
        self.tape = tape
        return result

    def replay(self):
        self.replays += 1
        with torch.inference_mode():
            for operation, arguments, options, results in self.tape:
                again = tensors(operation(*arguments, **options))
                for result, new in zip(results, again, strict=True):
                    if new.data_ptr() != result.data_ptr():
                        result.copy_(new)

    def _recorded(self, function):
        """The operations, and the result; all that they moved is moved back."""
        stands = self.generator.get_state(), torch.get_rng_state()
        with Recorder() as recorder:
            result = function()
        recorder.restore()
        self.generator.set_state(stands[0])
        torch.set_rng_state(stands[1])
        return recorder.tape, result


class Recorder(TorchDispatchMode):
    """Notes each operation, and the numbers that lay there before the first one."""

    def __init__(self):
        super().__init__()
        self.tape, self.before, self.own = [], {}, set()

    def __torch_dispatch__(self, operation, kinds, arguments=(), options=None):
        options = options or {}
        name = operation._schema.name.split("::")[1]
        by_values = name == "index" and torch.bool in {
            tensor.dtype for tensor in tensors(arguments[1])
        }
        if name in REFUSED or by_values:
            raise RuntimeError(f"{operation} cannot be in a graph")
        for storage in storages((arguments, options)):
            place = storage.data_ptr()
            if place not in self.own and place not in self.before:
                self.before[place] = storage, storage.clone()
        result = operation(*arguments, **options)
        self.own |= {s.data_ptr() for s in storages(result)} - self.before.keys()
        self.tape.append((operation, arguments, options, tensors(result)))
        return result

    def restore(self):
        for storage, numbers in self.before.values():
            storage.copy_(numbers)


def tensors(tree):
    return [v for v in tree_flatten(tree)[0] if isinstance(v, torch.Tensor)]


def storages(tree):
    return [tensor.untyped_storage() for tensor in tensors(tree)]


def in_words(tape):
    """Operations, shapes and numbers of Python's."""
    return [
        (str(operation), [word(v) for v in tree_flatten((arguments, options))[0]])
        for operation, arguments, options, _ in tape
    ]


def word(value):
    return str(value.shape if isinstance(value, torch.Tensor) else value)

"""The table of models that export.py goes over."""
from dataclasses import dataclass, field
from typing import Callable

MODELS = {}


@dataclass
class Model:
    """A model to export: make builds it with its initial weights, data names an entry of export.DATA."""
    name: str
    make: Callable
    data: str
    opset: int = 14              # of the TorchScript exporter of PyTorch 1.13; 0 where it cannot export the model
    dynamo: int = 18             # of the dynamo exporter of PyTorch 2; 0 where it cannot export the model
    fixed: int = 0               # batch size that the file is exported for; 0 leaves it symbolic
    forms: tuple = ('train',)    # 'train', 'eval' or both
    outputs: tuple = ('logits',)
    flags: tuple = ()            # further flags of onnxtrain train
    weights: tuple = (1.0,)      # factor of each output's loss
    loss: str = 'ce'
    folded: bool = False         # an optimizing exporter folds what is computed of weights, such as the transpose of a tied one
    commit: tuple = ('ts', 'dynamo')  # exporters whose file the repository holds


def model(data, **options):
    """Registers the function or class as a model under its lower-case name."""
    def add(make):
        name = options.pop('name', make.__name__.lower().replace('_', '-'))
        MODELS[name] = Model(name, make, data, **options)
        return make
    return add

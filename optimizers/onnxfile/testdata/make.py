"""Writes the optimizers that the tests of this package run: python make.py"""

import os

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))


def save(name, nodes, inputs, outputs, metadata, constants=()):
    graph = helper.make_graph(nodes, name, [helper.make_tensor_value_info(*i) for i in inputs],
                              [helper.make_tensor_value_info(*o) for o in outputs],
                              [numpy_helper.from_array(np.array(v), k) for k, v in constants])
    model = helper.make_model(graph, ir_version=8, opset_imports=[
        helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.preview.training", 1)])
    helper.set_model_props(model, metadata)
    onnx.save(model, os.path.join(HERE, name + ".onnx"))


ROW = [("param", T.FLOAT, ["n"]), ("grad", T.FLOAT, ["n"]), ("lr", T.FLOAT, [])]
LR = {"hyper.lr.default": "0.1"}
node = helper.make_node


def adam():
    """The standard Adam operator."""
    save("training_adam", [node("Adam", ["lr", "step", "param", "grad", "mean", "square"], ["param_out", "mean_out", "square_out"],
                                domain="ai.onnx.preview.training", alpha=0.9, beta=0.999, epsilon=0.0)],
         ROW + [("step", T.INT64, []), ("mean", T.FLOAT, ["n"]), ("square", T.FLOAT, ["n"])],
         [("param_out", T.FLOAT, ["n"]), ("mean_out", T.FLOAT, ["n"]), ("square_out", T.FLOAT, ["n"])], LR)


def normalised():
    """Gradient over its norm, which needs all elements at once, every second step; counts its moves in a scalar slot."""
    save("normalised", [
        node("ReduceL2", ["grad"], ["norm"], keepdims=0), node("Div", ["grad", "norm"], ["direction"]),
        node("Mod", ["step", "two"], ["phase"]), node("Equal", ["phase", "zero"], ["due"]),
        node("If", ["due"], ["param_out", "moves_out"],
             then_branch=helper.make_graph([node("Mul", ["lr", "direction"], ["far"]), node("Sub", ["param", "far"], ["then_w"]),
                                            node("Add", ["moves", "one"], ["then_n"])], "due", [],
                                           [onnx.ValueInfoProto(name="then_w"), onnx.ValueInfoProto(name="then_n")]),
             else_branch=helper.make_graph([node("Identity", ["param"], ["else_w"]), node("Identity", ["moves"], ["else_n"])], "rest", [],
                                           [onnx.ValueInfoProto(name="else_w"), onnx.ValueInfoProto(name="else_n")]))],
         ROW + [("step", T.INT64, []), ("moves", T.FLOAT, [])], [("param_out", T.FLOAT, ["n"]), ("moves_out", T.FLOAT, [])],
         LR | {"slot.moves.init": "10"},
         [("two", np.int64(2)), ("zero", np.int64(0)), ("one", np.float32(1))])


def counted():
    """Plain descent, element by element, beside a counter that no element reads and a scalar that all do."""
    save("counted", [node("Mul", ["decay", "half"], ["decay_out"]), node("Mul", ["lr", "decay_out"], ["rate"]),
                     node("Mul", ["rate", "grad"], ["far"]), node("Sub", ["param", "far"], ["param_out"])],
         ROW + [("decay", T.FLOAT, [1])], [("param_out", T.FLOAT, ["n"]), ("decay_out", T.FLOAT, [1])], LR | {"slot.decay.init": "2"},
         [("half", np.float32(0.5))])


def turned():
    """Descent along a square matrix of state, which starts at the identity."""
    save("turned", [node("MatMul", ["basis", "grad"], ["along"]), node("Mul", ["lr", "along"], ["far"]), node("Sub", ["param", "far"], ["param_out"]),
                    node("Add", ["basis", "basis"], ["basis_out"])],
         [("param", T.FLOAT, ["rows", "cols"]), ("grad", T.FLOAT, ["rows", "cols"]), ("lr", T.FLOAT, []), ("basis", T.FLOAT, ["rows", "rows"])],
         [("param_out", T.FLOAT, ["rows", "cols"]), ("basis_out", T.FLOAT, ["rows", "rows"])], LR | {"slot.basis.init": "identity"})


def external():
    """Descent at a rate that lies in a file of its own, behind four other bytes."""
    rate = numpy_helper.from_array(np.float32(0.25), "rate")
    with open(os.path.join(HERE, "parts", "rate.bin"), "wb") as f:
        f.write(b"rate" + rate.raw_data)
    onnx.external_data_helper.set_external_data(rate, "parts/rate.bin", offset=4, length=4)
    rate.ClearField("raw_data")
    graph = helper.make_graph([node("Mul", ["rate", "grad"], ["far"]), node("Sub", ["param", "far"], ["param_out"])], "external",
                              [helper.make_tensor_value_info(*i) for i in ROW], [helper.make_tensor_value_info("param_out", T.FLOAT, ["n"])], [rate])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)])
    helper.set_model_props(model, LR)
    with open(os.path.join(HERE, "external.onnx"), "wb") as f:
        f.write(model.SerializeToString())


if __name__ == "__main__":
    for write in (adam, normalised, counted, turned, external):
        write()

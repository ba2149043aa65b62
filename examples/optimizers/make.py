"""Writes the optimizers of this folder: python make.py

Each file is an ONNX graph of one parameter's update; docs/onnx-optimizers.md says what the names of its inputs, outputs
and metadata mean. Scalars are double, as 1-beta2^step loses all its digits in float.
"""

import os

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

OPSET = 18
KINDS = {float: T.DOUBLE, int: T.INT64, bool: T.BOOL, str: T.INT64}


class Graph:
    """A list of nodes under construction; its methods return the names of what they compute."""

    def __init__(self, prefix=""):
        self.prefix, self.nodes, self.constants = prefix, [], []

    def name(self):
        return f"{self.prefix}t{len(self.nodes) + len(self.constants)}"

    def op(self, kind, *inputs, out=None, **attributes):
        out = out or self.name()
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def const(self, value, dtype=np.float64):
        name = self.name()
        self.constants.append(numpy_helper.from_array(np.array(value, dtype), name))
        return name

    def float(self, x):
        """A double scalar as the float that tensors are multiplied with."""
        return self.op("Cast", x, to=T.FLOAT)

    def rest(self, x):
        """1 - x, in double."""
        return self.op("Sub", self.const(1), x)

    def mix(self, keep, old, rate, new, out=None):
        return self.op("Add", self.op("Mul", keep, old), self.op("Mul", rate, new), out=out)

    def branch(self, name, *outputs):
        """The graph as a branch of an If."""
        infos = [onnx.ValueInfoProto(name=o) for o in outputs]
        return helper.make_graph(self.nodes, name, [], infos, self.constants)


def save(name, graph, dims, slots, hypers, about, hosted=(), slot_init={}):
    """slots maps names to dimensions, hypers maps names to their default and description."""
    inputs = [helper.make_tensor_value_info(x, T.FLOAT, dims) for x in ("param", "grad")]
    inputs += [helper.make_tensor_value_info("step", T.INT64, [])]
    kinds = {"loss_terms": T.INT64, "rank": T.INT64, "role": T.INT64, "shape": T.INT64, "base_lr": T.DOUBLE}
    inputs += [helper.make_tensor_value_info(x, kinds[x], ["rank"] if x == "shape" else []) for x in hosted]
    metadata = {f"optimizer.{k}": v for k, v in about.items()} | {"optimizer.name": name}
    for h, (default, doc, more) in hypers.items():
        inputs.append(helper.make_tensor_value_info(h, KINDS[type(default)], []))
        metadata[f"hyper.{h}.default"] = str(default).lower() if isinstance(default, bool) else f"{default:g}" if isinstance(default, float) else str(default)
        metadata[f"hyper.{h}.doc"] = doc
        metadata |= {f"hyper.{h}.{k}": v for k, v in sorted(more.items())}
    inputs += [helper.make_tensor_value_info(s, T.FLOAT, d) for s, d in slots.items()]
    outputs = [helper.make_tensor_value_info("param_out", T.FLOAT, dims)]
    outputs += [helper.make_tensor_value_info(s + "_out", T.FLOAT, d) for s, d in slots.items()]
    metadata |= {f"slot.{s}.init": v for s, v in slot_init.items()}
    model = helper.make_model(helper.make_graph(graph.nodes, name, inputs, outputs, graph.constants),
                              opset_imports=[helper.make_opsetid("", OPSET)], producer_name="onnxtrain", ir_version=8)
    helper.set_model_props(model, metadata)
    onnx.save(model, os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".onnx"))


ANY = {"range": "[0,inf)"}
MEMORY = {"range": "[0,1)"}
BETAS = [{"range": "[0,1)", "alias": "betas.0", "symbol": "β₁"}, {"range": "[0,1)", "alias": "betas.1", "symbol": "β₂"}]


def sgd():
    g = Graph()
    decayed = g.op("Add", "grad", g.op("Mul", g.float("weight_decay"), "param"))
    first = g.op("Equal", "step", g.const(1, np.int64))
    keep = g.float(g.op("Where", first, g.const(0), "momentum"))
    rate = g.float(g.op("Where", first, g.const(1), g.rest("dampening")))
    buffer = g.mix(keep, "buffer", rate, decayed, out="buffer_out")
    # With nesterov the step is g + momentum·buffer, without it buffer itself.
    ahead = g.float(g.op("Cast", "nesterov", to=T.DOUBLE))
    back = g.float(g.op("Where", "nesterov", "momentum", g.const(1)))
    step = g.mix(ahead, decayed, back, buffer)
    g.op("Sub", "param", g.op("Mul", g.float("lr"), step), out="param_out")
    save("sgd", g, ["n"], {"buffer": ["n"]}, {
        "lr": (0.1, "step size", ANY),
        "momentum": (0.0, "share of the previous direction that stays", MEMORY),
        "dampening": (0.0, "share of the gradient that the buffer leaves out", {"range": "[0,1]"}),
        "nesterov": (False, "step from where momentum leads", {}),
        "weight_decay": (0.0, "L2 penalty, added to the gradient", ANY),
    }, {"doc": "stochastic gradient descent with momentum", "paper": "torch.optim.SGD", "formula":
        "g ← g + weight_decay·w\nbuf ← momentum·buf + (1-dampening)·g      g at the first update\n"
        "w ← w - lr·buf                            nesterov: lr·(g + momentum·buf)"})


def adam_step(g, lr, beta1, beta2, eps, mean, square, mean_out, square_out, largest=None):
    """The scaled direction of Adam, corrected for the start at zero."""
    t = g.op("Cast", "step", to=T.DOUBLE)
    g.mix(g.float(beta1), mean, g.float(g.rest(beta1)), "grad", out=mean_out)
    g.mix(g.float(beta2), square, g.float(g.rest(beta2)), g.op("Mul", "grad", "grad"), out=square_out)
    rate = g.float(g.op("Div", lr, g.rest(g.op("Pow", beta1, t))))
    unroot = g.float(g.op("Div", g.const(1), g.op("Sqrt", g.rest(g.op("Pow", beta2, t)))))
    root = g.op("Sqrt", largest(square_out) if largest else square_out)
    divisor = g.op("Add", g.op("Mul", root, unroot), g.float(eps))
    return g.op("Mul", rate, g.op("Div", mean_out, divisor))


def shrunk(g, lr):
    return g.op("Mul", g.float(g.rest(g.op("Mul", lr, "weight_decay"))), "param")


def adamw():
    g = Graph()

    def largest(square):
        yes, no = Graph("yes_"), Graph("no_")
        most = yes.op("Max", "largest", square)
        then = yes.branch("amsgrad", yes.op("Identity", most), yes.op("Identity", most))
        otherwise = no.branch("plain", no.op("Identity", square), no.op("Identity", "largest"))
        g.nodes.append(helper.make_node("If", ["amsgrad"], ["divisor", "largest_out"], then_branch=then, else_branch=otherwise))
        return "divisor"

    step = adam_step(g, "lr", "beta1", "beta2", "eps", "mean", "square", "mean_out", "square_out", largest)
    g.op("Sub", shrunk(g, "lr"), step, out="param_out")
    save("adamw", g, ["n"], {"mean": ["n"], "square": ["n"], "largest": ["n"]}, {
        "lr": (1e-3, "step size", ANY),
        "beta1": (0.9, "memory of the mean gradient", BETAS[0]),
        "beta2": (0.999, "memory of the mean square", BETAS[1]),
        "eps": (1e-8, "added to the corrected root", ANY | {"symbol": "ε"}),
        "amsgrad": (False, "divide by the largest mean square so far", {}),
        "weight_decay": (1e-2, "decoupled decay of the weights", ANY),
    }, {"doc": "Adam with decoupled weight decay", "paper": "https://arxiv.org/abs/1711.05101; torch.optim.AdamW", "formula":
        "m ← beta1·m + (1-beta1)·g\nv ← beta2·v + (1-beta2)·g²      amsgrad: the largest v so far divides\n"
        "w ← (1 - lr·weight_decay)·w - lr/(1-beta1ᵗ) · m / (√v/√(1-beta2ᵗ) + eps)"})


def lion():
    g = Graph()
    mix = g.mix(g.float("beta1"), "momentum", g.float(g.rest("beta1")), "grad")
    direction = g.op("Add", g.op("Sign", mix), g.op("Mul", g.float("weight_decay"), "param"))
    g.op("Sub", "param", g.op("Mul", g.float("lr"), direction), out="param_out")
    g.mix(g.float("beta2"), "momentum", g.float(g.rest("beta2")), "grad", out="momentum_out")
    save("lion", g, ["n"], {"momentum": ["n"]}, {
        "lr": (1e-4, "step size", ANY),
        "beta1": (0.9, "weight of the momentum in the direction", BETAS[0]),
        "beta2": (0.99, "memory of the momentum", BETAS[1]),
        "weight_decay": (1e-3, "decoupled decay of the weights", ANY | {"symbol": "λ"}),
    }, {"doc": "the sign of an interpolated momentum", "paper": "https://arxiv.org/abs/2302.06675; optax.lion", "formula":
        "c ← beta1·m + (1-beta1)·g\nw ← w - lr·(sign(c) + weight_decay·w)\nm ← beta2·m + (1-beta2)·g"})


def rfrmsprop():
    g = Graph()
    terms = g.op("Cast", "loss_terms", to=T.DOUBLE)
    scale = g.op("Where", "batch_scaling", terms, g.const(1))
    rate = g.float(g.op("Mul", g.rest("beta2"), scale))
    curvature = g.mix(g.float("beta2"), "curvature", rate, g.op("Mul", "grad", "grad"), out="curvature_out")
    # A zero gradient has no direction, even where nothing damps a curvature that has died away: never 0/0.
    divisor = g.op("Max", g.op("Add", curvature, g.float("damping")), g.const(np.finfo(np.float32).tiny, np.float32))
    direction = g.op("Div", "grad", divisor)
    decayed = g.op("Add", direction, g.op("Mul", g.float("weight_decay"), "param"))
    buffer = g.op("Add", g.op("Mul", g.float("momentum"), "buffer"), decayed, out="buffer_out")
    g.op("Sub", "param", g.op("Mul", g.float("lr"), buffer), out="param_out")
    save("rfrmsprop", g, ["n"], {"curvature": ["n"], "buffer": ["n"]}, {
        "lr": (1e-2, "step size; not comparable with Adam's", ANY | {"symbol": "β₁"}),
        "momentum": (0.9, "share of the previous direction that stays", MEMORY | {"symbol": "α₁", "official": "0"}),
        "beta2": (0.99, "memory of the curvature", MEMORY | {"symbol": "1-β₂", "alias": "alpha"}),
        "damping": (1e-4, "added to the curvature", ANY | {"symbol": "λ", "alias": "eps"}),
        "weight_decay": (5e-4, "decay, beside the preconditioner but inside the momentum", ANY | {"symbol": "κ", "official": "0"}),
        "batch_scaling": (True, "scale squared gradients by the number of loss terms", {"symbol": "B", "alias": "!no_batch_scaling"}),
    }, {"doc": "root-free RMSProp: a diagonal second-order method", "paper": "https://arxiv.org/abs/2402.03496", "formula":
        "S   ← beta2·S + (1-beta2)·B·g²               S starts at 1; B: loss terms averaged per step\n"
        "u   ← g / (S + damping) + weight_decay·w\nbuf ← momentum·buf + u\nw   ← w - lr·buf"},
        hosted=["loss_terms"], slot_init={"curvature": "1"})


def newton_schulz(g, u):
    """u with its singular values near 1, by ns_steps iterations on the wide side."""
    rows_cols = g.op("Shape", "param")
    rows = g.op("Gather", rows_cols, g.const(0, np.int64))
    cols = g.op("Gather", rows_cols, g.const(1, np.int64))
    tall = g.op("Greater", rows, cols)

    def turned(x):
        yes, no = Graph(x + "_turned_"), Graph(x + "_same_")
        then = yes.branch("turned", yes.op("Transpose", x, perm=[1, 0]))
        return g.op("If", tall, then_branch=then, else_branch=no.branch("same", no.op("Identity", x)))

    length = g.op("Sqrt", g.op("ReduceSumSquare", u, keepdims=0))
    x = turned(g.op("Div", u, g.op("Add", length, g.float(g.const(1e-7)))))
    body = Graph("ns_")
    a = body.op("MatMul", "ns_x", body.op("Transpose", "ns_x", perm=[1, 0]))
    poly = body.op("Add", body.op("Mul", body.float(body.const(-4.7750)), a),
                   body.op("Mul", body.float(body.const(2.0315)), body.op("MatMul", a, a)))
    y = body.op("Add", body.op("Mul", body.float(body.const(3.4445)), "ns_x"), body.op("MatMul", poly, "ns_x"))
    info = helper.make_tensor_value_info
    loop = helper.make_graph(
        body.nodes + [helper.make_node("Identity", ["ns_go"], ["ns_still"])], "newton_schulz",
        [info("ns_i", T.INT64, []), info("ns_go", T.BOOL, []), onnx.ValueInfoProto(name="ns_x")],
        [info("ns_still", T.BOOL, []), onnx.ValueInfoProto(name=y)], body.constants)
    return turned(g.op("Loop", "ns_steps", "", x, body=loop))


def muon():
    g = Graph()
    one = g.const(1, np.int64)
    sides = g.op("Shape", "param")
    wide = g.op("Greater", g.op("ReduceMin", sides, keepdims=0), one)
    is_matrix = g.op("And", wide, g.op("Greater", "rank", one))
    weight = g.op("Equal", "role", g.const(0, np.int64))
    auto = g.op("And", g.op("Equal", "hidden", g.const(0, np.int64)), weight)
    chosen = g.op("Or", auto, g.op("Equal", "hidden", one))
    hidden = g.op("And", chosen, is_matrix)

    m = Graph("matrix_")
    keep, rate = m.float("momentum"), m.float(m.rest("momentum"))
    buffer = m.mix(keep, "buffer", rate, "grad")
    u = m.op("Where", "nesterov", m.mix(rate, "grad", keep, buffer), buffer)
    x = newton_schulz(m, u)
    # The official code takes the last two axes as they are, which of a kernel are its window.
    last = m.op("Cast", m.op("Slice", "shape", m.const([-2], np.int64), m.const([2**31 - 1], np.int64)), to=T.DOUBLE)
    ratio = m.op("Div", m.op("Gather", last, m.const(0, np.int64)), m.op("Gather", last, m.const(1, np.int64)))
    scale = m.op("Sqrt", m.op("Max", ratio, m.const(1)))
    moved = m.op("Sub", shrunk(m, "lr"), m.op("Mul", m.float(m.op("Mul", "lr", scale)), x))
    then = m.branch("hidden", moved, m.op("Identity", buffer), m.op("Identity", "mean"), m.op("Identity", "square"))

    a = Graph("aux_")
    positive = a.op("And", a.op("Greater", "aux_lr", a.const(0)), a.op("Greater", "base_lr", a.const(0)))
    safe = a.op("Where", positive, "base_lr", a.const(1))
    followed = a.op("Div", a.op("Mul", "aux_lr", "lr"), safe)
    lr = a.op("Where", positive, followed, a.op("Mul", a.const(0.015), "lr"))
    step = adam_step(a, lr, "aux_beta1", "aux_beta2", "aux_eps", "mean", "square", "aux_mean", "aux_square")
    moved = a.op("Sub", shrunk(a, lr), step)
    otherwise = a.branch("others", moved, a.op("Identity", "buffer"), a.op("Identity", "aux_mean"), a.op("Identity", "aux_square"))
    g.nodes.append(helper.make_node("If", [hidden], ["param_out", "buffer_out", "mean_out", "square_out"],
                                    then_branch=then, else_branch=otherwise))
    dims = ["rows", "cols"]
    save("muon", g, dims, {"buffer": dims, "mean": dims, "square": dims}, {
        "lr": (2e-2, "step size of matrices", ANY),
        "momentum": (0.95, "memory of the mean gradient", MEMORY),
        "nesterov": (True, "step from where momentum leads", {}),
        "ns_steps": (5, "Newton-Schulz iterations", {"range": "[1,100]"}),
        "weight_decay": (0.0, "decoupled decay of the weights", ANY),
        "hidden": ("auto", "which parameters count as hidden matrices; auto: weights with two axes or more", {"choices": "auto|all|none"}),
        "aux_lr": (0.0, "step size of everything else; 0: 0.015 of lr", ANY),
        "aux_beta1": (0.9, "memory of the mean gradient there", BETAS[0]),
        "aux_beta2": (0.95, "memory of the mean square there", BETAS[1]),
        "aux_eps": (1e-10, "added to the corrected root there", ANY | {"alias": "eps", "symbol": "ε"}),
    }, {"doc": "momentum made orthogonal by Newton-Schulz iterations; AdamW for what is no hidden matrix",
        "paper": "https://kellerjordan.github.io/posts/muon; https://github.com/KellerJordan/Muon", "formula":
        "hidden matrices, kernels as outputs × rest:\nb ← momentum·b + (1-momentum)·g\n"
        "u = (1-momentum)·g + momentum·b              nesterov=false: b\nX = u/(‖u‖ + 1e-7), of the wide side; ns_steps times:\n"
        "    A = XXᵀ;  X ← 3.4445·X + (-4.7750·A + 2.0315·A²)X\nw ← (1 - lr·weight_decay)·w - lr·√max(1, rows/columns)·X\n"
        "embeddings, biases, norms, vectors: AdamW with aux_lr, which follows the schedule of lr"},
        hosted=["rank", "role", "shape", "base_lr"])


if __name__ == "__main__":
    for write in (sgd, adamw, lion, rfrmsprop, muon):
        write()

"""Records packages.json: lars, lamb, adafactor and schedulefree on problems.json, from packages of others in float64.

    python3 packages.py FOLDER    # PyTorch, and in FOLDER the unpacked wheels schedulefree 1.4.1, timm 1.0.31,
                                  # pytorch_optimizer 2.12.0 and torch_optimizer 0.3.0

Every case is also computed by the formulas below, which are this repository's own; they must agree to 1e-12. Cases whose
source is "own reference" are settings that no package has. f32_rel is how far the formulas stray in float32.
"""
import importlib
import json
import pathlib
import sys
import types

import numpy as np
import torch

STEPS = 6
here = pathlib.Path(__file__).parent
problem = json.loads((here / "problems.json").read_text())
ALL, FLAT = list(problem["shapes"]), ["fc.weight", "fc.bias"]


def load(module):
    """Imports a module of a package without running the package's own start, which wants more of its kind."""
    parts = module.split(".")
    for i in range(1, len(parts)):
        name = ".".join(parts[:i])
        if name not in sys.modules:
            package = types.ModuleType(name)
            package.__path__ = [str(pathlib.Path(sys.argv[1]).joinpath(*parts[:i]))]
            sys.modules[name] = package
    return importlib.import_module(module)


def norm(x):
    return np.sqrt((x.astype(np.float64) ** 2).sum())


def lars(w, grads, lr, trust=1e-3, momentum=0.9, dampening=0.0, nesterov=False, weight_decay=5e-4, eps=1e-8, clip=False,
         always_adapt=False):
    buf = None
    for g, rate in zip(grads, lr):
        if weight_decay or always_adapt:
            ratio = trust * norm(w) / (norm(g) + weight_decay * norm(w) + eps) if norm(w) and norm(g) else 1.0
            g = w.dtype.type(min(ratio / rate, 1) if clip else ratio) * (g + w.dtype.type(weight_decay) * w)
        if momentum:
            buf = g if buf is None else w.dtype.type(momentum) * buf + w.dtype.type(1 - dampening) * g
            g = g + w.dtype.type(momentum) * buf if nesterov else buf
        w = w - w.dtype.type(rate) * g
        yield w


def lamb(w, grads, lr, beta1=0.9, beta2=0.999, eps=1e-6, weight_decay=0.01, bias_correction=True, max_norm=0.0, clip=False,
         always_adapt=False):
    m, v, f = np.zeros_like(w), np.zeros_like(w), w.dtype.type
    for t, (g, rate) in enumerate(zip(grads, lr), 1):
        m, v = f(beta1) * m + f(1 - beta1) * g, f(beta2) * v + f(1 - beta2) * g * g
        c1, c2 = (1 - beta1**t, 1 - beta2**t) if bias_correction else (1, 1)
        u = m / f(c1) / (np.sqrt(v) / f(np.sqrt(c2)) + f(eps)) + f(weight_decay) * w
        ratio = 1.0
        if weight_decay or always_adapt:
            weight = min(norm(w), max_norm) if max_norm else norm(w)
            ratio = weight / norm(u) if norm(w) and norm(u) else 1.0
            ratio = min(ratio, 1) if clip else ratio
        w = w - f(rate * ratio) * u
        yield w


def adafactor(w, grads, lr, beta1=0.0, decay_rate=-0.8, clip=1.0, eps1=1e-30, eps2=1e-3, scale_parameter=False,
              relative_step=False, warmup_init=False, weight_decay=0.0, axes="largest", min_dim=2):
    f, n = w.dtype.type, w.ndim
    pair = None
    if n >= 2:
        pair = {"first": (0, 1), "last": (n - 2, n - 1), "largest": tuple(sorted(np.argsort(w.shape, kind="stable")[-2:]))}[axes]
        pair = pair if min(w.shape[a] for a in pair) >= min_dim else None
    r = c = v = f(0)
    m = np.zeros_like(w)
    for t, (g, rate) in enumerate(zip(grads, lr), 1):
        keep = 1 - t**decay_rate
        square = g * g + f(eps1)
        if pair:
            i, j = pair
            r = f(keep) * r + f(1 - keep) * square.mean(axis=j, keepdims=True)
            c = f(keep) * c + f(1 - keep) * square.mean(axis=i, keepdims=True)
            u = g / np.sqrt(r / r.mean(axis=i, keepdims=True)) / np.sqrt(c)
        else:
            v = f(keep) * v + f(1 - keep) * square
            u = g / np.sqrt(v)
        u = u / f(max(1, norm(u) / np.sqrt(u.size) / clip))
        alpha = rate
        if relative_step:
            alpha = min(1e-6 * t if warmup_init else 1e-2, t**-0.5)
        if scale_parameter:
            alpha *= max(eps2, norm(w) / np.sqrt(w.size))
        m = f(beta1) * m + f((1 - beta1) * alpha) * u
        w = f(1 - alpha * weight_decay) * w - m
        yield w


def schedulefree(y, grads, lr, inner="adamw", beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, warmup_steps=0, r=0.0,
                 weight_lr_power=2.0):
    z, v, total, largest, f = y, np.zeros_like(y), 0.0, 0.0, y.dtype.type
    for t, (g, rate) in enumerate(zip(grads, lr), 1):
        rate *= min(1, t / warmup_steps) if warmup_steps else 1
        largest = max(largest, rate)
        weight = t**r * largest**weight_lr_power
        total += weight
        c = weight / total
        if inner == "adamw":
            v = f(beta2) * v + f(1 - beta2) * g * g
            g = g / (np.sqrt(v / f(1 - beta2**t)) + f(eps))
        g = g + f(weight_decay) * y
        y = y + f(c) * (z - y) - f(rate * (1 - beta1 * (1 - c))) * g
        z = z - f(rate) * g
        yield y


def package(build, params):
    """Runs a torch optimizer; build gets the parameters."""
    def run(lr):
        ps = [torch.nn.Parameter(torch.tensor(problem["init"][p], dtype=torch.float64).reshape(problem["shapes"][p])) for p in params]
        opt = build(ps)
        if hasattr(opt, "train"):
            opt.train()
        steps = []
        for t in range(STEPS):
            for p, name in zip(ps, params):
                p.grad = torch.tensor(problem["grads"][t][name], dtype=torch.float64).reshape(p.shape)
            for group in opt.param_groups:
                group["lr"] = lr[t]
            opt.step()
            steps.append([p.detach().flatten().tolist() for p in ps])
        return steps
    return run


def own(formula, params, lr, hyper, dtype):
    runs = []
    for p in params:
        shaped = lambda x: np.array(x, dtype).reshape(problem["shapes"][p])
        grads = [shaped(problem["grads"][t][p]) for t in range(STEPS)]
        runs.append([w.flatten().tolist() for w in formula(shaped(problem["init"][p]), grads, lr, **hyper)])
    return [[run[t] for run in runs] for t in range(STEPS)]


def distance(got, want):
    return max(float(np.abs(np.subtract(a, b)).max() / np.abs(b).max()) for x, y in zip(got, want) for a, b in zip(x, y))


def main():
    timm_lars, timm_lamb = load("timm.optim.lars").Lars, load("timm.optim.lamb").Lamb
    timm_adafactor, kozistr = load("timm.optim.adafactor").Adafactor, load("pytorch_optimizer.optimizer.adafactor").AdaFactor
    old_lars, old_lamb = load("torch_optimizer.lars").LARS, load("torch_optimizer.lamb").Lamb
    old_adafactor = load("torch_optimizer.adafactor").Adafactor
    sf = load("schedulefree.adamw_schedulefree").AdamWScheduleFree
    sf_sgd = load("schedulefree.sgd_schedulefree").SGDScheduleFree
    falling = [0.02 * (1 - t / STEPS) for t in range(STEPS)]
    cases = [
        ("lars_momentum_wd", lars, ALL, 2.0, dict(momentum=0.9, weight_decay=0.05), "timm 1.0.31",
         lambda ps: timm_lars(ps, lr=2.0, momentum=0.9, weight_decay=0.05)),
        ("lars_nesterov_clip", lars, ALL, 0.02, dict(momentum=0.8, nesterov=True, weight_decay=0.05, clip=True, trust=0.02), "timm 1.0.31",
         lambda ps: timm_lars(ps, lr=0.02, momentum=0.8, nesterov=True, weight_decay=0.05, trust_clip=True, trust_coeff=0.02)),
        ("lars_always_adapt", lars, ALL, 3.0, dict(momentum=0.0, weight_decay=0.0, always_adapt=True, eps=1e-3), "timm 1.0.31",
         lambda ps: timm_lars(ps, lr=3.0, always_adapt=True, eps=1e-3)),
        ("lars_dampening_lr_schedule", lars, ALL, falling, dict(momentum=0.9, dampening=0.3, weight_decay=0.02, trust=0.5),
         "torch_optimizer 0.3.0", lambda ps: old_lars(ps, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.02, trust_coefficient=0.5)),
        ("lars_not_adapted", lars, ALL, 0.05, dict(momentum=0.9, weight_decay=0.0), "timm 1.0.31",
         lambda ps: timm_lars(ps, lr=0.05, momentum=0.9)),
        ("lamb_defaults", lamb, ALL, 0.02, dict(), "timm 1.0.31", lambda ps: timm_lamb(ps, lr=0.02, max_grad_norm=None)),
        ("lamb_uncorrected_clip", lamb, ALL, falling, dict(bias_correction=False, beta1=0.8, beta2=0.95, clip=True, weight_decay=0.1), "timm 1.0.31",
         lambda ps: timm_lamb(ps, bias_correction=False, betas=(0.8, 0.95), trust_clip=True, weight_decay=0.1, max_grad_norm=None)),
        ("lamb_always_adapt", lamb, ALL, 0.02, dict(weight_decay=0.0, always_adapt=True, eps=1e-2), "timm 1.0.31",
         lambda ps: timm_lamb(ps, weight_decay=0.0, always_adapt=True, eps=1e-2, max_grad_norm=None)),
        ("lamb_max_norm", lamb, ALL, 0.02, dict(bias_correction=False, weight_decay=0.2, max_norm=1.5), "torch_optimizer 0.3.0",
         lambda ps: old_lamb(ps, weight_decay=0.2, clamp_value=1.5)),
        ("adafactor_fairseq", adafactor, FLAT, 0.01, dict(scale_parameter=True, weight_decay=0.1, beta1=0.8, axes="last"), "torch_optimizer 0.3.0",
         lambda ps: old_adafactor(ps, lr=0.01, relative_step=False, weight_decay=0.1, beta1=0.8)),
        ("adafactor_relative", adafactor, FLAT, 0.01, dict(scale_parameter=True, relative_step=True, lr=0.01), "torch_optimizer 0.3.0",
         lambda ps: old_adafactor(ps, lr=0.01)),
        ("adafactor_warmup_init", adafactor, ALL, 0.01, dict(scale_parameter=True, relative_step=True, warmup_init=True, axes="first", lr=0.01),
         "timm 1.0.31", lambda ps: timm_adafactor(ps, warmup_init=True, min_dim_size_to_factor=1)),
        ("adafactor_timm_lr_schedule", adafactor, ALL, falling, dict(axes="first", decay_rate=-0.6, clip=0.5, weight_decay=0.1, min_dim=3),
         "timm 1.0.31", lambda ps: timm_adafactor(ps, lr=0.1, decay_rate=-0.6, clip_threshold=0.5, weight_decay=0.1, min_dim_size_to_factor=2)),
        ("adafactor_last_axes", adafactor, ALL, 0.01, dict(axes="last", beta1=0.9, eps1=1e-4), "pytorch_optimizer 2.12.0",
         lambda ps: kozistr(ps, lr=0.01, relative_step=False, eps1=1e-4)),
        ("adafactor_largest_axes", adafactor, ALL, 0.01, dict(beta1=0.5), "own reference", None),
        ("adafactor_not_factored", adafactor, ALL, 0.01, dict(min_dim=100), "timm 1.0.31",
         lambda ps: timm_adafactor(ps, lr=0.01, min_dim_size_to_factor=100)),
        ("schedulefree_defaults", schedulefree, ALL, 0.0025, dict(), "schedulefree 1.4.1", lambda ps: sf(ps, foreach=False)),
        ("schedulefree_warmup_wd", schedulefree, ALL, 0.02,
         dict(beta1=0.8, beta2=0.95, eps=1e-3, weight_decay=0.1, warmup_steps=4, r=1.0, weight_lr_power=1.5), "schedulefree 1.4.1",
         lambda ps: sf(ps, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1, warmup_steps=4, r=1.0, weight_lr_power=1.5, foreach=False)),
        ("schedulefree_lr_schedule", schedulefree, ALL, falling, dict(beta1=0.95), "schedulefree 1.4.1",
         lambda ps: sf(ps, betas=(0.95, 0.999), foreach=False)),
        ("schedulefree_sgd", schedulefree, ALL, 0.1, dict(inner="sgd", beta1=0.7, weight_decay=0.05, warmup_steps=3), "schedulefree 1.4.1",
         lambda ps: sf_sgd(ps, lr=0.1, momentum=0.7, weight_decay=0.05, warmup_steps=3, foreach=False)),
    ]
    out = []
    for name, formula, params, lr, hyper, source, build in cases:
        rates = lr if isinstance(lr, list) else [lr] * STEPS
        arguments = {k: v for k, v in hyper.items() if k != "lr"}
        expect = own(formula, params, rates, arguments, np.float64)
        if build:
            recorded = package(build, params)(rates)
            if (off := distance(expect, recorded)) > 1e-12:
                sys.exit(f"{name}: the formula strays by {off:.1e} from {source}")
            expect = recorded
        single = own(formula, params, rates, arguments, np.float32)
        case = {"name": name, "optimizer": formula.__name__, "source": source, "hyper": {**hyper, "lr": rates[0]}, "f32_rel": distance(single, expect),
                "params": params, "steps": STEPS, "expect": expect}
        if formula is adafactor:  # replays otherwise assume the paper's
            case["hyper"] = {"relative_step": False, "scale_parameter": False, **case["hyper"]}
        if isinstance(lr, list):
            case["lr_schedule"] = lr
        out.append(case)
    (here / "packages.json").write_text(json.dumps({"problem": "problems.json", "cases": out}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

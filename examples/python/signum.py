#!/usr/bin/env python3
"""Signum, steps along the sign of the momentum, as a program that onnxtrain runs. It needs numpy and nothing else."""
import json, mmap, os, sys
import numpy as np

ABOUT = {
    "name": "signum",
    "version": "1.0",
    "doc": "the sign of the momentum",
    "paper": "https://arxiv.org/abs/1802.04434",
    "formula": "m <- momentum*m + (1-momentum)*g\nw <- w - lr*(sign(m) + weight_decay*w)",
    "hypers": [
        {"name": "lr", "default": 0.001, "range": "[0,inf)", "doc": "step size"},
        {"name": "momentum", "default": 0.9, "range": "[0,1)", "doc": "memory of the mean gradient"},
        {"name": "weight_decay", "default": 0, "range": "[0,inf)", "doc": "decay of the weights"},
    ],
}


def slots(param):
    """The state of a parameter. onnxtrain keeps it, in checkpoints too."""
    return [{"name": "momentum", "shape": param["shape"], "dtype": param["dtype"], "init": 0}]


def update(hypers, u, w, g, state):
    """Changes the weights w and the state in place. g is the gradient; u has the lr and weight_decay of this step."""
    m, = state
    m *= hypers["momentum"]
    m += (1 - hypers["momentum"]) * g
    w -= u["lr"] * (np.sign(m) + u["weight_decay"] * w)


# What follows is the same in every plugin: the protocol of docs/plugins.md.

def serve():
    if os.environ.get("ONNXTRAIN_PLUGIN") != "optimizer":
        sys.exit(f"This is an optimizer for onnxtrain: onnxtrain --plugin {sys.argv[0]} --opt {ABOUT['name']}")
    print("1|1|unix|pipes|onnxtrain", flush=True)
    settings, params, layouts, memory = {}, {}, {}, None

    def view(offset, shape, dtype):
        count = int(np.prod(shape, dtype=np.int64))
        return np.frombuffer(memory, dtype, count, offset).reshape(shape)

    with open(3, "rb") as requests, open(4, "wb", buffering=0) as answers:
        for line in requests:
            r, answer = json.loads(line), {}
            if r["call"] == "describe":
                answer = ABOUT
            elif r["call"] == "settings":
                settings[r["id"]] = r["hypers"]
            elif r["call"] == "slots":
                for p in r["params"]:
                    params[p["id"]] = p
                    layouts[r["settings"], p["id"]] = slots(p)
                answer["slots"] = [layouts[r["settings"], p["id"]] for p in r["params"]]
            elif r["call"] == "memory":
                memory = mmap.mmap(5, r["size"])
            elif r["call"] == "update":
                for u in r["updates"]:
                    p, layout = params[u["param"]], layouts[u["settings"], u["param"]]
                    w, g = (view(u[k], p["shape"], p["dtype"]) for k in ("value", "grad"))
                    state = [view(at, s["shape"], s["dtype"]) for at, s in zip(u["slots"], layout)]
                    update(settings[u["settings"]], u, w, g, state)
                answer["updated"] = len(r["updates"])
            else:
                answer["error"] = f"there is no call {r['call']}"
            answers.write(json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    serve()

"""Cuts cases.json and problems.json out of the full recordings of the official packages.

    python3 subset.py FOLDER    # with the full optimizer files and their README.md

Kept are the first steps of a few parameters, one or two cases for each optimizer; values stay as recorded.
"""
import json
import pathlib
import sys

STEPS = 6
PARAMS = ["fc.weight", "fc.bias", "conv.weight"]
CASES = {
    "baselines": ["sgd_nesterov_wd", "sgd_momentum_lr_schedule", "rmsprop_momentum_wd", "adam_l2", "adamw_amsgrad_lr_schedule",
                  "adagrad_default"],
    "rf-rmsprop": ["rf_momentum_wd"],
    "rf-adamw": ["rfadamw_wd"],
    "reference-only": ["lion_defaults"],
    "if-shampoo": ["sirf_defaults", "sirf_combine", "sirf_struct_diagonal"],
    "shampoo": ["shampoo_adagrad_graft", "shampoo_rmsprop_graft_mult"],
    "soap": ["soap_freq1", "soap_merge"],
    "muon": ["muon_exact"],
}

source, here = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parent
problem = json.loads((source / "problems.json").read_text())


def pick(values):
    return {p: values[p] for p in PARAMS}


def dump(name, text):
    (here / name).write_text(json.dumps(text, separators=(",", ":")) + "\n")


dump("problems.json", {"steps": STEPS, "shapes": pick(problem["shapes"]), "init": pick(problem["init"]),
                       "grads": [pick(g) for g in problem["grads"][:STEPS]]})
cases = []
for file, names in CASES.items():
    for c in json.loads((source / f"{file}.json").read_text())["cases"]:
        if c["name"] not in names:
            continue
        params = [p for p in c["params"] if p in PARAMS]
        at = [c["params"].index(p) for p in params]
        kept = {k: c[k] for k in ("name", "optimizer", "source", "hyper", "lr_schedule", "f32_rel", "notes") if c.get(k) is not None}
        cases.append({**kept, "params": params, "steps": STEPS, "expect": [[step[i] for i in at] for step in c["expect"][:STEPS]]})
dump("cases.json", {"problem": "problems.json", "cases": cases})

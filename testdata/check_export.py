#!/usr/bin/env python3
"""Checks files that onnxtrain wrote: the ONNX checker accepts them, everything but weights is as in the original, and
onnxruntime computes what onnxtrain's own engine computes.

usage: check_export.py ONNXTRAIN ORIGINAL.onnx TRAINED.onnx [ORIGINAL TRAINED ...]      needs onnx, onnxruntime, numpy

ONNXTRAIN is the binary; it runs each trained model as a conformance case whose recorded outputs are onnxruntime's.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper


def structure(model):
    """The model without weights, metadata and what inference form takes away: the training flags of BatchNormalization and
    Dropout with the constants that feed them, and Identity nodes that gave one initializer several names."""
    weights = {i.name for i in model.graph.initializer}
    nodes = []
    for n in model.graph.node:
        if n.op_type == 'Identity' and n.input[0] in weights:
            weights.add(n.output[0])
        elif n.op_type != 'Constant':
            attrs = sorted(a.name for a in n.attribute if a.name != 'training_mode')
            read = n.input[0] if n.input and n.input[0] not in weights else ''
            nodes.append((n.op_type, n.name, read, n.output[0], attrs))
    return nodes, weights, [i.name for i in model.graph.input], [o.name for o in model.graph.output]


def unchanged(before, after):
    """Equal, but for initializers more: those of modules that the exporter had given one, as all were equal."""
    return before[0] == after[0] and before[1] <= after[1] and before[2:] == after[2:]


def sound(model):
    """Whether the types that the file declares agree with its nodes: PyTorch's dynamo exporter writes LSTM outputs of a wrong rank."""
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.shape_inference.InferenceError:
        return False
    return True


def feed(session, rng):
    inputs = {}
    for i in session.get_inputs():
        shape = [d if isinstance(d, int) else 4 for d in i.shape]
        if 'int64' in i.type:
            inputs[i.name] = rng.integers(0, 2, shape, dtype=np.int64)  # within any table
        else:
            inputs[i.name] = rng.standard_normal(shape, dtype=np.float32)
    return inputs


def own(binary, path, inputs, outputs):
    """onnxtrain's outputs against onnxruntime's, as a conformance case with a tolerance of 1e-4."""
    with tempfile.TemporaryDirectory() as tmp:
        case = os.path.join(tmp, 'case')
        data = os.path.join(case, 'test_data_set_0')
        os.makedirs(data)
        with open(path, 'rb') as f, open(os.path.join(case, 'model.onnx'), 'wb') as g:
            g.write(f.read())
        with open(os.path.join(case, 'data.json'), 'w') as f:
            json.dump(dict(rtol=1e-4, atol=1e-4), f)
        for kind, arrays in (('input', inputs), ('output', outputs)):
            for k, a in enumerate(arrays):
                with open(os.path.join(data, f'{kind}_{k}.pb'), 'wb') as f:
                    f.write(numpy_helper.from_array(a).SerializeToString())
        r = subprocess.run([binary, 'conformance', tmp, '--json'], capture_output=True, text=True)
        return json.loads(r.stdout)['cases'][0]


def main():
    binary, failed = sys.argv[1], 0
    for before, after in zip(sys.argv[2::2], sys.argv[3::2]):
        model = onnx.load(after)
        original = onnx.load(before)
        onnx.checker.check_model(model, full_check=sound(original))
        same = unchanged(structure(original), structure(model))
        session = onnxruntime.InferenceSession(after, providers=['CPUExecutionProvider'])
        inputs = feed(session, np.random.default_rng(0))
        outputs = session.run(None, inputs)
        result = own(binary, after, [inputs[i.name] for i in model.graph.input if i.name in inputs], outputs)
        ok = same and result['status'] == 'passed'
        failed += not ok
        print(f"{'ok  ' if ok else 'FAIL'} {after}: checker ok, structure {'same' if same else 'DIFFERS'}, onnxruntime {result['status']} {result.get('why', '')}")
    sys.exit(1 if failed else 0)


main()

#!/usr/bin/env python3
"""Exports small models of many kinds and records ten training steps of each with PyTorch.

usage: export.py EXPORTER OUTDIR [NAME…]

EXPORTER is ts (TorchScript, PyTorch 1.13.0 and torchvision 0.14.1), ts2 (the same of PyTorch 2.9.1), dynamo (PyTorch 2.9.1, torchvision
0.24.1, onnx 1.23.2, onnxscript 0.7.2) or dynamo-plain (the same with optimize=False, which keeps BatchNormalization). NAME…, or
committed for what the repository holds; all models without. packages.py adds models of timm 1.0.31 and transformers 4.57.1 where these are
installed.

NAME.EXPORTER.onnx, or NAME.EXPORTER.eval.onnx for an inference export, is the model with its initial weights; the .json beside it has the
form of ten-step recordings: data (an npz: one array per input, plus label), batch, and runs[] with opt, hyper, losses_f32, losses_f64 and
grad_norm_step0 (L2 norm of each gradient of the first batch, in float64). flags are what onnxtrain train needs besides; loss is what the
label is compared by: ce, mse, bce, or probabilities (cross-entropy of what a softmax puts out). Dropout is 0, and BatchNorm takes the statistics of the batch, but where an inference export has folded it.
"""
import copy
import json
import os
import sys
import traceback
import warnings

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import pieces  # noqa: F401
import text  # noqa: F401
import vision  # noqa: F401
from registry import MODELS

BATCH, STEPS = 4, 10
# name: inputs (name, shape, range of integers or None), label shape, classes or None
DATA = {
    'image': ([('x', (3, 16, 16), None)], (), 5),
    'pixels': ([('x', (3, 16, 16), None)], (16, 16), 3),
    'image-image': ([('x', (3, 16, 16), None)], (3, 16, 16), None),
    'tokens': ([('idx', (12,), 17)], (12,), 17),
    'tokens-class': ([('idx', (12,), 17)], (), 5),
    'bert': ([('input_ids', (12,), 17), ('attention_mask', (12,), 2), ('token_type_ids', (12,), 2)], (), 5),
    'pair': ([('input_ids', (12,), 17), ('decoder_input_ids', (12,), 17)], (12,), 17),
    'vector': ([('x', (8,), None)], (2,), None),
    'vector-class': ([('x', (8,), None)], (), 5),
    'multilabel': ([('x', (8,), None)], (4,), 'bits'),
    'signal': ([('x', (2, 16), None)], (), 5),
    'volume': ([('x', (1, 6, 6, 6), None)], (), 5),
    'graph': ([('x', (6, 4), None)], (), 5),
    'categories': ([('dense', (5,), None), ('categories', (3,), 11)], (), 5),
}


def batches(kind):
    """The arrays of a data set; numbers are quarters, which keeps the file small."""
    inputs, label, classes = DATA[kind]
    rng = np.random.default_rng(sorted(DATA).index(kind))
    n = BATCH * STEPS

    def draw(shape, limit):
        if limit == 'bits':
            return rng.integers(0, 2, (n, *shape)).astype(np.float32)
        if limit is None:
            return (np.round(rng.standard_normal((n, *shape)) * 4) / 4).astype(np.float32)
        return rng.integers(0, limit, (n, *shape))

    arrays = {name: draw(shape, limit) for name, shape, limit in inputs}
    if kind == 'bert':  # a mask ends every sequence but for its first tokens
        arrays['attention_mask'] = (np.arange(12)[None] < rng.integers(3, 13, (n, 1))).astype(np.int64)
    arrays['label'] = draw(label, classes)
    return arrays


def loss_of(m, outputs, label):
    outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
    total = 0
    for out, weight in zip(outputs, m.weights):
        if m.loss == 'mse':
            total = total + weight * F.mse_loss(out, label.to(out.dtype))
        elif m.loss == 'probabilities':
            total = total + weight * F.nll_loss(out.log(), label)
        elif m.loss == 'bce':
            total = total + weight * F.binary_cross_entropy(out, label.to(out.dtype))
        elif out.shape[:-1] == label.shape:
            total = total + weight * F.cross_entropy(out.reshape(-1, out.shape[-1]), label.reshape(-1))
        else:
            total = total + weight * F.cross_entropy(out, label)
    return total


OPTIMIZERS = {
    'sgd': (dict(lr=0.01, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)),
    'adamw': (dict(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01),
              lambda p: torch.optim.AdamW(p, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)),
}


def train(m, net, make, arrays, dtype):
    """Ten losses, and the norms of the first gradient."""
    for module in net.modules():
        if hasattr(module, 'weight_g'):  # what weight_norm computes cannot be copied while it has a gradient
            module.weight = module.weight.detach()
    net = copy.deepcopy(net).to(dtype)
    opt = make(list(net.parameters()))
    losses, norms = [], {}
    for i in range(STEPS):
        batch = [torch.from_numpy(a[i * BATCH:(i + 1) * BATCH]) for a in arrays.values()]
        batch = [b.to(dtype) if b.is_floating_point() else b for b in batch]
        opt.zero_grad()
        loss = loss_of(m, net(*batch[:-1]), batch[-1])
        loss.backward()
        losses.append(loss.item())
        if i == 0:
            norms = {k: p.grad.norm().item() for k, p in net.named_parameters() if p.grad is not None}
        opt.step()
    return losses, norms


def faithful(m, net, path):
    """What the file has lost of the model: 'BatchNormalization', 'computed weights' or nothing."""
    text = open(path, 'rb').read()
    norms = sum(isinstance(x, nn.modules.batchnorm._BatchNorm) for x in net.modules())
    if norms and path_nodes(text) < norms:
        return 'BatchNormalization'
    if m.folded and not ('.ts.' in path and 'eval' not in path) and 'plain' not in path:
        return 'computed weights'
    return ''


def path_nodes(text):
    """The number of BatchNormalization nodes; onnx is not at hand wherever PyTorch 1.13 is."""
    return text.count(b'\x12BatchNormalization')


def prepare(m, form):
    """The model with initial weights that are all alive, in training mode or as an inference export leaves it."""
    torch.manual_seed(1)
    net = m.make()
    arrays = batches(m.data)
    sample = [torch.from_numpy(a[:BATCH]) for a in arrays.values()][:-1]
    with torch.no_grad():
        net.train()(*sample)  # shapes of lazy layers
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_running_stats()
            nn.init.uniform_(module.weight, .5, 1.5) if module.affine else None
    norms = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)
    for module in net.modules():
        for name, p in module.named_parameters(recurse=False):
            if name.endswith('bias') and not isinstance(module, norms) and not p.any():
                nn.init.uniform_(p, -.1, .1)  # exporters drop biases of zeros
    net.train(form == 'train')
    return net, arrays


def write(exporter, m, net, arrays, form, path):
    names = [k for k in arrays if k != 'label']
    sample = tuple(torch.from_numpy(arrays[k][:m.fixed or BATCH]) for k in names)
    state = copy.deepcopy(net.state_dict())
    if exporter.startswith('dynamo'):
        dynamic = None if m.fixed else tuple({0: torch.export.Dim.DYNAMIC} for _ in names)
        if dynamic and 'packages' in sys.modules and isinstance(net, sys.modules['packages'].Logits):
            dynamic = (dynamic,)
        program = torch.onnx.export(net, sample, dynamo=True, opset_version=m.dynamo, input_names=names, output_names=list(m.outputs),
                                    dynamic_shapes=dynamic, verbose=False, optimize=exporter == 'dynamo',
                                    training=torch.onnx.TrainingMode.PRESERVE)
        strip(program.model_proto, path)
    else:
        mode = torch.onnx.TrainingMode.TRAINING if form == 'train' else torch.onnx.TrainingMode.EVAL
        more = {} if exporter == 'ts' else dict(dynamo=False)
        opset = m.opset or 17
        torch.onnx.export(net, sample, path, training=mode, opset_version=opset, input_names=names, output_names=list(m.outputs),
                          dynamic_axes={} if m.fixed else {k: {0: 'batch'} for k in names}, do_constant_folding=form == 'eval', **more)
    net.load_state_dict(state)


def strip(model, path):
    """Saves a model without what PyTorch 2 notes at each node but for its scope: stack traces are long, and name local files."""
    import onnx
    graphs = [model.graph, *model.functions]
    for g in graphs:
        graphs += [a.g for n in g.node for a in n.attribute if a.HasField('g')]
        for item in [g, *g.node]:
            kept = [e for e in item.metadata_props if e.key == 'pkg.torch.onnx.name_scopes']
            del item.metadata_props[:]
            item.metadata_props.extend(kept)
            item.ClearField('doc_string')
    onnx.save(model, path)


def export(exporter, m, form, out):
    stem = f'{m.name}.{exporter}' + ('.eval' if form == 'eval' else '')
    net, arrays = prepare(m, form)
    write(exporter, m, net, arrays, form, os.path.join(out, stem + '.onnx'))
    if not os.path.exists(os.path.join(out, m.data + '.npz')):
        np.savez_compressed(os.path.join(out, m.data + '.npz'), **arrays)
    # Where the file has lost BatchNormalization or what is computed of weights, only the first loss can be compared.
    lost = faithful(m, net, os.path.join(out, stem + '.onnx'))
    flags = list(m.flags)
    if lost == 'BatchNormalization':
        net.eval()
        flags += ['--bn', 'frozen']
    elif not lost:
        net.train()
    runs = []
    for name, (hyper, make) in OPTIMIZERS.items():
        f32, _ = train(m, net, make, arrays, torch.float32)
        f64, norms = train(m, net, make, arrays, torch.float64)
        if lost:
            f32, f64, norms = f32[:1], f64[:1], {}
        runs.append(dict(opt=name, hyper=hyper, losses_f32=f32, losses_f64=f64, grad_norm_step0=norms))
    with open(os.path.join(out, stem + '.json'), 'w') as f:
        json.dump(dict(model=m.name, exporter=exporter, torch=torch.__version__.split('+')[0], form=form, data=m.data + '.npz', label='label', batch=BATCH,
                       steps=1 if lost else STEPS, loss=m.loss, flags=flags, runs=runs), f)
        f.write('\n')
    return stem


def main():
    exporter, out, wanted = sys.argv[1], sys.argv[2], sys.argv[3:]
    warnings.filterwarnings('ignore')
    if exporter != 'ts':
        try:
            import packages  # noqa: F401
        except ImportError:
            pass
    os.makedirs(out, exist_ok=True)
    failed = 0
    for m in MODELS.values():
        if wanted == ['committed']:
            if exporter not in m.commit:
                continue
        elif wanted and m.name not in wanted:
            continue
        if exporter == 'ts' and not m.opset or exporter == 'dynamo' and not m.dynamo:
            continue
        for form in m.forms if exporter.startswith('ts') else m.forms[:1]:  # dynamo writes one form
            try:
                print('ok  ', export(exporter, m, form, out), flush=True)
            except Exception as e:
                failed += 1
                print('FAIL', m.name, exporter, form, type(e).__name__, str(e).strip().split('\n')[0][:160], flush=True)
                if os.environ.get('TRACE'):
                    traceback.print_exc()
    sys.exit(1 if failed else 0)


main()

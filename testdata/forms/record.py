#!/usr/bin/python3
"""Exports tiny models in the forms that training meets, and records five steps of PyTorch on each.

usage: record.py OUTDIR        needs PyTorch 1.13 and numpy

For each NAME there is NAME.onnx, NAME.npz with the data, and NAME.json: the flags that make onnxtrain do the same, and the
losses of PyTorch in float64 under SGD with a learning rate of 0.1 and batches of 4 in the order of the data.
"""
import copy
import json
import os
import sys
import warnings

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

TRAIN, EVAL = torch.onnx.TrainingMode.TRAINING, torch.onnx.TrainingMode.EVAL
BATCH, STEPS, LR = 4, 5, 0.1


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.cls, self.reg = nn.Linear(5, 6), nn.Linear(6, 3), nn.Linear(6, 2)

    def forward(self, x):
        y = torch.tanh(self.body(x))
        return self.cls(y), self.reg(y)


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = nn.Linear(5, 6), nn.Linear(3, 6), nn.Linear(6, 3)

    def forward(self, a, b):
        return self.head(torch.tanh(self.a(a) + self.b(b)))


class OwnLoss(nn.Module):
    """A model that computes its own loss: cross-entropy of token positions that are moved by one."""

    def __init__(self):
        super().__init__()
        self.emb, self.head = nn.Embedding(7, 6), nn.Linear(6, 7)

    def forward(self, tokens, labels):
        logits = self.head(torch.tanh(self.emb(tokens)))
        return F.cross_entropy(logits[:, :-1].reshape(-1, 7), labels[:, 1:].reshape(-1)), logits


class OwnNLL(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(5, 3)

    def forward(self, x, labels):
        return F.nll_loss(F.log_softmax(self.head(x), 1), labels)


class OwnMSE(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(5, 2)

    def forward(self, x, target):
        return ((self.head(x) - target) ** 2).mean()


class Auto(nn.Module):
    """An autoencoder whose output is its reconstruction error."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(5, 3), nn.Linear(3, 5)

    def forward(self, x):
        return ((self.b(torch.tanh(self.a(x))) - x) ** 2).sum(1).mean()


class Net(nn.Module):
    def __init__(self, outputs, last=None):
        super().__init__()
        self.body, self.head, self.last = nn.Linear(5, 6), nn.Linear(6, outputs), last

    def forward(self, x):
        y = self.head(torch.tanh(self.body(x)))
        return self.last(y) if self.last else y


class ConvBN(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, padding=1)])
        self.bns, self.head = nn.ModuleList([nn.BatchNorm2d(4, momentum=0.) for _ in range(2)]), nn.Linear(4, 3)
        for bn in self.bns:
            bn.running_mean.uniform_(-.2, .2)
            bn.running_var.uniform_(.5, 1.5)
            nn.init.uniform_(bn.weight, .5, 1.5)
            nn.init.uniform_(bn.bias, -.2, .2)

    def forward(self, x):
        for conv, bn in zip(self.convs, self.bns):
            x = F.relu(bn(conv(x)))
        return self.head(x.mean((2, 3)))


class Sequence(nn.Module):
    """Causal attention for sequences up to 16 long."""

    def __init__(self):
        super().__init__()
        self.wte, self.wpe, self.qkv, self.head = nn.Embedding(7, 8), nn.Embedding(16, 8), nn.Linear(8, 24), nn.Linear(8, 7)
        self.register_buffer('mask', torch.tril(torch.ones(16, 16)).view(1, 1, 16, 16))

    def forward(self, tokens):
        b, t = tokens.shape
        x = self.wte(tokens) + self.wpe(torch.arange(t))
        q, k, v = (y.view(b, t, 2, 4).transpose(1, 2) for y in self.qkv(x).split(8, 2))
        a = (q @ k.transpose(-2, -1) * .5).masked_fill(self.mask[:, :, :t, :t] == 0, float('-inf'))
        return self.head(x + (a.softmax(-1) @ v).transpose(1, 2).reshape(b, t, 8))


class View(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 4, 3), nn.Linear(16, 3)

    def forward(self, x):
        b = x.shape[0]
        return self.head(torch.tanh(self.conv(x.view(b, 1, 4, 4))).view(b, -1))


def images(n, side=6):
    return torch.randn(n, 3, side, side)


def classes(n, k=3):
    return torch.randint(0, k, (n,))


def tokens(n, length):
    return torch.randint(0, 7, (n, length))


def ce(out, label):
    return F.cross_entropy(out.reshape(-1, out.shape[-1]), label.reshape(-1))


def no_change(model, state):
    return model


def frozen(*layers):
    """BatchNorm layers, all without arguments, on their running statistics."""

    def prepare(model, _):
        for i, bn in enumerate(model.bns):
            if not layers or i in layers:
                bn.eval()
                for p in bn.parameters():
                    p.requires_grad_(not layers)
        return model

    return prepare


def only(prefix):
    def prepare(model, _):
        for name, p in model.named_parameters():
            p.requires_grad_(name.startswith(prefix))
        return model

    return prepare


def unfolded(model, arrays):
    """The function of the inference export, with BatchNorm again: statistics of all full batches, layer by layer."""
    model = copy.deepcopy(model).eval()
    x = arrays['x'][:N // BATCH * BATCH].double()
    for conv, bn in zip(model.convs, model.bns):
        with torch.no_grad():
            fused = nn.utils.fusion.fuse_conv_bn_eval(conv, bn)
            y = F.conv2d(x, fused.weight, None, conv.stride, conv.padding)
            mean, var = y.mean((0, 2, 3)), y.var((0, 2, 3), unbiased=False)
            conv.weight.copy_(fused.weight)
            conv.bias = None
            bn.weight.copy_((var + bn.eps).sqrt())
            bn.bias.copy_(fused.bias + mean)
            x = F.relu(bn.train()(conv(x)))
    return model.train()


N = 18  # the last batch of an epoch is short
# name: (model, arrays, example inputs, loss of outputs and arrays of a batch, flags, options)
FORMS = {
    'two-outputs': (Heads, lambda: {'x': torch.randn(N, 5), 'label.cls': classes(N), 'label.reg': torch.randn(N, 2)}, ['x'],
                    lambda o, b: ce(o[0], b['label.cls']) + .5 * F.mse_loss(o[1], b['label.reg']),
                    ['--loss', 'cls=ce,reg=mse:0.5'], dict(outputs=['cls', 'reg'])),
    'one-of-two-outputs': (Heads, lambda: {'x': torch.randn(N, 5), 'label': torch.randn(N, 2)}, ['x'],
                           lambda o, b: F.mse_loss(o[1], b['label']), ['--output', 'reg', '--allow-unused'], dict(outputs=['cls', 'reg'])),
    'two-inputs': (TwoInputs, lambda: {'left': torch.randn(N, 5), 'right': torch.randn(N, 3), 'y': classes(N)}, ['left', 'right'],
                   lambda o, b: ce(o, b['y']), ['--inputs', 'a=left,b=right,label=y'], dict(inputs=['a', 'b'])),
    'own-cross-entropy': (OwnLoss, lambda: {'tokens': tokens(N, 6), 'labels': tokens(N, 6)}, ['tokens', 'labels'], lambda o, b: o[0], [],
                          dict(outputs=['loss', 'logits'])),
    'own-nll': (OwnNLL, lambda: {'x': torch.randn(N, 5), 'label': classes(N)}, ['x', 'label'], lambda o, b: o, [],
                dict(inputs=['x', 'labels'], outputs=['out'])),
    'own-mse': (OwnMSE, lambda: {'x': torch.randn(N, 5), 'target': torch.randn(N, 2)}, ['x', 'target'], lambda o, b: o, [], dict(outputs=['loss'])),
    'own-unlabelled': (Auto, lambda: {'x': torch.randn(N, 5)}, ['x'], lambda o, b: o, [], dict(outputs=['error'])),
    'log-softmax': (lambda: Net(3, nn.LogSoftmax(1)), lambda: {'x': torch.randn(N, 5), 'label': classes(N)}, ['x'],
                    lambda o, b: F.nll_loss(o, b['label']), [], {}),
    'log-softmax-nll': (lambda: Net(3, nn.LogSoftmax(1)), lambda: {'x': torch.randn(N, 5), 'label': classes(N)}, ['x'],
                        lambda o, b: F.nll_loss(o, b['label']), ['--loss', 'nll'], {}),
    'log-of-softmax': (lambda: Net(3, lambda y: y.softmax(1).log()), lambda: {'x': torch.randn(N, 5), 'label': classes(N)}, ['x'],
                       lambda o, b: F.nll_loss(o, b['label']), [], {}),
    'multi-label': (lambda: Net(4), lambda: {'x': torch.randn(N, 5), 'label': torch.randint(0, 2, (N, 4)).float()}, ['x'],
                    lambda o, b: F.binary_cross_entropy_with_logits(o, b['label']), ['--loss', 'bce'], {}),
    'multi-label-sigmoid': (lambda: Net(4, nn.Sigmoid()), lambda: {'x': torch.randn(N, 5), 'label': torch.randint(0, 2, (N, 4)).float()}, ['x'],
                            lambda o, b: F.binary_cross_entropy(o, b['label']), [], {}),
    'multi-label-bytes': (lambda: Net(4), lambda: {'x': torch.randn(N, 5), 'label': torch.randint(0, 2, (N, 4)).byte()}, ['x'],
                          lambda o, b: F.binary_cross_entropy_with_logits(o, b['label'].double()), ['--loss', 'bce'], {}),
    'binary': (lambda: Net(1, nn.Sigmoid()), lambda: {'x': torch.randn(N, 5), 'label': torch.randint(0, 2, (N,)).float()}, ['x'],
               lambda o, b: F.binary_cross_entropy(o, b['label'][:, None]), [], {}),
    'regression': (lambda: Net(2), lambda: {'x': torch.randn(N, 5), 'label': torch.randn(N, 2)}, ['x'], lambda o, b: F.mse_loss(o, b['label']), [], {}),
    'bn-frozen': (ConvBN, lambda: {'x': images(N), 'label': classes(N)}, ['x'], lambda o, b: ce(o, b['label']), ['--bn', 'frozen'],
                  dict(prepare=frozen())),
    'bn-auto-frozen-layer': (ConvBN, lambda: {'x': images(N), 'label': classes(N)}, ['x'], lambda o, b: ce(o, b['label']),
                             ['--freeze', 'bns.0.*'], dict(prepare=frozen(0))),
    'bn-train-eval-export': (ConvBN, lambda: {'x': images(N), 'label': classes(N)}, ['x'], lambda o, b: ce(o, b['label']), ['--unfold-bn'],
                             dict(prepare=unfolded, form=EVAL)),
    'train-head': (lambda: Net(3), lambda: {'x': torch.randn(N, 5), 'label': classes(N)}, ['x'], lambda o, b: ce(o, b['label']),
                   ['--train', 'head.*'], dict(prepare=only('head'))),
    'length': (Sequence, lambda: {'tokens': tokens(N, 9), 'label': tokens(N, 9)}, ['tokens'], lambda o, b: ce(o, b['label']), [],
               dict(axes={'tokens': {0: 'batch', 1: 'time'}}, example=[tokens(2, 6)], val={'tokens': tokens(6, 13), 'label': tokens(6, 13)})),
    'fixed-batch': (View, lambda: {'x': torch.randn(N, 16), 'label': classes(N)}, ['x'], lambda o, b: ce(o, b['label']), [],
                    dict(axes={}, example=[torch.randn(1, 16)], val={'x': torch.randn(7, 16), 'label': classes(7)})),
}


def main():
    out = sys.argv[1]
    warnings.filterwarnings('ignore')
    for name, (make, data, fed, loss, flags, o) in FORMS.items():
        torch.manual_seed(3)
        model, arrays = make(), data()
        form = o.get('form', TRAIN)
        model.train(form == TRAIN)
        names = o.get('inputs', fed)
        example = o.get('example', [arrays[k][:2] for k in fed])
        state = copy.deepcopy(model.state_dict())
        torch.onnx.export(model, tuple(example), os.path.join(out, name + '.onnx'), training=form, opset_version=14, input_names=names,
                          output_names=o.get('outputs', ['out']), dynamic_axes=o.get('axes', {k: {0: 'batch'} for k in names}),
                          do_constant_folding=form == EVAL)
        model.load_state_dict(state)
        model = o.get('prepare', no_change)(model.double(), arrays)
        wide = {k: v.double() if v.is_floating_point() else v for k, v in arrays.items()}
        optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], LR)
        losses = []
        for i in range(STEPS):
            batch = {k: v[i * BATCH:(i + 1) * BATCH] for k, v in wide.items()}
            optimizer.zero_grad()
            value = loss(model(*(batch[k] for k in fed)), batch)
            value.backward()
            optimizer.step()
            losses.append(value.item())
        record = dict(flags=flags, losses=losses)
        np.savez(os.path.join(out, name + '.npz'), **{k: v.numpy() for k, v in arrays.items()})
        if 'val' in o:
            val = o['val']
            np.savez(os.path.join(out, name + '.val.npz'), **{k: v.numpy() for k, v in val.items()})
            model.eval()
            wide = {k: v.double() if v.is_floating_point() else v for k, v in val.items()}
            record['val_loss'] = loss(model(*(wide[k] for k in fed)), wide).item()
        with open(os.path.join(out, name + '.json'), 'w') as f:
            json.dump(record, f)
            f.write('\n')


main()

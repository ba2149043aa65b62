#!/usr/bin/python3
"""Exports tiny models that hold what real PyTorch exports do, and records what PyTorch computes on them.

usage: export.py OUTDIR [NAME…]        needs PyTorch 1.13 and onnx

For each model NAME.onnx there is NAME.json: the batch, and in float64 the mean cross-entropy over all label positions
and the L2 norm of each parameter's gradient, with dropout off and BatchNorm on batch statistics, but where the
export has folded it away on running statistics.
"""
import json
import math
import os
import sys
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F

TRAIN, EVAL = torch.onnx.TrainingMode.TRAINING, torch.onnx.TrainingMode.EVAL


class ConvBN(nn.Module):
    def __init__(self, blocks=1):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3 if i == 0 else 4, 4, 3, padding=1) for i in range(blocks))
        self.bns = nn.ModuleList(nn.BatchNorm2d(4) for _ in range(blocks))
        self.head = nn.Linear(4, 3)
        for bn in self.bns:
            bn.running_mean.uniform_(-.2, .2)
            bn.running_var.uniform_(.5, 1.5)
            nn.init.uniform_(bn.weight, .5, 1.5)
            nn.init.uniform_(bn.bias, -.2, .2)

    def forward(self, x):
        for conv, bn in zip(self.convs, self.bns):
            x = F.relu(bn(conv(x)))
        return self.head(x.mean((2, 3)))


class PreNorm(nn.Module):
    """BatchNorm before a convolution, which an inference export cannot fold."""

    def __init__(self):
        super().__init__()
        self.bn, self.conv, self.head = nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.conv(F.relu(self.bn(x))).mean((2, 3)))


class Norms(nn.Module):
    """LayerNorms that are equal when new."""

    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(6) for _ in range(3))
        self.fcs = nn.ModuleList(nn.Linear(6, 6) for _ in range(3))

    def forward(self, x):
        for n, f in zip(self.norms, self.fcs):
            x = x + f(n(x))
        return x.mean(1)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.fc = nn.Embedding(7, 5), nn.Linear(5, 5)

    def forward(self, tokens):
        return F.linear(torch.tanh(self.fc(self.wte(tokens))), self.wte.weight)


class Linears(nn.Module):
    """Linear on matrices and on sequences, with and without bias."""

    def __init__(self):
        super().__init__()
        self.seq, self.plain, self.head = nn.Linear(5, 6), nn.Linear(6, 4, bias=False), nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.plain(F.relu(self.seq(x))).mean(1))


class Shapes(nn.Module):
    """A class token expanded over the batch, sizes taken from tensors, and a zero pad with strided slices."""

    def __init__(self):
        super().__init__()
        self.cls, self.pos = nn.Parameter(torch.randn(1, 1, 6) * .3), nn.Parameter(torch.randn(1, 5, 6) * .3)
        self.conv, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(6, 3)

    def forward(self, x):
        y = self.conv(x)[:, :, ::2, ::2]
        y = F.pad(y, (0, 0, 0, 0, 1, y.shape[1] // 4))
        b, c, h, w = y.shape
        t = y.reshape(b, c, h * w).transpose(1, 2)
        t = torch.cat([self.cls.expand(b, -1, -1), t[:, :4]], 1) + self.pos
        return self.head(t[:, 0] + t[:, 1:].mean(1))


class Activations(nn.Module):
    """LayerNorm, both GELUs, GroupNorm, SiLU and ReLU6, which are exported as many nodes."""

    def __init__(self):
        super().__init__()
        self.norm, self.fc, self.group, self.conv, self.head = nn.LayerNorm(6), nn.Linear(6, 6), nn.GroupNorm(2, 4), nn.Conv1d(4, 4, 1), nn.Linear(6, 3)

    def forward(self, x):
        x = F.gelu(self.fc(self.norm(x)))
        x = 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * torch.pow(x, 3))))
        x = F.silu(self.group(self.conv(x)))
        return self.head(F.relu6(4 * x).mean(1))


class Attention(nn.Module):
    """Causal attention as nanoGPT writes it, with the mask as a float buffer named bias, and PyTorch's encoder layer."""

    def __init__(self):
        super().__init__()
        self.emb, self.qkv, self.proj = nn.Embedding(7, 8), nn.Linear(8, 24), nn.Linear(8, 8)
        self.register_buffer('bias', torch.tril(torch.ones(6, 6)).view(1, 1, 6, 6))
        self.layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True, activation='gelu')
        self.head = nn.Linear(8, 7)

    def forward(self, tokens):
        x = self.emb(tokens)
        b, t, c = x.shape
        q, k, v = self.qkv(x).split(8, 2)
        q, k, v = (y.view(b, t, 2, c // 2).transpose(1, 2) for y in (q, k, v))
        a = (q @ k.transpose(-2, -1)) * (1 / math.sqrt(4))
        a = a.masked_fill(self.bias[:, :, :t, :t] == 0, float('-inf'))
        x = x + self.proj((F.softmax(a, -1) @ v).transpose(1, 2).contiguous().view(b, t, c))
        mask = torch.triu(torch.full((t, t), float('-inf')), diagonal=1)
        return self.head(self.layer(x, mask))


class Dropouts(nn.Module):
    """One dropout that never drops although it is in training form, and a real one."""

    def __init__(self, p):
        super().__init__()
        self.p, self.a, self.b = p, nn.Linear(5, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.b(F.dropout(F.dropout(F.relu(self.a(x)), 0.0, True), self.p, self.training))


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.emb, self.rnn, self.head = nn.Embedding(7, 5), kind(5, 4, batch_first=True), nn.Linear(4, 7)

    def forward(self, tokens):
        return self.head(self.rnn(self.emb(tokens))[0])


class Pieces(nn.Module):
    """Einsum, average pooling, which comes with a Pad of zeros, and flatten."""

    def __init__(self):
        super().__init__()
        self.conv, self.head, self.mix = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(36, 3), nn.Parameter(torch.randn(4, 4) * .4)

    def forward(self, x):
        y = F.avg_pool2d(self.conv(x), 2, 2)
        return self.head(torch.flatten(torch.einsum('bchw,cd->bdhw', y, self.mix), 1))


class ViT(nn.Module):
    """A class token that is expanded over the batch, and timm's and PyTorch's attention, whose batch is in the second axis."""

    def __init__(self):
        super().__init__()
        self.cls, self.pos = nn.Parameter(torch.randn(1, 1, 8) * .3), nn.Parameter(torch.randn(1, 5, 8) * .3)
        self.conv, self.qkv, self.proj = nn.Conv2d(3, 8, 3, stride=3), nn.Linear(8, 24), nn.Linear(8, 8)
        self.norm, self.mha, self.head = nn.LayerNorm(8), nn.MultiheadAttention(8, 2), nn.Linear(8, 3)

    def forward(self, x):
        x = self.conv(x)
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat((self.cls.expand(x.shape[0], -1, -1), x), 1) + self.pos
        b, n, c = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, n, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
        a = (q @ k.transpose(-2, -1) * .5).softmax(-1)
        x = x + self.proj((a @ v).transpose(1, 2).reshape(b, n, c))
        y = x.transpose(0, 1)
        x = x + self.mha(y, y, y)[0].transpose(0, 1)
        return self.head(x[:, 0])


class GPT(nn.Module):
    """Causal attention on sequences that are viewed as rows between layers."""

    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(7, 8), nn.Embedding(6, 8)
        self.qkv, self.proj, self.norm, self.head = nn.Linear(8, 24), nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 7)

    def forward(self, tokens):
        b, t = tokens.shape
        x = self.wte(tokens) + self.wpe(torch.arange(t).unsqueeze(0).expand(b, t))
        y = self.norm(x.view(b * t, 8))
        q, k, v = self.qkv(y).view(b, t, 3, 2, 4).permute(2, 0, 3, 1, 4)
        q, k, v = (z.reshape(b * 2, t, 4) for z in (q, k, v))
        a = torch.bmm(q, k.transpose(1, 2)) * .5 + torch.triu(torch.full((t, t), float('-inf')), 1)
        y = torch.bmm(a.softmax(-1), v).view(b, 2, t, 4).transpose(1, 2).reshape(b, t, 8)
        return self.head(x + self.proj(y))


class States(nn.Module):
    """LSTM layers, one of them bidirectional, with initial states made for the batch."""

    def __init__(self):
        super().__init__()
        self.emb, self.rnn, self.top = nn.Embedding(7, 5), nn.LSTM(5, 4, 2, batch_first=True), nn.GRU(4, 3, batch_first=True, bidirectional=True)
        self.head = nn.Linear(6, 7)

    def forward(self, tokens):
        b = tokens.shape[0]
        x = self.emb(tokens)
        zeros = lambda *shape: torch.zeros(*shape, dtype=x.dtype)
        x = self.rnn(x, (zeros(2, b, 4), zeros(2, b, 4)))[0]
        return self.head(self.top(x, zeros(2, b, 3))[0])


class View(nn.Module):
    """A CNN with view, a channel shuffle and GroupNorm."""

    def __init__(self):
        super().__init__()
        self.conv, self.group, self.mix, self.head = nn.Conv2d(3, 8, 3, stride=2), nn.GroupNorm(2, 8), nn.Conv2d(8, 4, 1), nn.Linear(16, 3)

    def forward(self, x):
        x = F.relu(self.group(self.conv(x)))
        b, c, h, w = x.shape
        x = x.view(b, 2, c // 2, h, w).transpose(1, 2).contiguous().view(b, c, h, w)
        return self.head(self.mix(x).view(x.size(0), -1))


IMAGE, SEQUENCE, TOKENS = (4, 3, 6, 6), (4, 4, 6), (4, 6)
# name: (model, input shape, training form, opset)
MODELS = {
    '01-batchnorm-opset13': (ConvBN, IMAGE, TRAIN, 13),
    '01-batchnorm-opset14': (ConvBN, IMAGE, TRAIN, 14),
    '01-batchnorm-eval': (PreNorm, IMAGE, EVAL, 14),
    '02-batchnorm-folded': (lambda: ConvBN(5), IMAGE, EVAL, 13),
    '03-equal-initializers': (Norms, SEQUENCE, EVAL, 14),
    '04-tied-train': (Tied, TOKENS, TRAIN, 14),
    '04-tied-eval': (Tied, TOKENS, EVAL, 14),
    '05-linear-train': (Linears, (4, 4, 5), TRAIN, 14),
    '05-linear-eval': (Linears, (4, 4, 5), EVAL, 14),
    '06-shapes': (Shapes, IMAGE, TRAIN, 15),
    '07-activations': (Activations, SEQUENCE, TRAIN, 14),
    '08-attention': (Attention, TOKENS, TRAIN, 14),
    '10-dropout': (lambda: Dropouts(0.5), (4, 5), TRAIN, 14),
    '10-dropout-zero': (lambda: Dropouts(0.5), (4, 5), EVAL, 14),
    '11-lstm-train': (lambda: Recurrent(nn.LSTM), TOKENS, TRAIN, 14),
    '11-lstm-eval': (lambda: Recurrent(nn.LSTM), TOKENS, EVAL, 14),
    '11-gru-train': (lambda: Recurrent(nn.GRU), TOKENS, TRAIN, 14),
    '13-pieces': (Pieces, IMAGE, TRAIN, 13),
}
# The batch size is fixed in these files: to 1 or 2; the recorded batch has 4 examples.
FIXED = {'vit': (ViT, IMAGE), 'gpt': (GPT, TOKENS), 'lstm': (States, TOKENS), 'cnn': (View, IMAGE)}
for kind, (make, shape) in FIXED.items():
    for batch, form in ((1, TRAIN), (1, EVAL), (2, TRAIN), (2, EVAL)):
        MODELS[f'15-{kind}-batch{batch}-{"train" if form == TRAIN else "eval"}'] = (make, shape, form, 14, batch)


def record(model, x, label, training):
    model = model.double().train(training)
    for m in model.modules():
        if isinstance(m, nn.Dropout):
            m.eval()
    if isinstance(model, Dropouts):
        model.eval()
    out = model(x.double() if x.is_floating_point() else x)
    loss = F.cross_entropy(out.reshape(-1, out.shape[-1]), label.reshape(-1))
    loss.backward()
    return loss.item(), {k: p.grad.norm().item() for k, p in model.named_parameters()}


def main():
    out = sys.argv[1]
    warnings.filterwarnings('ignore')
    for name, (make, shape, form, opset, *fixed) in MODELS.items():
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        torch.manual_seed(1)
        model = make()
        x = torch.randint(0, 7, shape) if shape == TOKENS else (torch.randn(shape) * 100).round() / 100
        model.train(form == TRAIN)
        state = {k: v.clone() for k, v in model.state_dict().items()}
        with torch.no_grad():
            classes = model(x).shape[-1]
        model.load_state_dict(state)
        label = torch.randint(0, classes, shape if shape == TOKENS else shape[:1])
        torch.onnx.export(model, x[:fixed[0]] if fixed else x, os.path.join(out, name + '.onnx'), training=form, opset_version=opset, input_names=['x'],
                          output_names=['logits'], dynamic_axes={} if fixed else {'x': {0: 'batch'}}, do_constant_folding=form == EVAL)
        model.load_state_dict(state)
        loss, norms = record(model, x, label, 'folded' not in name)
        with open(os.path.join(out, name + '.json'), 'w') as f:
            json.dump(dict(shape=list(shape), x=[round(v, 2) for v in x.flatten().tolist()], label=label.flatten().tolist(), label_shape=list(label.shape),
                           loss=loss, grad_norms=norms), f)
            f.write('\n')


main()

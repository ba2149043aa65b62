#!/usr/bin/python3
"""Exports the models of this folder from PyTorch, untrained, in training form, with a dynamic batch.

usage: export.py OUTDIR [NAME...]        needs PyTorch 1.13 or newer and onnx
"""
import math
import os
import sys
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F


class MLP(nn.Module):
    """Two linear layers for flat 28x28 images."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(784, 256)
        self.head = nn.Linear(256, 10)

    def forward(self, x):
        return self.head(F.relu(self.hidden(x)))


class LeNet5(nn.Module):
    """LeCun et al. 1998 with ReLU and max pooling."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.head = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.head(F.relu(self.fc2(x)))


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet20(nn.Module):
    """He et al. 2016, section 4.2, with projection shortcuts (option B)."""

    def __init__(self, classes=10):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(16)
        stages, width = [], 16
        for outputs in (16, 32, 64):
            for k in range(3):
                stages.append(Residual(width, outputs, 2 if k == 0 and outputs > 16 else 1))
                width = outputs
        self.blocks = nn.Sequential(*stages)
        self.head = nn.Linear(64, classes)

    def forward(self, x):
        x = self.blocks(F.relu(self.bn(self.conv(x))))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class VGG(nn.Module):
    """Simonyan and Zisserman 2015, small, with BatchNorm after each convolution."""

    def __init__(self, widths=(32, 64, 128), classes=10):
        super().__init__()
        layers, width = [], 3
        for outputs in widths:
            for _ in range(2):
                layers += [nn.Conv2d(width, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
                width = outputs
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


class ConvNeXtBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x):
        y = self.norm(self.conv(x).permute(0, 2, 3, 1))
        return x + self.down(F.gelu(self.up(y))).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    """Liu et al. 2022 at 32x32, two stages without layer scale."""

    def __init__(self, width=32, depth=2, classes=10):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 2, 2)
        self.stage1 = nn.Sequential(*[ConvNeXtBlock(width) for _ in range(depth)])
        self.norm1 = nn.LayerNorm(width)
        self.down = nn.Conv2d(width, 2 * width, 2, 2)
        self.stage2 = nn.Sequential(*[ConvNeXtBlock(2 * width) for _ in range(depth)])
        self.norm2 = nn.LayerNorm(2 * width)
        self.head = nn.Linear(2 * width, classes)

    def forward(self, x):
        x = self.stage1(self.stem(x))
        x = self.norm1(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        x = self.stage2(self.down(x))
        return self.head(self.norm2(x.mean((2, 3))))


class Attention(nn.Module):
    def __init__(self, width, heads, dropout, causal_length=0):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.drop = nn.Dropout(dropout)
        if causal_length:
            self.register_buffer("mask", torch.tril(torch.ones(1, 1, causal_length, causal_length)))
        else:
            self.mask = None

    def forward(self, x):
        b, t, w = x.shape
        q, k, v = self.qkv(x).reshape(b, t, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        scores = q @ k.transpose(-2, -1) * (1 / math.sqrt(w // self.heads))
        if self.mask is not None:
            scores = scores.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf"))
        y = (self.drop(scores.softmax(-1)) @ v).transpose(1, 2).reshape(b, t, w)
        return self.proj(y)


class Block(nn.Module):
    def __init__(self, width, heads, dropout, causal_length=0):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads, dropout, causal_length)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.attn(self.norm1(x)))
        return x + self.drop(self.down(F.gelu(self.up(self.norm2(x)))))


class ViT(nn.Module):
    """Dosovitskiy et al. 2021 at 32x32 with patches of 4."""

    def __init__(self, width=64, depth=4, heads=4, dropout=0.1, classes=10):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(torch.randn(1, 65, width) * 0.02)
        self.blocks = nn.Sequential(*[Block(width, heads, dropout) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls.expand(x.shape[0], -1, -1), x), 1) + self.position
        return self.head(self.norm(self.blocks(x))[:, 0])


class GPT(nn.Module):
    """A character model after Radford et al. 2019, embedding and head tied."""

    def __init__(self, vocabulary=65, length=64, width=64, depth=3, heads=4, dropout=0.1):
        super().__init__()
        self.token = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(length, width)
        self.blocks = nn.Sequential(*[Block(width, heads, dropout, length) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        nn.init.normal_(self.token.weight, std=0.02)
        nn.init.normal_(self.position.weight, std=0.02)
        self.head.weight = self.token.weight

    def forward(self, tokens):
        x = self.token(tokens) + self.position(torch.arange(tokens.shape[1]).unsqueeze(0))
        return self.head(self.norm(self.blocks(x)))


class LSTM(nn.Module):
    """A character model of two LSTM layers (Hochreiter and Schmidhuber 1997)."""

    def __init__(self, vocabulary=65, width=64, hidden=128, depth=2):
        super().__init__()
        self.token = nn.Embedding(vocabulary, width)
        self.lstm = nn.LSTM(width, hidden, depth, batch_first=True)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, tokens):
        return self.head(self.lstm(self.token(tokens))[0])


MODELS = {
    "mlp": (MLP, torch.zeros(2, 784), "image"),
    "lenet5": (LeNet5, torch.zeros(2, 1, 28, 28), "image"),
    "resnet20": (ResNet20, torch.zeros(2, 3, 32, 32), "image"),
    "vgg": (VGG, torch.zeros(2, 3, 32, 32), "image"),
    "convnext": (ConvNeXt, torch.zeros(2, 3, 32, 32), "image"),
    "vit": (ViT, torch.zeros(2, 3, 32, 32), "image"),
    "gpt": (GPT, torch.zeros(2, 64, dtype=torch.long), "tokens"),
    "lstm": (LSTM, torch.zeros(2, 64, dtype=torch.long), "tokens"),
}


def main(out, names):
    os.makedirs(out, exist_ok=True)
    warnings.filterwarnings("ignore")
    for name in names or MODELS:
        build, example, input_name = MODELS[name]
        torch.manual_seed(0)
        path = os.path.join(out, name + ".onnx")
        torch.onnx.export(build().train(), example, path, training=torch.onnx.TrainingMode.TRAINING,
                          do_constant_folding=False, opset_version=16, input_names=[input_name],
                          output_names=["logits"], dynamic_axes={input_name: {0: "batch"}, "logits": {0: "batch"}})
        print(path)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])

"""Image models: torchvision's architectures at their smallest, and forms that it lacks."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision.models as tv
from torchvision.models import convnext as cn, efficientnet as en, mobilenetv3 as mv3, regnet as rn

from registry import model

CLASSES = 5


@model('image', forms=('train', 'eval'), commit=('ts', 'dynamo-plain'))
def mobilenetv2():
    return tv.MobileNetV2(CLASSES, width_mult=0.125, round_nearest=4, dropout=0.0,
                          inverted_residual_setting=[[1, 16, 1, 1], [3, 32, 2, 2], [3, 32, 2, 1]])


@model('image', commit=('ts', 'dynamo-plain'))
def mobilenetv3():
    def block(cin, kernel, expanded, cout, se, activation, stride):
        return mv3.InvertedResidualConfig(cin, kernel, expanded, cout, se, activation, stride, 1, 0.25)
    return tv.MobileNetV3([block(16, 3, 32, 24, True, 'RE', 2), block(24, 5, 48, 24, True, 'HS', 1)], 32, CLASSES, dropout=0.0)


@model('image', opset=13, forms=('train', 'eval'), commit=('ts', 'dynamo-plain'))
def densenet():
    return tv.DenseNet(4, (2, 2), 8, 2, 0.0, CLASSES)


@model('image', opset=13, commit=())
def densenet_checkpointed():
    """The pre-activation blocks with average pooling between, without a stem's pooling."""
    m = tv.DenseNet(6, (1, 1, 1), 6, 2, 0.0, CLASSES)
    m.features.pool0 = nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)
    return m


class Bottleneck(nn.Module):
    def __init__(self, cin, width, stride=1, groups=1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(cin, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, groups=groups, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 2 * width, 1, bias=False), nn.BatchNorm2d(2 * width)
        self.downsample = nn.Sequential(nn.Conv2d(cin, 2 * width, 1, stride, bias=False), nn.BatchNorm2d(2 * width))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x), inplace=True)


def bottlenecks(groups):
    return nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(True), nn.MaxPool2d(3, 2, 1),
                         Bottleneck(8, 8, 1, groups), Bottleneck(16, 16, 2, groups), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, CLASSES))


@model('image', forms=('train', 'eval'), opset=9, commit=('ts', 'dynamo-plain'))
def resnet50():
    return bottlenecks(1)


@model('image', opset=11, commit=('dynamo-plain',))
def resnext():
    return bottlenecks(4)


@model('image', opset=13, forms=('train', 'eval'), commit=('ts', 'dynamo-plain'))
def vgg_bn():
    layers = []
    for cin, cout in ((3, 8), (8, 16)):
        layers += [nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU(True), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d((2, 2)), nn.Flatten(), nn.Linear(64, 16), nn.ReLU(True), nn.Dropout(0.0), nn.Linear(16, CLASSES))


@model('image', commit=('ts', 'dynamo-plain'))
def efficientnet():
    settings = [en.MBConvConfig(1, 3, 1, 8, 8, 1, 1.0, 1.0), en.MBConvConfig(4, 5, 2, 8, 16, 2, 1.0, 1.0)]
    try:
        return tv.EfficientNet(settings, 0.0, stochastic_depth_prob=0.0, num_classes=CLASSES, last_channel=32)
    except TypeError:
        return tv.EfficientNet(settings, 0.0, 0.0, CLASSES)


@model('image', opset=15, commit=())
def efficientnetv2():
    settings = [en.FusedMBConvConfig(1, 3, 1, 8, 8, 1), en.FusedMBConvConfig(2, 3, 2, 8, 16, 1), en.MBConvConfig(2, 3, 2, 16, 16, 1)]
    return tv.EfficientNet(settings, 0.0, stochastic_depth_prob=0.0, num_classes=CLASSES, last_channel=32)


@model('image', opset=16)
def convnext():
    m = tv.ConvNeXt([cn.CNBlockConfig(8, 16, 1), cn.CNBlockConfig(16, None, 1)], 0.0, layer_scale=0.1, num_classes=CLASSES)
    return m


@model('image', opset=12, commit=('ts', 'dynamo-plain'))
def regnet():
    return tv.RegNet(rn.BlockParams([1, 1], [8, 16], [4, 8], [1.0, 1.0], [2, 2], 0.25), CLASSES, stem_width=8)


@model('image', opset=12, commit=('ts', 'dynamo-plain'))
def shufflenet():
    return tv.ShuffleNetV2([1, 2, 1], [8, 8, 16, 24, 32], CLASSES)


@model('image', opset=13, commit=('dynamo-plain',))
def mnasnet():
    m = tv.MNASNet(0.1, CLASSES, 0.0)
    m.layers = nn.Sequential(*list(m.layers[:9]))
    return nn.Sequential(m.layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(m.layers[8][-1].layers[-1].num_features, CLASSES))


class Fire(nn.Module):
    def __init__(self, cin, squeeze, expand):
        super().__init__()
        self.squeeze, self.one, self.three = nn.Conv2d(cin, squeeze, 1), nn.Conv2d(squeeze, expand, 1), nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat((F.relu(self.one(x)), F.relu(self.three(x))), 1)


@model('image', opset=10)
def squeezenet():
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True), Fire(8, 4, 8), nn.MaxPool2d(2, ceil_mode=True),
                         Fire(16, 4, 8), nn.Conv2d(16, CLASSES, 1), nn.ReLU(), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten())


@model('image', opset=13, outputs=('logits', 'aux'), weights=(1.0, 0.3),
       flags=('--loss', 'logits=ce,aux=ce:0.3', '--inputs', 'label.logits=label,label.aux=label'), commit=('ts', 'dynamo-plain'))
class Inception(nn.Module):
    """Branches that are concatenated, and an auxiliary classifier."""

    def __init__(self):
        super().__init__()
        conv = lambda cin, cout, k: nn.Sequential(nn.Conv2d(cin, cout, k, padding=k // 2, bias=False), nn.BatchNorm2d(cout, eps=0.001), nn.ReLU(True))
        self.stem = nn.Sequential(conv(3, 8, 3), nn.MaxPool2d(3, 2, ceil_mode=True))
        self.b1, self.b2 = conv(8, 4, 1), nn.Sequential(conv(8, 4, 1), conv(4, 8, 3))
        self.b3, self.b4 = nn.Sequential(conv(8, 4, 1), conv(4, 4, 5)), nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), conv(8, 4, 1))
        self.aux, self.fc = nn.Linear(20 * 4, CLASSES), nn.Linear(20, CLASSES)

    def forward(self, x):
        x = self.stem(x)
        x = torch.cat([self.b1(x), self.b2(x), self.b3(x), self.b4(x)], 1)
        aux = self.aux(F.adaptive_avg_pool2d(x, (2, 2)).flatten(1))
        return self.fc(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1)), aux


@model('image', opset=16)
def swin():
    return tv.SwinTransformer([4, 4], 8, [2], [2], [2, 2], 2.0, 0.0, 0.0, 0.0, CLASSES)


@model('image', opset=0, folded=True)
def swinv2():
    from torchvision.models import swin_transformer as st
    return tv.SwinTransformer([4, 4], 8, [2], [2], [2, 2], 2.0, 0.0, 0.0, 0.0, CLASSES, block=st.SwinTransformerBlockV2,
                              downsample_layer=st.PatchMergingV2)


@model('image', opset=14, forms=('train', 'eval'))
def vit_mha():
    m = tv.VisionTransformer(16, 4, 2, 2, 16, 32, num_classes=CLASSES)
    nn.init.normal_(m.heads[0].weight, 0, .1)
    return m


@model('image', opset=16, commit=())
def maxvit():
    return tv.MaxVit((16, 16), 8, 2, [8], [1], 8, 0.0, num_classes=CLASSES)


class DoubleConv(nn.Sequential):
    def __init__(self, cin, cout):
        super().__init__(nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU(), nn.Conv2d(cout, cout, 3, padding=1), nn.GroupNorm(2, cout), nn.SiLU())


class UNet(nn.Module):
    """Two levels, up again by ConvTranspose and by Resize."""

    def __init__(self, mode='bilinear', align=False):
        super().__init__()
        self.mode, self.align = mode, align
        self.a, self.b, self.c = DoubleConv(3, 4), DoubleConv(4, 8), DoubleConv(8, 8)
        self.up, self.d, self.e, self.head = nn.ConvTranspose2d(8, 8, 2, 2), DoubleConv(16, 8), DoubleConv(12, 4), nn.Conv2d(4, 3, 1)

    def forward(self, x):
        a = self.a(x)
        b = self.b(F.max_pool2d(a, 2))
        y = self.up(self.c(F.max_pool2d(b, 2)))
        y = self.d(torch.cat([b, y], 1))
        y = F.interpolate(y, size=a.shape[2:], mode=self.mode, align_corners=self.align if self.mode != 'nearest' else None)
        return self.head(self.e(torch.cat([a, y], 1)))


model('pixels', opset=13, name='unet')(UNet)
model('pixels', opset=11, name='unet-nearest')(lambda: UNet('nearest'))
model('pixels', opset=16, name='unet-bicubic', commit=())(lambda: UNet('bicubic'))
model('pixels', opset=15, name='unet-corners', commit=())(lambda: UNet('bilinear', True))


@model('image-image', opset=13, loss='mse', outputs=('y',))
def autoencoder():
    return nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(6, 8, 3, 2, 1), nn.InstanceNorm2d(8, affine=True), nn.PReLU(8),
                         nn.ConvTranspose2d(8, 6, 3, 2, 1, 1), nn.ELU(), nn.Conv2d(6, 12, 3, padding=1, padding_mode='reflect'), nn.PixelShuffle(2),
                         nn.Hardtanh(-2, 2))


class StdConv(nn.Conv2d):
    """Weight standardisation, as in BiT and NFNets."""

    def forward(self, x):
        v, m = torch.var_mean(self.weight, dim=[1, 2, 3], keepdim=True, unbiased=False)
        return self._conv_forward(x, (self.weight - m) / torch.sqrt(v + 1e-5), self.bias)


@model('image', opset=14, folded=True)
class GroupNormNet(nn.Module):
    """Weight standardisation, GroupNorm and attention by einsum."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = StdConv(3, 8, 3, 2, 1), nn.GroupNorm(4, 8)
        self.qkv, self.out, self.head = nn.Conv2d(8, 24, 1), nn.Conv2d(8, 8, 1), nn.Linear(8, CLASSES)

    def forward(self, x):
        x = F.silu(self.norm(self.conv(x)))
        b, c, h, w = x.shape
        q, k, v = self.qkv(x).reshape(b, 3, 2, c // 2, h * w).unbind(1)
        a = torch.einsum('bhci,bhcj->bhij', q, k).div(math.sqrt(c // 2)).softmax(-1)
        y = torch.einsum('bhij,bhcj->bhci', a, v).reshape(b, c, h, w)
        return self.head((x + self.out(y)).mean([2, 3]))


@model('image', opset=13)
class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.norm1, self.norm2 = nn.Conv2d(3, 12, 4, 4), nn.LayerNorm(12), nn.LayerNorm(12)
        self.tokens, self.channels = nn.Sequential(nn.Linear(16, 8), nn.GELU(), nn.Linear(8, 16)), nn.Sequential(nn.Linear(12, 24), nn.GELU(), nn.Linear(24, 12))
        self.norm, self.head = nn.LayerNorm(12), nn.Linear(12, CLASSES)

    def forward(self, x):
        x = self.stem(x).flatten(2).transpose(1, 2)
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        x = x + self.channels(self.norm2(x))
        return self.head(self.norm(x).mean(1))


@model('image', opset=16)
class SpatialTransformer(nn.Module):
    """A predicted affine grid and GridSample."""

    def __init__(self):
        super().__init__()
        self.locate, self.conv, self.head = nn.Linear(3 * 16, 6), nn.Conv2d(3, 4, 3), nn.Linear(4, CLASSES)
        nn.init.normal_(self.locate.weight, 0, .02)
        self.locate.bias.data = torch.tensor([1, 0, 0, 0, 1, 0.])
        ys, xs = torch.meshgrid(torch.linspace(-1, 1, 12), torch.linspace(-1, 1, 12), indexing='ij')
        self.register_buffer('grid', torch.stack([xs, ys, torch.ones_like(xs)], -1).view(1, 144, 3))

    def forward(self, x):
        theta = self.locate(F.adaptive_avg_pool2d(x, 4).flatten(1)).view(-1, 2, 3)
        grid = torch.matmul(self.grid, theta.transpose(1, 2)).view(-1, 12, 12, 2)
        y = F.grid_sample(x, grid, mode='bilinear', padding_mode='border', align_corners=False)
        return self.head(F.softplus(self.conv(y)).amax((2, 3)))


@model('image', opset=0)
class AffineGrid(SpatialTransformer):
    def forward(self, x):
        theta = self.locate(F.adaptive_avg_pool2d(x, 4).flatten(1)).view(-1, 2, 3)
        y = F.grid_sample(x, F.affine_grid(theta, (x.shape[0], 3, 12, 12), align_corners=False), align_corners=False)
        return self.head(F.mish(self.conv(y)).mean((2, 3)))


@model('image', opset=14)
class Diffusion(nn.Module):
    """Sinusoidal features of a scalar, which shift and scale normalised images, and attention."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.time = nn.Conv2d(3, 8, 3, 2, 1), nn.GroupNorm(2, 8), nn.Linear(8, 16)
        self.attn, self.head = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, CLASSES)

    def forward(self, x):
        t = x.mean((1, 2, 3))
        angles = t[:, None] * torch.exp(-math.log(100.) * torch.arange(4, device=x.device) / 4)[None]
        scale, shift = self.time(torch.cat([angles.sin(), angles.cos()], -1))[:, :, None, None].chunk(2, 1)
        y = F.silu(self.norm(self.conv(x)) * (1 + scale) + shift)
        y = F.interpolate(y, scale_factor=0.5, mode='nearest').flatten(2).transpose(1, 2)
        return self.head((y + self.attn(y, y, y, need_weights=False)[0]).mean(1))

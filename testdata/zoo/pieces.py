"""Small models of layers that the architectures leave out."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import weight_norm

from registry import model

CLASSES = 5


@model('vector', opset=9, loss='mse', outputs=('y',))
def mlp_regression():
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 16), nn.SELU(), nn.Linear(16, 2))


@model('multilabel', opset=14, loss='bce', outputs=('p',))
def multilabel_sigmoid():
    return nn.Sequential(nn.Linear(8, 16), nn.Softsign(), nn.Linear(16, 16), nn.Hardswish(), nn.Linear(16, 4), nn.Sigmoid())


@model('vector-class', opset=13)
def log_softmax():
    return nn.Sequential(nn.Linear(8, 16), nn.CELU(), nn.Linear(16, 16), nn.LogSigmoid(), nn.Linear(16, CLASSES), nn.LogSoftmax(dim=1))


@model('vector-class', opset=13)
class Tabular(nn.Module):
    """Pairwise products of features, GLU and thresholds."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = nn.Linear(8, 24), nn.Parameter(torch.randn(10, 12, 8) * .1), nn.Linear(10, CLASSES)

    def forward(self, x):
        y = F.glu(self.a(x), 1)
        y = torch.einsum('bi,oij,bj->bo', y, self.b, F.softshrink(x, 0.2)) + F.hardshrink(y[:, :10], 0.1)
        y = F.normalize(y, dim=1) * torch.logsumexp(y, 1, keepdim=True)
        return self.head(F.threshold(y, 0.0, 0.0) + F.relu6(y))


@model('signal', opset=14, dynamo=0)
class Temporal(nn.Module):
    """Dilated causal convolutions whose weights are normalised."""

    def __init__(self):
        super().__init__()
        self.a, self.b = weight_norm(nn.Conv1d(2, 8, 3, dilation=1)), weight_norm(nn.Conv1d(8, 8, 3, dilation=2))
        self.skip, self.head = nn.Conv1d(2, 8, 1), nn.Linear(8, CLASSES)

    def forward(self, x):
        y = F.leaky_relu(self.a(F.pad(x, (2, 0))))
        y = F.elu(self.b(F.pad(y, (4, 0))) + self.skip(x))
        return self.head(F.avg_pool1d(y, 4).amax(-1))


@model('signal', opset=14, folded=True)
class Parametrized(nn.Module):
    """The newer parametrizations of weights."""

    def __init__(self):
        super().__init__()
        from torch.nn.utils import parametrizations, parametrize

        class Symmetric(nn.Module):
            def forward(self, w):
                return w.triu() + w.triu(1).transpose(-1, -2)

        self.conv, self.mix, self.head = nn.Conv1d(2, 8, 5, 2, 2), nn.Linear(8, 8), nn.Linear(8, CLASSES)
        if hasattr(parametrizations, 'weight_norm'):
            parametrizations.weight_norm(self.conv)
        parametrize.register_parametrization(self.mix, 'weight', Symmetric())

    def forward(self, x):
        y = self.conv(x).transpose(1, 2)
        return self.head(F.gelu(self.mix(y), approximate='tanh').mean(1))


@model('signal', opset=14)
def conv1d_net():
    return nn.Sequential(nn.Conv1d(2, 8, 5, 2, padding=2), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(8, 8, 3),
                         nn.InstanceNorm1d(8), nn.SiLU(), nn.AvgPool1d(3, 2, 1, count_include_pad=False), nn.Upsample(scale_factor=2),
                         nn.ConvTranspose1d(8, 4, 3, 2, 1, 1, groups=2), nn.Flatten(), nn.LazyLinear(CLASSES))


@model('volume', opset=13)
def conv3d_net():
    return nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.MaxPool3d(2), nn.Conv3d(4, 6, 3, padding=1, groups=2),
                         nn.PReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(6, CLASSES))


@model('graph', opset=0)
class GraphNet(nn.Module):
    """Messages along edges, summed by index_add."""

    def __init__(self):
        super().__init__()
        self.enc, self.msg, self.head = nn.Linear(4, 8), nn.Linear(16, 8), nn.Linear(8, CLASSES)
        self.register_buffer('source', torch.tensor([0, 1, 2, 3, 4, 5, 0, 2]))
        self.register_buffer('target', torch.tensor([1, 2, 3, 4, 5, 0, 3, 5]))

    def forward(self, x):
        x = F.relu(self.enc(x))
        m = self.msg(torch.cat([x.index_select(1, self.source), x[:, self.target]], -1)).tanh()
        x = torch.zeros_like(x).index_add(1, self.target, m) + x
        return self.head(x.max(1)[0] + x.std(1))


@model('categories', opset=14)
class Recommender(nn.Module):
    """Embedding tables, dot products between features, and a dense tower: two inputs."""

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(11, 6) for _ in range(3))
        self.bottom, self.top = nn.Linear(5, 6), nn.Sequential(nn.Linear(6 + 6, 12), nn.ReLU(), nn.Linear(12, CLASSES))

    def forward(self, dense, categories):
        d = F.relu(self.bottom(dense))
        z = torch.stack([d] + [t(categories[:, i]) for i, t in enumerate(self.tables)], 1)
        products = torch.bmm(z, z.transpose(1, 2))
        i, j = torch.tril_indices(4, 4, -1)
        return self.top(torch.cat([d, products[:, i, j]], 1))


@model('tokens-class', opset=14)
class Bag(nn.Module):
    """A bag of embeddings, which TorchScript exports as a loop."""

    def __init__(self):
        super().__init__()
        self.bag, self.head = nn.EmbeddingBag(17, 8, mode='sum'), nn.Linear(8, CLASSES)

    def forward(self, idx):
        return self.head(self.bag(idx))


@model('tokens', opset=14)
class Guards(nn.Module):
    """What guards and masks are written with: isnan, where, cumsum, remainder, tril, masked_fill, clamp, one_hot, roll."""

    def __init__(self):
        super().__init__()
        self.mix, self.head = nn.Linear(17, 8), nn.Linear(16, 17)
        self.sin, self.table = nn.Parameter(torch.randn(4, 8) * .3), nn.Parameter(torch.randn(1, 12, 8) * .3)

    def forward(self, idx):
        x = self.mix(F.one_hot(idx, 17).to(self.sin.dtype))
        count = torch.cumsum((idx != 0).to(torch.int64), 1)
        x = x + self.sin[torch.remainder(count, 4)]
        x = torch.where(torch.isnan(x), torch.zeros_like(x), x).clamp(-3, 3)
        x = x + torch.roll(self.table, 1, 1)
        w = torch.ones(12, 12).to(x).tril()
        w = w / w.sum(-1, keepdim=True)
        y = torch.cumsum(x * (idx > 2).unsqueeze(-1), 1) * .1
        z = torch.nan_to_num(w @ x)
        z = z.masked_fill(count.unsqueeze(-1) % 3 == 0, .5)
        return self.head(torch.cat([y, z.flip(-1)], -1))


@model('vector-class', opset=13)
class Functions(nn.Module):
    """Elementwise functions, reductions and products of several kinds."""

    def __init__(self):
        super().__init__()
        self.a, self.head = nn.Linear(8, 12), nn.Linear(12, CLASSES)

    def forward(self, x):
        x = self.a(x)
        y = torch.exp(-x.abs()) + torch.log1p(x ** 2) + torch.sqrt(x * x + 1) + torch.erf(x) + torch.atan(x) + torch.tan(x / 8) + torch.exp(x / 3)
        y = y - y.norm(dim=1, keepdim=True) / 4 + torch.pow(x.abs() + .5, 1.5) + torch.max(x, y) * torch.min(x, torch.ones_like(x))
        y = y + x.sum(1, keepdim=True).sigmoid() - x.amax(1, keepdim=True) + x.prod(1, keepdim=True) + (x.var(1, keepdim=True) + 1).log()
        y = y + torch.softmax(x, 1) * torch.log_softmax(y, 0).mean() + x.cumsum(1) / 12 + torch.rsqrt(1 + y.square()) + 1 / (2 + x.cos())
        return self.head(torch.sort(y, 1, descending=True)[0])


@model('image', opset=0)
class Fourier(nn.Module):
    """Mixing by Fourier transforms."""

    def __init__(self):
        super().__init__()
        self.patch, self.norm, self.head = nn.Conv2d(3, 8, 4, 4), nn.LayerNorm(8), nn.Linear(8, CLASSES)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        y = torch.view_as_real(torch.fft.fft(torch.fft.fft(x.to(torch.complex128 if x.dtype == torch.float64 else torch.complex64), dim=-1), dim=1))[..., 0]
        return self.head(self.norm(x + y).mean(1))


@model('image', opset=13)
class Modulated(nn.Module):
    """Convolutions whose weights are computed from the input's mean: batched as groups."""

    def __init__(self):
        super().__init__()
        self.weight, self.style, self.head = nn.Parameter(torch.randn(6, 3, 3, 3) * .2), nn.Linear(3, 3), nn.Linear(6, CLASSES)

    def forward(self, x):
        w = self.weight * (1 + self.style(x.mean((0, 2, 3))).view(1, 3, 1, 1))
        w = w * torch.rsqrt(w.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        y = F.conv2d(F.pad(x, (1, 1, 1, 1), mode='replicate'), w)
        y = F.unfold(F.local_response_norm(y, 3), 2, stride=2).view(x.shape[0], 6, 4, -1)
        return self.head(y.mean((2, 3)))


@model('image', opset=11, forms=('eval',), fixed=1, loss='probabilities')
class Folded(nn.Module):
    """An inference export with BatchNorm folded, a batch of one baked into its shapes."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.fc = nn.Conv2d(3, 4, 3, 2, bias=False), nn.BatchNorm2d(4), nn.Linear(4 * 49, CLASSES)

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        return F.softmax(self.fc(x.view(x.shape[0], -1)), 1)

"""Token models: attention, recurrence and what else reads sequences."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from registry import model

VOCAB, T, D = 17, 12, 16


class Causal(nn.Module):
    """Attention as nanoGPT writes it: a mask of floats cut to the sequence, -inf where it is 0."""

    def __init__(self, flash=False):
        super().__init__()
        self.flash, self.c_attn, self.c_proj = flash, nn.Linear(D, 3 * D), nn.Linear(D, D)
        if not flash:
            self.register_buffer('bias', torch.tril(torch.ones(T, T)).view(1, 1, T, T))

    def forward(self, x):
        b, t, c = x.size()
        q, k, v = self.c_attn(x).split(D, dim=2)
        q, k, v = (y.view(b, t, 2, c // 2).transpose(1, 2) for y in (q, k, v))
        if self.flash:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            a = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
            y = F.softmax(a.masked_fill(self.bias[:, :, :t, :t] == 0, float('-inf')), dim=-1) @ v
        return self.c_proj(y.transpose(1, 2).contiguous().view(b, t, c))


class Block(nn.Module):
    def __init__(self, flash, gelu):
        super().__init__()
        self.ln_1, self.attn, self.ln_2 = nn.LayerNorm(D), Causal(flash), nn.LayerNorm(D)
        self.mlp = nn.Sequential(nn.Linear(D, 2 * D), gelu, nn.Linear(2 * D, D))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class NewGELU(nn.Module):
    def forward(self, x):
        return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


class NanoGPT(nn.Module):
    """Tied embeddings, learned positions."""

    def __init__(self, flash=False, gelu=NewGELU):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(VOCAB, D), nn.Embedding(T, D)
        self.h, self.ln_f, self.lm_head = nn.ModuleList([Block(flash, gelu()) for _ in range(2)]), nn.LayerNorm(D), nn.Linear(D, VOCAB, bias=False)
        self.wte.weight = self.lm_head.weight

    def forward(self, idx):
        pos = torch.arange(0, idx.size(1), dtype=torch.long, device=idx.device)
        x = self.wte(idx) + self.wpe(pos)
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


model('tokens', name='gpt-nano', forms=('train', 'eval'))(NanoGPT)
model('tokens', name='gpt-sdpa', opset=0)(lambda: NanoGPT(True, lambda: nn.GELU(approximate='tanh')))
model('tokens', name='gpt-nano-batch1', fixed=1)(NanoGPT)


@model('tokens', name='gpt-encoder', dynamo=0)
class EncoderGPT(nn.Module):
    """PyTorch's own encoder layers with a causal mask of -inf."""

    def __init__(self):
        super().__init__()
        self.emb, self.pos = nn.Embedding(VOCAB, D), nn.Parameter(torch.randn(1, T, D) * .1)
        layer = nn.TransformerEncoderLayer(D, 2, 2 * D, dropout=0.0, batch_first=True, norm_first=True)
        self.layers, self.head = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(D, VOCAB)

    def forward(self, idx):
        mask = torch.triu(torch.full((T, T), float('-inf')), diagonal=1).to(self.pos)
        return self.head(self.layers(self.emb(idx) + self.pos[:, :idx.size(1)], mask))


class Conv1D(nn.Module):
    """GPT-2's linear layer, with its weight transposed."""

    def __init__(self, nf, nx):
        super().__init__()
        self.nf, self.weight, self.bias = nf, nn.Parameter(torch.randn(nx, nf) * .1), nn.Parameter(torch.zeros(nf))

    def forward(self, x):
        size = x.size()[:-1] + (self.nf,)
        return torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight).view(size)


@model('tokens', name='gpt-conv1d')
class Conv1DGPT(nn.Module):
    """Attention as GPT-2 in transformers writes it: where() with a mask of booleans and the least float."""

    def __init__(self):
        super().__init__()
        self.wte, self.wpe, self.ln = nn.Embedding(VOCAB, D), nn.Embedding(T, D), nn.LayerNorm(D)
        self.c_attn, self.c_proj = Conv1D(3 * D, D), Conv1D(D, D)
        self.register_buffer('bias', torch.tril(torch.ones((T, T), dtype=torch.bool)).view(1, 1, T, T))
        self.register_buffer('masked_bias', torch.tensor(-1e4))

    def forward(self, idx):
        shape = idx.size()
        idx = idx.view(-1, shape[-1])
        pos = torch.arange(shape[-1], dtype=torch.long, device=idx.device).unsqueeze(0).view(-1, shape[-1])
        x = self.wte(idx) + self.wpe(pos)
        q, k, v = self.c_attn(self.ln(x)).split(D, dim=2)
        q, k, v = (y.view(y.size()[:-1] + (2, D // 2)).permute(0, 2, 1, 3) for y in (q, k, v))
        a = torch.matmul(q, k.transpose(-1, -2))
        a = a / torch.full([], v.size(-1) ** 0.5, dtype=a.dtype, device=a.device)
        length, keys = q.size(-2), k.size(-2)
        mask = self.bias[:, :, keys - length:keys, :keys]
        a = torch.where(mask, a, torch.full([], torch.finfo(a.dtype).min, dtype=a.dtype))
        y = torch.matmul(F.softmax(a, dim=-1).type(v.dtype), v).permute(0, 2, 1, 3).contiguous()
        x = x + self.c_proj(y.view(y.size()[:-2] + (D,)))
        return F.linear(x, self.wte.weight)


@model('bert', forms=('train', 'eval'), opset=14)
class Bert(nn.Module):
    """Word, position and type embeddings, an additive mask made of ones and zeros, a pooler."""

    def __init__(self):
        super().__init__()
        self.word, self.position, self.kind = nn.Embedding(VOCAB, D), nn.Embedding(T, D), nn.Embedding(2, D)
        self.norm, self.norm1, self.norm2 = (nn.LayerNorm(D, eps=1e-12) for _ in range(3))
        self.query, self.key, self.value, self.dense = (nn.Linear(D, D) for _ in range(4))
        self.up, self.down, self.pooler, self.head = nn.Linear(D, 2 * D), nn.Linear(2 * D, D), nn.Linear(D, D), nn.Linear(D, 5)
        self.register_buffer('position_ids', torch.arange(T).expand((1, -1)))

    def forward(self, input_ids, attention_mask, token_type_ids):
        mask = attention_mask[:, None, None, :].to(dtype=self.word.weight.dtype)
        mask = (1.0 - mask) * torch.finfo(torch.float32).min
        x = self.word(input_ids) + self.kind(token_type_ids) + self.position(self.position_ids[:, :input_ids.shape[1]])
        x = self.norm(x)
        heads = lambda y: y.view(y.size()[:-1] + (2, D // 2)).permute(0, 2, 1, 3)
        a = torch.matmul(heads(self.query(x)), heads(self.key(x)).transpose(-1, -2)) / math.sqrt(D // 2) + mask
        y = torch.matmul(nn.Softmax(dim=-1)(a), heads(self.value(x))).permute(0, 2, 1, 3).contiguous()
        x = self.norm1(self.dense(y.view(y.size()[:-2] + (D,))) + x)
        x = self.norm2(self.down(F.gelu(self.up(x))) + x)
        return self.head(torch.tanh(self.pooler(x[:, 0])))


class RMSNorm(nn.Module):
    def __init__(self, eps=1e-6):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(D)), eps

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps))


class T5Attention(nn.Module):
    def __init__(self, bidirectional=None):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(D, D, bias=False) for _ in range(4))
        self.bidirectional = bidirectional
        if bidirectional is not None:
            self.relative = nn.Embedding(8, 2)

    def buckets(self, distance, n=8, far=20):
        found = 0
        if self.bidirectional:
            n //= 2
            found = (distance > 0).to(torch.long) * n
            distance = torch.abs(distance)
        else:
            distance = -torch.min(distance, torch.zeros_like(distance))
        exact = n // 2
        large = exact + (torch.log(distance.float() / exact) / math.log(far / exact) * (n - exact)).to(torch.long)
        large = torch.min(large, torch.full_like(large, n - 1))
        return found + torch.where(distance < exact, distance, large)

    def forward(self, x, memory=None, causal=False):
        source = x if memory is None else memory
        heads = lambda y: y.view(y.shape[0], -1, 2, D // 2).transpose(1, 2)
        a = torch.matmul(heads(self.q(x)), heads(self.k(source)).transpose(3, 2))
        if self.bidirectional is not None:
            ahead = torch.arange(x.shape[1])[None, :] - torch.arange(x.shape[1])[:, None]
            a = a + self.relative(self.buckets(ahead)).permute(2, 0, 1).unsqueeze(0)
            if causal:
                a = a + (ahead > 0).to(a.dtype) * torch.finfo(torch.float32).min
        y = torch.matmul(F.softmax(a.float() if a.dtype == torch.float32 else a, dim=-1).type_as(a), heads(self.v(source)))
        return self.o(y.transpose(1, 2).contiguous().view(x.shape[0], -1, D))


@model('pair', opset=14, folded=True)
class T5(nn.Module):
    """An encoder and a decoder with relative positions in buckets, RMSNorm and a scaled tied head."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Embedding(VOCAB, D)
        self.norms = nn.ModuleList(RMSNorm() for _ in range(5))
        self.encode, self.decode, self.cross = T5Attention(True), T5Attention(False), T5Attention()
        self.wi, self.wo = nn.Linear(D, 2 * D, bias=False), nn.Linear(2 * D, D, bias=False)
        nn.init.normal_(self.shared.weight, 0, .5)

    def forward(self, input_ids, decoder_input_ids):
        x = self.shared(input_ids)
        x = x + self.encode(self.norms[0](x))
        x = self.norms[1](x + self.wo(F.relu(self.wi(self.norms[2](x)))))
        y = self.shared(decoder_input_ids)
        y = y + self.decode(self.norms[3](y), causal=True)
        y = y + self.cross(self.norms[4](y), x)
        return F.linear(y * (D ** -0.5), self.shared.weight)


@model('tokens', opset=15, forms=('train', 'eval'))
class Llama(nn.Module):
    """Rotary positions from tables, grouped key heads, RMSNorm and a gated layer."""

    def __init__(self):
        super().__init__()
        self.embed, self.norm1, self.norm2, self.norm = nn.Embedding(VOCAB, D), RMSNorm(), RMSNorm(), RMSNorm()
        self.q, self.k, self.v, self.o = nn.Linear(D, D, bias=False), nn.Linear(D, 8, bias=False), nn.Linear(D, 8, bias=False), nn.Linear(D, D, bias=False)
        self.gate, self.up, self.down = nn.Linear(D, 24, bias=False), nn.Linear(D, 24, bias=False), nn.Linear(24, D, bias=False)
        self.head = nn.Linear(D, VOCAB, bias=False)
        angles = torch.outer(torch.arange(T).float(), 100.0 ** (-torch.arange(0, 4, 2).float() / 4))
        self.register_buffer('cos', torch.cat((angles, angles), -1).cos())
        self.register_buffer('sin', torch.cat((angles, angles), -1).sin())

    def rotate(self, x):
        a, b = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2:]
        t = x.shape[-2]
        return x * self.cos[:t] + torch.cat((-b, a), dim=-1) * self.sin[:t]

    def forward(self, idx):
        x = self.embed(idx)
        b, t, _ = x.shape
        y = self.norm1(x)
        q = self.rotate(self.q(y).view(b, t, 4, 4).transpose(1, 2))
        k, v = self.rotate(self.k(y).view(b, t, 2, 4).transpose(1, 2)), self.v(y).view(b, t, 2, 4).transpose(1, 2)
        k, v = (z[:, :, None, :, :].expand(b, 2, 2, t, 4).reshape(b, 4, t, 4) for z in (k, v))
        mask = torch.full((t, t), torch.finfo(torch.float32).min).to(x.dtype).triu(1)
        a = torch.matmul(q, k.transpose(2, 3)) / math.sqrt(4) + mask
        x = x + self.o(torch.matmul(a.softmax(-1), v).transpose(1, 2).reshape(b, t, D))
        y = self.norm2(x)
        return self.head(self.norm(x + self.down(F.silu(self.gate(y)) * self.up(y))))


@model('tokens', opset=14)
class Alibi(nn.Module):
    """Slopes by distance instead of positions, one fused projection, and rotary angles computed in the graph."""

    def __init__(self):
        super().__init__()
        self.emb, self.qkv, self.out, self.ln, self.head = nn.Embedding(VOCAB, D), nn.Linear(D, 72), nn.Linear(24, D), nn.LayerNorm(D), nn.Linear(D, VOCAB)
        self.register_buffer('slopes', (2.0 ** -torch.arange(2., 10, 2)).view(4, 1, 1))
        self.register_buffer('inv_freq', 1.0 / (100 ** (torch.arange(0, 6, 2).float() / 6)))

    def forward(self, idx):
        x = self.emb(idx)
        b, t, _ = x.shape
        q, k, v = self.qkv(self.ln(x)).view(b, t, 4, 3, 6).permute(3, 0, 2, 1, 4)
        angles = torch.einsum('i,j->ij', torch.arange(t).to(self.inv_freq), self.inv_freq)
        sin, cos = angles.sin().repeat_interleave(2, 1), angles.cos().repeat_interleave(2, 1)
        turn = lambda z: z * cos + torch.stack((-z[..., 1::2], z[..., ::2]), -1).flatten(-2) * sin
        at = torch.arange(t)
        bias = self.slopes * (at[None, :] - at[:, None]).clamp(max=0).to(x.dtype)
        hidden = at[None, :] > at[:, None]
        a = (torch.einsum('bhid,bhjd->bhij', turn(q), turn(k)) / 6 ** .5 + bias).masked_fill(hidden, -1e9)
        y = torch.einsum('bhij,bhjd->bihd', a.softmax(-1), v).reshape(b, t, 24)
        return self.head(x + self.out(y))


@model('tokens', opset=14)
class Experts(nn.Module):
    """A mixture of experts, all of which run, weighted by a router's two best."""

    def __init__(self):
        super().__init__()
        self.emb, self.router, self.head = nn.Embedding(VOCAB, D), nn.Linear(D, 4, bias=False), nn.Linear(D, VOCAB)
        self.w1, self.w2 = nn.Parameter(torch.randn(4, D, 8) * .2), nn.Parameter(torch.randn(4, 8, D) * .2)

    def forward(self, idx):
        x = self.emb(idx)
        best, which = torch.topk(self.router(x).softmax(-1), 2, dim=-1)
        best = best / best.sum(-1, keepdim=True)
        gates = torch.zeros_like(self.router(x)).scatter(-1, which, best)
        y = torch.einsum('btd,edh->bteh', x, self.w1).relu()
        y = torch.einsum('bteh,ehd->bted', y, self.w2)
        return self.head(x + (y * gates.unsqueeze(-1)).sum(2))


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.emb, self.rnn = nn.Embedding(VOCAB, 8), kind(8, 10, batch_first=True, **options)
        self.head = nn.Linear(20 if options.get('bidirectional') else 10, VOCAB)

    def forward(self, idx):
        return self.head(self.rnn(self.emb(idx))[0])


model('tokens', name='lstm', forms=('train', 'eval'), opset=13)(lambda: Recurrent(nn.LSTM))
model('tokens', name='lstm-deep', opset=14)(lambda: Recurrent(nn.LSTM, num_layers=2, bidirectional=True))
model('tokens', name='gru', forms=('train', 'eval'), opset=14)(lambda: Recurrent(nn.GRU))
model('tokens', name='gru-deep', opset=12)(lambda: Recurrent(nn.GRU, num_layers=2, bidirectional=True))
model('tokens', name='rnn', opset=14)(lambda: Recurrent(nn.RNN, nonlinearity='relu'))


@model('tokens-class', opset=14)
class LastState(nn.Module):
    """A classifier on the last hidden state of a layer with states that it makes itself."""

    def __init__(self):
        super().__init__()
        self.emb, self.rnn, self.head = nn.Embedding(VOCAB, 8), nn.LSTM(8, 10), nn.Linear(10, 5)

    def forward(self, idx):
        h = torch.zeros(1, idx.size(0), 10).to(self.head.weight.dtype)
        _, (h, c) = self.rnn(self.emb(idx).transpose(0, 1), (h, h))
        return self.head(h[-1] + c.squeeze(0)).log_softmax(-1)


@model('tokens', opset=14)
class Cells(nn.Module):
    """Cells in a Python loop over time."""

    def __init__(self):
        super().__init__()
        self.emb, self.lstm, self.gru, self.head = nn.Embedding(VOCAB, 8), nn.LSTMCell(8, 8), nn.GRUCell(8, 8), nn.Linear(8, VOCAB)

    def forward(self, idx):
        x = self.emb(idx)
        h = torch.zeros_like(x[:, 0])
        c, g, out = h, h, []
        for t in range(5):
            h, c = self.lstm(x[:, t], (h, c))
            g = self.gru(h, g)
            out.append(g)
        y = torch.stack(out, 1)
        return self.head(torch.cat([y, x[:, 5:]], 1))


@model('tokens', opset=14)
class Mamba(nn.Module):
    """A selective state space whose scan is a cumulative sum, behind a causal convolution."""

    def __init__(self):
        super().__init__()
        self.emb, self.inp, self.conv = nn.Embedding(VOCAB, 8), nn.Linear(8, 32), nn.Conv1d(16, 16, 4, groups=16, padding=3)
        self.x_proj, self.dt, self.out, self.head = nn.Linear(16, 9), nn.Linear(1, 16), nn.Linear(16, 8), nn.Linear(8, VOCAB)
        self.A_log, self.D = nn.Parameter(torch.log(torch.arange(1, 5).float()).repeat(16, 1)), nn.Parameter(torch.ones(16))

    def forward(self, idx):
        e = self.emb(idx)
        x, z = self.inp(e).chunk(2, -1)
        x = F.silu(self.conv(x.transpose(1, 2))[..., :idx.shape[1]].transpose(1, 2))
        dt, b, c = self.x_proj(x).split([1, 4, 4], -1)
        dt = F.softplus(self.dt(dt))
        decay = torch.cumsum(dt.unsqueeze(-1) * -torch.exp(self.A_log), 1)
        state = torch.cumsum((dt * x).unsqueeze(-1) * b.unsqueeze(2) * torch.exp(-decay), 1) * torch.exp(decay)
        y = (state * c.unsqueeze(2)).sum(-1) + x * self.D
        return self.head(e + self.out(y * F.silu(z)))


@model('tokens-class', opset=13)
class TextCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.head = nn.Embedding(VOCAB, 8), nn.Linear(12, 5)
        self.convs = nn.ModuleList(nn.Conv1d(8, 4, k) for k in (2, 3, 4))

    def forward(self, idx):
        x = self.emb(idx).transpose(1, 2)
        return self.head(torch.cat([F.relu(c(x)).max(2)[0] for c in self.convs], 1))


@model('pair', opset=14, dynamo=0)
class Seq2Seq(nn.Module):
    """PyTorch's encoder-decoder with a subsequent mask and a padding mask."""

    def __init__(self):
        super().__init__()
        self.emb, self.head = nn.Embedding(VOCAB, D), nn.Linear(D, VOCAB)
        self.body = nn.Transformer(D, 2, 1, 1, 2 * D, dropout=0.0, batch_first=True, activation='gelu')

    def forward(self, input_ids, decoder_input_ids):
        mask = torch.ones(T, T, dtype=torch.bool).triu(1)
        return self.head(self.body(self.emb(input_ids), self.emb(decoder_input_ids), tgt_mask=mask, src_key_padding_mask=input_ids == 0))

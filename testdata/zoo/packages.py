"""Models of timm and transformers at their smallest, for exporters of PyTorch 2."""
import torch
import torch.nn as nn

from registry import model

VOCAB, T = 17, 12


class Logits(nn.Module):
    """The logits alone of a model of transformers."""

    def __init__(self, body, names=('input_ids',)):
        super().__init__()
        self.body, self.names = body, names
        for module in body.modules():
            if isinstance(module, nn.Embedding):
                module.padding_idx = None  # which stops a gradient in PyTorch and leaves no trace in a file

    def forward(self, *inputs):
        return self.body(**dict(zip(self.names, inputs))).logits


def small(**more):
    return dict(vocab_size=VOCAB, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, max_position_embeddings=16,
                attention_probs_dropout_prob=0.0, hidden_dropout_prob=0.0, pad_token_id=0, bos_token_id=1, eos_token_id=2, **more)


def hf(name, data, config, arch, inputs=('input_ids',), **options):
    def make():
        import transformers as t
        torch.manual_seed(1)
        c = getattr(t, config[0])(**config[1])
        c._attn_implementation = options.get('attention', 'eager')
        c.use_cache = False
        return Logits(getattr(t, arch)(c), inputs)
    model(data, name=name, opset=0, commit=(), fixed=4, **{k: v for k, v in options.items() if k != 'attention'})(make)


BERT = ('input_ids', 'attention_mask', 'token_type_ids')
hf('hf-bert', 'bert', ('BertConfig', small(num_labels=5)), 'BertForSequenceClassification', BERT)
hf('hf-bert-sdpa', 'bert', ('BertConfig', small(num_labels=5)), 'BertForSequenceClassification', BERT, attention='sdpa')
hf('hf-roberta', 'tokens', ('RobertaConfig', {**small(), 'max_position_embeddings': 20}), 'RobertaForMaskedLM')
hf('hf-distilbert', 'tokens-class', ('DistilBertConfig', dict(vocab_size=VOCAB, dim=16, n_layers=1, n_heads=2, hidden_dim=32, max_position_embeddings=16, dropout=0.0,
                                                             attention_dropout=0.0, seq_classif_dropout=0.0, num_labels=5)), 'DistilBertForSequenceClassification')
hf('hf-gpt2', 'tokens', ('GPT2Config', dict(vocab_size=VOCAB, n_embd=16, n_layer=1, n_head=2, n_positions=16, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)), 'GPT2LMHeadModel')
hf('hf-gpt2-sdpa', 'tokens', ('GPT2Config', dict(vocab_size=VOCAB, n_embd=16, n_layer=1, n_head=2, n_positions=16, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)),
   'GPT2LMHeadModel', attention='sdpa')
hf('hf-opt', 'tokens', ('OPTConfig', dict(vocab_size=VOCAB, hidden_size=16, num_hidden_layers=1, ffn_dim=32, num_attention_heads=2, max_position_embeddings=16,
                                          word_embed_proj_dim=16, dropout=0.0)), 'OPTForCausalLM')
hf('hf-bloom', 'tokens', ('BloomConfig', dict(vocab_size=VOCAB, hidden_size=16, n_layer=1, n_head=2, hidden_dropout=0.0, attention_dropout=0.0)), 'BloomForCausalLM')
hf('hf-neox', 'tokens', ('GPTNeoXConfig', small(rotary_pct=0.5)), 'GPTNeoXForCausalLM')
hf('hf-llama', 'tokens', ('LlamaConfig', small(num_key_value_heads=1)), 'LlamaForCausalLM')
hf('hf-llama-sdpa', 'tokens', ('LlamaConfig', small(num_key_value_heads=1)), 'LlamaForCausalLM', attention='sdpa')
hf('hf-mistral', 'tokens', ('MistralConfig', small(num_key_value_heads=1, sliding_window=4)), 'MistralForCausalLM')
hf('hf-qwen2', 'tokens', ('Qwen2Config', small(num_key_value_heads=1)), 'Qwen2ForCausalLM')
hf('hf-qwen3', 'tokens', ('Qwen3Config', small(num_key_value_heads=1, head_dim=8)), 'Qwen3ForCausalLM')
hf('hf-gemma', 'tokens', ('GemmaConfig', small(num_key_value_heads=1, head_dim=8)), 'GemmaForCausalLM')
hf('hf-gemma2', 'tokens', ('Gemma2Config', small(num_key_value_heads=1, head_dim=8)), 'Gemma2ForCausalLM')
hf('hf-phi', 'tokens', ('PhiConfig', small(partial_rotary_factor=0.5)), 'PhiForCausalLM')
hf('hf-falcon', 'tokens', ('FalconConfig', dict(vocab_size=VOCAB, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, hidden_dropout=0.0, attention_dropout=0.0)), 'FalconForCausalLM')
hf('hf-t5', 'pair', ('T5Config', dict(vocab_size=VOCAB, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, dropout_rate=0.0)), 'T5ForConditionalGeneration',
   ('input_ids', 'decoder_input_ids'))
hf('hf-bart', 'pair', ('BartConfig', dict(vocab_size=VOCAB, d_model=16, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=32, decoder_ffn_dim=32, encoder_attention_heads=2,
                                          decoder_attention_heads=2, max_position_embeddings=16, dropout=0.0, pad_token_id=0)), 'BartForConditionalGeneration', ('input_ids', 'decoder_input_ids'))
hf('hf-albert', 'bert', ('AlbertConfig', dict(vocab_size=VOCAB, embedding_size=8, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
                                              max_position_embeddings=16, num_labels=5, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout_prob=0.0)),
   'AlbertForSequenceClassification', BERT)
hf('hf-electra', 'bert', ('ElectraConfig', small(embedding_size=8, num_labels=5)), 'ElectraForSequenceClassification', BERT)
hf('hf-deberta', 'bert', ('DebertaV2Config', small(num_labels=5, relative_attention=True, pos_att_type=['c2p', 'p2c'], position_buckets=4, type_vocab_size=2)),
   'DebertaV2ForSequenceClassification', BERT)
hf('hf-mamba', 'tokens', ('MambaConfig', dict(vocab_size=VOCAB, hidden_size=8, state_size=4, num_hidden_layers=1, expand=2, conv_kernel=4, time_step_rank=2)), 'MambaForCausalLM')
hf('hf-vit', 'image', ('ViTConfig', dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=16, patch_size=4, num_labels=5,
                                         hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)), 'ViTForImageClassification', ('pixel_values',))
hf('hf-segformer', 'image', ('SegformerConfig', dict(num_encoder_blocks=2, depths=[1, 1], sr_ratios=[2, 1], hidden_sizes=[8, 16], patch_sizes=[3, 3], strides=[2, 2],
                                                     num_attention_heads=[1, 2], mlp_ratios=[2, 2], decoder_hidden_size=8, num_labels=5, drop_path_rate=0.0,
                                                     hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout_prob=0.0)), 'SegformerForImageClassification', ('pixel_values',))
hf('hf-xlnet', 'tokens', ('XLNetConfig', dict(vocab_size=VOCAB, d_model=16, n_layer=1, n_head=2, d_inner=32, dropout=0.0, summary_last_dropout=0.0)), 'XLNetLMHeadModel')
hf('hf-fnet', 'tokens', ('FNetConfig', dict(vocab_size=VOCAB, hidden_size=16, num_hidden_layers=1, intermediate_size=32, hidden_dropout_prob=0.0, max_position_embeddings=16)), 'FNetForMaskedLM')


def tm(name, arch, **options):
    def make():
        import timm
        torch.manual_seed(1)
        return timm.create_model(arch, num_classes=5, **options)
    model('image', name='timm-' + name, opset=0, commit=())(make)


VIT = dict(img_size=16, patch_size=4, embed_dim=16, depth=1, num_heads=2)
tm('vit', 'vit_tiny_patch16_224', **VIT)
tm('deit-distilled', 'deit_tiny_distilled_patch16_224', **VIT)
tm('deit3', 'deit3_small_patch16_224', **VIT)
tm('cait', 'cait_xxs24_224', img_size=16, patch_size=4, embed_dim=16, depth=1, num_heads=2)
tm('beit', 'beit_base_patch16_224', **VIT)
tm('eva02', 'eva02_tiny_patch14_224', **VIT)
tm('mixer', 'mixer_s32_224', img_size=16, patch_size=4, embed_dim=16, num_blocks=1)
tm('resmlp', 'resmlp_12_224', img_size=16, patch_size=4, embed_dim=16, num_blocks=1)
tm('gmlp', 'gmlp_ti16_224', img_size=16, patch_size=4, embed_dim=16, num_blocks=1)
tm('convmixer', 'convmixer_768_32', dim=12, depth=1, kernel_size=3, patch_size=4)
tm('swin', 'swin_tiny_patch4_window7_224', img_size=16, patch_size=2, window_size=4, embed_dim=8, depths=(2, 2), num_heads=(1, 2))
tm('swinv2', 'swinv2_tiny_window8_256', img_size=16, patch_size=2, window_size=4, embed_dim=8, depths=(2, 2), num_heads=(1, 2))
tm('convnext', 'convnext_tiny', depths=(1, 1), dims=(8, 16))
tm('convnextv2', 'convnextv2_tiny', depths=(1, 1), dims=(8, 16))
tm('poolformer', 'poolformer_s12', layers=(1, 1), embed_dims=(8, 16), mlp_ratios=(2, 2), downsamples=(False, True))
tm('pvt', 'pvt_v2_b0', depths=(1, 1), embed_dims=(8, 16), num_heads=(1, 2), sr_ratios=(2, 1), mlp_ratios=(2, 2), img_size=16)
tm('xcit', 'xcit_nano_12_p16_224', img_size=16, patch_size=8, embed_dim=16, depth=1, num_heads=2)
tm('ghostnet', 'ghostnet_050')
tm('mobilenetv4', 'mobilenetv4_conv_small')
tm('repvgg', 'repvgg_a0')
tm('edgenext', 'edgenext_xx_small', depths=(1, 1, 1, 1), dims=(8, 16, 16, 24), heads=(2, 2, 2, 2))
tm('levit', 'levit_128s', img_size=64)
tm('nest', 'nest_tiny', img_size=16, patch_size=2, embed_dims=(8, 16), num_heads=(1, 2), depths=(1, 1), num_levels=2)
tm('tnt', 'tnt_s_patch16_224', img_size=16, patch_size=8, embed_dim=16, inner_dim=8, depth=1, num_heads_inner=2, num_heads_outer=2)
tm('davit', 'davit_tiny', depths=(1, 1), embed_dims=(8, 16), num_heads=(1, 2), window_size=2)
tm('focalnet', 'focalnet_tiny_srf', depths=(1, 1), embed_dim=8)
tm('resnetv2', 'resnetv2_50', layers=(1, 1), channels=(16, 32), stem_chs=8)
tm('eca-resnet', 'ecaresnet26t', layers=(1, 1), channels=(8, 16))
tm('nfnet', 'nfnet_f0')
tm('regnetz', 'regnetz_b16')

/** What an original file does not say, and diffusers' configs do: told by the shapes of its tensors and by its family. */
import type { JsonObject } from '../json-file';
import type { TensorSource } from '../tensor-source';
import { type FamilyName, isBare, type OriginalText } from './family';

/** Reads shapes under one prefix. */
class Shapes {
  constructor(
    private readonly source: TensorSource,
    private readonly prefix: string,
  ) {}

  has(name: string): boolean {
    return this.source.entries.has(`${this.prefix}${name}`);
  }

  /** One side of a tensor; 0 where there is no such tensor, which the loader then tells of. */
  side(name: string, axis: number): number {
    return this.source.entries.get(`${this.prefix}${name}`)?.shape[axis] ?? 0;
  }

  rank(name: string): number {
    return this.source.entries.get(`${this.prefix}${name}`)?.shape.length ?? 0;
  }

  /** How many numbered things there are: `name(0)`, `name(1)`, … */
  count(name: (i: number) => string): number {
    let n = 0;
    while (this.has(name(n))) n += 1;
    return n;
  }
}

interface Facts {
  /** Of the UNet's heads: their number, or the width of each. */
  readonly heads: { readonly count: number } | { readonly width: number };
  readonly latentSize: number;
  readonly scalingFactor: number;
}

/** What the published configs say. The SD2 of 768 pixels is the one that predicts v. */
const FACTS: Readonly<Record<FamilyName, Facts>> = {
  sd1: { heads: { count: 8 }, latentSize: 64, scalingFactor: 0.18215 },
  sd2: { heads: { width: 64 }, latentSize: 96, scalingFactor: 0.18215 },
  sdxl: { heads: { width: 64 }, latentSize: 128, scalingFactor: 0.13025 },
  refiner: { heads: { width: 64 }, latentSize: 128, scalingFactor: 0.13025 },
};

interface Level {
  readonly channels: number;
  readonly layers: number;
  /** Transformer layers of each attention; 0: none. */
  readonly depth: number;
}

/** `unet/config.json`. */
export function derivedUnet(source: TensorSource, family: FamilyName): JsonObject {
  const shapes = new Shapes(source, 'model.diffusion_model.');
  const levels = unetLevels(shapes);
  const { heads, latentSize } = FACTS[family];
  const middle = shapes.count((k) => `middle_block.1.transformer_blocks.${k}.norm1.weight`);
  const depths = levels.map(({ depth }, i) => depth || (i === levels.length - 1 ? middle : 1));
  const used = new Set([...levels.flatMap(({ depth }) => depth || []), middle]);
  const channels = levels.map((level) => level.channels);
  const types = (cross: string, plain: string) =>
    levels.map(({ depth }) => (depth > 0 ? cross : plain));
  const [layers = 1] = levels.map((level) => level.layers);
  const told = shapes.side('label_emb.0.0.weight', 1);
  const attention = 'middle_block.1.transformer_blocks.0.attn2.to_k.weight';
  return {
    _class_name: 'UNet2DConditionModel',
    act_fn: 'silu',
    ...(told > 0 && { addition_embed_type: 'text_time', addition_time_embed_dim: 256 }),
    attention_head_dim: 'count' in heads ? heads.count : channels.map((n) => n / heads.width),
    block_out_channels: channels,
    cross_attention_dim: shapes.side(attention, 1),
    down_block_types: types('CrossAttnDownBlock2D', 'DownBlock2D'),
    in_channels: shapes.side('input_blocks.0.0.weight', 1),
    layers_per_block: layers,
    norm_num_groups: 32,
    out_channels: shapes.side('out.2.weight', 0),
    ...(told > 0 && { projection_class_embeddings_input_dim: told }),
    sample_size: latentSize,
    transformer_layers_per_block: used.size === 1 ? middle : depths,
    up_block_types: types('CrossAttnUpBlock2D', 'UpBlock2D').reverse(),
    use_linear_projection: shapes.rank('middle_block.1.proj_in.weight') === 2,
  };
}

/** The levels of the way down: blocks up to each that halves the resolution. */
function unetLevels(shapes: Shapes): Level[] {
  const levels: Level[] = [];
  let level: Level = { channels: 0, layers: 0, depth: 0 };
  for (let n = 1; ; n++) {
    const channels = shapes.side(`input_blocks.${n}.0.in_layers.2.weight`, 0);
    if (channels > 0) {
      const depth = shapes.count((k) => `input_blocks.${n}.1.transformer_blocks.${k}.norm1.weight`);
      level = { channels, layers: level.layers + 1, depth };
      continue;
    }
    levels.push(level);
    if (!shapes.has(`input_blocks.${n}.0.op.weight`)) return levels;
    level = { channels: 0, layers: 0, depth: 0 };
  }
}

/** `vae/config.json`. */
export function derivedVae(source: TensorSource, family: FamilyName): JsonObject {
  const shapes = new Shapes(source, 'first_stage_model.');
  const { latentSize, scalingFactor } = FACTS[family];
  const resnet = (i: number, j: number) => `encoder.down.${i}.block.${j}.conv1.weight`;
  const levels = shapes.count((i) => resnet(i, 0));
  const channels = Array.from({ length: levels }, (_, i) => shapes.side(resnet(i, 0), 0));
  return {
    _class_name: 'AutoencoderKL',
    act_fn: 'silu',
    block_out_channels: channels,
    down_block_types: channels.map(() => 'DownEncoderBlock2D'),
    force_upcast: true,
    in_channels: shapes.side('encoder.conv_in.weight', 1),
    latent_channels: shapes.side('post_quant_conv.weight', 0),
    layers_per_block: shapes.count((j) => resnet(0, j)),
    norm_num_groups: 32,
    out_channels: shapes.side('decoder.conv_out.weight', 0),
    sample_size: latentSize * 8,
    scaling_factor: scalingFactor,
    up_block_types: channels.map(() => 'UpDecoderBlock2D'),
  };
}

/** `config.json` of a text encoder; every published one has heads of width 64 and pools at the largest id. */
export function derivedText(source: TensorSource, text: OriginalText): JsonObject {
  const isOpenAi = text.maker === 'openai';
  const tower = isOpenAi && !isBare(text, source) ? 'text_model.' : '';
  const shapes = new Shapes(source, `${text.prefix}${tower}`);
  const [layer, fc1, tokens, positions] = isOpenAi
    ? [
        'encoder.layers',
        'mlp.fc1',
        'embeddings.token_embedding.weight',
        'embeddings.position_embedding.weight',
      ]
    : ['transformer.resblocks', 'mlp.c_fc', 'token_embedding.weight', 'positional_embedding'];
  const width = shapes.side(tokens, 1);
  const layers = shapes.count((i) => `${layer}.${i}.${fc1}.weight`);
  return {
    architectures: [text.suffix === '_2' ? 'CLIPTextModelWithProjection' : 'CLIPTextModel'],
    bos_token_id: 0,
    eos_token_id: 2,
    hidden_act: isOpenAi ? 'quick_gelu' : 'gelu',
    hidden_size: width,
    intermediate_size: shapes.side(`${layer}.0.${fc1}.weight`, 0),
    layer_norm_eps: 1e-5,
    max_position_embeddings: shapes.side(positions, 0),
    model_type: 'clip_text_model',
    num_attention_heads: width / 64,
    num_hidden_layers: text.prefix === 'cond_stage_model.model.' && layers === 24 ? 23 : layers,
    pad_token_id: 1,
    projection_dim: isOpenAi ? width : shapes.side('text_projection', 1) || width,
    torch_dtype: 'float32',
    vocab_size: shapes.side(tokens, 0),
  };
}

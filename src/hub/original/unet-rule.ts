import type { UNetConfig } from '../../models';
import { type Rule, reworded, type Words } from './stored-as';

/** Layers outside the blocks. Source: CompVis `UNetModel`, ldm/modules/diffusionmodules/openaimodel.py. */
const AROUND: Words = [
  [/^time_embedding\.linear_1\./, 'time_embed.0.'],
  [/^time_embedding\.linear_2\./, 'time_embed.2.'],
  [/^add_embedding\.linear_1\./, 'label_emb.0.0.'],
  [/^add_embedding\.linear_2\./, 'label_emb.0.2.'],
  [/^conv_in\./, 'input_blocks.0.0.'],
  [/^conv_norm_out\./, 'out.0.'],
  [/^conv_out\./, 'out.2.'],
];

/** Of its `ResBlock`. */
const RESNET: Words = [
  [/^norm1\./, 'in_layers.0.'],
  [/^conv1\./, 'in_layers.2.'],
  [/^time_emb_proj\./, 'emb_layers.1.'],
  [/^norm2\./, 'out_layers.0.'],
  [/^conv2\./, 'out_layers.3.'],
  [/^conv_shortcut\./, 'skip_connection.'],
];

const BLOCK =
  /^(down|mid|up)_blocks?(?:\.(\d+))?\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)$/;

/**
 * Names of the original UNet. It counts its blocks through all levels: on the way down block 0 is the first convolution,
 * then come a level's residual blocks, each with its attention, and what halves the resolution as a block of its own; on
 * the way up what doubles it belongs to the level's last block.
 */
export function unetRule({ levels }: UNetConfig): Rule {
  const down = starts(levels.map(({ layers }) => layers + 1));
  const upwards = [...levels].reverse();
  const up = starts(upwards.map(({ layers }) => layers + 1));
  return (name) => {
    const [, way, at = '0', kind, index = '0', rest = ''] = BLOCK.exec(name) ?? [];
    const [i, j] = [Number(at), Number(index)];
    const inner = kind === 'resnets' ? `0.${reworded(rest, RESNET)}` : `1.${rest}`;
    if (way === undefined) return { name: reworded(name, AROUND) };
    if (way === 'mid') {
      const attention = `1.${rest}`;
      const resnet = `${2 * j}.${reworded(rest, RESNET)}`;
      return { name: `middle_block.${kind === 'resnets' ? resnet : attention}` };
    }
    if (kind === 'downsamplers')
      return { name: `input_blocks.${down[i + 1] ?? 0}.0.${rest.replace(/^conv/, 'op')}` };
    if (kind === 'upsamplers') {
      const after = upwards[i]?.up === 'attention' ? 2 : 1;
      return { name: `output_blocks.${(up[i + 1] ?? 0) - 1}.${after}.${rest}` };
    }
    return way === 'down'
      ? { name: `input_blocks.${1 + (down[i] ?? 0) + j}.${inner}` }
      : { name: `output_blocks.${(up[i] ?? 0) + j}.${inner}` };
  };
}

/** How many blocks come before each level, and, last, how many there are. */
function starts(counts: readonly number[]): number[] {
  const sums = [0];
  for (const count of counts) sums.push((sums.at(-1) ?? 0) + count);
  return sums;
}

import type { VaeConfig } from '../../models';
import { type Rule, reworded, type Words } from './stored-as';

/** Source: CompVis `Encoder`, `Decoder` and `AttnBlock`, ldm/modules/diffusionmodules/model.py. */
const WORDS: Words = [
  [/\.down_blocks\.(\d+)\.resnets\./, '.down.$1.block.'],
  [/\.down_blocks\.(\d+)\.downsamplers\.0\./, '.down.$1.downsample.'],
  [/\.up_blocks\.(\d+)\.resnets\./, '.up.$1.block.'],
  [/\.up_blocks\.(\d+)\.upsamplers\.0\./, '.up.$1.upsample.'],
  [/\.mid_block\.resnets\.0\./, '.mid.block_1.'],
  [/\.mid_block\.resnets\.1\./, '.mid.block_2.'],
  [/\.mid_block\.attentions\.0\.group_norm\./, '.mid.attn_1.norm.'],
  [/\.mid_block\.attentions\.0\.to_([qkv])\./, '.mid.attn_1.$1.'],
  [/\.mid_block\.attentions\.0\.to_out\.0\./, '.mid.attn_1.proj_out.'],
  [/\.conv_norm_out\./, '.norm_out.'],
  [/\.conv_shortcut\./, '.nin_shortcut.'],
];

/** Names of the original autoencoder. Its levels are counted from the finest on both ways; its attention is of 1×1 convolutions. */
export function vaeRule({ blockOutChannels }: VaeConfig): Rule {
  const last = blockOutChannels.length - 1;
  return (name) => {
    const counted = name.replace(/(?<=\.up_blocks\.)\d+/, (i) => String(last - Number(i)));
    const isProjection = /\.attentions\.0\.to_.*\.weight$/.test(name);
    return { name: reworded(counted, WORDS), ...(isProjection ? { form: 'convolution' } : {}) };
  };
}

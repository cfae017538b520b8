import { ArgumentTypeError } from 'argparse';

/** An adapter of the command line. */
export interface LoraArg {
  readonly path: string;
  readonly scale: number;
}

/** `PATH` or `PATH:SCALE`. */
export function loraArg(value: string): LoraArg {
  const [, path = '', scale = '1'] = /^(.*?)(?::([-+\d.e]*))?$/i.exec(value) ?? [];
  const factor = Number(scale);
  if (path !== '' && scale !== '' && Number.isFinite(factor)) return { path, scale: factor };
  throw new ArgumentTypeError(
    `'${value}' is not allowed; give PATH or PATH:SCALE, such as a.safetensors:0.8`,
  );
}

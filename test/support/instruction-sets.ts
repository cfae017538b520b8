import { spawnSync } from 'node:child_process';
import { kernelsPath } from '../../src/engine/backend';

/** All that DPO_ISA may name on some machine, the narrowest first. */
export const ALL_SETS: readonly string[] = ['portable', 'avx2', 'avx512', 'avx512bf16'];

/** Those of `sets` that the built kernels and this processor have: each asked for in a process of its own. */
export function supportedSets(
  sets = ALL_SETS,
  file = kernelsPath,
  env: NodeJS.ProcessEnv = {},
): string[] {
  const script = `process.stdout.write(require(${JSON.stringify(file)}).isa)`;
  return sets.filter((DPO_ISA) => {
    const environment = { ...process.env, ...env, DPO_ISA };
    const { stdout } = spawnSync(process.execPath, ['-e', script], { env: environment });
    return String(stdout) === DPO_ISA;
  });
}

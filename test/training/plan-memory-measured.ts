/** Prints what planMemory predicts for a step in the world, and what the step then takes. Argument: `Setting` as JSON. */
import {
  accumulateGrads,
  autocast,
  noGrad,
  Parameters,
  tidy,
  watchMemory,
  zeros,
} from '../../src/engine';
import { engineShape } from '../../src/hub';
import { type UNet, unet, unetConfig, unetWeights } from '../../src/models';
import { dpoLoss } from '../../src/preference';
import { UNET_JSON } from '../../src/toyworld/model-configs';
import { AdamW, type PlanOptions, planMemory } from '../../src/training';

/** What of a plan may differ. */
export type Setting = Pick<PlanOptions, 'pairs' | 'latents' | 'mixedPrecision' | 'recompute'> & {
  readonly reference?: 'float32' | 'bfloat16';
};

const setting: Setting = JSON.parse(process.argv[2] ?? '{}');
const { pairs, latents: size, mixedPrecision = 'no', recompute } = setting;
const config = unetConfig(UNET_JSON);
const plan = planMemory(config, { ...setting, textLength: 20 });
const account = watchMemory();

function model(matrices: 'float32' | 'bfloat16'): UNet {
  const shapes = unetWeights(config).map(([name, shape]) => [name, engineShape(shape)] as const);
  const parameters = Parameters.allocate(shapes, { matrices });
  for (const [name, shape] of shapes)
    parameters.write(name, new Float32Array(shape.reduce((n, d) => n * d, 1)).fill(0.01));
  return { config, parameters, p: parameters.tree() };
}

const [policy, reference] = [model('float32'), model(setting.reference ?? 'float32')];
const optimizer = new AdamW([policy.parameters]);
const latents = zeros([2 * pairs, ...size, 4]).add(0.5);
const encoderHiddenStates = zeros([2 * pairs, 20, 64]).add(0.5);
const predict = (of: UNet) =>
  autocast(mixedPrecision, () =>
    unet(of, latents, new Float32Array(2 * pairs), { encoderHiddenStates, recompute }),
  );

const times = Array.from({ length: 4 }, () => {
  const start = performance.now();
  tidy(() => {
    const refPred = noGrad(() => predict(reference));
    accumulateGrads(() => dpoLoss(predict(policy), refPred, latents));
    optimizer.step(1e-5, { maxGradNorm: 1 });
  });
  return (performance.now() - start) / 1000;
});
const { peak } = account();
const { micro, update } = plan.seconds();
const [, ...warm] = times;
const result = {
  ...{ planned: plan.peak, peak },
  ...{ plannedSeconds: micro + update, seconds: Math.min(...warm) },
};
process.stdout.write(JSON.stringify(result));

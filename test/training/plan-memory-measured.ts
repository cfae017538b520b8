/** Prints what planMemory predicts for a step in the world, and what the step then takes. Argument: pairs. */
import { accumulateGrads, noGrad, Parameters, tidy, watchMemory, zeros } from '../../src/engine';
import { engineShape } from '../../src/hub';
import { type UNet, unet, unetConfig, unetWeights } from '../../src/models';
import { dpoLoss } from '../../src/preference';
import { UNET_JSON } from '../../src/toyworld/model-configs';
import { AdamW, planMemory } from '../../src/training';

const pairs = Number(process.argv[2]);
const config = unetConfig(UNET_JSON);
const plan = planMemory(config, { pairs, latents: [8, 8], textLength: 20 });
const account = watchMemory();

function model(): UNet {
  const shapes = unetWeights(config).map(([name, shape]) => [name, engineShape(shape)] as const);
  const parameters = Parameters.allocate(shapes);
  for (const [name, shape] of shapes)
    parameters.write(name, new Float32Array(shape.reduce((n, d) => n * d, 1)).fill(0.01));
  return { config, parameters, p: parameters.tree() };
}

const [policy, reference] = [model(), model()];
const optimizer = new AdamW([policy.parameters]);
const latents = zeros([2 * pairs, 8, 8, 4]).add(0.5);
const encoderHiddenStates = zeros([2 * pairs, 20, 64]).add(0.5);
const predict = (of: UNet) =>
  unet(of, latents, new Float32Array(2 * pairs), { encoderHiddenStates });

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
const [, ...warm] = times;
const result = {
  ...{ planned: plan.peak, peak },
  ...{ plannedSeconds: plan.seconds(), seconds: Math.min(...warm) },
};
process.stdout.write(JSON.stringify(result));

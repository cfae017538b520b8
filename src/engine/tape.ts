import { autocast, mixedPrecision } from './autocast';
import { Tensor, tidy } from './tensor';

type Gradients = readonly (Tensor | undefined)[];

interface Node {
  readonly inputs: readonly (Tensor | undefined)[];
  readonly outputs: readonly Tensor[];
  readonly saved: readonly Tensor[];
  /** Gradients of the outputs in, gradients of the inputs out (undefined: none). */
  readonly backward: (outputGrads: Gradients) => Gradients;
}

let tape: Node[] | undefined;

/** True while operations are being recorded: lets an operation skip saving what nobody will use. */
export const recording = () => tape !== undefined;

/**
 * Notes one operation for the backward pass, if any of its inputs needs a gradient. `saved` are
 * the tensors that `backward` reads: they stay alive until it has run, and no longer.
 */
export function record(
  inputs: Node['inputs'],
  outputs: readonly Tensor[],
  saved: readonly Tensor[],
  backward: Node['backward'],
): void {
  if (!tape || !inputs.some((t) => t?.requiresGrad)) return;
  for (const t of outputs) t.requiresGrad = true;
  for (const t of saved) t.retain();
  tape.push({ inputs, outputs, saved, backward });
}

function withTape<T>(nodes: Node[] | undefined, fn: () => T): T {
  const outer = tape;
  tape = nodes;
  try {
    return fn();
  } finally {
    tape = outer;
  }
}

/** Runs `fn` without recording, and frees what it made except what it returns. */
export const noGrad = <T>(fn: () => T): T => withTape(undefined, () => tidy(fn));

/** Adds `gradient` to what `t` has collected: weights add in place, activations make a sum. */
function collectGradient(t: Tensor, gradient: Tensor): void {
  if (t.sink) {
    t.sink.accumulate(gradient);
    return;
  }
  const sum = t.grad ? t.grad.add(gradient) : gradient;
  sum.retain();
  t.grad?.release();
  t.grad = sum;
}

function dropGradient(t: Tensor): void {
  t.grad?.release();
  t.grad = undefined;
}

function release(node: Node): void {
  for (const t of node.saved) t.release();
  for (const t of node.outputs) dropGradient(t);
}

/**
 * Walks the tape backwards, freeing each node as soon as it is used, also when a step throws. Every gradient has the
 * type of what it belongs to, so no precision is in force here.
 */
const backward = (nodes: Node[]): void => autocast('no', () => walkBack(nodes));

function walkBack(nodes: Node[]): void {
  let failure: unknown;
  for (let node = nodes.pop(); node; node = nodes.pop()) {
    const { inputs, outputs, backward: step } = node;
    if (failure === undefined && outputs.some((t) => t.grad)) {
      try {
        tidy(() => {
          const gradients = step(outputs.map((t) => t.grad));
          inputs.forEach((t, i) => {
            const gradient = gradients[i];
            if (t?.requiresGrad && gradient) collectGradient(t, gradient);
          });
        });
      } catch (error) {
        failure = error;
      }
    }
    release(node);
  }
  if (failure !== undefined) throw failure;
}

function lossOf(value: unknown): Tensor {
  const loss = value instanceof Tensor ? value : (value as { loss?: unknown }).loss;
  if (!(loss instanceof Tensor) || loss.size !== 1)
    throw new TypeError(
      'A function to differentiate returns a one-element tensor, or { loss, … }.',
    );
  return loss;
}

function seed(t: Tensor, gradient: Tensor): void {
  gradient.retain();
  t.grad = gradient;
}

/** Runs `fn` under a fresh tape, then its backward pass; every weight's sink receives its gradient. */
function differentiate<T>(fn: () => T): T {
  const nodes: Node[] = [];
  return tidy(() => {
    try {
      const value = withTape(nodes, () => tidy(fn));
      const loss = lossOf(value);
      withTape(undefined, () =>
        tidy(() => {
          if (loss.requiresGrad) seed(loss, onesLike(loss));
        }),
      );
      withTape(undefined, () => backward(nodes));
      return value;
    } finally {
      for (const node of nodes.splice(0)) release(node);
    }
  });
}

const onesLike = (t: Tensor) => t.mul(0).add(1);

/** What a function to differentiate returns: the loss alone, or named with other tensors to keep. */
export type Loss = Tensor | { readonly loss: Tensor };

/**
 * Value of `fn` and the gradient of its loss with respect to each tensor of `wrt` (zeros where the
 * loss does not depend on it).
 */
export function valueAndGrad<T extends Loss>(
  fn: () => T,
  wrt: readonly Tensor[],
): { value: T; grads: Tensor[] } {
  const before = wrt.map(({ requiresGrad, sink }) => ({ requiresGrad, sink }));
  for (const t of wrt) Object.assign(t, { requiresGrad: true, sink: undefined });
  try {
    return tidy(() => {
      const value = differentiate(fn);
      return { value, grads: wrt.map(takeGradient) };
    });
  } finally {
    wrt.forEach((t, i) => {
      dropGradient(t);
      Object.assign(t, before[i]);
    });
  }
}

/** A copy in the current scope of the gradient that a leaf collected. */
function takeGradient(t: Tensor): Tensor {
  return t.grad ? t.grad.mul(1) : t.mul(0);
}

/** Runs `fn` and adds the gradient of its loss to the gradients of all trainable weights in it. */
export const accumulateGrads = <T extends Loss>(fn: () => T): T => differentiate(fn);

/**
 * Marks a block whose activations are thrown away after the forward pass and computed again in
 * the backward pass (gradient checkpointing, Chen et al. 2016, arXiv 1604.06174). Gradients flow
 * to its tensor arguments and to the trainable weights it uses.
 */
export function recomputed<A extends Tensor[]>(name: string, fn: (...inputs: A) => Tensor) {
  const wrapped = (...inputs: A): Tensor => {
    if (!tape) return tidy(() => fn(...inputs));
    const precision = mixedPrecision();
    const output = noGrad(() => fn(...inputs));
    output.requiresGrad = true;
    for (const t of inputs) t.retain();
    tape.push({
      inputs,
      outputs: [output],
      saved: inputs,
      backward: ([dy]) => {
        recomputeGradients(() => autocast(precision, () => fn(...inputs)), dy as Tensor);
        return [];
      },
    });
    return output;
  };
  Object.defineProperty(wrapped, 'name', { value: name });
  return wrapped;
}

/**
 * Inputs collect their gradients from the block's own nodes, one by one, so that every sum is taken in the order in
 * which it would be without recomputing: the same bits.
 */
function recomputeGradients(fn: () => Tensor, dy: Tensor): void {
  const nodes: Node[] = [];
  let output: Tensor | undefined;
  try {
    output = withTape(nodes, () => tidy(fn));
    seed(output, dy);
    backward(nodes);
  } finally {
    for (const node of nodes.splice(0)) release(node);
    if (output) dropGradient(output);
  }
}

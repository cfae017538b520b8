/** Weights as a tree of blocks, each with its count and bytes, folded until somebody looks inside. */
import { Parameters } from '../engine';
import { bytesOf } from '../engine/dtype';
import { addLook } from './looks';
import type { MimeBundle } from './notebook';
import { escapeHtml, formatBytes, formatNumber } from './text';
import { bar, folded, heading, THEME } from './theme';

/** A block of weights, or one weight. */
export interface WeightNode {
  readonly name: string;
  readonly count: number;
  readonly bytes: number;
  /** Of a weight. */
  readonly shape?: readonly number[];
  readonly children: readonly WeightNode[];
}

interface Growing {
  name: string;
  count: number;
  bytes: number;
  shape?: readonly number[];
  children: Map<string, Growing>;
}

/** The blocks that the names' dots make; blocks keep the order of their weights. */
export function weightTree(parameters: Parameters, name = ''): WeightNode {
  const root: Growing = { name, count: 0, bytes: 0, children: new Map() };
  for (const weight of parameters.names) {
    const { size, dtype, shape } = parameters.tensor(weight);
    let node = root;
    for (const part of ['', ...weight.split('.')]) {
      if (part !== '') {
        const known = node.children.get(part);
        const next = known ?? { name: part, count: 0, bytes: 0, children: new Map() };
        node.children.set(part, next);
        node = next;
      }
      node.count += size;
      node.bytes += size * bytesOf(dtype);
    }
    node.shape = shape;
  }
  return finished(root);
}

const finished = ({ children, ...node }: Growing): WeightNode =>
  chained({ ...node, children: [...children.values()].map(finished) });

/** A block with nothing but one block in it is one with that: `net.0`. */
function chained(node: WeightNode): WeightNode {
  const [only, other] = node.children;
  if (!only || other || only.shape || node.name === '') return node;
  return { ...only, name: `${node.name}.${only.name}` };
}

/** Weights beyond this many are not listed one by one: the file has to stay small. */
const MOST_LEAVES = 1200;

export function parametersBundle(parameters: Parameters, name = 'weights'): MimeBundle {
  const root = weightTree(parameters);
  const trained = parameters.isTrainable ? ', trainable' : '';
  const size = `${formatNumber(root.count)} numbers, ${formatBytes(root.bytes)}`;
  const title = `${name}: ${size} in ${parameters.names.length} tensors${trained}`;
  const leaves = parameters.names.length <= MOST_LEAVES ? 'listed' : 'counted';
  const blocks = root.children.map((child) => nodeHtml(child, root.count, leaves));
  return {
    'text/html': heading(title) + blocks.join(''),
    'text/plain': [title, ...textLines(root.children, root.count, 1)].join('\n'),
  };
}

function nodeHtml(node: WeightNode, whole: number, leaves: 'listed' | 'counted'): string {
  if (node.shape) return `<pre style="margin:0">${escapeHtml(weightText(node))}</pre>`;
  const share = node.count / whole;
  const size = `${formatNumber(node.count)} · ${formatBytes(node.bytes)} · ${(100 * share).toFixed(1)} %`;
  const summary = `${bar(share, undefined, 80)} ${escapeHtml(node.name)} <span style="${THEME.faint}">${size}</span>`;
  const blocks = node.children.filter(({ shape }) => !shape);
  const weights = node.children.filter(({ shape }) => shape);
  const listed =
    leaves === 'listed' ? weights.map(weightText).join('\n') : `${weights.length} tensors`;
  const inside = blocks.map((child) => nodeHtml(child, whole, leaves)).join('');
  const pre = weights.length > 0 ? `<pre style="margin:0">${escapeHtml(listed)}</pre>` : '';
  return folded(summary, inside + pre);
}

const weightText = ({ name, shape = [], count, bytes }: WeightNode) =>
  `${name} [${shape.join(', ')}] ${formatNumber(count)} · ${formatBytes(bytes)}`;

/** Two levels of blocks: what fits a screen. */
function textLines(nodes: readonly WeightNode[], whole: number, depth: number): string[] {
  return nodes.flatMap(({ name, count, bytes, children }) => {
    const share = `${((100 * count) / whole).toFixed(1)} %`;
    const line = `${'  '.repeat(depth)}${name}: ${formatNumber(count)}, ${formatBytes(bytes)}, ${share}`;
    const inside = children.filter(({ shape }) => !shape);
    return [line, ...(depth < 2 ? textLines(inside, whole, depth + 1) : [])];
  });
}

addLook('weights', { class: Parameters }, (parameters: Parameters) => parametersBundle(parameters));

/** A network, `Model` of `src/models`: named after its class in diffusers or transformers. */
interface Network {
  readonly config: { readonly json?: { readonly _class_name?: unknown } };
  readonly parameters: Parameters;
}

addLook(
  'network',
  {
    is: (value) =>
      'config' in value &&
      'p' in value &&
      'parameters' in value &&
      value.parameters instanceof Parameters,
  },
  ({ config, parameters }: Network) => {
    const { _class_name: name } = config.json ?? {};
    return parametersBundle(parameters, typeof name === 'string' ? name : 'network');
  },
);

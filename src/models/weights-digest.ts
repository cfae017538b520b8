import { createHash } from 'node:crypto';
import { Tensor } from '../engine';

/** SHA-256 in hex of all weights of a tree, an adapter's among them: equal for trees that compute the same. */
export function weightsDigest(tree: unknown): string {
  const hash = createHash('sha256');
  const visit = (node: unknown, path: string) => {
    if (node instanceof Tensor) {
      const { buffer, byteOffset, byteLength } = node.floats();
      hash.update(path).update(new Uint8Array(buffer, byteOffset, byteLength));
    } else if (typeof node === 'object' && node !== null)
      for (const [key, child] of Object.entries(node)) visit(child, `${path}.${key}`);
  };
  visit(tree, '');
  return hash.digest('hex');
}

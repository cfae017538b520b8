import type { Tensor } from '../engine';

/** The last tensors that a multistep sampler still needs, newest first; it holds a reference of its own to each. */
export class Recent {
  private readonly kept: Tensor[] = [];

  /** @param most how many are kept */
  constructor(private readonly most: number) {}

  get length(): number {
    return this.kept.length;
  }

  push(tensor: Tensor): void {
    this.kept.unshift(tensor.retain());
    if (this.kept.length > this.most) this.kept.pop()?.release();
  }

  /** The newest is number 0. @throws RangeError where so many were not kept */
  at(index: number): Tensor {
    const tensor = this.kept[index];
    if (!tensor)
      throw new RangeError(`Step ${index} before this one was not made: steps go in order.`);
    return tensor;
  }

  dispose(): void {
    for (const tensor of this.kept.splice(0)) tensor.release();
  }
}

/** A model file or folder that cannot be trusted or does not fit; the message names the file and the reason. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';

  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path}: ${reason}`);
  }
}

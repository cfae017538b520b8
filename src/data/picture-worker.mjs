// Decodes and resizes pictures away from the thread that trains. A thread has no loaders, so tsx is asked by name.
import { parentPort } from 'node:worker_threads';
import { require as requireTs } from 'tsx/cjs/api';

const { decodeImage, PictureError } = requireTs('./image.ts', import.meta.url);
const { resizeShorterSide } = requireTs('./transforms.ts', import.meta.url);

parentPort.on('message', async ({ bytes, resolution, options }) => {
  try {
    const image = resizeShorterSide(await decodeImage(bytes), resolution, options);
    const data = image.data.slice(); // a buffer of libvips cannot be handed over
    parentPort.postMessage({ image: { ...image, data } }, [data.buffer]);
  } catch (error) {
    const damaged = error instanceof PictureError;
    parentPort.postMessage({ error: error instanceof Error ? error.message : `${error}`, damaged });
  }
});

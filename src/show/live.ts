/** One place under a cell whose content is replaced while work goes on. */
import { randomUUID } from 'node:crypto';
import { type MimeBundle, notebook } from './notebook';

/** A notebook server allows far more; a page need not. */
export const UPDATE_MS = 250;

/** What an update may have, in bytes: a page that is sent four a second has to keep up. */
export const UPDATE_BYTES = 200_000;

export interface Live {
  /** Shows what the function gives, unless something was shown less than a quarter of a second ago. */
  update(bundle: () => MimeBundle): void;
  /** Shows the last content, whatever the time. */
  finish(bundle: MimeBundle): void;
}

/** Nothing is shown in a plain program. Throws RangeError where an update is larger than 200 KB. */
export function liveDisplay(): Live {
  const displayId = randomUUID();
  let shownAt = Number.NEGATIVE_INFINITY;
  const show = (bundle: MimeBundle) => {
    if (shownAt === Number.NEGATIVE_INFINITY) notebook()?.display(bundle, { displayId });
    else notebook()?.update(displayId, bundle);
    shownAt = Date.now();
  };
  return {
    update: (bundle) => {
      if (!notebook() || Date.now() - shownAt < UPDATE_MS) return;
      const content = bundle();
      const bytes = Buffer.byteLength(JSON.stringify(content));
      if (bytes > UPDATE_BYTES)
        throw new RangeError(`A live update has ${bytes} bytes; at most ${UPDATE_BYTES} are sent.`);
      show(content);
    },
    finish: show,
  };
}

/** Answers whatever is asked in a kernel that was told `DPO_LABEL_LINKS`, over HTTP as a page does. */
import { existsSync, readFileSync } from 'node:fs';
import { decodeImage } from '../../src/data/image';
import { judge, utility } from '../../src/toyworld/judge';
import { answerAll, type Shown } from './label-client';

/** The world's judge as a person: the better picture, or neither where they are nearly as good. */
export async function asTheJudge({ prompt, left, right }: Shown) {
  const [a = 0, b = 0] = await Promise.all(
    [left, right].map(async (png) => utility(judge(await decodeImage(png), prompt))),
  );
  if (Math.abs(a - b) < 0.2) return 'tie';
  return a > b ? 'left' : 'right';
}

/** Follows every link that is written into a file, until it is stopped. */
export function clickLinks(file: string, decide: Parameters<typeof answerAll>[1] = asTheJudge) {
  let isStopped = false;
  const counts: number[] = [];
  const done = (async () => {
    for (let followed = 0; ; ) {
      const links = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
      const link = links[followed];
      if (link !== undefined) {
        counts.push(await answerAll(link, decide));
        followed++;
      } else if (isStopped) return counts;
      else await new Promise((wake) => setTimeout(wake, 50));
    }
  })();
  done.catch(() => undefined); // told to whoever waits for it
  return {
    /** Resolves to the number of answers of each link, after `stop`; rejects where an answer was refused. */
    done,
    stop: () => {
      isStopped = true;
      return done;
    },
  };
}

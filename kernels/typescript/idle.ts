/** Whether anything still goes on in this thread. */
import { performance } from 'node:perf_hooks';

const LOOK_MS = 100;
const QUIET = 0.2; // of the time; timers and sockets that merely wait take none

/** Resolves when for two looks in a row the thread had next to nothing to do and no file under way. */
export async function untilIdle(): Promise<void> {
  for (let quiet = 0; quiet < 2; ) {
    const before = performance.eventLoopUtilization();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const { utilization } = performance.eventLoopUtilization(before);
    quiet = utilization < QUIET && !usesFiles() ? quiet + 1 : 0;
  }
}

function usesFiles(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));
}

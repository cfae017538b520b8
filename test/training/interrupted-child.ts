// Trains nothing, in endless blocks of work; says when it was interrupted. Run by interrupts.test.ts.
import { writeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { watchInterrupts } from '../../src/training/interrupts';

const say = (text: string) => writeSync(1, `${text}\n`); // at once, whatever the loop does

async function main(then: string): Promise<void> {
  const { signal, dispose } = watchInterrupts({
    onInterrupt: (name) => say(`got ${name}`),
    samePressMs: 200,
  });
  say('ready');
  while (!signal.aborted) await setTimeout(5);
  if (then === 'save') {
    await setTimeout(20);
    say('saved');
    dispose();
    return;
  }
  await setTimeout(400);
  say('busy');
  for (;;); // a computation that lets no listener run
}

void main(process.argv[2] ?? '');

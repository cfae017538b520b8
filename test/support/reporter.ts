import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

function describeFault(title: readonly string[], error?: Error): string {
  return `${title.join(' › ')}\n${error?.stack ?? error ?? 'no reason given'}`;
}

/**
 * mocha's own `spec` reporter, which also writes `{ passed, failed, faults }` to the file that `DPO_TEST_RESULT` names;
 * `faults` says of each failed test where it stands and what it said.
 */
class TallyReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const path = process.env.DPO_TEST_RESULT;
      if (!path) return;
      const { passes, failures, pending } = this.stats;
      const faults = this.failures.map((test) => describeFault(test.titlePath(), test.err));
      writeFileSync(path, JSON.stringify({ passed: passes, failed: failures + pending, faults }));
    });
  }
}

export = TallyReporter; // mocha loads a reporter with `require`

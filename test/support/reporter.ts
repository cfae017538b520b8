import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

/** mocha's own `spec` reporter, which also writes `{ passed, failed }` to the file that `DPO_TEST_RESULT` names. */
class TallyReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const path = process.env.DPO_TEST_RESULT;
      if (!path) return;
      const { passes, failures, pending } = this.stats;
      writeFileSync(path, JSON.stringify({ passed: passes, failed: failures + pending }));
    });
  }
}

export = TallyReporter; // mocha loads a reporter with `require`

// The set-up: everything a fresh clone needs, inside the clone. Runs on plain Node, before `node_modules` exists.
// This file and node-version.mjs keep to syntax that old versions of Node can read, so that they can say what is wrong.
import { nodeProblem } from './node-version.mjs';

const problem = nodeProblem(process.versions.node);
if (problem) {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
} else {
  import('./run.mjs').then((setup) => setup.main());
}

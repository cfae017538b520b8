/**
 * Prints the errors that the kernel finds in the sources behind the modules named, one JSON list for each. Run in a
 * notebook's folder by sources.test.ts, in a process of its own: the kernel changes the compiler that is loaded.
 */
import { resolve } from 'node:path';
import type { createConverter as CreateConverter } from 'tslab/dist/converter';
import { installCompilerHost } from '../../../kernels/typescript/typescript-host';

const root = resolve(__dirname, '../../..');
const host = installCompilerHost(root, process.cwd());
const { formatDiagnostic } = host.typescript;
// tslab is loaded here and not above: it must see the compiler that `host` has put in place.
const { createConverter } = require('tslab/dist/converter') as {
  createConverter: typeof CreateConverter;
};
const converter = createConverter({ isJS: false, isBrowser: false });

const errors = process.argv.slice(2).map((name) => {
  host.refresh();
  const { diagnostics } = converter.convert('', `import * as all from '${name}';\nall;`);
  const format = { getCurrentDirectory: () => root, getCanonicalFileName: (x: string) => x };
  const found = host.sourceErrors.map((error) =>
    formatDiagnostic(error, { ...format, getNewLine: () => '\n' }).trimEnd(),
  );
  return [...diagnostics.map(({ messageText }) => messageText), ...found];
});
process.stdout.write(JSON.stringify(errors), () => process.exit()); // watchers would keep it alive

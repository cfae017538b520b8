// Wheels: fetched with pip's own client (fetch.py), unpacked (unpack.py), with the bytes on the progress line.
import { join } from 'node:path';
import { childEnv, runChild } from './child.mjs';
import { downloads, setupFolder } from './paths.mjs';
import { describeTransfer, formatSeconds, Rate } from './progress.mjs';

/** pip's own configuration counts; only its cache is in the clone. */
export function pipEnv() {
  return childEnv({
    PIP_CACHE_DIR: join(downloads, 'pip'),
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_USER: '0',
  });
}

/** Runs one of our Python programs and hands each JSON line it prints to `onReport`. */
async function runPython(doing, python, args, onReport) {
  const onLine = (line) => line.startsWith('{') && onReport(JSON.parse(line));
  await runChild(doing, python, ['-I', '-u', ...args], { env: pipEnv(), onLine });
}

/**
 * Fetches all wheels of a hash-pinned requirements file; those that are there already are only hashed.
 * @param options pip's own options for another platform than this one
 * @returns their paths
 */
export async function fetchWheels(progress, { doing, python, requirements, options = [] }) {
  const rate = new Rate();
  const share = new Rate();
  let files = [];
  let name = '';
  let before = 0; // bytes of the wheels before this one
  let current = 0;
  await runPython(
    doing,
    python,
    [join(setupFolder, 'fetch.py'), join(downloads, 'wheels'), requirements, ...options],
    (report) => {
      if (report.files) {
        files = report.files;
        return;
      }
      if (report.file !== name) [name, before] = [report.file, before + current];
      current = report.bytes;
      const now = performance.now();
      const bytesPerSecond = rate.add(before + current, now);
      const single = report.count === 1;
      const transfer = {
        bytes: before + current,
        total: single ? report.total : undefined,
        rate: bytesPerSecond,
      };
      const parts = [
        single
          ? `downloading ${name.split('-')[0]}`
          : `downloading ${report.index + 1} of ${report.count}, ${name.split('-')[0]}`,
      ];
      parts.push(describeTransfer(transfer));
      const done = report.index + report.bytes / (report.total || 1);
      const perSecond = share.add(done, now);
      if (!single && perSecond > 0)
        parts.push(`${formatSeconds((report.count - done) / perSecond)} left`);
      progress.update(parts.join(' · '));
    },
  );
  return files;
}

/** Unpacks the members of wheels that begin with one of `prefixes`. */
export async function unpackWheels(progress, { python, wheels, folder, prefixes }) {
  const rate = new Rate();
  const program = join(setupFolder, 'unpack.py');
  const wanted = prefixes.map((prefix) => `--prefix=${prefix}`);
  await runPython(
    'unpacking the wheels',
    python,
    [program, ...wanted, folder, ...wheels],
    ({ bytes, total }) => {
      const transfer = { bytes, total, rate: rate.add(bytes, performance.now()) };
      progress.update(`unpacking · ${describeTransfer(transfer)}`);
    },
  );
}

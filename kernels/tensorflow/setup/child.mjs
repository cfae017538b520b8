// Child programs: their output goes to the log and to a line callback; Ctrl-C ends them with us.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { explain } from './errors.mjs';
import { logFile, scratch } from './paths.mjs';

const running = new Set();
const tailLines = 400;

/** Ends every child program that is still running, gently and after a second by force. */
export async function stopChildren() {
  const children = [...running];
  const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  for (const child of children) child.kill('SIGTERM');
  const force = setTimeout(() => {
    for (const child of children) child.kill('SIGKILL');
  }, 1000);
  await Promise.all(ended);
  clearTimeout(force);
}

/** Our environment for children: temporary files inside the clone, no Python or npm leftovers of the caller. */
export function childEnv(extra = {}) {
  const env = { ...process.env, TMPDIR: scratch, PIP_NO_INPUT: '1', ...extra };
  const foreign =
    /^(npm_(package|lifecycle)_|npm_config_(local_prefix|prefix|cache)$|PYTHON(HOME|PATH)$|PIP_(TARGET|PREFIX|USER|ROOT)$|VIRTUAL_ENV$)/;
  for (const name of Object.keys(env)) {
    if (foreign.test(name) && !(name in extra)) delete env[name];
  }
  return env;
}

/**
 * Runs a program to its end and returns its output.
 * @param doing what it does, as in "while installing the npm packages"
 * @param onLine called with each line and the child, which it may end
 * @throws SetupError with the cause in one sentence when it cannot start or ends badly
 */
export async function runChild(doing, command, args, { cwd, env = childEnv(), onLine } = {}) {
  appendFileSync(logFile, `\n$ ${[command, ...args].join(' ')}\n`);
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const tail = [];
  const take = (line) => {
    appendFileSync(logFile, `${line}\n`);
    tail.push(line);
    if (tail.length > tailLines) tail.shift();
    onLine?.(line, child);
  };
  const streams = [child.stdout, child.stderr].map(async (stream) => {
    for await (const line of createInterface({ input: stream })) take(line);
  });
  try {
    const ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) => resolve(status ?? signal));
    });
    const status = await ended.catch((error) => take(String(error.message)) ?? -1);
    await Promise.all(streams);
    const output = tail.join('\n');
    if (status !== 0) throw explain(doing, output);
    return output;
  } finally {
    running.delete(child);
  }
}

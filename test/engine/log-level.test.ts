/** What TensorFlow says on the error stream is chosen by severity, from the moment it is loaded. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(__dirname, '..', '..');

/** Loads the engine, lets TensorFlow itself log two messages, and returns the error stream. */
function errorStream(level?: string): string {
  const script = `
    const { binding } = require('./src/engine/backend').tfjsBackend;
    const tf = require('@tensorflow/tfjs-node-gpu');
    const log = (severity) => {
      const [id] = tf.backend().getInputTensorIds([tf.scalar('an ' + severity)]);
      const string = (name, value) => ({ name, type: binding.TF_ATTR_STRING, value });
      const attributes = [string('output_stream', 'log(' + severity + ')'), string('end', '')];
      binding.executeOp('PrintV2', attributes, [id], 0);
    };
    log('info');
    log('error');`;
  const { TF_CPP_MIN_LOG_LEVEL: _, ...env } = process.env;
  if (level !== undefined) env.TF_CPP_MIN_LOG_LEVEL = level;
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '-e', script], {
    ...{ cwd: root, encoding: 'utf8', env },
  });
  assert.equal(status, 0, stderr);
  return stderr;
}

describe('the log level', () => {
  it('is "error": nothing but errors is said, while TensorFlow is loaded and afterwards', () => {
    const lines = errorStream().trimEnd().split('\n');
    assert.match(lines.at(-1) ?? '', /^E.* an error$/);
    const rest = lines.slice(0, -1).filter((line) => !line.startsWith('WARNING: All log messages'));
    assert.deepEqual(rest, []); // the line left out is what introduces the first message
  });

  it('is what TF_CPP_MIN_LOG_LEVEL says', () => {
    assert.match(errorStream('0'), /^I.* an info$/m);
    assert.equal(errorStream('3'), '');
  });
});

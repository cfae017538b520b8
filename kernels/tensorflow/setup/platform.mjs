// Which TensorFlow this machine gets: by operating system, processor and graphics card.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SetupError } from './errors.mjs';

/** First NVIDIA driver that runs CUDA 12 (NVIDIA's minor version compatibility table). */
const firstCuda12Driver = 525;

const targets = {
  'linux-x64': { cpu: 'linux-x64', cuda: 'linux-x64-cuda' },
  'linux-arm64': { cpu: 'linux-arm64' },
  'darwin-arm64': { cpu: 'darwin-arm64' },
};

/** What nobody has run yet; said once, when it is set up. */
export const untested = {
  'linux-x64-cuda':
    'TensorFlow on an NVIDIA GPU is untested here; DPO_ENGINE=cpu takes the CPU one.',
  'linux-arm64': 'Linux on arm64 is untested here; please report what happens.',
  'darwin-arm64': 'macOS on arm64 is untested here; please report what happens.',
};

/** Driver version in the text of /proc/driver/nvidia/version or nvidia-smi, such as 550.54; undefined if none. */
export function driverVersion(text) {
  const match = /(?:^|Kernel Module\D*?|\s)(\d{3,4}\.\d+)/m.exec(text);
  return match ? Number(match[1]) : undefined;
}

function nvidiaDriver() {
  try {
    return driverVersion(readFileSync('/proc/driver/nvidia/version', 'utf8'));
  } catch {
    // No such file: no driver here, or the Windows subsystem for Linux, where only nvidia-smi knows.
  }
  try {
    const query = ['--query-gpu=driver_version', '--format=csv,noheader'];
    return driverVersion(
      execFileSync('nvidia-smi', query, { stdio: 'pipe', timeout: 5000 }).toString(),
    );
  } catch {
    return undefined; // no nvidia-smi, or it found no card
  }
}

/**
 * The wheel set for this machine (a key of wheels.json).
 * `DPO_ENGINE=cpu|cuda` decides; otherwise a CUDA-12-capable driver does.
 */
export function chooseTarget({
  platform = process.platform,
  arch = process.arch,
  engine = process.env.DPO_ENGINE ?? '',
  findDriver = nvidiaDriver,
} = {}) {
  const choice = targets[`${platform}-${arch}`];
  if (!choice) {
    throw new SetupError(
      `TensorFlow 2.21.0 has no wheel for ${platform} on ${arch}; this runs on Linux x64, Linux arm64 and macOS arm64.`,
    );
  }
  if (!['', 'auto', 'cpu', 'cuda'].includes(engine)) {
    throw new SetupError(`DPO_ENGINE is "${engine}"; it may be cpu, cuda or auto.`);
  }
  if (engine === 'cpu') return choice.cpu;
  if (engine === 'cuda') {
    if (choice.cuda) return choice.cuda;
    throw new SetupError(
      `TensorFlow 2.21.0 has no CUDA wheel for ${platform} on ${arch}; unset DPO_ENGINE.`,
    );
  }
  if (!choice.cuda) return choice.cpu;
  return (findDriver() ?? 0) >= firstCuda12Driver ? choice.cuda : choice.cpu;
}

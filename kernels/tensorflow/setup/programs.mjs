// Programs of the machine that we need: Python with venv and pip, a C++17 compiler.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { missing } from './errors.mjs';

/** Full path of an executable on the PATH, or undefined. */
export function findProgram(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const candidates = name.includes('/') ? [name] : folders.map((folder) => join(folder, name));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    } catch {
      return false; // not there, or not for us to run
    }
  });
}

function answer(command, args, input) {
  const { status, stdout } = spawnSync(command, args, { input, encoding: 'utf8', timeout: 60_000 });
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * The Python to make the environment with: `PYTHON`, else the first good one on the PATH.
 * @throws SetupError when there is none from 3.10 on, or it lacks venv or pip
 */
export function findPython() {
  const names = process.env.PYTHON
    ? [process.env.PYTHON]
    : ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];
  const found = names.flatMap((name) => {
    const path = findProgram(name);
    const version =
      path && answer(path, ['-I', '-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
    return version ? [{ path, version }] : [];
  });
  const good = found.filter(({ version }) => {
    const [major, minor] = version.split('.').map(Number);
    return major === 3 && minor >= 10;
  });
  if (good.length === 0) {
    const seen = found[0]
      ? `Python ${found[0].version} is too old, this needs Python 3.10 or newer`
      : 'Python 3.10 or newer was not found';
    throw missing(seen, 'python');
  }
  const whole = good.find(
    ({ path }) => answer(path, ['-I', '-c', 'import venv, ensurepip']) !== undefined,
  );
  if (!whole) throw missing(`Python ${good[0].version} lacks its venv module or pip`, 'venv');
  return whole.path;
}

/** Accepted by a compiler that is C++17 and has its standard library. */
const sample =
  '#include <optional>\n#include <string_view>\nint main() { std::optional<int> x; return x.has_value(); }\n';

/**
 * The C++ compiler: `CXX`, else c++, g++ or clang++.
 * @throws SetupError when none of them compiles C++17
 */
export function findCompiler() {
  const names = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
  for (const name of names) {
    const path = findProgram(name);
    if (
      path &&
      answer(path, ['-std=c++17', '-x', 'c++', '-fsyntax-only', '-'], sample) !== undefined
    )
      return path;
  }
  throw missing('No C++17 compiler was found', 'compiler');
}

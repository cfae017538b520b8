/**
 * Keeps V8's compiled code of the large packages that every kernel loads (the compiler, tfjs) under `.cache/kernel`,
 * functions compiled while they ran included: compiling them anew is a third of what a start would take.
 * Node 22's `module.enableCompileCache` does the same; Node 20 has no such thing.
 */
'use strict';

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

const LARGE = 100_000; // characters; smaller files compile in less time than a look-up takes

/** Returns what writes the code that is new; at the end of the process, not of a worker, it is called. */
exports.keepCompiledCode = function keepCompiledCode(folder) {
  const { _compile } = Module.prototype;
  const fresh = [];
  Module.prototype._compile = function compileOnce(content, filename, ...rest) {
    if (content.length < LARGE || !filename.includes(`${path.sep}node_modules${path.sep}`))
      return _compile.call(this, content, filename, ...rest);
    const hash = createHash('sha256').update(`${process.version}\n${filename}\n${content}`);
    const kept = path.join(folder, `${hash.digest('hex')}.v8`);
    const cachedData = fs.existsSync(kept) ? fs.readFileSync(kept) : undefined;
    const script = new vm.Script(Module.wrap(content), { filename, cachedData });
    if (cachedData === undefined || script.cachedDataRejected) fresh.push({ kept, script });
    const run = script.runInThisContext();
    const require = Module.createRequire(filename);
    return run.call(this.exports, this.exports, require, this, filename, path.dirname(filename));
  };
  const keep = () => {
    for (const { kept, script } of fresh.splice(0)) write(kept, script.createCachedData());
  };
  process.once('exit', keep);
  return keep;
};

function write(file, data) {
  const temporary = `${file}.${process.pid}.incomplete`;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(temporary, data);
  fs.renameSync(temporary, file);
}

/**
 * Lets Node `require` TypeScript, folders with an `index.ts` included, by transpiling it with the
 * TypeScript that tslab brings. Inline source maps make every stack name the TypeScript line.
 * Results are kept under `.cache/kernel`, by the hash of the source.
 */
'use strict';

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { version } = require('@tslab/typescript-for-tslab/package.json');

const cache = path.join(__dirname, '..', '..', '.cache', 'kernel', 'js');
const compilerOptions = {
  module: 1, // CommonJS
  target: 9, // ES2022
  esModuleInterop: true,
  inlineSourceMap: true,
  isolatedModules: true,
};
const stamp = JSON.stringify([version, compilerOptions]);

exports.registerTypeScript = function registerTypeScript() {
  process.setSourceMapsEnabled(true);
  fs.mkdirSync(cache, { recursive: true });
  Module._extensions['.ts'] = (module, fileName) => module._compile(javascript(fileName), fileName);
};

exports.keepJavaScript = (fileName) => void javascript(fileName);

/** Of a source, from what was kept or made now. */
function javascript(fileName) {
  const source = fs.readFileSync(fileName, 'utf8');
  const place = path.relative(cache, fileName); // the same in a copy of the project
  const hash = createHash('sha256').update(`${stamp}\n${place}\n${source}`).digest('hex');
  const kept = path.join(cache, `${hash}.js`);
  if (fs.existsSync(kept)) return fs.readFileSync(kept, 'utf8');
  const ts = require('@tslab/typescript-for-tslab'); // a second's load, and seldom needed
  const { outputText } = ts.transpileModule(source, { fileName, compilerOptions });
  const temporary = `${kept}.${process.pid}.incomplete`;
  fs.writeFileSync(temporary, outputText);
  fs.renameSync(temporary, kept);
  return outputText;
}

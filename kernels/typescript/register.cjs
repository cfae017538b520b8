/**
 * Lets Node `require` TypeScript, folders with an `index.ts` included, by transpiling in memory with
 * the TypeScript that tslab brings. Inline source maps make every stack name the TypeScript line.
 */
'use strict';

const fs = require('node:fs');
const Module = require('node:module');
const ts = require('@tslab/typescript-for-tslab');

const compilerOptions = {
  module: ts.ModuleKind.CommonJS,
  target: ts.ScriptTarget.ES2022,
  esModuleInterop: true,
  inlineSourceMap: true,
  isolatedModules: true,
};

exports.registerTypeScript = function registerTypeScript() {
  process.setSourceMapsEnabled(true);
  Module._extensions['.ts'] = (module, fileName) => {
    const source = fs.readFileSync(fileName, 'utf8');
    const { outputText } = ts.transpileModule(source, { fileName, compilerOptions });
    module._compile(outputText, fileName);
  };
};

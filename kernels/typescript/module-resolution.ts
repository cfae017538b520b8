/** Where an import leads, remembered from cell to cell, for cells and sources alike. */
import path from 'node:path';
import type * as ts from '@tslab/typescript-for-tslab';

type Resolution = ts.ResolvedModuleWithFailedLookupLocations;

/**
 * tslab remembers failures until a folder watcher reports the missing file. There are no folder
 * watchers here: failures of our own sources are tried again at each cell instead.
 */
export class ModuleResolution {
  readonly #typescript: typeof ts;
  readonly #known = new Map<string, Resolution>();
  readonly #incomplete = new Set<string>();
  /** What folders and packages were found on the way, which a cell's files have in common. */
  #found: ts.ModuleResolutionCache;

  constructor(typescript: typeof ts) {
    this.#typescript = typescript;
    this.#found = this.#nothingFound();
  }

  /** The two methods that TypeScript asks of a host. */
  connect(
    system: ts.System,
  ): Pick<
    ts.WatchCompilerHost<ts.BuilderProgram>,
    'resolveModuleNameLiterals' | 'hasInvalidatedResolutions'
  > {
    return {
      resolveModuleNameLiterals: (literals, file, _redirected, options) =>
        literals.map(({ text }) => this.#resolve(text, file, options, system)),
      hasInvalidatedResolutions: (file) => this.#incomplete.has(file),
    };
  }

  /** @param gone - files that no longer exist. */
  refresh(gone: readonly string[]): void {
    this.#found = this.#nothingFound();
    if (gone.length > 0) this.#known.clear();
    for (const [key, { resolvedModule }] of this.#known) {
      const [file = ''] = key.split('\0');
      if (resolvedModule === undefined && !isPackage(file)) this.#known.delete(key);
    }
  }

  #nothingFound(): ts.ModuleResolutionCache {
    return this.#typescript.createModuleResolutionCache(process.cwd(), (name) => name);
  }

  #resolve(name: string, file: string, options: ts.CompilerOptions, system: ts.System): Resolution {
    const key = `${isPackage(file) ? path.dirname(file) : file}\0${name}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const result = this.#typescript.resolveModuleName(name, file, options, system, this.#found);
    this.#known.set(key, result);
    if (result.resolvedModule !== undefined) this.#incomplete.delete(file);
    else if (name.startsWith('.') && !isPackage(file)) this.#incomplete.add(file);
    return result;
  }
}

function isPackage(file: string): boolean {
  return file.includes('/node_modules/');
}

/** The modules that Node has loaded: forgets those that have changed, and puts others in their places. */
import Module from 'node:module';
import path from 'node:path';

/** What `require` gives for `file` from now on. @param exports - a property descriptor */
export function replaceModule(file: string, exports: PropertyDescriptor): void {
  const substitute = new Module(file);
  substitute.filename = file;
  substitute.loaded = true;
  require.cache[file] = Object.defineProperty(substitute, 'exports', {
    ...exports,
    configurable: true,
  });
}

/** Modules that were forgotten. */
export interface Dropped {
  /** Those whose source is another now; absolute paths. */
  readonly changed: readonly string[];
  /** These and all that were built on them, with what they exported. */
  readonly exports: ReadonlyMap<string, unknown>;
  /** What modules export that were not forgotten: as good as before, whoever else exports it. */
  readonly kept: ReadonlySet<unknown>;
}

/**
 * Forgets loaded sources that have changed, with everything that was built on them; undefined when none was loaded.
 *
 * @param changed - absolute paths. Modules outside `root`, packages and the kernel itself are left alone.
 */
export function dropModules(changed: readonly string[], root: string): Dropped | undefined {
  const own = Object.values(require.cache)
    .filter((module) => module !== undefined)
    .filter(({ filename }) => isSource(filename, root));
  const loaded = new Set(own.map(({ filename }) => filename));
  const edited = changed.map((file) => path.resolve(file)).filter((file) => loaded.has(file));
  if (edited.length === 0) return undefined;
  const stale = new Set(edited);
  for (let before = -1; before !== stale.size; ) {
    before = stale.size;
    for (const module of own) {
      if (module.children.some((child) => stale.has(child.filename))) stale.add(module.filename);
    }
  }
  const exports = new Map([...stale].map((file) => [file, require.cache[file]?.exports]));
  const kept = own.filter(({ filename }) => !stale.has(filename));
  for (const file of stale) delete require.cache[file];
  return {
    changed: edited,
    exports,
    kept: new Set(kept.flatMap((module) => values(module.exports))),
  };
}

/** Of what a module exports. */
function values(exported: unknown): unknown[] {
  return typeof exported === 'object' && exported !== null ? Object.values(exported) : [];
}

function isSource(file: string, root: string): boolean {
  return (
    file.startsWith(root + path.sep) &&
    !file.includes(`${path.sep}node_modules${path.sep}`) &&
    !file.startsWith(__dirname + path.sep)
  );
}

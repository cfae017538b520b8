/** Forgets loaded sources that have changed, with everything that was built on them. */
import path from 'node:path';

/** @param changed - absolute paths. Modules outside `root`, and packages, are left alone. */
export function dropModules(changed: readonly string[], root: string): void {
  const stale = new Set(changed.map((file) => path.resolve(file)).filter((file) => loaded(file)));
  if (stale.size === 0) return;
  const own = Object.values(require.cache)
    .filter(isDefined)
    .filter(
      ({ filename }) =>
        filename.startsWith(root + path.sep) &&
        !filename.includes(`${path.sep}node_modules${path.sep}`) &&
        !filename.startsWith(__dirname + path.sep),
    );
  for (let before = -1; before !== stale.size; ) {
    before = stale.size;
    for (const module of own) {
      if (module.children.some((child) => stale.has(child.filename))) stale.add(module.filename);
    }
  }
  for (const file of stale) delete require.cache[file];
}

function loaded(file: string): boolean {
  return require.cache[file] !== undefined;
}

function isDefined(module: NodeModule | undefined): module is NodeModule {
  return module !== undefined;
}

// Which Node we run on: 20 from 20.19, 22 from 22.12, and 24 or newer (package.json, "engines").

/** @returns one sentence that says what is wrong and how to mend it, or undefined when this Node will do. */
export function nodeProblem(version) {
  const parts = version.split('.').map(Number);
  const major = parts[0];
  const minor = parts[1];
  if (major >= 24 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19)) {
    return undefined;
  }
  return (
    `Node ${version} will not do, this needs Node 20.19 or newer, 22.12 or newer, or 24; install it with ` +
    '"curl -fsSL https://deb.nodesource.com/setup_22.x | sudo bash - && sudo apt install -y nodejs" (Debian, Ubuntu), ' +
    '"sudo dnf install nodejs" (Fedora) or "brew install node@22 && brew link --overwrite node@22" (macOS).'
  );
}

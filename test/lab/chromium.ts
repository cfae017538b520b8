/** The browser that tests drive, and what it may reach: this machine and nothing else. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const USUAL_PLACES = [
  '/usr/bin/chromium', // Debian
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

export const NO_CHROMIUM =
  'no Chromium is in its usual places; `apt install chromium` brings one, or DPO_CHROMIUM may name another';

/**
 * The program's path; undefined where there is none.
 * @throws Error where `DPO_CHROMIUM` names a file that is not there
 */
export function findChromium(
  { DPO_CHROMIUM: named }: NodeJS.ProcessEnv = process.env,
  places: readonly string[] = USUAL_PLACES,
): string | undefined {
  if (named !== undefined && !existsSync(named))
    throw new Error(`DPO_CHROMIUM is "${named}", and there is no such file.`);
  return named ?? places.find((place) => existsSync(place));
}

/**
 * Names of other machines lead nowhere, so that nothing a page asks for leaves this one.
 * @param home where it writes its settings and reports of crashes, instead of the user's
 */
export function openChromium(executablePath: string, home: string): Promise<Browser> {
  const args = ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost'];
  // Chromium's own sandbox needs another user than root.
  const chromiumSandbox = process.getuid?.() !== 0;
  const env = { ...process.env, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home };
  return chromium.launch({ executablePath, args, chromiumSandbox, env });
}

/** Where Jupyter keeps what is the user's. Upstream: jupyter_core 5.9, paths.py, jupyter_data_dir. */
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The rules for Windows are written down from the source and were never run. */
export function jupyterDataFolder(
  env: NodeJS.ProcessEnv,
  { platform = process.platform, home = realpathSync(homedir()) } = {},
): string {
  const { JUPYTER_DATA_DIR, XDG_DATA_HOME, APPDATA, LOCALAPPDATA, JUPYTER_CONFIG_DIR } = env;
  if (JUPYTER_DATA_DIR) return JUPYTER_DATA_DIR;
  const followsSystem = isSet(env.JUPYTER_PLATFORM_DIRS);
  if (platform === 'darwin')
    return followsSystem
      ? join(home, 'Library', 'Application Support', 'Jupyter')
      : join(home, 'Library', 'Jupyter');
  if (platform === 'win32') {
    if (followsSystem && LOCALAPPDATA) return join(LOCALAPPDATA, 'Jupyter');
    return APPDATA
      ? join(APPDATA, 'jupyter')
      : join(JUPYTER_CONFIG_DIR || join(home, '.jupyter'), 'data');
  }
  return join(XDG_DATA_HOME || join(home, '.local', 'share'), 'jupyter');
}

/** As jupyter_core's `envset` has it. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && !/^(?:no|n|false|off|0|0\.0)$/i.test(value);
}

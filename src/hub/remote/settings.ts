/** Which hub, which token, which cache: the environment as Python's huggingface_hub reads it (constants.py of 2.4.0). */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { Token } from './secrets';

/** How to reach the hub; each field goes before its variable of the environment. */
export interface HubOptions {
  /** @default HF_ENDPOINT, or https://huggingface.co */
  readonly endpoint?: string | undefined;
  /** @default HF_TOKEN, or the file that HF_TOKEN_PATH names, or `$HF_HOME/token` */
  readonly token?: string | undefined;
  /** @default HF_HUB_CACHE, or `$HF_HOME/hub` */
  readonly cacheDir?: string | undefined;
  /** Whether the network may be used. @default 'online', unless HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE says otherwise */
  readonly network?: 'online' | 'offline' | undefined;
  /** Ends all requests; what has come of a file is kept, and the next download goes on from there. */
  readonly signal?: AbortSignal | undefined;
  /** Told in a sentence what is worth knowing, such as that a copy of the cache is used. */
  readonly onNote?: ((sentence: string) => void) | undefined;
  /** @default process.env */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** How patient to be; for tests. */
  readonly patience?: Partial<Patience> | undefined;
}

/** Times in milliseconds. */
export interface Patience {
  /** Without a byte for so long a connection counts as dead. @default 30000 */
  readonly stallMs: number;
  /** Attempts that bring nothing, one after the other, before a request is given up. @default 6 */
  readonly attempts: number;
  /** Before the second attempt; doubles from there. @default 500 */
  readonly backoffMs: number;
  /** The longest wait that a server may ask for (Retry-After). @default 120000 */
  readonly longestWaitMs: number;
}

/** {@link HubOptions} with everything filled in. */
export interface HubSettings {
  readonly endpoint: URL;
  readonly token: Token | undefined;
  readonly cacheDir: string;
  readonly network: 'online' | 'offline';
  readonly patience: Patience;
  readonly env: NodeJS.ProcessEnv;
}

export const HUB_ENDPOINT = 'https://huggingface.co';

const PATIENCE: Patience = {
  stallMs: 30_000,
  attempts: 6,
  backoffMs: 500,
  longestWaitMs: 120_000,
};

/** @throws RangeError for an endpoint to which a token would travel in the clear, or a token that is none */
export function hubSettings(options: HubOptions = {}): HubSettings {
  const { env = process.env } = options;
  const home = hubHome(env);
  const cache = options.cacheDir ?? env.HF_HUB_CACHE ?? env.HUGGINGFACE_HUB_CACHE;
  const offline = isTrue(env.HF_HUB_OFFLINE) || isTrue(env.TRANSFORMERS_OFFLINE);
  return {
    endpoint: endpointOf(options.endpoint ?? env.HF_ENDPOINT ?? HUB_ENDPOINT),
    token: tokenOf(options.token, env, home),
    cacheDir: cache === undefined ? join(home, 'hub') : resolve(expanded(cache, env)),
    network: options.network ?? (offline ? 'offline' : 'online'),
    patience: { ...PATIENCE, ...options.patience },
    env,
  };
}

/** Names under which a machine reaches itself. */
export function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

function endpointOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe =
    url && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url)));
  if (!isSafe || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new RangeError(
      'HF_ENDPOINT should be the plain address of a hub that begins with https://' +
        ` (http:// only on this machine); ${url ? `"${url.protocol}//${url.host}" is not` : 'what it holds is no address'}.`,
    );
  return new URL(url.pathname.replace(/\/*$/, '/'), url);
}

function tokenOf(
  given: string | undefined,
  env: NodeJS.ProcessEnv,
  home: string,
): Token | undefined {
  if (given !== undefined) return cleanToken(given, 'the option token');
  if (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) {
    const token = cleanToken(env[name] ?? '', name);
    if (token) return token;
  }
  const path = env.HF_TOKEN_PATH ? expanded(env.HF_TOKEN_PATH, env) : join(home, 'token');
  try {
    return cleanToken(readFileSync(path, 'utf8'), path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined; // nobody has logged in here
    throw error;
  }
}

function cleanToken(text: string, source: string): Token | undefined {
  const clean = text.replace(/[\r\n]/g, '').trim();
  return clean === '' ? undefined : new Token(clean, source);
}

function hubHome(env: NodeJS.ProcessEnv): string {
  if (env.HF_HOME) return resolve(expanded(env.HF_HOME, env));
  const caches = env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache');
  return join(resolve(caches), 'huggingface');
}

/** `~` and `$NAME`, as Python's `expanduser` and `expandvars`. */
function expanded(path: string, env: NodeJS.ProcessEnv): string {
  const home = path.replace(/^~(?=\/|$)/, env.HOME || homedir());
  const full = home.replace(/\$(\w+)|\$\{([^}]+)\}/g, (all, a, b) => env[a ?? b] ?? all);
  return isAbsolute(full) ? full : resolve(full);
}

const isTrue = (value: string | undefined) => /^(1|on|yes|true)$/i.test(value ?? '');

import { HubError } from './hub-error';
import { isRepoName } from './repo-name';

/** Names of devices in every folder of Windows, with any ending. */
const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)/i;

/** What no system's file name, and no URL's path, takes as it is. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\:*?"<>|%#]/u;

/** Why a file of a repository may not be written under its name, or undefined. The names are a stranger's. */
export function faultOfName(name: string): string | undefined {
  if (name.length > 1000) return 'it is too long';
  if (/\p{Cs}/u.test(name)) return 'it is no Unicode text';
  if (FORBIDDEN.test(name))
    return 'it has a character that is not allowed in file names everywhere';
  for (const part of name.split('/')) {
    if (part === '') return name.startsWith('/') ? 'it is absolute' : 'it has an empty part';
    if (part === '.' || part === '..') return 'it leads out of its folder';
    if (/^[ ~]|[ .]$/.test(part)) return 'it begins or ends as no file name should';
    if (DEVICE.test(part)) return 'it is the name of a device on Windows';
    if (Buffer.byteLength(part) > 255) return 'it is too long';
  }
  return undefined;
}

/**
 * Refuses names that would be written elsewhere, over each other, or not at all.
 * @throws HubError naming the file
 */
export function checkFileNames(names: readonly string[]): void {
  const folded = new Map<string, string>();
  for (const name of names) {
    const fault = faultOfName(name);
    if (fault !== undefined) throw refused(name, fault);
    const other = folded.get(fold(name));
    if (other !== undefined)
      throw refused(name, `it is ${JSON.stringify(other)} where letter case does not count`);
    folded.set(fold(name), name);
  }
  for (const name of names) {
    const parts = fold(name).split('/');
    for (let n = 1; n < parts.length; n++) {
      const file = folded.get(parts.slice(0, n).join('/'));
      if (file !== undefined) throw refused(name, `${JSON.stringify(file)} is a file`);
    }
  }
}

const fold = (name: string) => name.normalize('NFC').toLowerCase();

const refused = (name: string, fault: string) =>
  new HubError(
    `The repository's file ${JSON.stringify(name)} is refused: ${fault}.`,
    undefined,
    'damaged',
  );

/** One file of a repository, and the revision where its address tells one. */
export interface RepoFileName {
  readonly repo: string;
  readonly file: string;
  readonly revision?: string | undefined;
}

/** The real hub's own addresses. Source: diffusers `VALID_URL_PREFIXES`, loaders/single_file_utils.py of 0.42. */
const HUB_ADDRESS = /^(https:\/\/)?(huggingface\.co|hf\.co)\//;

/** `owner/name/path`, or with `/blob/main/`, `/resolve/main/` as in the address of the file's page. */
const FILE_NAME =
  /^([^/]+\/[^/]+)\/(?:(?:blob|resolve)\/([^/]+)\/)?(.+\.(?:safetensors|bin|ckpt|pt|pth))$/i;

/**
 * What a text names where it can be one file of weights: `owner/name/path/file.safetensors`, or the address of its page, as
 * diffusers' `from_single_file` takes it.
 */
export function repoFileName(text: string): RepoFileName | undefined {
  const [, repo = '', revision, file = ''] = FILE_NAME.exec(text.replace(HUB_ADDRESS, '')) ?? [];
  return isRepoName(repo) && faultOfName(file) === undefined ? { repo, file, revision } : undefined;
}

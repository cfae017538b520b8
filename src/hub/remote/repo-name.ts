/** Kinds of repositories that are read and written. */
export type RepoType = 'model' | 'dataset';

/** A repository of the hub. */
export interface RepoName {
  readonly type: RepoType;
  /** `owner/name`. */
  readonly name: string;
}

/** The hub's own rule: letters, digits, `-`, `_`, `.`; no `--` and no `..`, no dot or dash at an end; 96 characters. */
const PART = /^(?![-.])(?!.*(--|\.\.))[\w.-]+(?<![-.])$/;

/** Whether a text can be `owner/name`. */
export function isRepoName(text: string): boolean {
  const parts = text.split('/');
  const fits = parts.length === 2 && text.length <= 96 && !text.endsWith('.git');
  return fits && parts.every((part) => PART.test(part));
}

/** Where a repository is in URLs: `owner/name`, `datasets/owner/name`. */
export function repoPath({ type, name }: RepoName): string {
  return type === 'model' ? name : `${type}s/${name}`;
}

/** The page of a repository, where access is asked for. */
export function pageOf(repo: RepoName, home: URL): string {
  return new URL(repoPath(repo), home).href;
}

/** A branch, a tag, `refs/pr/N` or a commit. @throws RangeError for a text that no revision can have */
export function checkRevision(revision: string): string {
  // git check-ref-format, and nothing that a path would understand
  if (
    /^[\w.+-]+(\/[\w.+-]+)*$/.test(revision) &&
    !/(^|\/)\.|\.\.|\.lock(\/|$)|\.$/.test(revision) &&
    revision.length <= 200
  )
    return revision;
  throw new RangeError(
    `${JSON.stringify(revision)} is no revision; give a branch, a tag or a commit of 40 hexadecimal digits.`,
  );
}

export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

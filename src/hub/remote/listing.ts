/** What a repository holds at a commit, as the hub lists it; every field is checked before it is used in a path. */
import { HubError } from './hub-error';
import { isCommit, type RepoName } from './repo-name';
import type { HubSession } from './session';

/** One file of a repository. */
export interface RepoFile {
  readonly path: string;
  readonly size: number;
  /** Of the contents; it also is the name of the blob in the cache, as in Python's. */
  readonly digest: FileDigest;
}

/** `sha256` of files in LFS; of the others git's own, SHA-1 of `blob <size>\0` and the contents. */
export interface FileDigest {
  readonly algorithm: 'sha256' | 'git-sha1';
  readonly hex: string;
}

/** The commit that a branch or tag is at now. @throws HubError */
export async function currentCommit(session: HubSession, revision: string): Promise<string> {
  if (isCommit(revision)) return revision;
  const { datasetInfo, modelInfo } = await import('@huggingface/hub');
  const { type, name } = session.repo;
  const params = { ...where(session), name, revision, additionalFields: ['sha' as const] };
  const info = await (type === 'model' ? modelInfo(params) : datasetInfo(params));
  if (typeof info.sha === 'string' && isCommit(info.sha)) return info.sha;
  throw damaged(session.repo, `does not tell the commit of "${revision}"`);
}

/** All files at a commit. @throws HubError */
export async function listRepo(session: HubSession, commit: string): Promise<RepoFile[]> {
  const { listFiles } = await import('@huggingface/hub');
  const files: RepoFile[] = [];
  const seen = new Set<string>();
  const entries = listFiles({
    ...where(session),
    repo: session.repo,
    revision: commit,
    recursive: true,
  });
  for await (const { type, path, size, oid, lfs } of entries) {
    if (type !== 'file') continue;
    const digest: FileDigest = lfs
      ? { algorithm: 'sha256', hex: String(lfs.oid) }
      : { algorithm: 'git-sha1', hex: String(oid) };
    const bytes = lfs?.size ?? size;
    const digits = digest.algorithm === 'sha256' ? 64 : 40;
    if (typeof path !== 'string' || !Number.isSafeInteger(bytes) || bytes < 0)
      throw damaged(session.repo, 'lists a file without a name or a size');
    if (!/^[0-9a-f]+$/.test(digest.hex) || digest.hex.length !== digits)
      throw damaged(session.repo, `gives ${JSON.stringify(path)} no digest`);
    if (seen.has(path)) throw damaged(session.repo, `lists ${JSON.stringify(path)} twice`);
    seen.add(path);
    files.push({ path, size: bytes, digest });
  }
  return files;
}

const where = ({ hubUrl, fetch }: HubSession) => ({ hubUrl, fetch });

const damaged = ({ name }: RepoName, fault: string) =>
  new HubError(`The hub's answer about ${name} ${fault}.`, undefined, 'damaged');

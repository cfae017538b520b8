/** What a mock hub holds: repositories, their commits, and the contents of large files. */
import { createHash } from 'node:crypto';

export type Contents = Readonly<Record<string, Buffer | string>>;

export interface StoredFile {
  readonly bytes: Buffer;
  readonly storage: 'git' | 'lfs';
  /** Git's name of the contents, or of the pointer in its place. */
  readonly oid: string;
  /** Of files in LFS. */
  readonly sha256: string;
}

export interface StoredRepo {
  readonly type: 'model' | 'dataset';
  readonly name: string;
  readonly refs: Map<string, string>;
  readonly commits: Map<string, ReadonlyMap<string, StoredFile>>;
  /** @default 'public' */
  access: 'public' | 'private' | 'gated';
  pullRequests: number;
}

const LARGE = /\.(safetensors|bin|parquet|png|jpg|ckpt)$/;

export const isLarge = (path: string): boolean => LARGE.test(path);

export const gitOid = (bytes: Buffer): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export function storedFile(path: string, contents: Buffer | string): StoredFile {
  const bytes = Buffer.from(contents);
  const digest = sha256(bytes);
  if (!isLarge(path)) return { bytes, storage: 'git', oid: gitOid(bytes), sha256: digest };
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${digest}\nsize ${bytes.length}\n`;
  return { bytes, storage: 'lfs', oid: gitOid(Buffer.from(pointer)), sha256: digest };
}

export class MockStore {
  readonly repos = new Map<string, StoredRepo>();
  /** Contents of large files by sha256, also those that no commit has yet. */
  readonly lfs = new Map<string, Buffer>();

  /** Adds a repository with one commit, or a commit to one that is there. Returns the commit. */
  commit(
    name: string,
    contents: Contents,
    { type = 'model', branch = 'main' }: { type?: 'model' | 'dataset'; branch?: string } = {},
  ): string {
    const repo = this.repos.get(`${type} ${name}`) ?? this.create(type, name);
    const head = repo.commits.get(repo.refs.get(branch) ?? '') ?? new Map<string, StoredFile>();
    const files = new Map(head);
    for (const [path, bytes] of Object.entries(contents)) files.set(path, storedFile(path, bytes));
    return this.add(repo, files, branch);
  }

  create(type: 'model' | 'dataset', name: string): StoredRepo {
    const repo: StoredRepo = {
      ...{ type, name, refs: new Map(), commits: new Map(), access: 'public', pullRequests: 0 },
    };
    this.repos.set(`${type} ${name}`, repo);
    return repo;
  }

  add(repo: StoredRepo, files: ReadonlyMap<string, StoredFile>, branch: string): string {
    const hash = createHash('sha1').update(`${repo.name} ${repo.commits.size} ${branch}`);
    for (const [path, { oid }] of files) hash.update(`${path} ${oid}`);
    const commit = hash.digest('hex');
    repo.commits.set(commit, files);
    repo.refs.set(branch, commit);
    for (const file of files.values())
      if (file.storage === 'lfs') this.lfs.set(file.sha256, file.bytes);
    return commit;
  }
}

import { isCommit, repoPath } from './repo-name';
import type { HubSource } from './resolve';

/** Commits by the names that led to them: `owner/name`, `datasets/owner/name`, behind an `@` a branch or tag but main. */
export type HubCommits = Readonly<Record<string, string>>;

/** Collects the commits that names of the hub lead to. */
export function collectCommits(): {
  readonly commits: HubCommits;
  readonly onSource: (source: HubSource) => void;
} {
  const commits: Record<string, string> = {};
  const onSource = ({ repo, revision, commit }: HubSource) => {
    const isPlain = revision === 'main' || isCommit(revision);
    commits[`${repoPath(repo)}${isPlain ? '' : `@${revision}`}`] = commit;
  };
  return { commits, onSource };
}

/** Sends a trained model to the hub in one commit; @huggingface/hub speaks the protocol, over our requests. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CommitFile, CommitOutput, CommitProgressEvent } from '@huggingface/hub';
import { sizeOf } from './cache-layout';
import { HubError } from './hub-error';
import { modelCard } from './model-card';
import { type OnProgress, TransferMeter } from './progress';
import { checkRevision, isRepoName, type RepoName } from './repo-name';
import { readRunFacts } from './run-facts';
import { HubSession } from './session';
import type { HubOptions } from './settings';
import { planUpload, samplePictures, type UploadChoice, type UploadFile } from './upload-plan';

export interface PushOptions extends HubOptions, UploadChoice {
  /** Of a repository that has to be made. @default 'public' */
  readonly visibility?: 'public' | 'private' | undefined;
  /** `commit` to the branch, or open a `pull request`. @default 'commit' */
  readonly as?: 'commit' | 'pull request' | undefined;
  /** A branch that is there. @default 'main' */
  readonly revision?: string | undefined;
  /** An identifier of the hub, such as `openrail++`, for the card. */
  readonly license?: string | undefined;
  /** @default 'Upload a model trained with Diffusion-DPO' */
  readonly message?: string | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** What would be sent. */
export interface PushPlan {
  readonly repo: string;
  readonly files: readonly UploadFile[];
  /** The text of README.md, written from the run, or the folder's own. */
  readonly card: string;
}

export interface Pushed {
  /** Page of the commit, or of the pull request. */
  readonly url: string;
  readonly commit: string;
}

/** Looks at a folder, and says what `pushToHub` would send; asks nobody. */
export async function planPush(
  folder: string,
  repo: string,
  options: PushOptions = {},
): Promise<PushPlan> {
  if (!isRepoName(repo))
    throw new RangeError(`${JSON.stringify(repo)} is no name of a repository; give owner/name.`);
  const model = await planUpload(folder, options);
  const own = join(folder, 'README.md');
  if ((await sizeOf(own)) !== undefined)
    return { repo, files: model, card: await readFile(own, 'utf8') };
  const samples = await samplePictures(folder);
  const files = [...model, ...samples];
  const card = modelCard({
    ...{ repo, facts: await readRunFacts(folder), license: options.license },
    files: files.map(({ path }) => path),
    samples: samples.map(({ path }) => path),
  });
  return { repo, files, card };
}

/**
 * Sends a trained model: all of a pipeline or its denoiser, and a card. What is on the hub already is not sent again, so
 * the same call goes on after an interruption. The repository is made where there is none.
 * @param repo `owner/name`
 * @throws HubError in one sentence for everything that the hub or the network refuse
 */
export async function pushToHub(
  folder: string,
  repo: string,
  options: PushOptions = {},
): Promise<Pushed> {
  const plan = await planPush(folder, repo, options);
  const progress = new UploadProgress(plan, options.onProgress);
  const name: RepoName = { type: 'model', name: repo };
  const session = new HubSession(name, options, (bytes) => progress.sent(bytes));
  const { settings } = session;
  if (!settings.token)
    throw new HubError(
      `Uploading needs a token that may write: make one at ${settings.endpoint.href}settings/tokens, and set HF_TOKEN.`,
    );
  await makeRepo(session, options);
  const { commitIter } = await import('@huggingface/hub');
  const steps = commitIter({
    ...{ repo: name, hubUrl: session.hubUrl, fetch: session.fetch, useXet: false },
    branch: checkRevision(options.revision ?? 'main'),
    title: options.message ?? 'Upload a model trained with Diffusion-DPO',
    operations: operations(plan),
    isPullRequest: options.as === 'pull request',
    ...(options.signal ? { abortSignal: options.signal } : {}),
  });
  const { commit, pullRequestUrl } = await drain(steps, progress);
  return { url: pullRequestUrl ?? commit.url, commit: commit.oid };
}

async function makeRepo(
  session: HubSession,
  { visibility = 'public' }: PushOptions,
): Promise<void> {
  const { createRepo } = await import('@huggingface/hub');
  const { repo, hubUrl, fetch } = session;
  try {
    // The library wants a token; what it makes of it is thrown away by `fetch`.
    await createRepo({ repo, visibility, hubUrl, fetch, accessToken: 'hf_unused' });
  } catch (error) {
    const isThere = error instanceof HubError && error.status === 409;
    // A token for one repository may write to it, and may not make it.
    const mayNot = error instanceof HubError && error.status === 403;
    if (!isThere && !mayNot) throw error;
  }
}

function operations({ files, card }: PushPlan): CommitFile[] {
  const add = (path: string, content: Blob | URL): CommitFile => ({
    operation: 'addOrUpdate',
    path,
    content,
  });
  return [
    add('README.md', new Blob([card])),
    ...files.map(({ path, source }) => add(path, pathToFileURL(source))),
  ];
}

async function drain(
  steps: AsyncGenerator<CommitProgressEvent, CommitOutput | undefined>,
  progress: UploadProgress,
): Promise<CommitOutput> {
  for (;;) {
    const { done, value } = await steps.next();
    if (!done) progress.note(value);
    else if (value) {
      progress.end();
      return value;
    } else throw new HubError('The hub did not say which commit it made.', undefined, 'damaged');
  }
}

/** Bytes as they leave; files that the hub has already count as kept. */
class UploadProgress {
  private readonly meter: TransferMeter;
  private readonly waiting: Map<string, number>;
  private readonly begun = new Set<string>();

  constructor({ repo, files }: PushPlan, onProgress?: OnProgress) {
    const totalBytes = files.reduce((sum, { size }) => sum + size, 0);
    const what = { direction: 'upload', repo, totalBytes, totalFiles: files.length } as const;
    this.meter = new TransferMeter(what, onProgress);
    this.waiting = new Map(files.map(({ path, size }) => [path, size]));
  }

  sent(bytes: number): void {
    this.meter.add(bytes);
  }

  note(event: CommitProgressEvent): void {
    if (event.event !== 'fileProgress' || event.state !== 'uploading') return;
    const size = this.waiting.get(event.path);
    if (size === undefined) return;
    if (event.progress < 1) this.begun.add(event.path);
    else this.finish(event.path, this.begun.has(event.path) ? 0 : size);
  }

  /** Small files go in the commit itself. */
  end(): void {
    for (const [path, size] of this.waiting) this.finish(path, size);
  }

  private finish(path: string, kept: number): void {
    this.waiting.delete(path);
    this.meter.add(kept, 'kept');
    this.meter.done();
  }
}

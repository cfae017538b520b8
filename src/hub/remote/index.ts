export { HubError } from './hub-error';
export { type DownloadPlan, planDownload } from './plan-download';
export type { OnProgress, TransferProgress } from './progress';
export type { RepoName, RepoType } from './repo-name';
export { type HubSource, type Resolved, type ResolveOptions, resolve } from './resolve';
export type { HubOptions } from './settings';
export { type Pushed, type PushOptions, type PushPlan, planPush, pushToHub } from './upload';

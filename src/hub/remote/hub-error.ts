import type { RepoName } from './repo-name';
import { pageOf } from './repo-name';

/** The hub cannot be reached, refuses, or sends what was not promised. The message says what to do, and holds no token. */
export class HubError extends Error {
  override readonly name = 'HubError';

  constructor(
    message: string,
    /** Of the answer; none where there was no answer. */
    readonly status?: number,
    readonly reason: 'unreachable' | 'refused' | 'damaged' | 'offline' | 'missing' = 'refused',
  ) {
    super(message);
  }
}

/** What an answer told about itself besides its status. */
export interface Refusal {
  readonly status: number;
  /** `X-Error-Code` of the hub, such as GatedRepo. */
  readonly code: string;
  /** `X-Error-Message`, or the beginning of the body. */
  readonly told: string;
  /** Whether a token went with the request. */
  readonly token: 'sent' | 'none';
}

/** One sentence for an answer that is no success. @param home the hub's own address, for pages to open */
export function refusalText(repo: RepoName, home: URL, refusal: Refusal): string {
  const { status, code, told, token } = refusal;
  const page = pageOf(repo, home);
  const login =
    token === 'none'
      ? `set HF_TOKEN to a token (${home.href}settings/tokens)`
      : 'use a token of that account';
  if (code === 'GatedRepo' || (status !== 404 && /gated|restricted/i.test(told)))
    return `${repo.name} is gated (${status}): ask for access at ${page}, then ${login}.`;
  if (code === 'RevisionNotFound')
    return `${repo.name} has no such revision (${status}); its branches and tags are listed at ${page}.`;
  if (code === 'EntryNotFound')
    return `${repo.name} has no such file (${status}); its files are listed at ${page}/tree/main.`;
  if (code === 'DisabledRepo')
    return `${repo.name} was disabled on the hub (${status}); ${page} may say why.`;
  switch (status) {
    case 401:
      return token === 'none'
        ? `${repo.name} is not shown without a login (401): it does not exist, or is private or gated; look at ${page}, and ${login}.`
        : `The hub does not accept the token (401); make a new one at ${home.href}settings/tokens.`;
    case 403:
      return `The hub forbids this for ${repo.name} (403): the token lacks the right, or access must be asked for at ${page}.`;
    case 404:
      return `${repo.name} is no ${repo.type} on the hub (404), or a private one: check the name at ${page}${token === 'none' ? `, or ${login}` : ''}.`;
    case 429:
      return `The hub has had too many requests from here (429); wait some minutes${token === 'none' ? `, or ${login}, which allows more` : ''}.`;
    default:
      return `The hub answered ${status} for ${repo.name}${told === '' ? '' : ` ("${told}")`}; ${status >= 500 ? 'try again later' : `look at ${page}`}.`;
  }
}

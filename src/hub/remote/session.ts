/** Requests to the hub: who gets the token, which redirects are followed, what is tried again, what an error says. */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { HubError, refusalText } from './hub-error';
import type { RepoName } from './repo-name';
import { isPassing, RetryClock } from './retry';
import { shownUrl } from './secrets';
import { type HubOptions, type HubSettings, hubSettings, isLoopback } from './settings';
import { type Body, bodyText, exchange, type StallError } from './transport';

const MOST_REDIRECTS = 8;
const MOST_ERROR_BYTES = 4096;
const AGENT = 'diffusion-dpo; node';

export interface Ask {
  /** @default 'GET' */
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Body | undefined;
  /**
   * Whether it may be sent again where it may already have had its effect. @default 'repeatable', but for POST
   */
  readonly effect?: 'repeatable' | 'once' | undefined;
  /** Statuses that the caller understands, besides 2xx. */
  readonly accept?: readonly number[] | undefined;
  readonly onSent?: ((bytes: number) => void) | undefined;
}

/** An answer, and where it came from in the end. */
interface Followed {
  readonly answer: IncomingMessage;
  readonly url: URL;
}

/** Requests about one repository. */
export class HubSession {
  readonly settings: HubSettings;

  constructor(
    readonly repo: RepoName,
    readonly options: HubOptions = {},
    /** Told how many bytes of files have left. */
    private readonly onSent?: (bytes: number) => void,
  ) {
    this.settings = hubSettings(options);
  }

  /** The endpoint as @huggingface/hub wants it. */
  get hubUrl(): string {
    return this.settings.endpoint.href.replace(/\/$/, '');
  }

  /** A URL at the hub. @param path relative, its parts already encoded */
  url(path: string): URL {
    return new URL(path, this.settings.endpoint);
  }

  /**
   * Asks, and asks again where that may help.
   * @throws HubError in one sentence; the signal's reason where it was aborted
   */
  async ask(url: URL, ask: Ask = {}): Promise<IncomingMessage> {
    if (this.settings.network === 'offline')
      throw new HubError(
        `The network is off (HF_HUB_OFFLINE), and ${this.repo.name} is asked for there.`,
        undefined,
        'offline',
      );
    const { method = 'GET', effect = method === 'POST' ? 'once' : 'repeatable' } = ask;
    const clock = new RetryClock(this.settings.patience, this.options.signal);
    for (;;) {
      const followed = await this.follow(url, ask).catch((error: unknown) => error as Error);
      if (followed instanceof Error) {
        this.options.signal?.throwIfAborted();
        if (followed instanceof HubError || effect === 'once') throw this.named(followed, url);
        if (!(isPassing(followed) && (await clock.wait()))) throw this.named(followed, url);
        continue;
      }
      const { answer } = followed;
      const { statusCode: status = 0 } = answer;
      if ((status >= 200 && status < 300) || ask.accept?.includes(status)) return answer;
      const wasRefused = status === 429 || status === 503; // the request had no effect
      if (isPassing(status) && (wasRefused || effect === 'repeatable')) {
        answer.resume();
        if (await clock.wait(answer.headers['retry-after'])) continue;
      }
      throw await this.refusal(followed);
    }
  }

  /** `fetch` for @huggingface/hub, whose own handling of tokens is not used: its header is thrown away. */
  readonly fetch: typeof fetch = async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : String(input));
    const { body, method } = init;
    const headers = Object.fromEntries(new Headers(init.headers));
    delete headers.authorization;
    if (method === undefined || method === 'GET') this.refuseElsewhere(url);
    const answer = await this.ask(url, {
      method,
      headers,
      body:
        typeof body === 'string' ? Buffer.from(body) : ((body ?? undefined) as Body | undefined),
      effect: isCommitUrl(url) ? 'once' : 'repeatable',
      onSent: method === 'PUT' ? this.onSent : undefined,
    });
    const response = new Response(
      answer.statusCode === 204 ? null : (Readable.toWeb(answer) as ReadableStream),
      { status: answer.statusCode ?? 200, headers: plainHeaders(answer) },
    );
    return Object.defineProperty(response, 'url', { value: url.href });
  };

  private refuseElsewhere(url: URL): void {
    if (url.origin === this.settings.endpoint.origin) return;
    throw new HubError(
      `The hub's list of ${this.repo.name} goes on at ${url.origin}, which is another host and is not asked.`,
      undefined,
      'damaged',
    );
  }

  private async follow(start: URL, ask: Ask): Promise<Followed> {
    const { settings, options } = this;
    let url = start;
    for (let n = 0; n <= MOST_REDIRECTS; n++) {
      this.checkUrl(url);
      const isHub = url.origin === settings.endpoint.origin;
      const answer = await exchange(url, {
        method: ask.method ?? 'GET',
        headers: {
          'User-Agent': AGENT,
          'Accept-Encoding': 'identity', // lengths and ranges are those of the file
          ...ask.headers,
          ...(isHub && settings.token ? { Authorization: settings.token.authorization() } : {}),
        },
        ...{ body: ask.body, onSent: ask.onSent, signal: options.signal, env: settings.env },
        // Before it answers a commit, the hub looks at every file in it.
        stallMs: settings.patience.stallMs * (ask.method === 'POST' ? 10 : 1),
      });
      const { statusCode = 0, headers } = answer;
      if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined)
        return { answer, url };
      answer.resume();
      if (!URL.canParse(headers.location, url.href)) break;
      url = new URL(headers.location, url);
    }
    throw new HubError(
      `The hub redirects ${shownUrl(start)} without end or to no address.`,
      undefined,
      'damaged',
    );
  }

  /** Over the network everything is encrypted; a hub on this machine may send to this machine. */
  private checkUrl(url: URL): void {
    const isLocal =
      url.protocol === 'http:' && isLoopback(url) && isLoopback(this.settings.endpoint);
    if (url.protocol === 'https:' || isLocal) return;
    throw new HubError(
      `The hub redirects to ${shownUrl(url)}, which is not https and is not asked.`,
      undefined,
      'damaged',
    );
  }

  private async refusal({ answer, url }: Followed): Promise<HubError> {
    const { endpoint, token } = this.settings;
    const status = answer.statusCode ?? 0;
    const body = await bodyText(answer, MOST_ERROR_BYTES).catch(() => ''); // the status says enough
    if (url.origin !== endpoint.origin)
      return new HubError(
        `${url.host}, where the hub keeps files of ${this.repo.name}, answered ${status}; try again later.`,
        status,
      );
    const header = (name: string) => String(answer.headers[name] ?? '');
    const refusal = {
      status,
      code: header('x-error-code'),
      told: this.clean(header('x-error-message') || errorField(body)),
      token: token ? 'sent' : 'none',
    } as const;
    return new HubError(refusalText(this.repo, endpoint, refusal), status);
  }

  /** An error of the network as a sentence: the host, never a query or a header. */
  private named(error: Error, url: URL): Error {
    if (error instanceof HubError) return error;
    const { code } = error as NodeJS.ErrnoException | StallError;
    const reason = code === 'ESTALLED' ? error.message : (code ?? error.message);
    return new HubError(
      this.clean(
        `${url.host} cannot be reached (${reason}); check the network, HTTPS_PROXY and HF_ENDPOINT.`,
      ),
      undefined,
      'unreachable',
    );
  }

  private clean(text: string): string {
    const line = text.replace(/\s+/g, ' ').trim().slice(0, 300);
    return this.settings.token?.removedFrom(line) ?? line;
  }
}

const isCommitUrl = ({ pathname }: URL) => /\/commit\/[^/]+$|\/repos\/create$/.test(pathname);

function errorField(body: string): string {
  try {
    const { error, message } = JSON.parse(body) as Record<string, unknown>;
    return String(error ?? message ?? '');
  } catch {
    return ''; // no JSON: a page for people, or nothing
  }
}

function plainHeaders({ headers }: IncomingMessage): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
}

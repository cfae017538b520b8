/** Proxies as the environment names them, and tunnels through them. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { HubError } from './hub-error';
import { isLoopback } from './settings';

/**
 * The proxy for a URL, by `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` in either case. What is sent in the clear goes to this
 * machine only, and never through a proxy.
 */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv): URL | undefined {
  if (url.protocol !== 'https:' || isLoopback(url) || isExcepted(url, env)) return undefined;
  const value = named(env, 'https_proxy') ?? named(env, 'all_proxy');
  if (value === undefined) return undefined;
  const text = value.includes('://') ? value : `http://${value}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy && /^https?:$/.test(proxy.protocol)) return proxy;
  throw new RangeError(
    'HTTPS_PROXY should be the address of an HTTP proxy, such as http://host:port.',
  );
}

const named = (env: NodeJS.ProcessEnv, name: string) =>
  (env[name] || env[name.toUpperCase()] || undefined)?.trim();

/** `NO_PROXY`: host names and endings of them, with or without a port; `*` is all. */
function isExcepted({ hostname, port }: URL, env: NodeJS.ProcessEnv): boolean {
  const entries = (named(env, 'no_proxy') ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  return entries.some((entry) => {
    if (entry === '*') return true;
    const [, host = '', only] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (only !== undefined && only !== (port || '443')) return false;
    return hostname === host || hostname.endsWith(`.${host}`);
  });
}

export interface TunnelOptions {
  readonly stallMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** An encrypted connection to the URL's host through a proxy, which sees only the host's name. */
export async function tunnel(url: URL, proxy: URL, options: TunnelOptions): Promise<Socket> {
  const raw = await connectThrough(url, proxy, options);
  return tlsConnect({ socket: raw, servername: url.hostname, ALPNProtocols: ['http/1.1'] });
}

function loginHeader({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const login = [username, password].map(decodeURIComponent).join(':');
  return { 'Proxy-Authorization': `Basic ${Buffer.from(login).toString('base64')}` };
}

function connectThrough(url: URL, proxy: URL, { stallMs, signal }: TunnelOptions): Promise<Socket> {
  const authority = `${url.hostname}:${url.port || '443'}`;
  const headers = { Host: authority, ...loginHeader(proxy) };
  const ask = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
  const { hostname, port, protocol } = proxy;
  const where = { hostname, port: port || (protocol === 'https:' ? 443 : 80), path: authority };
  return new Promise((done, failed) => {
    const request = ask({
      ...where,
      method: 'CONNECT',
      headers,
      agent: false,
      ...(signal ? { signal } : {}),
    });
    const refuse = (reason: string) => {
      const text = `The proxy ${proxy.host} gives no way to ${authority}: ${reason}.`;
      failed(signal?.aborted ? signal.reason : new HubError(text, undefined, 'unreachable'));
    };
    request.setTimeout(stallMs, () =>
      request.destroy(new Error(`no answer for ${stallMs / 1000} s`)),
    );
    request.once('connect', ({ statusCode = 0 }: IncomingMessage, socket: Socket) => {
      socket.setTimeout(0);
      if (statusCode === 200) done(socket);
      else {
        socket.destroy();
        refuse(`it answered ${statusCode}`);
      }
    });
    request.once('response', (answer) => {
      answer.destroy();
      refuse(`it answered ${answer.statusCode}`);
    });
    request.once('error', (error) => refuse(error.message));
    request.end();
  });
}

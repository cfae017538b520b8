/**
 * Downloads a repository, and tells as JSON the digests of its files and how many connections were opened.
 * Run as: node --import tsx test/torture/downloader.ts NAME, with the hub in HF_ENDPOINT and the cache in HF_HUB_CACHE
 */
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { resolve } from '../../src/hub/remote/resolve';
import { sha256 } from '../support/mock-hub-store';

let connections = 0;
const connect = Socket.prototype.connect;
Socket.prototype.connect = function (this: Socket, ...given: unknown[]) {
  connections += 1;
  return Reflect.apply(connect, this, given);
} as typeof connect;

async function main(name: string): Promise<void> {
  const patience = { stallMs: 2000, backoffMs: 10 };
  const { files } = await resolve(name, { files: ['**'], patience });
  const digests = files.map((file) => sha256(readFileSync(file)));
  process.stdout.write(`${JSON.stringify({ digests, connections })}\n`);
}

main(process.argv[2] ?? '').catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});

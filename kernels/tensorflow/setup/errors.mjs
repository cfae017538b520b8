// What can be missing, in one sentence, with the command that installs it.

/** A reason to stop that the user can act on; its message is one whole sentence. */
export class SetupError extends Error {}

const commands = {
  compiler: ['sudo apt install g++', 'sudo dnf install gcc-c++', 'xcode-select --install'],
  python: [
    'sudo apt install python3 python3-venv python3-pip',
    'sudo dnf install python3 python3-pip',
    'brew install python',
  ],
  venv: [
    'sudo apt install python3-venv python3-pip',
    'sudo dnf install python3 python3-pip',
    'brew install python',
  ],
  npm: ['sudo apt install npm', 'sudo dnf install nodejs-npm', 'brew install node@22'],
};

/** @param what a clause ("No C++ compiler was found") @param kind which row of commands mends it */
export function missing(what, kind) {
  const [debian, fedora, macos] = commands[kind];
  return new SetupError(
    `${what}; install it with "${debian}" (Debian, Ubuntu), "${fedora}" (Fedora) or "${macos}" (macOS).`,
  );
}

const noSpace = /no space left on device|ENOSPC|disk quota exceeded/i;
const noNetwork = new RegExp(
  [
    'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|getaddrinfo', // npm
    'name resolution|failed to resolve|network is unreachable|connection (refused|reset|timed out)',
    'max retries exceeded|failed to establish a new connection|read timed out|ProxyError|connect to proxy', // pip
    'no matching distribution found',
  ].join('|'),
  'i',
);
const badCertificate =
  /CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER_CERT|SSLError/i;
const badHash = /EINTEGRITY|do not match the hashes|HashMismatch|sha256 .* expected/i;

/** Turns what a failed child program printed into one sentence about its cause. */
export function explain(doing, output) {
  if (noSpace.test(output)) {
    return new SetupError(
      `The disk is full while ${doing}; free about 3 GB ("df -h ." shows what is left) and run the same command again.`,
    );
  }
  if (badHash.test(output)) {
    return new SetupError(
      `A download has another hash than the pinned one while ${doing}, so nothing of it was used; run the same command again, and if it stays so, look at your mirror.`,
    );
  }
  if (badCertificate.test(output)) {
    return new SetupError(
      `The server's certificate was refused while ${doing}; behind a proxy with its own certificate set NODE_EXTRA_CA_CERTS and PIP_CERT to its file, then run the same command again.`,
    );
  }
  if (noNetwork.test(output)) {
    return new SetupError(
      `The network could not be reached while ${doing}; connect, or set HTTPS_PROXY, "npm config set registry" and "pip config set global.index-url" for your network, then run the same command again to go on.`,
    );
  }
  const lines = output
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const telling = lines.filter((line) => /error/i.test(line)).at(-1) ?? lines.at(-1) ?? 'no output';
  return new SetupError(
    `Something failed while ${doing} (${telling}); the whole output is in .cache/setup.log.`,
  );
}

/** Who we are: content of `kernel_info_reply`; part of it lands in every saved notebook. */
import type { Json } from './wire';

export function kernelInfo(): Json {
  // The compiler itself is a second's load, and known to have this version.
  const { version } = require('@tslab/typescript-for-tslab/package.json');
  return {
    status: 'ok',
    protocol_version: '5.4',
    implementation: 'diffusion-dpo-typescript',
    implementation_version: '1.0.0',
    banner: `TypeScript ${version} on Node ${process.versions.node}`,
    help_links: [],
    debugger: false,
    language_info: {
      name: 'typescript',
      version,
      mimetype: 'text/typescript',
      file_extension: '.ts',
      pygments_lexer: 'typescript',
      codemirror_mode: { mode: 'typescript', name: 'javascript', typescript: true },
      nbconvert_exporter: 'script',
    },
  };
}

/** Who we are: content of `kernel_info_reply`; part of it lands in every saved notebook. */
import type { Json } from './wire';

export function kernelInfo(typescriptVersion: string): Json {
  return {
    status: 'ok',
    protocol_version: '5.4',
    implementation: 'diffusion-dpo-typescript',
    implementation_version: '1.0.0',
    banner: `TypeScript ${typescriptVersion} on Node ${process.versions.node}`,
    help_links: [],
    debugger: false,
    language_info: {
      name: 'typescript',
      version: typescriptVersion,
      mimetype: 'text/typescript',
      file_extension: '.ts',
      pygments_lexer: 'typescript',
      codemirror_mode: { mode: 'typescript', name: 'javascript', typescript: true },
      nbconvert_exporter: 'script',
    },
  };
}

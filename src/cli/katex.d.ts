/** The one function used; the package's own types are out of reach of `moduleResolution: node10`. */
declare module 'katex' {
  export interface KatexOptions {
    readonly displayMode?: boolean;
    readonly output?: 'html' | 'mathml' | 'htmlAndMathml';
    readonly throwOnError?: boolean;
  }
  export function renderToString(tex: string, options?: KatexOptions): string;
}

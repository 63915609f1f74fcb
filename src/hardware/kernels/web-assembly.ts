/** The little of WebAssembly's JavaScript API that is used here: TypeScript keeps it with the browser's types. */

export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
  /** By so many pages of 64 KiB. */
  grow(pages: number): number;
}

interface Api {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: WasmMemory } },
  ) => { readonly exports: object };
  readonly Memory: new (limits: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => WasmMemory;
}

declare const WebAssembly: Api | undefined;

/** Undefined where the host has none. */
export function webAssembly(): Api | undefined {
  return typeof WebAssembly === 'undefined' || typeof SharedArrayBuffer === 'undefined' ? undefined : WebAssembly;
}

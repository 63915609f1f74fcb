/** Page kernels with a memory of their own: WebAssembly's where the host has it, else the twin in TypeScript. */
import type { PageKernels } from './page-kernels.ts';
import { TypescriptKernels } from './typescript-kernels.ts';
import { WasmKernels, wasmIsThere } from './wasm-kernels.ts';

export interface KernelOptions {
  /** What all arrays together may take; 256 MiB unless told. WebAssembly reserves it and takes it as it is lent. */
  readonly memoryBytes?: number;
  /** `typescript` where the twin is wanted; else WebAssembly where the host has it. */
  readonly kind?: 'wasm' | 'typescript';
}

const MEMORY_BYTES = 256 * 2 ** 20;

/** Kernels with a memory of their own. Throws when WebAssembly is asked for and not there. */
export function createKernels({ memoryBytes = MEMORY_BYTES, kind }: KernelOptions = {}): PageKernels {
  const wasm = kind === undefined ? wasmIsThere() : kind === 'wasm';
  return wasm ? new WasmKernels(memoryBytes) : new TypescriptKernels(memoryBytes);
}

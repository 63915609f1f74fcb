/**
 * What goes wrong in the hardware itself and no wrapper can play from outside: what a driver that models hardware lets
 * happen when it is told. A driver of real hardware has none of it; nobody asks a real host to die.
 */
import type { DeviceState, Errno } from '../../machines/words.ts';
import type { Command } from '../core/effect.ts';

/** What happens in the world by itself, whatever is asked for. Times in ns; a `forNs` of null is for ever. */
export type WorldEvent =
  /** The guest resets one of its devices by itself (FLR). A guest that stands still does when it runs again. */
  | { readonly happens: 'guest-reset'; readonly device: string }
  /** So many bytes of new initial data in a device that is in pre-copy; elsewhere nothing. */
  | { readonly happens: 'initial-bytes-again'; readonly device: string; readonly bytes: number }
  /** Nothing gets over the link. What is on its way stands, and goes on if the connection lives that long. */
  | { readonly happens: 'link-down'; readonly forNs: number | null }
  /** `percent` of its bandwidth is left. */
  | { readonly happens: 'link-slow'; readonly percent: number; readonly forNs: number | null }
  /** The process over there ends, running guest and all. `silent`: its host lost power, and nothing refuses a connection. */
  | { readonly happens: 'destination-dies'; readonly silent?: true }
  /** The host that the guest came from stops, all of it at once, and answers nothing any more. */
  | { readonly happens: 'source-dies' };

/** What an operator makes other in the world from now on; absent: as it was. Rates in bytes per second. */
export interface WorldChange {
  readonly linkBytesPerSecond?: number;
  /** QEMU's max-bandwidth; 0: none. */
  readonly maxBandwidthBytesPerSecond?: number;
}

export interface Mishaps {
  /**
   * The SET of this id will fail with `errno` and rest in `restsIn`: a state on its way, its target (the device gets there,
   * and the stream that it opened is dropped), or ERROR. Where that is not on its way, it rests where it began. Told
   * before the command is performed.
   */
  failSet(command: Command<'setDeviceState'>, errno: Errno, restsIn: DeviceState): void;
  /** What the collect of this id takes out of a log, nobody gets. Told before the command is performed. */
  lose(command: Command<'reportDirty' | 'getDirtyLog'>): void;
  /** For what begins from now on: what is on the wire goes on as it began. */
  become(change: WorldChange): void;
  /** Throws a RangeError for a device that is not there. */
  happen(event: WorldEvent): void;
}

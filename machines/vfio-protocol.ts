/**
 * What is said to the device chart and by it: the input it is started with, its events (system calls and what happens to
 * hardware), its facts (their answers), and its context.
 */
import type { DeviceState, Errno, FeatureMask } from './words.ts';

export interface DeviceInput {
  readonly features: FeatureMask;
  /** Where the device is found. Default RUNNING: the state after open and after reset. It is reached by arcs, so a stream may be open. */
  readonly initial?: DeviceState;
  /** Size of the part that can be read early, in PRE_COPY*. A session without pre-copy reads it in STOP_COPY. Default 0. */
  readonly initialBytes?: number;
  /** Size of the part that exists only once the device has stopped. Default 0. */
  readonly stopCopyBytes?: number;
  /**
   * Where RESUMING to STOP leaves the device when the image is incomplete or bad: in RESUMING, or in ERROR. `unseen`: the image does
   * not pass through this chart (a mirror), the real device has judged it.
   */
  readonly onBadImage: 'stay' | 'error' | 'unseen';
  /** What that SET then fails with. The uAPI leaves it to the driver; default EIO. */
  readonly badImageErrno?: Errno;
}

/** A way being walked: a SET that is not answered yet, or a read-back that is followed. */
export interface Walk {
  readonly why: 'set' | 'read-back';
  readonly target: DeviceState;
  readonly walk: 'whole' | 'stepwise';
  /** One arc of a stepwise walk may be taken. */
  readonly arcDue: boolean;
  /** Session that the latest arc opened, else -1. Only the last arc of a way ever opens one. */
  readonly opened: number;
  readonly handOutErrno: Errno | null;
}

export interface DeviceContext {
  readonly features: FeatureMask;
  readonly initialSizeBytes: number;
  readonly stopCopySizeBytes: number;
  readonly onBadImage: 'stay' | 'error' | 'unseen';
  readonly badImageErrno: Errno;
  /** The state's own name, for guards, which cannot see it. */
  readonly at: DeviceState;
  readonly walk: Walk | null;
  readonly stream: 'none' | 'saving' | 'resuming';
  /** Number of the latest session, and so of its data_fd; 0 while there was none. */
  readonly session: number;
  /** Not yet read of the saving session, in the order of reading. */
  readonly initialBytes: number;
  readonly dirtyBytes: number;
  readonly stopCopyBytes: number;
  /** What was written to the resuming session. */
  readonly image: { readonly bytes: number; readonly complete: boolean; readonly bad: boolean };
  readonly reinitOptedIn: boolean;
  /** New initial data came after the opt-in, and no info query has told it yet. */
  readonly reinitUntold: boolean;
}

type Of<T extends string, D = unknown> = T extends string ? { readonly type: T } & Readonly<D> : never;

/** `session` names the fd that is used; without it, the latest. */
export type DeviceEvent =
  /**
   * VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE SET. `handOutErrno`: the device will get there, but a new data_fd cannot be handed out
   * (EMFILE: descriptor table full; EFAULT: bad user pointer).
   */
  | Of<'SET', { target: DeviceState; walk: 'whole' | 'stepwise'; handOutErrno?: Errno }>
  /** The next arc of a stepwise SET is done. */
  | Of<'ARC'>
  /** The next arc failed. `here`: undone, the device rests where this arc began. ERROR is also told to a mirror, with no SET under way. */
  | Of<'ARC_FAILED', { errno: Errno; rests: 'here' | 'ERROR' }>
  /** For a mirror: a GET, or a SET that succeeded, says where the real device is. */
  | Of<'STATE_READ_BACK', { state: DeviceState }>
  /** VFIO_DEVICE_RESET, or the guest's own function-level reset. */
  | Of<'RESET'>
  | Of<'READ', { bytes: number; session?: number }>
  | Of<'GET_PRECOPY_INFO', { session?: number }>
  /** GET of VFIO_DEVICE_FEATURE_MIG_DATA_SIZE. */
  | Of<'MIG_DATA_SIZE'>
  /** The running device changed state that had already been read. */
  | Of<'STATE_CHANGED', { bytes: number }>
  /** SET of VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2 (Linux 7.1). */
  | Of<'REINIT_OPT_IN'>
  /** New initial data came in pre-copy; `initialBytes` is all that is unread now. */
  | Of<'REINITIALISED', { initialBytes: number }>
  /** write() to the data_fd. `complete`: with the image's last byte; `bad`: the driver will find it invalid. */
  | Of<'IMAGE_WRITTEN', { bytes: number; complete: boolean; bad?: boolean; session?: number }>;

/** What the chart emits. An answer with `errno` is that call's failure. */
export type DeviceFact =
  /** `stream`: the new session, whose fd the SET returns; -1 when it returns none. */
  | Of<'SET_DONE', { state: DeviceState; stream: number }>
  /** `state`: where the device rests now, which need not be where it was. */
  | Of<'SET_FAILED', { errno: Errno; target: DeviceState; state: DeviceState }>
  | Of<'RESET_DONE', { from: DeviceState }>
  | Of<'SAVING_STREAM_OPENED' | 'SAVING_STREAM_CONTINUED' | 'SAVING_STREAM_ENDED', { session: number }>
  | Of<'RESUMING_STREAM_OPENED' | 'RESUMING_STREAM_ENDED', { session: number }>
  /** Not ended by an arc: by reset, by ERROR, or because its fd could not be handed out. */
  | Of<'STREAM_DIED', { session: number; stream: 'saving' | 'resuming' }>
  /** A read of 0 bytes in STOP_COPY is the end, for good. */
  | Of<'READ_ANSWERED' | 'WRITE_ANSWERED', { session: number; bytes: number } | { errno: Errno }>
  | Of<'PRECOPY_INFO_ANSWERED', { initialBytes: number; dirtyBytes: number; reinit: boolean } | { errno: Errno }>
  | Of<'MIG_DATA_SIZE_ANSWERED', { stopCopyBytes: number }>
  | Of<'REINIT_OPT_IN_ANSWERED', { errno?: Errno }>
  /** A read-back named a state that a device with these features cannot be in: not followed. */
  | Of<'READ_BACK_REFUSED', { state: DeviceState }>;

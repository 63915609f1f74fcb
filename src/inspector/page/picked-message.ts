/** Which message of the sequence somebody points at: shown with the record that it belongs to. */
import { signal } from '@preact/signals';

export interface PickedMessage {
  readonly run: string;
  readonly position: number;
  readonly told: number;
}

export const pickedMessage = signal<PickedMessage | undefined>(undefined);

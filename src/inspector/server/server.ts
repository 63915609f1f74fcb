/**
 * The inspector's server: node:http on loopback, for one person's browser on the same machine. It keeps nothing of a visitor,
 * and outlives each of them; what goes wrong with one request is answered with a sentence and ends nothing else.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { RefusedError, refuse } from './answer.ts';
import { refusalOf } from './gate.ts';
import { answer, type Served } from './routes.ts';

export interface InspectorServer {
  readonly port: number;
  readonly url: string;
  /** Ends every connection. */
  close(): Promise<void>;
}

export interface ServerOptions extends Served {
  /** Any free one unless given. */
  readonly port?: number | undefined;
  /** Told of what should not have gone wrong. */
  readonly onBug?: ((error: unknown) => void) | undefined;
}

const LOOPBACK = '127.0.0.1';

/** Rejects with what `listen` says: EADDRINUSE, EACCES. */
export async function startServer({ port: wanted = 0, onBug, ...served }: ServerOptions): Promise<InspectorServer> {
  let port = 0;
  const server = createServer((request, response) => {
    // Who went away in the middle is no error of ours.
    response.on('error', () => {});
    request.on('error', () => {});
    const refusal = refusalOf(request, port);
    if (refusal !== undefined) {
      refuse(response, refusal.status, refusal.error);
      return;
    }
    answer(served, request, response).catch((error: unknown) => explain(error, request, response, onBug));
  });
  server.on('clientError', (_error, socket) => {
    const { writable } = socket as Socket;
    if (writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: wanted, host: LOOPBACK }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  ({ port } = server.address() as AddressInfo);
  return {
    port,
    url: `http://${LOOPBACK}:${port}/`,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

/** What a person can do something about, by the error's name, so that nothing has to be loaded to say it. */
const ASKED_WRONG = [
  'BranchError',
  'ScenarioError',
  'PolicyError',
  'UsageError',
  'RecoveryError',
  'JournalError',
  'MemoryMapError',
];

function explain(
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  onBug: ServerOptions['onBug'],
): void {
  // What was posted and not read would be taken for the next request.
  if (!request.complete) response.shouldKeepAlive = false;
  // Nobody waits for the answer any more; what was under way for it may have been ended for that.
  if (response.destroyed) return;
  if (error instanceof RefusedError) {
    refuse(response, error.status, error.message);
    return;
  }
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) };
  const isAsked = ASKED_WRONG.includes(name);
  if (!isAsked) onBug?.(error);
  refuse(response, isAsked ? 400 : 500, isAsked ? message : `this should not have gone wrong: ${message}`);
}

/** How this server answers: headers that keep a page to itself, JSON, and sentences for what is refused. */
import type { ServerResponse } from 'node:http';

/** Scripts and data from here alone; inline styles are set by the pictures and by plots. */
export const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const ALWAYS = {
  'content-security-policy': CONTENT_POLICY,
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

/** What a person asked for and cannot have, with the status that goes with it. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly status: number;

  constructor(status: number, sentence: string) {
    super(sentence);
    this.status = status;
  }
}

/** `more`: headers of this one answer. */
export function begin(
  response: ServerResponse,
  status: number,
  type: string,
  more: Readonly<Record<string, string | number>> = {},
): void {
  response.writeHead(status, { ...ALWAYS, 'content-type': type, ...more });
}

export function send(response: ServerResponse, type: string, body: string | Uint8Array, status = 200): void {
  begin(response, status, type, { 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

export function sendJson(response: ServerResponse, value: unknown): void {
  send(response, JSON_TYPE, JSON.stringify(value));
}

export function refuse(response: ServerResponse, status: number, error: string): void {
  // Half an answer must not look like a whole one.
  if (response.headersSent) response.destroy();
  else send(response, JSON_TYPE, JSON.stringify({ error }), status);
}

const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * Who may ask: a page of this server, in a browser on this machine, and nobody else.
 *
 * The server listens on loopback, but every page that a browser shows can send requests there, and a name that an attacker
 * owns can be made to point there. So each request must name this server in `Host`, and must not come from another origin as
 * far as the browser tells (`Origin`, `Sec-Fetch-Site`); what changes something must say that it comes from this one.
 */
import type { IncomingMessage } from 'node:http';

export interface Refusal {
  readonly status: number;
  readonly error: string;
}

const METHODS: readonly (string | undefined)[] = ['GET', 'HEAD', 'POST'];
const NAMES = ['127.0.0.1', 'localhost'];
/** Of requests from this very page, or typed by a person; `same-site` would be any other server on loopback. */
const OWN_SITES: readonly (string | undefined)[] = [undefined, 'same-origin', 'none'];

/** Undefined for a request that may be answered. `port`: the one that the server listens on. */
export function refusalOf({ method, headers }: IncomingMessage, port: number): Refusal | undefined {
  const hosts = NAMES.flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]));
  if (!hosts.includes(headers.host ?? '')) return forbidden(`Host: expected ${hosts.join(' or ')}`);
  const { origin } = headers;
  const isOwn = hosts.some((host) => origin === `http://${host}`);
  if (origin !== undefined && !isOwn) return forbidden('Origin: only pages of this server may ask');
  if (!OWN_SITES.includes(headers['sec-fetch-site'] as string | undefined)) {
    return forbidden('Sec-Fetch-Site: only pages of this server may ask');
  }
  if (!METHODS.includes(method)) return { status: 405, error: `${method}: only GET, HEAD and POST are understood` };
  if (method !== 'POST') return undefined;
  if (!isOwn) return forbidden('Origin: a POST must say that it comes from a page of this server');
  const [type] = (headers['content-type'] ?? '').split(';');
  if (type?.trim().toLowerCase() !== 'application/json') {
    return { status: 415, error: 'Content-Type: expected application/json' };
  }
  return undefined;
}

const forbidden = (error: string): Refusal => ({ status: 403, error });

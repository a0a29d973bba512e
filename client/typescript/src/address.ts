// The address of a server as people write it.

import { isIPv6 } from "node:net";

/** Where siamese serve listens for gRPC where nothing else is said. */
export const defaultPort = 50051;

/** Where a server is and how it is spoken to. */
export interface Address {
  /** http://host:port or https://host:port; of a socket only the scheme counts. */
  baseUrl: string;
  /** The path of a unix socket. */
  socket?: string;
  /** Whether TLS is asked for; undefined where the address does not say. */
  tls: boolean | undefined;
}

const schemes: Record<string, { tls: boolean; port: number } | undefined> = {
  http: { tls: false, port: 80 }, https: { tls: true, port: 443 },
  grpc: { tls: false, port: defaultPort }, grpcs: { tls: true, port: defaultPort },
};

const expected = "expected host:port, http://host:port (plain text), https://host:port (TLS) or unix:/path";

/** How many bytes the path of a unix socket may have, which is the system's limit. */
const maxSocketPath = 107;

/**
 * Reads host:port or host, which means port 50051; http://, grpc:// (plain text), https://
 * and grpcs:// (TLS) with the scheme's port where none is written; dns:///host:port; unix:/path,
 * a socket of this machine. Throws TypeError, in words, for anything else.
 */
export function parseAddress(text: string): Address {
  const trimmed = text.trim();
  if (!trimmed) throw new TypeError(`received no address of a server, ${expected}`);
  if (/^\.?\//.test(trimmed)) throw new TypeError(`received the path ${quote(trimmed)}, expected unix:PATH for a socket`);
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+.-]*):(.*)$/is.exec(trimmed) ?? [];
  const known = schemes[scheme.toLowerCase()];
  if (scheme.toLowerCase() === "unix") return parseUnix(rest);
  if (known && rest.startsWith("//")) return parseHost(rest.slice(2), known.port, known.tls);
  if (scheme.toLowerCase() === "dns" && rest.startsWith("///")) return parseHost(rest.slice(3), defaultPort, undefined);
  if (rest.startsWith("//")) throw new TypeError(`received an address that begins with ${quote(`${scheme}://`)}, ${expected}`);
  return parseHost(trimmed, defaultPort, undefined);
}

function parseUnix(text: string): Address {
  const path = text.replace(/^\/\/(?=\/)/, "");
  if (path.startsWith("//")) throw new TypeError(`received the address ${quote(`unix:${text}`)}, expected unix:///absolute/path or unix:path`);
  if (!path.replaceAll("/", "")) throw new TypeError("received the address unix: without a path, expected unix:/path");
  const bytes = Buffer.byteLength(path);
  if (bytes > maxSocketPath) throw new TypeError(`received a socket's path of ${bytes} bytes, expected at most ${maxSocketPath}, which is the system's limit`);
  return { baseUrl: "http://localhost", socket: path, tls: undefined };
}

/** Reads host, host:port or either with a slash behind it. */
function parseHost(text: string, port: number, tls: boolean | undefined): Address {
  if (text.includes("@")) throw new TypeError(`received an address with a user in it, ${expected}; a token goes by the option token`);
  const host = text.replace(/\/$/, "");
  const after = /[/?#].*/.exec(host)?.[0];
  if (after) throw new TypeError(`received the address ${quote(host)} with ${quote(after)} behind the port, ${expected}`);
  const [name, at] = splitHost(host, port);
  return { baseUrl: `${tls ? "https" : "http"}://${name}:${at}`, tls };
}

/** Splits host:port; the host of the result is as a URL has it. */
function splitHost(text: string, port: number): [host: string, port: number] {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (isIPv6(bare)) return [`[${bare}]`, port];
  const [, host = text, after = ""] = /^(.*):([^:]*)$/s.exec(text) ?? [];
  const inner = /^\[(.*)\]$/.exec(host)?.[1];
  if (inner === undefined && host.includes(":")) {
    throw new TypeError(`received the address ${quote(text)}, expected an IPv6 address in brackets, as in [::1]:${defaultPort}`);
  }
  const name = inner ?? host;
  if (!name || /[\s[\]"'\\%<>^`{|}]/.test(name) || inner !== undefined && !isIPv6(inner)) {
    throw new TypeError(`received the address ${quote(text)}, ${expected}`);
  }
  const shown = inner === undefined ? name : `[${inner}]`;
  if (!after) return [shown, port];
  const number = /^\d+$/.test(after) ? Number(after) : 0;
  if (number >= 1 && number <= 65535) return [shown, number];
  throw new TypeError(`received port ${quote(after)} in the address ${quote(text)}, expected a number from 1 to 65535`);
}

function quote(text: string): string { return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text); }

// Trying calls again within their deadline.

import { errorOf, SiameseError } from "./errors.js";

/** When a call is tried again. */
export interface RetryOptions {
  /** How often a call is made at most, the first time included. Default 4. */
  attempts?: number;
  /**
   * The pause before the second try where the server names none, in milliseconds; it doubles
   * with each further one. It is shortened by up to half at random. Default 250.
   */
  minDelayMs?: number;
  /** The longest such pause, in milliseconds. Default 5000. */
  maxDelayMs?: number;
}

/** RetryOptions with the defaults put in. */
export type RetryPolicy = Required<RetryOptions>;

export const defaultRetry: RetryPolicy = { attempts: 4, minDelayMs: 250, maxDelayMs: 5000 };

/** The policy of options. Throws RangeError where one is out of range. */
export function retryOf(options: RetryOptions): RetryPolicy {
  const policy = { ...defaultRetry, ...options };
  if (!(Number.isInteger(policy.attempts) && policy.attempts >= 1)) {
    throw new RangeError(`received retry.attempts ${policy.attempts}, expected a whole number from 1`);
  }
  if (!(policy.minDelayMs >= 0 && policy.maxDelayMs >= policy.minDelayMs)) {
    throw new RangeError(`received retry.minDelayMs ${policy.minDelayMs} and maxDelayMs ${policy.maxDelayMs}, expected 0 or more and the second no less than the first`);
  }
  return policy;
}

/** Time as retrying sees it, so that tests need not wait. */
export interface Clock {
  /** Milliseconds that only go up. */
  now(): number;
  /** Returns after milliseconds; throws when signal is aborted before. */
  sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void>;
  /** 0 to 1. */
  random(): number;
}

/** The real time. */
export const realClock: Clock = { now: () => performance.now(), sleep, random: Math.random };

/** Until when a call may last, and what ends it before. */
export class Deadline {
  readonly clock: Clock;
  private readonly signal: AbortSignal | undefined;
  private readonly end: number;

  constructor(timeoutMs: number, signal?: AbortSignal, clock: Clock = realClock) {
    this.clock = clock;
    this.signal = signal;
    this.end = clock.now() + timeoutMs;
  }

  /** Milliseconds that are left; throws DEADLINE_EXCEEDED where none are. */
  left(): number {
    const left = this.end - this.clock.now();
    if (left > 0) return Math.ceil(left); // gRPC takes whole ones
    throw new SiameseError("the deadline passed before the call was done", { code: "DEADLINE_EXCEEDED" });
  }

  /** Waits, unless that would last beyond the deadline: then it returns false at once. */
  async wait(milliseconds: number): Promise<boolean> {
    if (this.clock.now() + milliseconds >= this.end) return false;
    await this.clock.sleep(milliseconds, this.signal);
    return true;
  }
}

/**
 * Makes a call, and again where it failed with UNAVAILABLE or the server says when it can go
 * well, within the deadline. Throws the last try's SiameseError.
 */
export async function retrying<T>(call: (timeoutMs: number) => Promise<T>, policy: RetryPolicy, deadline: Deadline): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(deadline.left());
    } catch (thrown) {
      if (thrown instanceof TypeError || thrown instanceof RangeError) throw thrown; // the program's fault, not the call's
      const error = errorOf(thrown);
      const pause = pauseAfter(error, attempt, policy, deadline.clock);
      if (attempt >= policy.attempts || pause === undefined || !await deadline.wait(pause)) throw error;
    }
  }
}

/** Milliseconds to wait before the next try; undefined where another try is of no use. */
export function pauseAfter(error: SiameseError, attempt: number, policy: RetryPolicy, clock: Clock): number | undefined {
  if (error.code !== "UNAVAILABLE" && error.retryDelayMs === undefined) return undefined;
  const pause = Math.min(policy.maxDelayMs, policy.minDelayMs * 2 ** (attempt - 1));
  return (error.retryDelayMs ?? 0) + pause * (1 - clock.random() / 2);
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => { clearTimeout(timer); reject(cancelled(signal)); };
    const timer = setTimeout(() => { signal?.removeEventListener("abort", stop); resolve(); }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

/** The error of a call that its signal ended. */
export function cancelled(signal: AbortSignal | undefined): SiameseError {
  return new SiameseError("the call was cancelled by its signal", { code: "CANCELLED", cause: signal?.reason });
}

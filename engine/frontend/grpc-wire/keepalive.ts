/**
 * Keepalive of one connection by gRPC's rules: finds out that a silent peer has gone, and counts PINGs of a peer that
 * sends too many. Knows time and counts; what it decides is done by the connection.
 */
import type { Clock } from '../../../src/common/clock.js';
import { elapsed, type Instant, nanos } from '../../../src/common/units.js';
import { ConnectionError } from '../../../src/http2/http2-error.js';

/** Named after tritonserver's flags; the meaning is that of gRPC's channel arguments. */
export interface KeepaliveRules {
  /** Silence after which the peer is asked whether it is still there. */
  readonly timeMs: number;
  /** How long its answer may take. */
  readonly timeoutMs: number;
  /** Whether connections without calls are asked, and may ask, as well. */
  readonly permitsWithoutCalls: boolean;
  /** PINGs sent in a row while there is nothing else to send; undefined for any number. */
  readonly maxPingsWithoutData: number | undefined;
  /** A PING that comes sooner after the last one is a strike. */
  readonly minReceivedPingIntervalMs: number;
  /** Strikes that are forgiven; undefined for any number. */
  readonly maxPingStrikes: number | undefined;
}

/** gRPC's defaults for servers, which are tritonserver's. */
export const defaultKeepalive: KeepaliveRules = {
  timeMs: 7_200_000,
  timeoutMs: 20_000,
  permitsWithoutCalls: false,
  maxPingsWithoutData: 2,
  minReceivedPingIntervalMs: 300_000,
  maxPingStrikes: 2,
};

/** Between PINGs of a peer that has no calls open and may not ask without. */
const IDLE_PING_INTERVAL_MS = 7_200_000;

/** What keepalive sees of its connection and does to it. */
export interface KeepaliveHost {
  hasCalls(): boolean;
  /** Grows whenever header fields, messages or window updates are sent. */
  sentCount(): number;
  sendPing(): void;
  /** The peer is not there any more. */
  onLost(): void;
}

export class Keepalive {
  private readonly rules: KeepaliveRules;
  private readonly clock: Clock;
  private readonly host: KeepaliveHost;
  private timer: NodeJS.Timeout;
  private heardAt: Instant;
  private isAsking = false;
  private pingsSent = 0;
  private sentAtPing = 0;
  private strikes = 0;
  private lastPingAt: Instant | undefined;
  private sentAtReceivedPing = 0;

  constructor(rules: KeepaliveRules, clock: Clock, host: KeepaliveHost) {
    this.rules = rules;
    this.clock = clock;
    this.host = host;
    this.heardAt = clock.now();
    this.timer = this.wait(rules.timeMs);
  }

  /** Bytes came. */
  onHeard(): void {
    this.heardAt = this.clock.now();
    this.isAsking = false;
  }

  /** A PING came that is no answer. Throws ConnectionError once there were too many. */
  onPing(): void {
    const { rules, lastPingAt } = this;
    const sent = this.host.sentCount();
    const now = this.clock.now();
    this.lastPingAt = now;
    if (sent !== this.sentAtReceivedPing) {
      this.sentAtReceivedPing = sent;
      this.strikes = 0;
      return;
    }
    const isIdle = !rules.permitsWithoutCalls && !this.host.hasCalls();
    const intervalMs = isIdle ? IDLE_PING_INTERVAL_MS : rules.minReceivedPingIntervalMs;
    if (lastPingAt === undefined || elapsed(lastPingAt, now) >= nanos(intervalMs * 1e6)) return;
    this.strikes++;
    if (rules.maxPingStrikes === undefined || this.strikes <= rules.maxPingStrikes) return;
    throw new ConnectionError('ENHANCE_YOUR_CALM', 'too_many_pings');
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private wait(delayMs: number): NodeJS.Timeout {
    const timer = setTimeout(() => this.look(), Math.min(delayMs, 0x7fff_ffff));
    timer.unref();
    return timer;
  }

  private look(): void {
    if (this.isAsking) {
      this.host.onLost();
      return;
    }
    const { timeMs } = this.rules;
    const silenceMs = elapsed(this.heardAt, this.clock.now()) / 1e6;
    if (silenceMs < timeMs) this.timer = this.wait(Math.ceil(timeMs - silenceMs));
    else if (this.mayAsk()) this.ask();
    else this.timer = this.wait(timeMs);
  }

  private mayAsk(): boolean {
    const { permitsWithoutCalls, maxPingsWithoutData } = this.rules;
    if (!permitsWithoutCalls && !this.host.hasCalls()) return false;
    const sent = this.host.sentCount();
    if (sent !== this.sentAtPing) this.pingsSent = 0;
    this.sentAtPing = sent;
    return maxPingsWithoutData === undefined || this.pingsSent < maxPingsWithoutData;
  }

  private ask(): void {
    this.pingsSent++;
    this.isAsking = true;
    this.host.sendPing();
    this.timer = this.wait(this.rules.timeoutMs);
  }
}

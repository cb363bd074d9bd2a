/**
 * The instances that serve: who is there, who is being started or retired, and what becomes of a batch whose instance
 * dies. Changes are made one after the other; batches go on meanwhile.
 */
import { nowNs, systemClock } from '../../src/common/clock.js';
import { messageOf } from '../../src/common/errors.js';
import type { Nanos } from '../../src/common/units.js';
import type { OrtSession } from '../../src/onnxruntime/session.js';
import { createFixedRunner } from './fixed-runner.js';
import { InlineInstance } from './inline-instance.js';
import type { ModelSessionPlan } from './instance-messages.js';
import { type InstancePlan, isSamePlan } from './instance-plan.js';
import type { ServeOptions } from './instance-pool.js';
import { InstanceState } from './instance-state.js';
import { discardThreads, type InstanceThread, startThreads } from './instance-thread.js';
import { SharedSlots } from './shared-slots.js';
import type { SlotLayout } from './slot-layout.js';

/** So many deaths within this time, and the model is given up: it would only fail again. */
const MOST_DEATHS = 3;
const DEATHS_WITHIN_NS = 60e9;

/** Bytes; what cannot be known counts as nothing. */
export interface PoolMemoryUsage {
  /** Batch slots in the pinned memory pool. */
  readonly pooledBytes: number;
  /** Batch slots elsewhere. */
  readonly ordinaryBytes: number;
  /** What the sessions' CPU arenas have taken from the system; weights that ONNX Runtime keeps outside are not in it. */
  readonly arenaBytes: number;
}

/** What running batches on this thread takes. */
export interface InlineService {
  readonly session: OrtSession;
  /** False while another model keeps this thread from it. */
  readonly mayRun: () => boolean;
  /** Runs have become too long; threads run the model for so long. */
  readonly onPause?: (pause: Nanos) => void;
}

interface Member {
  readonly id: number;
  readonly plan: InstancePlan;
  readonly thread: InstanceThread;
  readonly state: InstanceState;
  /** True from the moment it was told to end. */
  isLeaving: boolean;
}

export class InstanceCrew {
  readonly #slots: SharedSlots;
  readonly #sessionPlan: ModelSessionPlan;
  readonly #options: ServeOptions;
  readonly #members = new Map<number, Member>();
  readonly #names: string[] = [];
  #inline: InlineInstance | undefined;
  /** The instance in whose name this thread ran a batch last. */
  #lastInline = -1;
  #plans: readonly InstancePlan[] = [];
  #deathsNs: readonly number[] = [];
  #isGivenUp = false;
  /** Ends when the latest change has; never rejects. */
  #changes: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #isClosed = false;

  constructor(slots: SharedSlots, sessionPlan: ModelSessionPlan, options: ServeOptions) {
    this.#slots = slots;
    this.#sessionPlan = sessionPlan;
    this.#options = options;
  }

  /** Instances that take batches. */
  get servingCount(): number {
    let count = 0;
    for (const { isLeaving } of this.#members.values()) if (!isLeaving) count++;
    return count;
  }

  nameOf(instance: number): string {
    return this.#names[instance] ?? 'unknown';
  }

  names(): readonly string[] {
    return [...this.#members.values()].filter(({ isLeaving }) => !isLeaving).map(({ plan }) => plan.name);
  }

  memoryUsage(): PoolMemoryUsage {
    let arenaBytes = 0;
    for (const { state } of this.#members.values()) arenaBytes += state.arenaBytes;
    if (!this.#isClosed) arenaBytes += this.#options.inline?.session.arenaBytes() ?? 0;
    return { ...this.#slots.memoryUsage(), arenaBytes };
  }

  /** True when this thread runs the batches that are placed now, and `onTurn` is called before it does. */
  arrangesTurn(): boolean {
    return this.#inline?.arrangesTurn() === true;
  }

  /** Lets threads that are ready take batches. */
  admit(threads: readonly InstanceThread[]): void {
    this.#plans = [...this.#plans, ...threads.map(({ plan }) => plan)];
    for (const thread of threads) this.#employ(thread);
  }

  /** Lets this thread run batches too. */
  admitInline({ session, mayRun, onPause }: InlineService, layout: SlotLayout): void {
    const inline = new InlineInstance({
      runner: createFixedRunner(session, layout),
      maxRows: layout.maxRows,
      slots: this.#slots,
      nextInstance: () => this.#nextInTurn(),
      mayRun: () => this.#allMayRunAnywhere() && mayRun(),
      clock: systemClock,
      onPause,
      onTurn: this.#options.onTurn,
    });
    this.#inline = inline;
    this.#slots.acceptsInline = () => inline.accepts();
  }

  /** See InstancePool.setInstances. */
  setPlans(plans: readonly InstancePlan[]): Promise<void> {
    if (plans.length === 0) throw new Error('a model needs at least one instance');
    return this.#change(async () => {
      const leaving = without(this.#plans, plans);
      const coming = without(plans, this.#plans);
      const threads = await startThreads(coming, this.#sessionPlan);
      if (this.#closing !== undefined) {
        await discardThreads(threads);
        throw new Error('the model is being closed');
      }
      this.#plans = plans;
      for (const thread of threads) this.#employ(thread);
      const retired = leaving.map((plan) => this.#retire(plan));
      this.#slots.setCount(this.#options.slotCountFor(plans.length));
      this.#options.onCapacity?.();
      await Promise.all(retired);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#inline?.stop();
    this.#slots.stop();
    for (const member of this.#members.values()) member.isLeaving = true;
    await Promise.all([...this.#members.values()].map(({ thread }) => thread.ended()));
    await this.#changes;
    this.#isClosed = true;
    this.#inline?.close();
    this.#options.inline?.session.close();
    this.#slots.close();
  }

  /** True when there are instances and none of them is bound to a place of its own. */
  #allMayRunAnywhere(): boolean {
    let isAny = false;
    for (const { plan, isLeaving } of this.#members.values()) {
      if (isLeaving) continue;
      if (plan.cpuCores !== undefined || plan.gpu !== undefined) return false;
      isAny = true;
    }
    return isAny;
  }

  #nextInTurn(): number {
    let first: number | undefined;
    let next: number | undefined;
    for (const { id, isLeaving } of this.#members.values()) {
      if (isLeaving) continue;
      first ??= id;
      if (id > this.#lastInline) next ??= id;
    }
    this.#lastInline = next ?? first ?? -1;
    return this.#lastInline;
  }

  #change<T>(make: () => Promise<T>): Promise<T> {
    const change = this.#changes.then(make);
    this.#changes = change.catch(() => undefined);
    return change;
  }

  #employ(thread: InstanceThread): void {
    const id = this.#names.push(thread.plan.name) - 1;
    const member: Member = { id, plan: thread.plan, thread, state: new InstanceState(), isLeaving: false };
    this.#members.set(id, member);
    thread.onExit((reason) => {
      this.#members.delete(id);
      if (!member.isLeaving) this.#bury(member, reason);
      this.#slots.dropInstance(id);
    });
    thread.post(this.#slots.createOrder(id, member.state));
  }

  async #retire(plan: InstancePlan): Promise<void> {
    const member = [...this.#members.values()].find((one) => !one.isLeaving && isSamePlan(one.plan, plan));
    // One that has just died is not there any more, and is not started again, because it is not wanted.
    if (member === undefined) return;
    member.isLeaving = true;
    member.state.retire();
    this.#slots.ring.wakeAll();
    await member.thread.ended();
  }

  /** Fails the batch of an instance that died, and starts another in its place unless too many have died. */
  #bury({ id, plan }: Member, reason: string): void {
    this.#slots.abandonedBy(id, reason);
    const now = nowNs();
    this.#deathsNs = [...this.#deathsNs.filter((death) => now - death < DEATHS_WITHIN_NS), now];
    if (this.#deathsNs.length >= MOST_DEATHS) this.#giveUp(reason);
    else {
      this.#options.onRestart?.(reason);
      void this.#change(() => this.#replace(plan)).catch(() => undefined);
    }
  }

  async #replace(plan: InstancePlan): Promise<void> {
    const isWanted = (): boolean =>
      this.#closing === undefined &&
      !this.#isGivenUp &&
      without(this.#plans, this.#servingPlans()).some((one) => isSamePlan(one, plan));
    if (!isWanted()) return;
    let threads: readonly InstanceThread[];
    try {
      threads = await startThreads([plan], this.#sessionPlan);
    } catch (thrown) {
      this.#giveUp(`model instance '${plan.name}' could not be started again: ${messageOf(thrown)}`);
      return;
    }
    if (!isWanted()) {
      await discardThreads(threads);
      return;
    }
    for (const thread of threads) this.#employ(thread);
    this.#options.onCapacity?.();
  }

  #servingPlans(): readonly InstancePlan[] {
    return [...this.#members.values()].filter(({ isLeaving }) => !isLeaving).map(({ plan }) => plan);
  }

  #giveUp(reason: string): void {
    if (this.#isGivenUp || this.#closing !== undefined) return;
    this.#isGivenUp = true;
    this.#options.onDeath(reason);
  }
}

/** The plans of `all` that `some` lacks; equal ones count as often as they are there. */
function without(all: readonly InstancePlan[], some: readonly InstancePlan[]): readonly InstancePlan[] {
  const left = [...some];
  return all.filter((plan) => {
    const place = left.findIndex((one) => isSamePlan(one, plan));
    if (place === -1) return true;
    left.splice(place, 1);
    return false;
  });
}

/** Lets ready threads serve from slots of their own. */
export function serveInstances(
  threads: readonly InstanceThread[],
  sessionPlan: ModelSessionPlan,
  options: ServeOptions,
): { readonly crew: InstanceCrew; readonly slots: SharedSlots } {
  const slots = new SharedSlots({ ...options, slotCount: options.slotCountFor(threads.length) });
  const crew = new InstanceCrew(slots, sessionPlan, options);
  crew.admit(threads);
  if (options.inline !== undefined && options.layout !== undefined) crew.admitInline(options.inline, options.layout);
  slots.watch();
  return { crew, slots };
}

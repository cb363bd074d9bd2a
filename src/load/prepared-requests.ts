/**
 * The requests that a worker has ready for one batch size and shape: their handles, what their answers should be, and
 * the shared memory their tensors lie in, if they do.
 */
import type { InferClient, RequestTemplate } from '../client/infer-client.js';
import type { ServerAdmin } from '../client/server-admin.js';
import { outputRooms, placeTensors, tensorBytes } from '../client/shared-memory/place-tensors.js';
import { SharedObject } from '../client/shared-memory/shared-object.js';
import type { InferOutput, RequestedOutput, Tensor } from '../kserve/tensor.js';
import type { LoadPlan } from '../plan/load-plan.js';
import type { ExchangeLog } from './exchange-log.js';
import { findDifference } from './input-data/compare-outputs.js';
import { distinctRequestCount, expectedOutputs, makeRequest, type RequestKind } from './request-set.js';

/** Places for outputs that nobody compares. */
const UNREAD_PLACES = 32;

interface WorkerPlace {
  readonly plan: LoadPlan;
  readonly workerIndex: number;
  /** Name of this worker's next region; undefined without shared memory. */
  readonly regionName: string | undefined;
}

/** Compares answers in the running level. */
export interface AnswerCheck {
  checkedCount: number;
  mismatchCount: number;
  /** The first difference that was found, in words. */
  firstMismatch: string | undefined;
}

export const newAnswerCheck = (): AnswerCheck => ({ checkedCount: 0, mismatchCount: 0, firstMismatch: undefined });

/** Whether answers have to be compared. */
export const comparesAnswers = (plan: LoadPlan): boolean =>
  plan.models.some(({ dataset }) => (dataset?.outputs.length ?? 0) > 0);

/** Whether answers have to be read. */
export const readsAnswers = (plan: LoadPlan): boolean => comparesAnswers(plan) || plan.keepsTensors === true;

interface ExpectedAnswer {
  /** What the request carries. */
  readonly inputs: readonly Tensor[];
  readonly outputs: () => readonly Tensor[];
  /** Where the request asked for its outputs. */
  readonly places: readonly RequestedOutput[];
}

export class PreparedRequests {
  /** By model. */
  readonly handles: readonly (readonly number[])[];
  /** The first request of each model. */
  readonly firsts: readonly RequestTemplate[];
  /** By handle. */
  readonly #expected: ReadonlyMap<number, ExpectedAnswer>;
  readonly #tolerance: number | undefined;
  readonly #region: SharedRegion | undefined;

  private constructor(
    client: InferClient,
    plain: readonly (readonly RequestTemplate[])[],
    kinds: readonly RequestKind[],
    { plan, workerIndex }: WorkerPlace,
    region: SharedRegion | undefined,
  ) {
    const expected = new Map<number, ExpectedAnswer>();
    const templates = region?.templates ?? plain;
    this.handles = templates.map((ofModel, model) =>
      ofModel.map((template, index) => {
        const handle = client.prepare(template);
        const outputs = once(() => expectedOutputs(kinds[model]!, workerIndex, index, plan.workerCount));
        const { inputs } = plain[model]![index]!;
        expected.set(handle, { inputs, outputs, places: template.outputs ?? [] });
        return handle;
      }),
    );
    this.firsts = templates.map(([first]) => first!);
    this.#expected = expected;
    this.#tolerance = plan.validationTolerance;
    this.#region = region;
  }

  /** Throws PerfTsError, such as TARGET_REFUSED for a server that does not take the shared memory. */
  static async create(
    client: InferClient,
    kinds: readonly RequestKind[],
    worker: WorkerPlace,
  ): Promise<PreparedRequests> {
    const { plan, workerIndex, regionName } = worker;
    const templates = kinds.map((kind) => {
      const count = distinctRequestCount(plan, kind);
      return Array.from({ length: count }, (_, index) => makeRequest(kind, workerIndex, index, plan.workerCount));
    });
    if (regionName === undefined) return new PreparedRequests(client, templates, kinds, worker, undefined);
    const region = await SharedRegion.create(regionName, templates, kinds, plan);
    return new PreparedRequests(client, templates, kinds, worker, region);
  }

  /** Counts an answer, and whether it is as expected. */
  compare(handle: number, outputs: readonly InferOutput[], check: AnswerCheck): void {
    const answer = this.#expected.get(handle);
    const expected = answer?.outputs() ?? [];
    if (answer === undefined || expected.length === 0) return;
    check.checkedCount++;
    const found = this.#region?.fetch(outputs, answer.places) ?? outputs;
    const difference = findDifference(expected, found, this.#tolerance);
    if (difference === undefined) return;
    check.mismatchCount++;
    check.firstMismatch ??= difference;
  }

  /** Notes what went in and out of a request. */
  note(handle: number, outputs: readonly InferOutput[], exchanges: ExchangeLog): void {
    const answer = this.#expected.get(handle);
    if (answer === undefined) return;
    exchanges.note(handle, answer.inputs, this.#region?.fetch(outputs, answer.places) ?? outputs);
  }

  /** Gives the shared memory back; never rejects. */
  async release(): Promise<void> {
    await this.#region?.release();
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** One region with the tensors of all of a worker's requests, known to the server. */
class SharedRegion {
  readonly templates: readonly (readonly RequestTemplate[])[];
  readonly #object: SharedObject;
  readonly #admin: ServerAdmin;
  readonly #name: string;

  private constructor(
    templates: readonly (readonly RequestTemplate[])[],
    object: SharedObject,
    admin: ServerAdmin,
    name: string,
  ) {
    this.templates = templates;
    this.#object = object;
    this.#admin = admin;
    this.#name = name;
  }

  static async create(
    name: string,
    templates: readonly (readonly RequestTemplate[])[],
    kinds: readonly RequestKind[],
    plan: LoadPlan,
  ): Promise<SharedRegion> {
    const requests = templates.flatMap((ofModel, model) => {
      const { model: load, batchSize } = kinds[model]!;
      const rows = load.hasBatchDimension ? batchSize : 1;
      const outputs = outputRooms(load.outputs ?? [], rows, plan.sharedMemory!.outputBytes);
      return ofModel.map((template) => ({ template, outputs }));
    });
    // Requests of several models differ in their outputs, so that each needs places of its own.
    const areRead = readsAnswers(plan) || kinds.length > 1;
    const placed = placeTensors(name, requests, areRead ? requests.length : Math.min(UNREAD_PLACES, requests.length));
    const object = new SharedObject(name, placed.byteSize);
    // Only here, because a worker that starts would otherwise wait for it most of its time.
    const { admins } = await import('../client/connect-admin.js');
    const admin = admins[plan.protocol](plan.endpoint, { tls: plan.tls, headers: plan.headers });
    try {
      for (const { offset, bytes } of placed.contents) object.write(offset, bytes);
      await admin.registerSharedMemory({ name, key: object.key, byteSize: object.byteSize });
    } catch (fault) {
      object.close();
      await admin.close();
      throw fault;
    }
    object.unlink();
    let taken = 0;
    const byModel = templates.map(({ length }) => {
      taken += length;
      return placed.templates.slice(taken - length, taken);
    });
    return new SharedRegion(byModel, object, admin, name);
  }

  /** The outputs with the bytes that the server wrote into the region; not every server repeats where that was. */
  fetch(outputs: readonly InferOutput[], places: readonly RequestedOutput[]): readonly InferOutput[] {
    return outputs.map((output) => {
      const sharedMemory = places.find(({ name }) => name === output.name)?.sharedMemory;
      if (sharedMemory === undefined) return output;
      const bytes = this.#object.read(sharedMemory.offsetBytes, sharedMemory.byteSize);
      return { ...output, bytes: bytes.subarray(0, tensorBytes(output, bytes)) };
    });
  }

  async release(): Promise<void> {
    this.#object.close();
    await this.#admin.unregisterSharedMemory(this.#name).catch(() => undefined);
    await this.#admin.close();
  }
}

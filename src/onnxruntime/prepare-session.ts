/**
 * Before a model with execution providers is served: makes sure, in a process of its own and once for each device, that
 * its sessions can be made, lets providers keep what they build in the user's cache folder, and says who got which
 * nodes. What was found out is kept with what was built, so the next engine does not pay for it again.
 */
import { cpus } from 'node:os';
import { z } from 'zod';
import { findCudaDevices } from './cuda-devices.js';
import {
  ENGINE_CACHE_LIMIT_BYTES,
  engineCacheKey,
  engineCacheRoot,
  keepProof,
  readKeptProof,
  trimEngineCache,
  useCacheFolder,
} from './engine-cache.js';
import { placeSession } from './place-session.js';
import { type ProviderName, providerRow } from './provider-table.js';
import { type ProofOptions, proveSession, type SessionProof } from './session-proof.js';
import type { SessionSettings } from './session-settings.js';

export interface ModelToPrepare {
  readonly modelFile: string;
  readonly ortLibrary: string;
  readonly ortVersion: string;
  readonly settings: SessionSettings;
  /** Where its instances run: GPU numbers, undefined for the CPU. */
  readonly places: readonly (number | undefined)[];
}

export interface PrepareOptions extends ProofOptions {
  readonly cacheRoot?: string;
  readonly cacheLimitBytes?: number;
}

const assignmentSchema = z.object({
  /** `cpu`, `gpu 0`, ... */
  device: z.string(),
  /** Nodes by provider; what a provider fuses counts as the nodes it was where ONNX Runtime tells (1.24 and later). */
  nodes: z.record(z.string(), z.number()),
  /** Copies between devices that were inserted. */
  copyCount: z.number(),
  /** How long the first session took to make, engines built with it included. */
  buildNs: z.number(),
});
export type PlaceAssignment = z.infer<typeof assignmentSchema>;

export type PreparedSession =
  | {
      readonly state: 'ready';
      /** The given ones, with cache folders. */
      readonly settings: SessionSettings;
      readonly assignments: readonly PlaceAssignment[];
      /** True when everything was known from before. */
      readonly isKept: boolean;
    }
  | Extract<SessionProof, { state: 'refused' }>;

const keptSchema = z.array(assignmentSchema);

/** One at a time and place; rejects only when the model file cannot be read. */
export async function prepareSession(model: ModelToPrepare, options: PrepareOptions = {}): Promise<PreparedSession> {
  const { cacheRoot = engineCacheRoot(), cacheLimitBytes = ENGINE_CACHE_LIMIT_BYTES } = options;
  const places = [...new Set(model.places)];
  const key = await engineCacheKey({
    modelFile: model.modelFile,
    library: `${model.ortLibrary} ${model.ortVersion}`,
    devices: places.map(nameDevice),
    settings: model.settings,
  });
  const folder = await useCacheFolder(key, cacheRoot).catch(() => undefined);
  const settings = folder === undefined ? model.settings : withCache(model.settings, folder);
  const kept = keptSchema.safeParse(folder === undefined ? undefined : await readKeptProof(folder));
  if (kept.success) return { state: 'ready', settings, assignments: kept.data, isKept: true };
  const assignments: PlaceAssignment[] = [];
  for (const place of places) {
    const placed = placeSession(settings, place);
    const proof = await proveSession({ ...model, settings: placed }, options);
    if (proof.state === 'refused') return proof;
    const { nodes, copyCount, createNs } = proof;
    assignments.push({ device: place === undefined ? 'cpu' : `gpu ${place}`, nodes, copyCount, buildNs: createNs });
  }
  if (folder !== undefined) {
    // A cache that cannot be written costs time, never the model.
    await keepProof(folder, assignments).catch(() => undefined);
    await trimEngineCache(cacheLimitBytes, cacheRoot).catch(() => undefined);
  }
  return { state: 'ready', settings, assignments, isKept: false };
}

const nameDevice = (gpu: number | undefined): string =>
  gpu === undefined
    ? (cpus()[0]?.model ?? 'cpu')
    : (findCudaDevices().devices.find((device) => device.gpu === gpu)?.name ?? `gpu ${gpu}`);

/** A config's own cache folder goes before. */
function withCache(settings: SessionSettings, folder: string): SessionSettings {
  const providers = (settings.providers ?? []).map((provider) => {
    const cache = providerRow(provider.name).cacheOptions?.(folder);
    return cache === undefined ? provider : { ...provider, options: { ...cache, ...provider.options } };
  });
  return { ...settings, providers };
}

/** `openvino 15 of 15 nodes, no copies inserted`, for logs and reports. */
export function describeAssignment({ nodes, copyCount }: Pick<PlaceAssignment, 'nodes' | 'copyCount'>): string {
  const total = Object.values(nodes).reduce((sum, count) => sum + count, 0);
  const shares = Object.entries(nodes).map(([name, count]) => `${name} ${count}`);
  const copies = copyCount === 0 ? 'no copies inserted' : `${copyCount} copies inserted`;
  return `${shares.join(', ')} of ${total} nodes, ${copies}`;
}

/** What a refusing provider needs, for the hint of a message. */
export const needsOf = (name: ProviderName): string => providerRow(name).needs;

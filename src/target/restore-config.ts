/**
 * Gives a model of somebody's server its own config back. A load without an override is tried first; Triton takes it
 * for nothing to do while the files are unchanged, so the config of before is then pushed, which a later change of the
 * files overrules as it would have without us. The model is served throughout.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { connectAdmin } from '../client/connect-admin.js';
import type { ServerAccess, ServerAdmin } from '../client/server-admin.js';
import { messageOf, PerfTsError } from '../common/errors.js';
import type { ModelConfig } from '../model-config/model-config.js';
import {
  findNotes,
  isAlive,
  normalizeEndpoint,
  noteFile,
  type PushedConfig,
  readNote,
  removeNote,
} from './pushed-config.js';

const GUARDIAN_POLL_MS = 100;
/** A guardian loads a model at most twice; longer than this it is stuck. */
const GUARDIAN_PATIENCE_MS = 120_000;

export type Restorable = Pick<PushedConfig, 'model' | 'config' | 'wasLoaded'>;

/** Throws PerfTsError with the server's reason when it does not take its own config back. */
export async function restoreModel(admin: ServerAdmin, { model, config, wasLoaded }: Restorable): Promise<void> {
  if (!wasLoaded) return admin.unloadModel(model);
  // A refusal is no loss here: the push that follows tells the reason.
  await admin.loadModel(model).catch(() => undefined);
  if (await hasConfig(admin, model, config)) return;
  await admin.loadModel(model, { config });
  if (await hasConfig(admin, model, config)) return;
  const what = `model '${model}' took its config of before back, and reports another one`;
  throw new PerfTsError('TARGET_REFUSED', { where: admin.endpoint, what, hint: 'load it again from its repository' });
}

/** Both come from the same server, so they have the same form. */
async function hasConfig(admin: ServerAdmin, model: string, config: ModelConfig): Promise<boolean> {
  const now = await admin.modelConfig(model).catch(() => undefined);
  return now !== undefined && isDeepStrictEqual(now, config);
}

/** Undoes what `note` tells and removes it. Throws PerfTsError, and then leaves the note where it is. */
export async function undoNote(note: PushedConfig, access: ServerAccess = {}): Promise<void> {
  const admin = await connectAdmin({ endpoint: note.endpoint, protocol: note.protocol, ...access });
  try {
    await restoreModel(admin, note);
  } finally {
    await admin.close();
  }
  await removeNote(note);
}

/**
 * Undoes what killed runs left on the host of `endpoint`; `say` gets a sentence about each. Throws PerfTsError
 * TARGET_REFUSED when another run is pushing configs to that very server now, and `allowsOthers` is not set.
 */
export async function restoreLeftovers(
  endpoint: string,
  access: ServerAccess,
  say: (sentence: string) => void,
  { allowsOthers = false }: { readonly allowsOthers?: boolean } = {},
): Promise<void> {
  for (const note of await findNotes(endpoint)) {
    const isSameServer = normalizeEndpoint(note.endpoint) === normalizeEndpoint(endpoint);
    if (isAlive(note.owner)) {
      const what = `another perf-ts sweep (process ${note.owner.id}) is trying configs of '${note.model}' on this server`;
      if (!isSameServer) continue;
      if (!allowsOthers) throw new PerfTsError('TARGET_REFUSED', { where: endpoint, what, hint: 'wait for its end' });
      say(`${what}: this run measures whatever it has just pushed.`);
      continue;
    }
    try {
      if (!(await isUndoneByGuardian(note))) await undoNote(note, access);
      say(`Restored '${note.model}' on ${note.endpoint}: an earlier sweep was killed before it could.`);
    } catch (thrown) {
      // Another server of the same host may be down, which is no concern of this run.
      if (!isSameServer) continue;
      say(`'${note.model}' on ${note.endpoint} still has a config that a killed sweep pushed: ${messageOf(thrown)}`);
    }
  }
}

/** Waits for the guardian of a killed run, so that it does not undo what this run will push. */
async function isUndoneByGuardian(note: PushedConfig): Promise<boolean> {
  const deadline = Date.now() + GUARDIAN_PATIENCE_MS;
  const isThere = async (): Promise<boolean> => (await readNote(noteFile(note))) !== undefined;
  while (note.guardian !== null && isAlive(note.guardian) && Date.now() < deadline) {
    if (!(await isThere())) return true;
    await delay(GUARDIAN_POLL_MS);
  }
  return !(await isThere());
}

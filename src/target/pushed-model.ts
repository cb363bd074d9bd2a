/**
 * One model of a server that someone else runs, while configs of ours are tried on it: what it had before, a way to
 * push, and the undoing, which holds for every way a run can end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ServerAccess, ServerAdmin } from '../client/server-admin.js';
import { messageOf, PerfTsError } from '../common/errors.js';
import { compiledEntry } from '../common/package-root.js';
import type { ModelConfig } from '../model-config/model-config.js';
import type { GuardianOrder } from './config-guardian.js';
import { markOf, noteFile, ownMark, type PushedConfig, removeNote, writeNote } from './pushed-config.js';
import { restoreModel } from './restore-config.js';

export interface PushedModel {
  /** What the server said of the model before anything was pushed. */
  readonly config: ModelConfig;
  /** Resolves when the model serves with `config`. Throws PerfTsError TARGET_REFUSED with the server's own words. */
  push(config: ModelConfig, signal: AbortSignal): Promise<void>;
  /** Gives the server its own config back; safe to call twice. Throws PerfTsError when the server does not take it. */
  restore(): Promise<void>;
}

/**
 * Checks that this server lets configs be pushed, by pushing the one it has. Throws PerfTsError TARGET_REFUSED with
 * what it answered and what to do, OUTPUT_UNWRITABLE when the note cannot be kept; nothing is changed then.
 */
export async function openPushedModel(
  admin: ServerAdmin,
  model: string,
  access: ServerAccess = {},
): Promise<PushedModel> {
  const wasLoaded = await admin.isModelReady(model);
  // Only a loaded model tells its config.
  if (!wasLoaded) await admin.loadModel(model).catch((fault: unknown) => Promise.reject(explainRefusal(fault)));
  const config = await admin.modelConfig(model);
  if (config === undefined) throw lacksConfigs(admin);
  const note: PushedConfig = {
    schema: 'perf-ts/pushed@1',
    endpoint: admin.endpoint,
    protocol: admin.protocol,
    model,
    config,
    wasLoaded,
    owner: ownMark(),
    guardian: null,
  };
  await writeNote(note);
  const guardian = startGuardian(note, access);
  if (guardian.pid !== undefined) await writeNote({ ...note, guardian: markOf(guardian.pid) });
  /** A load whose trial was given up goes on in the server, and the next one must not meet it. */
  let running: Promise<unknown> = Promise.resolve();
  let restoring: Promise<void> | undefined;
  const load = (wanted: ModelConfig): Promise<void> => {
    const next = running.then(() => admin.loadModel(model, { config: wanted }));
    running = next.catch(() => undefined);
    return next;
  };
  const restore = async (): Promise<void> => {
    await running;
    await restoreModel(admin, note);
    await removeNote(note);
    dismiss(guardian);
  };
  try {
    await load(config);
  } catch (fault) {
    // A refused push changed nothing, so only a model that was loaded for this is left to be undone.
    if (!wasLoaded) await admin.unloadModel(model).catch(() => undefined);
    await removeNote(note);
    dismiss(guardian);
    throw explainRefusal(fault);
  }
  return {
    config,
    push: (wanted, signal) => withSignal(load(wanted), signal),
    restore() {
      restoring ??= restore();
      return restoring;
    },
  };
}

/** Of its own process group, so that a Ctrl-C does not reach it. */
function startGuardian(note: PushedConfig, access: ServerAccess): ChildProcess {
  const entry = fileURLToPath(compiledEntry('src/target/config-guardian'));
  const guardian = spawn(process.execPath, [entry, noteFile(note)], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  // Where none can be started, the note alone has to do.
  guardian.on('error', () => undefined);
  guardian.send({ access } satisfies GuardianOrder, () => undefined);
  guardian.unref();
  guardian.channel?.unref();
  return guardian;
}

function dismiss(guardian: ChildProcess): void {
  if (guardian.connected) guardian.disconnect();
}

function withSignal(loaded: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void =>
      reject(new PerfTsError('INTERRUPTED', { what: 'stopped while the server loaded a config' }));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    loaded.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

const lacksConfigs = (admin: ServerAdmin): PerfTsError => {
  const what = 'the server does not tell the configs of its models';
  return new PerfTsError('TARGET_REFUSED', {
    where: admin.endpoint,
    what,
    hint: "it needs Triton's model configuration extension",
  });
};

/** Adds what to do to a refusal of the first load, which is about the server and not about a config. */
function explainRefusal(fault: unknown): unknown {
  if (!(fault instanceof PerfTsError) || fault.problems.some(({ hint }) => hint !== undefined)) return fault;
  const hint = hintFor(messageOf(fault));
  if (hint === undefined) return fault;
  return new PerfTsError(
    fault.code,
    fault.problems.map((problem) => ({ ...problem, hint })),
    fault,
  );
}

function hintFor(words: string): string | undefined {
  if (/restricted|permission|unauthori[sz]ed|forbidden|denied/i.test(words))
    return 'the server keeps this call to those who may: give its key with --header NAME:VALUE';
  if (/failed to poll|not found|unknown model/i.test(words))
    return 'check -m; the model must be in the server’s repository';
  return undefined;
}

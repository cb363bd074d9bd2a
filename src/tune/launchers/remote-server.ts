/**
 * A running server as a study's: its own config is the default, variants are pushed through Triton's model repository
 * extension, and everything is undone at the end. The server is the same process for all trials.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerAccess } from '../../client/server-admin.js';
import { systemClock } from '../../common/clock.js';
import { messageOf, PerfTsError } from '../../common/errors.js';
import { makeTemporaryFolder } from '../../common/temporary-folder.js';
import { elapsed, seconds } from '../../common/units.js';
import { formatModelConfig } from '../../model-config/format-config.js';
import type { ModelConfig } from '../../model-config/model-config.js';
import type { Warning } from '../../record/run-record.js';
import { openPushedModel, type PushedModel } from '../../target/pushed-model.js';
import { connectRemoteTarget } from '../../target/remote-target.js';
import { restoreLeftovers } from '../../target/restore-config.js';
import { staysAway } from '../../target/server-watch.js';
import type { Target } from '../../target/target.js';
import { type ForeignRequests, roughly, watchForeignRequests } from './foreign-requests.js';
import type { LaunchVariant } from './launched-variant.js';
import { measureServed, type RequestOptions } from './measure-served.js';
import { describeTriton, offerOnTriton } from './offered-knobs.js';
import type { StudyServer } from './study-server.js';

export interface RemoteServerOptions {
  readonly model: string;
  readonly endpoint: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly requests?: RequestOptions | undefined;
  /** Told what the user should know, as sentences. */
  say(sentence: string): void;
}

/**
 * Undoes what a killed sweep left there, connects, and proves that configs can be pushed. Throws PerfTsError
 * TARGET_UNREACHABLE or TARGET_REFUSED with what the server answered; nothing is changed then.
 */
export async function openRemoteServer(options: RemoteServerOptions): Promise<StudyServer> {
  const { model, endpoint, headers, say } = options;
  const access: ServerAccess = { headers };
  await restoreLeftovers(endpoint, access, say);
  const { target, pushed } = await connectAndPush(options, access);
  const { admin } = target;
  const { name, version } = await admin.serverMetadata();
  // The study knows a model by its folder; this one's lies with the server, so that ours is empty.
  const root = await makeTemporaryFolder('perf-ts-remote-');
  const folder = join(root, 'model');
  await mkdir(folder);
  const config = withoutFilledIn(pushed.config);
  const foreign = watchForeignRequests(admin, model, (rate) =>
    say(`Others use the server meanwhile (about ${roughly(rate)} requests/s): results will be noisier and lower.`),
  );
  const lost = new AbortController();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await rm(root, { recursive: true, force: true });
    try {
      await pushed.restore();
      say(`Restored '${model}' on ${endpoint} to the config it had.`);
    } catch (fault) {
      say(
        `'${model}' on ${endpoint} could NOT be given its config back (${messageOf(fault)}); the next run tries again.`,
      );
    } finally {
      await target.close();
    }
  };
  return {
    model: {
      name: model,
      folder,
      configPbtxt: formatModelConfig(config),
      config,
      completed: config,
    },
    record: { kind: 'remote', name, version, endpoint },
    canCompareAnswers: false,
    describeContext: async ({ selection }) => describeTriton(config, selection),
    offer: (selection, context) => offerOnTriton(selection, context, { takesFlags: false, takesFiles: false }),
    launchVariant: noticeLoss(pushAndMeasure(options, target, pushed, foreign), target, lost),
    lost: lost.signal,
    warnings: () => busyWarnings(foreign),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

async function connectAndPush(
  { model, endpoint }: RemoteServerOptions,
  access: ServerAccess,
): Promise<{ readonly target: Target; readonly pushed: PushedModel }> {
  const target = await connectRemoteTarget({ endpoint, model, modelVersion: '', ...access, mayBeUnloaded: true });
  try {
    return { target, pushed: await openPushedModel(target.admin, model, access) };
  } catch (thrown) {
    await target.close();
    throw thrown;
  }
}

const pushAndMeasure =
  (
    { model, headers, requests }: RemoteServerOptions,
    target: Target,
    pushed: PushedModel,
    foreign: ForeignRequests,
  ): LaunchVariant =>
  async (variant, { seed, signal }) => {
    const started = systemClock.now();
    await pushed.push(variant.config, signal);
    const loadTimeNs = elapsed(started, systemClock.now());
    const release = (): Promise<void> => Promise.resolve();
    return await measureServed({
      model,
      variant,
      target,
      loadTimeNs,
      seed,
      requests,
      headers,
      foreign,
      signal,
      release,
    });
  };

/** As long as a supervisor may take to start a server again that a variant has brought down. */
const RESTART_TIME = seconds(10);

/** A variant may bring the server down, and that is a failed trial; a server that stays away is the end of the study. */
function noticeLoss(launch: LaunchVariant, { admin }: Target, lost: AbortController): LaunchVariant {
  return async (variant, how) => {
    const passOn = async (fault: unknown): Promise<never> => {
      const isMissed = fault instanceof PerfTsError && fault.code === 'TARGET_UNREACHABLE';
      if (isMissed && (await staysAway(admin, RESTART_TIME, how.signal))) lost.abort(fault);
      throw fault;
    };
    const launched = await launch(variant, how).catch(passOn);
    return {
      ...launched,
      measure: (request) => launched.measure(request).catch(passOn),
      close: () => launched.close(),
    };
  };
}

/**
 * A server's config without what it filled in itself and would fill in again, which would otherwise contradict variants: the
 * preferred batch size that repeats the limit, and names of groups.
 */
export function withoutFilledIn(config: ModelConfig): ModelConfig {
  const { dynamic_batching: batching, max_batch_size: limit, ...rest } = config;
  if (batching === undefined) return config;
  const { preferred_batch_size: preferred = [], ...others } = batching;
  const isLimit = preferred.length === 1 && preferred[0] === limit;
  return {
    ...rest,
    ...(limit !== undefined && { max_batch_size: limit }),
    dynamic_batching: isLimit ? others : batching,
  };
}

function busyWarnings(foreign: ForeignRequests): Warning[] {
  const { disturbed, levels } = foreign.counts();
  if (disturbed === 0) return [];
  const message =
    `in ${disturbed} of ${levels} levels the server also answered requests of other clients: what variants reached ` +
    'is what those left, so tune on a server that nobody else uses';
  return [{ code: 'BUSY_SERVER', message }];
}

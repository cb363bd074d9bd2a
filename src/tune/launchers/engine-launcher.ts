/** Serves a variant on our engine: its own model repository, and a fresh engine process. */
import { systemClock } from '../../common/clock.js';
import { elapsed } from '../../common/units.js';
import { launchEmbeddedTarget } from '../../target/embedded-target.js';
import { EngineStandby } from '../../target/engine-standby.js';
import { createVariantRepositories } from '../variants/variant-repository.js';
import { type StudyModel, servedModels, type Variant } from '../variants/variants.js';
import type { LaunchedVariant, LaunchOptions, LaunchVariant } from './launched-variant.js';
import { measureServed, type RequestOptions } from './measure-served.js';

export interface EngineLauncherOptions {
  readonly model: StudyModel;
  readonly isDemoModel: boolean;
  /** Build of ONNX Runtime for every variant that does not choose its own. */
  readonly ortLibrary?: string | undefined;
  /** What requests hold, where the model leaves it open. */
  readonly requests?: RequestOptions;
}

export interface EngineLauncher {
  readonly launchVariant: LaunchVariant;
  /** Removes the temporary model repositories. */
  close(): Promise<void>;
}

/** Throws PerfTsError OUTPUT_UNWRITABLE when there is no room for temporary model repositories. */
export async function createEngineLauncher(options: EngineLauncherOptions): Promise<EngineLauncher> {
  const repositories = await createVariantRepositories(options.model);
  const standby = new EngineStandby();
  standby.prepare();
  return {
    async close() {
      await standby.close();
      await repositories.close();
    },
    async launchVariant(variant, launch) {
      const repository = await repositories.write(variant);
      try {
        return await serve(options, standby, variant, launch, repository, () => repositories.remove(repository));
      } catch (thrown) {
        await repositories.remove(repository);
        throw thrown;
      }
    },
  };
}

/** A variant that chooses a build of ONNX Runtime by itself goes before the study's. */
function engineFlagsOf({ ortLibrary }: EngineLauncherOptions, { serverFlags = [] }: Variant): readonly string[] {
  // Nothing else: a gain holds for the engine that it was measured on, which is to be the one that users start.
  if (ortLibrary === undefined || serverFlags.some((flag) => flag.startsWith('--ort-library='))) return serverFlags;
  return [`--ort-library=${ortLibrary}`, ...serverFlags];
}

async function serve(
  options: EngineLauncherOptions,
  standby: EngineStandby,
  variant: Variant,
  { seed, signal }: LaunchOptions,
  repository: string,
  removeRepository: () => Promise<void>,
): Promise<LaunchedVariant> {
  const [first, ...others] = servedModels(options.model, variant).map(({ model: { name } }) => name);
  const model = first ?? options.model.name;
  standby.prepare();
  await standby.settled();
  const started = systemClock.now();
  const target = await launchEmbeddedTarget({
    modelRepository: repository,
    model,
    protocol: 'grpc',
    isDemoModel: options.isDemoModel,
    engineFlags: [...others.map((name) => `--load-model=${name}`), ...engineFlagsOf(options, variant)],
    standby,
    signal,
  });
  const loadTimeNs = elapsed(started, systemClock.now());
  // Beside the start of the load workers, and done before a level begins.
  standby.prepare();
  try {
    const launched = await measureServed({
      model,
      variant,
      target,
      loadTimeNs,
      seed,
      requests: options.requests,
      signal,
      async release() {
        await target.close();
        await removeRepository();
      },
    });
    await standby.settled();
    return launched;
  } catch (thrown) {
    await target.close();
    throw thrown;
  }
}

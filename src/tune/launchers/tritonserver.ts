/** A tritonserver of this host as a study's: a fresh process and a model repository of its own for every trial. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../common/clock.js';
import { messageOf, PerfTsError, systemCodeOf } from '../../common/errors.js';
import { elapsed } from '../../common/units.js';
import { parseModelConfig } from '../../model-config/parse-config.js';
import { launchTritonserver } from '../../target/local-tritonserver.js';
import { canConvert } from '../knobs/host-context.js';
import { createVariantRepositories, type VariantRepositories } from '../variants/variant-repository.js';
import type { StudyModel, Variant } from '../variants/variants.js';
import type { LaunchVariant } from './launched-variant.js';
import { measureServed, type RequestOptions } from './measure-served.js';
import { describeTriton, isOnnxModel, offerOnTriton } from './offered-knobs.js';
import { withoutFilledIn } from './remote-server.js';
import type { StudyServer } from './study-server.js';

export interface TritonserverStudyOptions {
  readonly model: string;
  /** `MODEL/` with config.pbtxt and version folders; never written to. */
  readonly modelFolder: string;
  /** The program, or a script that takes its flags and starts it. */
  readonly command: string;
  readonly requests?: RequestOptions | undefined;
  readonly signal: AbortSignal;
}

/** Starts the server once with the unchanged model, to be told its whole config. Throws PerfTsError with what it said. */
export async function openTritonserver(options: TritonserverStudyOptions): Promise<StudyServer> {
  const { model: name, modelFolder: folder } = options;
  const configFile = join(folder, 'config.pbtxt');
  const configPbtxt = await readOptional(configFile);
  const config = configPbtxt === undefined ? {} : parseModelConfig(configPbtxt, configFile);
  const bare: StudyModel = { name, folder, configPbtxt, config, completed: config };
  const repositories = await createVariantRepositories(bare);
  try {
    const told = await askUnchanged(options, bare, repositories);
    const model: StudyModel = { ...bare, completed: withoutFilledIn(told.config) };
    return {
      model,
      record: { kind: 'local', name: told.name, version: told.version },
      canCompareAnswers: isOnnxModel(told.config),
      async describeContext({ selection }) {
        const context = describeTriton(model.completed, selection);
        const mayConvert = selection?.precision !== undefined && isOnnxModel(model.completed);
        return { ...context, canConvert: mayConvert && (await canConvert(model)) };
      },
      offer: (selection, context) => offerOnTriton(selection, context, { takesFlags: true, takesFiles: true }),
      launchVariant: startAndMeasure(options, repositories),
      warnings: () => [],
      close: () => repositories.close(),
    };
  } catch (thrown) {
    await repositories.close();
    throw thrown;
  }
}

async function askUnchanged(options: TritonserverStudyOptions, model: StudyModel, repositories: VariantRepositories) {
  const unchanged: Variant = {
    id: 'default',
    parameters: {},
    changed: [],
    config: model.config,
    configPbtxt: model.configPbtxt,
  };
  const repository = await repositories.write(unchanged);
  try {
    const target = await launchTritonserver({
      command: options.command,
      modelRepository: repository,
      model: model.name,
      temporaryFolder: repositories.root,
      signal: options.signal,
    });
    try {
      const [config, { name, version }] = await Promise.all([
        target.admin.modelConfig(model.name),
        target.admin.serverMetadata(),
      ]);
      return { config: config ?? model.config, name, version };
    } finally {
      await target.close();
    }
  } finally {
    await repositories.remove(repository);
  }
}

const startAndMeasure =
  ({ model, command, requests }: TritonserverStudyOptions, repositories: VariantRepositories): LaunchVariant =>
  async (variant, { seed, signal }) => {
    const repository = await repositories.write(variant);
    const started = systemClock.now();
    try {
      const target = await launchTritonserver({
        command,
        modelRepository: repository,
        model,
        serverFlags: variant.serverFlags ?? [],
        temporaryFolder: repositories.root,
        signal,
      });
      const loadTimeNs = elapsed(started, systemClock.now());
      const release = async (): Promise<void> => {
        await target.close();
        await repositories.remove(repository);
      };
      try {
        return await measureServed({ model, variant, target, loadTimeNs, seed, requests, signal, release });
      } catch (thrown) {
        await target.close();
        throw thrown;
      }
    } catch (thrown) {
      await repositories.remove(repository);
      throw thrown;
    }
  };

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return undefined;
    throw new PerfTsError('BAD_FILE', { where: file, what: `cannot be read: ${messageOf(cause)}` }, cause);
  }
}

/**
 * Decides which server a command is about: the one named by -u; else one on the usual local ports that has the model;
 * else our engine on a model repository; else our engine on the demo model of that name.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { connectAdmin } from '../client/connect-admin.js';
import type { TlsOptions } from '../client/infer-client.js';
import { PerfTsError, type Problem } from '../common/errors.js';
import type { Protocol } from '../kserve/protocol.js';
import { parseModelConfig } from '../model-config/parse-config.js';
import { checkVersion } from '../onnx/model-location.js';
import { ensureZooModel, isZooModel, zooModels } from '../onnx/zoo/zoo.js';
import { launchEmbeddedTarget } from './embedded-target.js';
import { connectRemoteTarget } from './remote-target.js';
import { restoreLeftovers } from './restore-config.js';
import type { Target } from './target.js';

export type ServerChoice = 'auto' | 'embedded' | 'remote';

export interface TargetChoice {
  readonly server: ServerChoice;
  readonly endpoint: string | undefined;
  readonly protocol: Protocol | undefined;
  readonly model: string;
  /** Empty lets the server choose. */
  readonly modelVersion: string;
  /** Further models that the server must have. */
  readonly otherModels?: readonly string[];
  readonly modelRepository: string | undefined;
  /** Has our engine offer its metrics, where it is what serves. */
  readonly wantsMetrics?: boolean;
  /** Has our engine take tensors from shared memory, where it is what serves. */
  readonly wantsSharedMemory?: boolean;
  /** Of a server that is named; ours and those found on this host are reached in plain text. */
  readonly tls?: TlsOptions | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The build of ONNX Runtime for our engine, which then is what serves. */
  readonly ortLibrary?: string | undefined;
}

/** A model repository on disk that our engine can serve. */
export interface LocalModel {
  readonly repository: string;
  readonly modelFolder: string;
  readonly isDemoModel: boolean;
}

const DEFAULT_REPOSITORY = 'models';
const LOCAL_PORTS: readonly { readonly protocol: Protocol; readonly port: number }[] = [
  { protocol: 'grpc', port: 8001 },
  { protocol: 'http', port: 8000 },
];
const PORT_PROBE_MS = 300;

/** Opens the target. `say` gets one plain sentence about what was chosen and why. */
export async function openTarget(
  choice: TargetChoice,
  say: (sentence: string) => void,
  signal?: AbortSignal,
): Promise<Target> {
  const { endpoint, protocol, model, modelVersion } = choice;
  if (choice.server === 'remote' || endpoint !== undefined) {
    if (endpoint === undefined || choice.server === 'embedded') throw contradiction(choice);
    const { tls, headers } = choice;
    await restoreLeftovers(endpoint, { tls, headers }, say, { allowsOthers: true });
    return connectRemoteTarget({ endpoint, model, modelVersion, tls, headers, ...(protocol && { protocol }) });
  }
  if (choice.server === 'auto' && choice.modelRepository === undefined && choice.ortLibrary === undefined) {
    const local = await findLocalServer(choice);
    if (local !== undefined) {
      await restoreLeftovers(local.endpoint, {}, say, { allowsOthers: true });
      say(
        `Measuring the server on ${local.endpoint}, which has the model '${model}' (--server embedded uses our engine).`,
      );
      return local;
    }
  }
  const found = await findLocalModel(model, choice.modelRepository, say);
  if (modelVersion !== '') await checkLocalVersion(join(found.repository, model), modelVersion);
  say(
    found.isDemoModel
      ? `No server named or found: our engine serves '${model}', a demo model with random weights.`
      : `Our engine serves '${model}' from ${found.repository}.`,
  );
  return launchEmbeddedTarget({
    modelRepository: found.repository,
    model,
    protocol: protocol ?? 'grpc',
    isDemoModel: found.isDemoModel,
    offersMetrics: choice.wantsMetrics === true,
    engineFlags: [
      ...libraryFlags(choice),
      ...(choice.wantsSharedMemory === true ? ['--allow-client-shm=true'] : []),
      ...(await otherModelFlags(choice, found.repository, say)),
    ],
    ...(signal && { signal }),
  });
}

/** What the engine would say of it does not say why. */
async function checkLocalVersion(folder: string, version: string): Promise<void> {
  const file = join(folder, 'config.pbtxt');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  await checkVersion(folder, text === undefined ? undefined : parseModelConfig(text, file), version);
}

const libraryFlags = ({ ortLibrary }: TargetChoice): string[] =>
  ortLibrary === undefined ? [] : [`--ort-library=${ortLibrary}`];

/** What has our engine load the further models too, each from where it is found. */
async function otherModelFlags(
  { otherModels = [], modelRepository }: TargetChoice,
  mainRepository: string,
  say: (sentence: string) => void,
): Promise<string[]> {
  const flags: string[] = [];
  const repositories = new Set([mainRepository]);
  for (const model of otherModels) {
    const { repository } = await findLocalModel(model, modelRepository, say);
    if (!repositories.has(repository)) flags.push(`--model-repository=${repository}`);
    repositories.add(repository);
    flags.push(`--load-model=${model}`);
  }
  return flags;
}

/** The model in the given repository, in ./models, or in the demo zoo, which is made on first use. */
export async function findLocalModel(
  model: string,
  modelRepository: string | undefined,
  say: (sentence: string) => void,
): Promise<LocalModel> {
  const repository = resolve(modelRepository ?? DEFAULT_REPOSITORY);
  const isPlainName = /^[^/\\]+$/.test(model) && model !== '.' && model !== '..';
  if (isPlainName && existsSync(join(repository, model))) {
    return { repository, modelFolder: join(repository, model), isDemoModel: false };
  }
  if (modelRepository !== undefined || !isZooModel(model)) throw unknownModel(model, modelRepository);
  const made = await ensureZooModel(model, { onMake: () => say(`Making the demo model '${model}' (once).`) });
  return { ...made, isDemoModel: true };
}

function unknownModel(model: string, modelRepository: string | undefined): PerfTsError {
  const zoo = zooModels.map((entry) => entry.name).join(', ');
  const problem: Problem =
    modelRepository !== undefined
      ? {
          where: `--model-repository ${modelRepository}`,
          what: `holds no model '${model}'`,
          hint: 'check -m and the folder',
        }
      : {
          where: `-m ${model}`,
          what: `no server on localhost has the model '${model}', ./${DEFAULT_REPOSITORY} does not hold it, and no demo model has that name`,
          hint: `name a server with -u HOST:PORT, a folder with --model-repository, or a demo model: ${zoo}`,
        };
  return new PerfTsError('BAD_OPTION', problem);
}

function contradiction(choice: TargetChoice): PerfTsError {
  const problem: Problem =
    choice.endpoint === undefined
      ? { where: '--server remote', what: 'names no server', hint: 'add -u HOST:PORT' }
      : { where: '--server embedded', what: 'cannot be used with -u', hint: 'leave one of them out' };
  return new PerfTsError('BAD_OPTION', problem);
}

async function findLocalServer(choice: TargetChoice): Promise<Target | undefined> {
  const wanted = LOCAL_PORTS.filter(({ protocol }) => choice.protocol === undefined || protocol === choice.protocol);
  for (const { protocol, port } of wanted) {
    if (!(await isPortOpen(port))) continue;
    const endpoint = `localhost:${port}`;
    const admin = await connectAdmin({ endpoint, protocol }).catch(() => undefined);
    const isReady = (await admin?.isModelReady(choice.model, choice.modelVersion).catch(() => false)) ?? false;
    await admin?.close();
    if (isReady) {
      return connectRemoteTarget({ endpoint, protocol, model: choice.model, modelVersion: choice.modelVersion });
    }
  }
  return undefined;
}

function isPortOpen(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect({ host: 'localhost', port });
    const finish = (isOpen: boolean): void => {
      socket.destroy();
      settle(isOpen);
    };
    socket.setTimeout(PORT_PROBE_MS, () => finish(false));
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}

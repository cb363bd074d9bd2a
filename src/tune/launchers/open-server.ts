/** Opens the server that a sweep was asked to run on. */
import { PerfTsError } from '../../common/errors.js';
import { type EngineServerOptions, openEngineServer } from './engine-server.js';
import { openRemoteServer } from './remote-server.js';
import type { ServerQuestion, StudyServer } from './study-server.js';
import { openTritonserver } from './tritonserver.js';

export interface OpenServerOptions extends Omit<EngineServerOptions, 'modelFolder'> {
  /** Undefined for a running server, which has the model. */
  readonly modelFolder: string | undefined;
  /** Our engine when left out. */
  readonly server?: ServerQuestion | undefined;
  readonly signal: AbortSignal;
  say(sentence: string): void;
}

/** Throws PerfTsError before anything is measured when the server or the model cannot be had. */
export async function openStudyServer(options: OpenServerOptions): Promise<StudyServer> {
  const { server = { kind: 'engine' } } = options;
  if (options.together !== undefined && server.kind !== 'engine') throw noneTogether(server);
  if (server.kind === 'remote') return await openRemoteServer({ ...options, ...server });
  const { modelFolder } = options;
  if (modelFolder === undefined) throw new Error('a server of our own needs the folder of the model');
  if (server.kind === 'local') return await openTritonserver({ ...options, ...server, modelFolder });
  return await openEngineServer({ ...options, modelFolder });
}

function noneTogether({ kind }: ServerQuestion): PerfTsError {
  const what = 'several models are tuned together on the bundled engine only';
  const hint = 'name one model with -m, or leave this out; the recommended folder can then be served by a tritonserver';
  return new PerfTsError('BAD_OPTION', { where: kind === 'remote' ? '-u' : '--server local', what, hint });
}

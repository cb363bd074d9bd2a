/** On which server a sweep runs: its options, what cannot stand beside them, and where the model then is. */
import { resolve } from 'node:path';
import { PerfTsError, type Problem } from '../../common/errors.js';
import { type OptionValues, optional, withDefault } from '../../common/option-row.js';
import { parseChoice, parseText } from '../../common/value-parsers.js';
import { findLocalModel } from '../../target/choose-target.js';
import type { ServerQuestion } from '../../tune/launchers/study-server.js';
import type { Terminal } from '../terminal.js';
import type { modelRepositoryRow } from './measure-options.js';
import { parseServerUrl, requestRows } from './request-options.js';
import type { runtimeRow } from './runtime-options.js';

const group = 'On which server';
const choices = ['auto', 'embedded', 'remote', 'local'] as const;

export const sweepServerRows = {
  url: optional({
    flag: 'url',
    aliases: ['u'],
    placeholder: 'HOST:PORT',
    group,
    help: 'tune the model of this running server, which must be in explicit model-control mode; its config is restored at the end',
    parse: parseServerUrl,
  }),
  server: withDefault({
    flag: 'server',
    placeholder: 'WHICH',
    group,
    help: 'auto, embedded (our engine), remote (with -u) or local (a tritonserver, started for each trial)',
    defaultText: 'auto',
    parse: parseChoice(...choices),
  }),
  tritonserver: optional({
    flag: 'tritonserver',
    placeholder: 'PATH',
    group,
    help: 'the program of --server local, or a script that takes its flags and starts it (default: tritonserver on the PATH)',
    parse: parseText,
  }),
  headers: requestRows.headers,
} as const;

type ServerValues = OptionValues<typeof sweepServerRows> &
  OptionValues<{ modelRepository: typeof modelRepositoryRow; runtime: typeof runtimeRow }> & {
    readonly apply: boolean;
  };

export interface ChosenServer {
  readonly server: ServerQuestion;
  /** Undefined where a running server has the model. */
  readonly modelFolder: string | undefined;
  readonly isDemoModel: boolean;
}

/** Throws PerfTsError BAD_OPTION with everything that contradicts itself. */
export async function chooseServer(values: ServerValues, model: string, terminal: Terminal): Promise<ChosenServer> {
  const problems = findContradictions(values);
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  if (values.url !== undefined) {
    const headers = values.headers.length === 0 ? undefined : Object.fromEntries(values.headers);
    const { endpoint } = values.url;
    return { server: { kind: 'remote', endpoint, headers }, modelFolder: undefined, isDemoModel: false };
  }
  const local = await findLocalModel(model, values.modelRepository, (sentence) => terminal.milestone(sentence));
  const { modelFolder, isDemoModel } = local;
  if (values.server !== 'local') return { server: { kind: 'engine' }, modelFolder, isDemoModel };
  const { tritonserver = 'tritonserver' } = values;
  // A bare name is looked for on the PATH; a path is kept as it is seen from here.
  const command = tritonserver.includes('/') ? resolve(tritonserver) : tritonserver;
  return { server: { kind: 'local', command }, modelFolder, isDemoModel };
}

function findContradictions(values: ServerValues): Problem[] {
  const { url, server, tritonserver, headers, modelRepository, runtime, apply } = values;
  const isRemote = url !== undefined;
  const hint = 'leave one of them out';
  const found: (Problem | false)[] = [
    server === 'remote' && !isRemote && { where: '--server remote', what: 'names no server', hint: 'add -u HOST:PORT' },
    isRemote &&
      (server === 'embedded' || server === 'local') && {
        where: `--server ${server}`,
        what: 'cannot be used with -u',
        hint,
      },
    url?.scheme !== undefined &&
      /s$/.test(url.scheme) && {
        where: '-u',
        what: 'a sweep cannot use TLS yet',
        hint: 'name a port that speaks plain text',
      },
    isRemote &&
      modelRepository !== undefined && {
        where: '--model-repository',
        what: 'cannot be used with -u: the server’s own model is tuned',
        hint,
      },
    isRemote &&
      apply && {
        where: '--apply',
        what: 'cannot be used with -u: the server’s repository is not at hand',
        hint: 'put recommended/portable/MODEL/config.pbtxt there yourself',
      },
    (isRemote || server === 'local') &&
      runtime !== undefined && {
        where: '--runtime',
        what: 'is for our engine; that server has its own ONNX Runtime',
        hint,
      },
    server !== 'local' &&
      tritonserver !== undefined && { where: '--tritonserver', what: 'has a meaning only with --server local' },
    !isRemote && headers.length > 0 && { where: '--header', what: 'has a meaning only with -u' },
    headers.some(([, value]) => value === '(not kept)') && {
      where: '--header',
      what: 'its value was not kept with the study',
      hint: 'give it again',
    },
  ];
  return found.filter((problem) => problem !== false);
}

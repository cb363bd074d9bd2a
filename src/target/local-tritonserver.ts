/**
 * A tritonserver of this host that we start and stop, on a free loopback port. What ends it is a supervisor, so that
 * it does not outlive a perf-ts that was killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectAdmin } from '../client/connect-admin.js';
import type { ServerAdmin } from '../client/server-admin.js';
import { PerfTsError } from '../common/errors.js';
import { compiledEntry } from '../common/package-root.js';
import type { Target } from './target.js';
import { lastComplaints, oneLineReason } from './tritonserver-log.js';
import type { SupervisorOrder, SupervisorReport } from './tritonserver-supervisor.js';

export interface TritonserverOptions {
  /** The program, or a script that takes its flags and starts it. */
  readonly command: string;
  /** Model repository that holds `model`; only that model is loaded. */
  readonly modelRepository: string;
  readonly model: string;
  /** More flags for it. */
  readonly serverFlags?: readonly string[];
  /** Removed after the server should perf-ts be killed. */
  readonly temporaryFolder?: string;
  readonly signal?: AbortSignal;
}

const HOST = '127.0.0.1';
/** As our own engine does: a generator that waits for a CPU would be measuring itself. */
const NICENESS = 5;
const POLL_MS = 20;
/** A server that is there and neither has the model nor loads it will not. */
const IDLE_PATIENCE_MS = 5_000;
/** Another process may take the port between its choice and the server's start. */
const PORT_ATTEMPTS = 3;

/**
 * Starts it and waits until the model is ready. Throws PerfTsError BAD_OPTION when the command cannot be started,
 * ENGINE_FAILED when it ends by itself and TARGET_REFUSED when it refuses the model, both with its own words.
 */
export async function launchTritonserver(options: TritonserverOptions): Promise<Target> {
  for (let attempt = 1; ; attempt++) {
    const server = superviseTritonserver(options, await freePort());
    try {
      return await waitUntilServed(server, options);
    } catch (thrown) {
      await server.stop();
      const isPortTaken = /address already in use|already in use by another/i.test(server.log());
      if (!isPortTaken || attempt === PORT_ATTEMPTS) throw thrown;
    }
  }
}

interface Supervised {
  readonly endpoint: string;
  /** Of the server or of the script that starts it. */
  processId(): number | undefined;
  log(): string;
  /** Rejects when the server ends by itself; never resolves. */
  readonly failure: Promise<never>;
  stop(): Promise<void>;
}

function superviseTritonserver(options: TritonserverOptions, port: number): Supervised {
  const entry = fileURLToPath(compiledEntry('src/target/tritonserver-supervisor'));
  const supervisor = spawn(process.execPath, [entry], { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  let processId: number | undefined;
  let log = '';
  const failure = new Promise<never>((_, reject) => {
    supervisor.on('message', (report: SupervisorReport) => {
      if (report.kind === 'started') processId = report.processId;
      else if (report.kind === 'said') log = (log + report.text).slice(-LOG_TAIL_CHARS);
      else if (report.kind === 'failed') reject(cannotStart(options.command, report.reason));
      else reject(hasEnded(options, report.how, log));
    });
    supervisor.once('error', (cause) => reject(cannotStart(options.command, cause.message)));
    supervisor.once('exit', () => reject(hasEnded(options, 'the end of its supervisor', log)));
  });
  // Only some callers wait for it, and a stop of our own also ends here.
  failure.catch(() => undefined);
  supervisor.send({
    command: options.command,
    arguments: argumentsOf(options, port),
    folder: options.temporaryFolder ?? '',
    niceness: NICENESS,
  } satisfies SupervisorOrder);
  return {
    endpoint: `${HOST}:${port}`,
    processId: () => processId,
    log: () => log,
    failure,
    stop: () => stopSupervisor(supervisor),
  };
}

const LOG_TAIL_CHARS = 64_000;

/** A model that does not load must not end the server, because the server is what tells why. */
const argumentsOf = (options: TritonserverOptions, port: number): string[] => [
  `--model-repository=${options.modelRepository}`,
  '--model-control-mode=explicit',
  `--load-model=${options.model}`,
  '--exit-on-error=false',
  `--grpc-address=${HOST}`,
  `--grpc-port=${port}`,
  '--allow-http=false',
  '--allow-metrics=false',
  ...(options.serverFlags ?? []),
];

/** Resolves when server and supervisor are gone. */
function stopSupervisor(supervisor: ChildProcess): Promise<void> {
  if (supervisor.exitCode !== null || supervisor.signalCode !== null || supervisor.pid === undefined)
    return Promise.resolve();
  return new Promise((resolve) => {
    supervisor.once('exit', () => resolve());
    if (supervisor.connected) supervisor.disconnect();
  });
}

async function waitUntilServed(server: Supervised, options: TritonserverOptions): Promise<Target> {
  const { signal } = options;
  const ended = new AbortController();
  const isOver = (): boolean => ended.signal.aborted || signal?.aborted === true;
  const serving = (async (): Promise<ServerAdmin> => {
    for (;;) {
      while (!(await isListening(server.endpoint)) && !isOver()) await delay(POLL_MS);
      if (isOver()) throw new PerfTsError('INTERRUPTED', { what: 'stopped while the tritonserver started' });
      // A server may try its port, give it back, and listen for good once the model is loaded.
      const admin = await connectAdmin({ endpoint: server.endpoint, protocol: 'grpc' }).catch((fault: unknown) => {
        if (fault instanceof PerfTsError && fault.code === 'TARGET_UNREACHABLE') return undefined;
        throw fault;
      });
      if (admin !== undefined) return await waitUntilLoaded(admin, server, options, isOver);
      await delay(POLL_MS);
    }
  })();
  try {
    const admin = await Promise.race([serving, server.failure]);
    const processId = server.processId();
    return {
      kind: 'local',
      endpoint: server.endpoint,
      protocol: 'grpc',
      admin,
      isDemoModel: false,
      ...(processId !== undefined && { serverProcessId: processId }),
      failure: server.failure,
      async close() {
        await admin.close();
        await server.stop();
      },
    };
  } finally {
    ended.abort();
    await serving.catch(() => undefined);
  }
}

/** A tritonserver listens after it has tried to load the model, other servers before. */
async function waitUntilLoaded(
  admin: ServerAdmin,
  { log }: Supervised,
  { model }: TritonserverOptions,
  isOver: () => boolean,
): Promise<ServerAdmin> {
  try {
    let patienceMs = IDLE_PATIENCE_MS;
    while (!(await admin.isModelReady(model))) {
      const { state, reason } = (await admin.repositoryIndex()).find(({ name }) => name === model) ?? {};
      if (state !== 'LOADING') patienceMs -= POLL_MS;
      if (reason || patienceMs <= 0 || isOver()) {
        const what = `tritonserver did not load model '${model}': ${reason ? oneLineReason(reason) : lastComplaints(log())}`;
        throw new PerfTsError('TARGET_REFUSED', { where: 'tritonserver', what });
      }
      await delay(POLL_MS);
    }
    return admin;
  } catch (thrown) {
    await admin.close();
    throw thrown;
  }
}

function cannotStart(command: string, reason: string): PerfTsError {
  const hint = 'name the program, or a script that starts it, with --tritonserver PATH';
  return new PerfTsError('BAD_OPTION', {
    where: '--tritonserver',
    what: `'${command}' cannot be started: ${reason}`,
    hint,
  });
}

function hasEnded({ model }: TritonserverOptions, how: string, log: string): PerfTsError {
  const what = `the tritonserver ended with ${how}; it said: ${lastComplaints(log)}`;
  return new PerfTsError('ENGINE_FAILED', { where: `tritonserver serving ${model}`, what });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, HOST, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function isListening(endpoint: string): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect({ host: HOST, port: Number(endpoint.slice(endpoint.lastIndexOf(':') + 1)) });
    const finish = (isOpen: boolean): void => {
      socket.destroy();
      settle(isOpen);
    };
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}

/** The child process that loads libraries and runs the proof model, so that a crash in native code ends only it. */
import { messageOf } from '../common/errors.js';
import { loadOrtLibrary } from '../onnxruntime/library.js';
import { describeSearch, openProviderLibraries, withMissing } from '../onnxruntime/provider-libraries.js';
import { type ProviderName, providerRow } from '../onnxruntime/provider-table.js';
import { OrtSession } from '../onnxruntime/session.js';
import { ProviderRefusal } from '../onnxruntime/session-settings.js';
import { requireTelemetryOff } from '../onnxruntime/telemetry.js';
import { readDriverFacts } from './driver-facts.js';
import { readLibraryFacts } from './library-facts.js';
import type { ProbeAnswer, ProbeQuestion } from './probe-messages.js';
import { proofAnswer, proofInput } from './proof-model.js';

function answer(question: ProbeQuestion): ProbeAnswer {
  try {
    if (question.kind === 'driver') return { kind: 'driver', facts: readDriverFacts() };
    if (question.kind === 'describe') return { kind: 'described', facts: readLibraryFacts(question.libraryPath) };
    return prove(question);
  } catch (thrown) {
    return { kind: 'failed', reason: messageOf(thrown) };
  }
}

/** A node left to the CPU would prove nothing, so that is refused. */
function prove({ libraryPath, provider, modelFile }: Extract<ProbeQuestion, { kind: 'prove' }>): ProbeAnswer {
  const finish = providerRow(provider).finish ?? ((values) => values);
  const options = finish({}, { intraOpThreads: 1 });
  // As the engine does: the provider's libraries may lie where the system's loader does not look.
  const search = openProviderLibraries(providerRow(provider), libraryPath);
  const session = openSession(libraryPath, modelFile, provider, options, describeSearch(search));
  const { name, shape, values } = proofInput;
  const [output] = session.run([{ name, shape, dataType: 'FP32', bytes: new Uint8Array(values.buffer) }]);
  const found = output === undefined ? [] : [...new Float32Array(output.bytes.slice().buffer)];
  session.close();
  const isRight =
    found.length === proofAnswer.length && found.every((value, i) => Math.abs(value - proofAnswer[i]!) < 0.05);
  if (isRight) return { kind: 'proven' };
  return {
    kind: 'failed',
    reason: `it computes wrong results: ${found.join(', ')} instead of ${proofAnswer.join(', ')}`,
  };
}

/** What is missing is told with the refusal that it leads to. */
function openSession(
  libraryPath: string,
  modelFile: string,
  provider: ProviderName,
  options: Readonly<Record<string, string>>,
  missing: string,
): OrtSession {
  try {
    return new OrtSession(loadOrtLibrary(libraryPath), modelFile, {
      intraOpThreads: 1,
      ...(provider === 'cpu'
        ? {}
        : { providers: [{ name: provider, options }], configEntries: { 'session.disable_cpu_ep_fallback': '1' } }),
    });
  } catch (thrown) {
    if (!(thrown instanceof ProviderRefusal) || missing === '') throw thrown;
    throw new Error(withMissing(thrown.reason, missing), { cause: thrown });
  }
}

requireTelemetryOff();
process.once('message', (question: ProbeQuestion) => {
  // Left by hand: what native libraries do on the way out is no part of the proof, and some of it crashes.
  process.send?.(answer(question), () => process.kill(process.pid, 'SIGKILL'));
});

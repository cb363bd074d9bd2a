/**
 * The process in which a session is made to see whether it can be: it tells ONNX Runtime to log everything to stderr,
 * says what came of it, and ends. It may crash at any point; nothing else lives in it.
 */
import { nowNs } from '../common/clock.js';
import { PerfTsError } from '../common/errors.js';
import { elapsed } from '../common/units.js';
import { loadOrtLibrary, type OrtLibrary } from './library.js';
import { OrtError } from './ort-error.js';
import { describeSearch, openProviderLibraries } from './provider-libraries.js';
import { type ProviderName, providerRow } from './provider-table.js';
import { OrtSession } from './session.js';
import type { ProofMessage, SessionToProve } from './session-proof.js';
import { createSessionOptions, ProviderRefusal } from './session-settings.js';
import { requireTelemetryOff } from './telemetry.js';

function prove({ ortLibrary, modelFile, settings, isQuiet = false }: SessionToProve): ProofMessage {
  requireTelemetryOff();
  let library: OrtLibrary;
  try {
    library = loadOrtLibrary(ortLibrary);
  } catch (thrown) {
    if (thrown instanceof PerfTsError) return { kind: 'unusable', problems: thrown.problems };
    throw thrown;
  }
  for (const { name } of settings.providers ?? []) openProviderLibraries(providerRow(name), ortLibrary);
  try {
    library.api.ReleaseSessionOptions(createSessionOptions(library, { providers: settings.providers ?? [] }));
    const startNs = nowNs();
    const session = new OrtSession(library, modelFile, {
      ...settings,
      isVerbose: !isQuiet,
      recordsAssignment: !isQuiet,
    });
    const createNs = elapsed(startNs, nowNs());
    const nodes = session.assignment();
    const { inputs, overridableInputs, outputs } = session;
    session.close();
    return { kind: 'made', createNs, nodes, signature: { inputs, overridableInputs, outputs } };
  } catch (thrown) {
    if (!(thrown instanceof OrtError)) throw thrown;
    const provider = thrown instanceof ProviderRefusal ? thrown.provider : undefined;
    const message = thrown instanceof ProviderRefusal ? thrown.reason : thrown.message;
    return { kind: 'refused', provider, message, libraries: describeLibraries(provider, ortLibrary) };
  }
}

const describeLibraries = (provider: ProviderName | undefined, ortLibrary: string): string =>
  provider === undefined ? '' : describeSearch(openProviderLibraries(providerRow(provider), ortLibrary));

// Whoever wanted to know has gone.
process.once('disconnect', () => process.exit(1));
process.once('message', (session: SessionToProve) => {
  process.send?.(prove(session), () => process.exit(0));
});

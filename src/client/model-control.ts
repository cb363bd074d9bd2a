/** What loading and unloading have in common over both protocols: what is sent, and how a refusal is told. */
import { messageOf, PerfTsError } from '../common/errors.js';
import type { RepositoryParameter } from '../kserve/admin-codec.js';
import { modelConfigFromJson } from '../model-config/json-form.js';
import type { ModelConfig } from '../model-config/model-config.js';

export interface LoadModelOptions {
  /** Stands instead of the config.pbtxt in the server's repository. */
  readonly config?: ModelConfig;
  /** Stand instead of all files of the model, by path in its folder such as `1/model.onnx`; they need a config. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

/** A load may build an engine for a GPU, which takes minutes. */
export const LOAD_TIMEOUT_MS = 600_000;

/** The parameters of a load request. */
export function loadParametersOf({ config, files = {} }: LoadModelOptions): Record<string, RepositoryParameter> {
  const parameters: Record<string, RepositoryParameter> = {};
  if (config !== undefined) parameters.config = { string_param: JSON.stringify(config) };
  for (const [path, bytes] of Object.entries(files)) parameters[`file:${path}`] = { bytes_param: bytes };
  return parameters;
}

/** The same parameters as Triton's HTTP body has them: files in base64. */
export function toHttpParameters(parameters: Readonly<Record<string, RepositoryParameter>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { string_param, bool_param, int64_param, bytes_param }]) => [
      name,
      bytes_param === undefined
        ? (string_param ?? bool_param ?? int64_param)
        : Buffer.from(bytes_param.buffer, bytes_param.byteOffset, bytes_param.byteLength).toString('base64'),
    ]),
  );
}

/** The server's refusal in its own words, which say what is wrong with a config: none of them is left out. */
export function refusedControl(endpoint: string, what: string, details: string): PerfTsError {
  const problem = { where: endpoint, what: `the server did not ${what}: ${details}` };
  const hint = 'start it with --model-control-mode=explicit';
  const isForbidden = /explicit model load \/ unload is not allowed/.test(details);
  return new PerfTsError('TARGET_REFUSED', isForbidden ? { ...problem, hint } : problem);
}

export function lacksControl(endpoint: string): PerfTsError {
  const what = 'the server does not offer the loading and unloading of models';
  const hint = "it needs Triton's model repository extension";
  return new PerfTsError('TARGET_REFUSED', { what, where: endpoint, hint });
}

/**
 * A foreign server's configuration, checked; `read` gives it in JSON form. Throws PerfTsError TARGET_REFUSED with the
 * path of each field that is wrong.
 */
export function checkedConfig(endpoint: string, model: string, read: () => unknown): ModelConfig {
  const where = `${endpoint}, configuration of model ${model}`;
  try {
    return modelConfigFromJson(read(), where);
  } catch (thrown) {
    const problems = thrown instanceof PerfTsError ? thrown.problems : { where, what: messageOf(thrown) };
    throw new PerfTsError('TARGET_REFUSED', problems, thrown);
  }
}

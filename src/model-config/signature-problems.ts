/**
 * Where a config contradicts its model, by the checks of Triton's ONNX Runtime backend (ValidateInputs, ValidateOutputs
 * and CompareDimsSupported in onnxruntime.cc): what it refuses is refused here, so that a config which loads here loads
 * there.
 */
import { appendAll } from '../common/append-all.js';
import { fromConfigType, toConfigType } from '../kserve/data-types.js';
import { canBatch, namesTensors } from './complete-config.js';
import { elementPath, memberPath } from './field-path.js';
import type { FieldProblem } from './json-form.js';
import type { InputConfig, ModelConfig, OutputConfig } from './model-config.js';
import type { ModelSignature, ValueSignature } from './model-signature.js';

type Role = 'input' | 'output';
type TensorConfig = InputConfig | OutputConfig;

const quoteAll = (values: readonly { readonly name: string }[]): string =>
  values.map(({ name }) => `'${name}'`).join(', ');

/** `config` is completed; `given` is what it was before, where that is known. */
export function findSignatureProblems(
  config: ModelConfig,
  signature: ModelSignature,
  given: ModelConfig = config,
): readonly FieldProblem[] {
  const isBatched = (config.max_batch_size ?? 0) > 0;
  const { inputs, overridableInputs = [], outputs } = signature;
  const problems: FieldProblem[] = [];
  const fixed = isBatched ? findUnbatchable(config, signature, given) : [];
  if (fixed.length > 0) {
    const what = `must be 0: the first dimension of ${quoteAll(fixed)} is not a batch of any size`;
    problems.push({ path: 'max_batch_size', what });
  }
  appendAll(problems, checkPresence(config, signature));
  for (const role of ['input', 'output'] as const) {
    const values = role === 'input' ? [...inputs, ...overridableInputs] : outputs;
    (config[role] ?? []).forEach((tensor, index) => {
      const path = elementPath(role, index);
      const value = values.find((candidate) => candidate.name === tensor.name);
      if (value === undefined) problems.push(unknownTensor(tensor, values, path, role));
      else {
        appendAll(problems, compareType(tensor, value, path));
        // A model that cannot be batched was reported above; its shapes would only repeat that.
        if (fixed.length === 0) appendAll(problems, compareShape(tensor, value, path, role, isBatched));
      }
    });
  }
  return problems;
}

/** Scalars have no place for a batch, and Triton lets them pass in a config that names all tensors. */
function findUnbatchable(config: ModelConfig, signature: ModelSignature, given: ModelConfig): ValueSignature[] {
  const all = [...signature.inputs, ...signature.outputs];
  if (!namesTensors(given) && !canBatch(signature)) return all.filter(({ shape }) => shape[0] !== -1);
  const isListed = ({ name }: ValueSignature): boolean =>
    [...(config.input ?? []), ...(config.output ?? [])].some((tensor) => tensor.name === name);
  return [...all, ...(signature.overridableInputs ?? [])].filter(
    (value) => isListed(value) && value.shape.length > 0 && value.shape[0] !== -1,
  );
}

function checkPresence(config: ModelConfig, signature: ModelSignature): FieldProblem[] {
  const { inputs, overridableInputs = [] } = signature;
  const problems: FieldProblem[] = [];
  if (config.input !== undefined) {
    const named = new Set(config.input.map(({ name }) => name));
    const missing = inputs.filter(({ name }) => !named.has(name));
    if (missing.length > 0) problems.push({ path: 'input', what: `does not name the model's ${quoteAll(missing)}` });
  }
  config.input?.forEach(({ name, optional }, index) => {
    const path = memberPath(elementPath('input', index), 'optional');
    if (optional !== true) {
      if (!overridableInputs.some((value) => value.name === name)) return;
      problems.push({ path, what: `must be true, because the model has a value of its own for '${name}'` });
    } else if (inputs.some((value) => value.name === name)) {
      const what = `the model has no value of its own for '${name}' (an initializer), so a request cannot leave it out`;
      problems.push({ path, what });
    } else if ((config.max_batch_size ?? 0) > 0) {
      problems.push({ path, what: `Triton does not take optional inputs beside a max_batch_size; it must be 0` });
    }
  });
  return problems;
}

function unknownTensor({ name }: TensorConfig, values: readonly ValueSignature[], path: string, role: Role) {
  const known = quoteAll(values) || 'none';
  return { path: memberPath(path, 'name'), what: `the model has no ${role} '${name}', it has ${known}` };
}

function compareType({ data_type: type }: TensorConfig, { dataType }: ValueSignature, path: string): FieldProblem[] {
  const modelType = toConfigType(dataType);
  if (type === modelType || fromConfigType(type) === undefined) return [];
  return [{ path: memberPath(path, 'data_type'), what: `is ${type}, the model has ${modelType}` }];
}

function compareShape(
  tensor: TensorConfig,
  { shape }: ValueSignature,
  path: string,
  role: Role,
  isBatched: boolean,
): FieldProblem[] {
  if (tensor.dims.length === 0) return [];
  const given = tensor.reshape?.shape ?? tensor.dims;
  const refuse = (what: string): FieldProblem[] => [
    { path: memberPath(path, 'dims'), what: `[${given.join(', ')}] ${what}` },
  ];
  // A scalar, or a shape that ONNX Runtime could not tell.
  if (shape.length === 0) {
    return given.every((size) => size === 1) ? [] : refuse("does not fit the model's scalar: give dims: [ 1 ]");
  }
  const expected = isBatched ? shape.slice(1) : shape;
  // Inputs may be narrower than the model's; Triton wants outputs to be what the model says, open sizes included.
  const isFitting = (size: number, axis: number): boolean => size === given[axis] || (role === 'input' && size === -1);
  if (given.length === expected.length && expected.every(isFitting)) return [];
  const batch = isBatched ? ' after the batch dimension' : '';
  const remedy = expected.length === 0 && given.every((size) => size === 1) ? '; add reshape { shape: [ ] }' : '';
  return refuse(`does not fit the model's [${expected.join(', ')}]${batch}${remedy}`);
}

/** Checks the inputs and outputs of a model configuration, alone and against the ONNX model's signature. */
import { elementCount, fromConfigType, toConfigType } from '../kserve/data-types.js';
import { elementPath, memberPath } from './field-path.js';
import type { FieldProblem } from './json-form.js';
import type { InputConfig, ModelConfig, OutputConfig } from './model-config.js';
import type { ModelSignature, ValueSignature } from './model-signature.js';

type Role = 'input' | 'output';
type TensorConfig = InputConfig | OutputConfig;

export function findTensorProblems(config: ModelConfig): readonly FieldProblem[] {
  return [...checkRole(config, 'input'), ...checkRole(config, 'output')];
}

function checkRole(config: ModelConfig, role: Role): FieldProblem[] {
  const tensors: readonly TensorConfig[] = config[role] ?? [];
  const seen = new Map<string, number>();
  return tensors.flatMap((tensor, index) => {
    const path = elementPath(role, index);
    const problems = checkTensor(tensor, path, (config.max_batch_size ?? 0) > 0);
    const earlier = seen.get(tensor.name);
    if (tensor.name === '') problems.push({ path, what: `an ${role} needs a name` });
    else if (earlier !== undefined) {
      problems.push({
        path: memberPath(path, 'name'),
        what: `'${tensor.name}' is already the name of ${elementPath(role, earlier)}`,
      });
    } else seen.set(tensor.name, index);
    return problems;
  });
}

function checkTensor(tensor: TensorConfig, path: string, isBatched: boolean): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const refuse = (field: string, what: string): void => {
    problems.push({ path: memberPath(path, field), what });
  };
  if (tensor.data_type === 'TYPE_INVALID') refuse('data_type', 'a data type such as TYPE_FP32 must be given');
  else if (fromConfigType(tensor.data_type) === undefined) refuse('data_type', `unknown type '${tensor.data_type}'`);
  if (tensor.dims.length === 0) refuse('dims', 'must be given; a scalar has dims: [ 1 ]');
  tensor.dims.forEach((size, axis) => {
    if (size < 1 && size !== -1)
      refuse(elementPath('dims', axis), `${size} is not a size: give 1 or more, or -1 for any`);
  });
  if (tensor.reshape !== undefined) checkReshape(tensor, tensor.reshape.shape, isBatched, refuse);
  if (
    'format' in tensor &&
    tensor.format !== undefined &&
    tensor.format !== 'FORMAT_NONE' &&
    tensor.dims.length !== 3
  ) {
    refuse('format', `${tensor.format} needs 3 dims, there are ${tensor.dims.length}`);
  }
  if (tensor.is_shape_tensor === true)
    refuse('is_shape_tensor', 'shape tensors belong to TensorRT plans, not to ONNX models');
  return problems;
}

function checkReshape(
  tensor: TensorConfig,
  shape: readonly number[],
  isBatched: boolean,
  refuse: (field: string, what: string) => void,
): void {
  if (shape.some((size) => size < 1 && size !== -1)) {
    refuse('reshape.shape', 'has a size that is neither 1 or more nor -1');
    return;
  }
  if (shape.length === 0 && !isBatched) {
    refuse('reshape.shape', 'an empty shape needs max_batch_size above 0');
    return;
  }
  const unknown = (sizes: readonly number[]): number => sizes.filter((size) => size === -1).length;
  const known = (sizes: readonly number[]): number => elementCount(sizes.filter((size) => size !== -1));
  if (unknown(shape) !== unknown(tensor.dims) || (unknown(shape) <= 1 && known(shape) !== known(tensor.dims))) {
    refuse('reshape.shape', `[${shape.join(', ')}] does not hold as many elements as dims [${tensor.dims.join(', ')}]`);
  }
}

/** Where the config contradicts the model: names, types, shapes, and whether it can be batched at all. */
export function findSignatureProblems(config: ModelConfig, signature: ModelSignature): readonly FieldProblem[] {
  const isBatched = (config.max_batch_size ?? 0) > 0;
  const problems: FieldProblem[] = [];
  const listed = (signature.overridableInputs ?? []).filter((value) =>
    config.input?.some((input) => input.name === value.name),
  );
  const fixed = [...signature.inputs, ...listed, ...signature.outputs].filter((value) => value.shape[0] !== -1);
  if (isBatched && fixed.length > 0) {
    problems.push({
      path: 'max_batch_size',
      what: `must be 0: the first dimension of ${fixed.map((value) => `'${value.name}'`).join(', ')} is not a batch of any size`,
    });
  }
  if (config.input !== undefined) {
    const named = new Set(config.input.map((input) => input.name));
    const missing = signature.inputs.filter((value) => !named.has(value.name));
    if (missing.length > 0) {
      problems.push({
        path: 'input',
        what: `does not name the model's ${missing.map((value) => `'${value.name}'`).join(', ')}`,
      });
    }
  }
  config.input?.forEach(({ name, optional }, index) => {
    if (optional !== true || !signature.inputs.some((value) => value.name === name)) return;
    const what = `the model has no value of its own for '${name}' (an initializer), so a request cannot leave it out`;
    problems.push({ path: memberPath(elementPath('input', index), 'optional'), what });
  });
  // A model that cannot be batched was reported above; its shapes would only repeat that.
  const comparesShapes = !isBatched || fixed.length === 0;
  for (const role of ['input', 'output'] as const) {
    const values = role === 'input' ? [...signature.inputs, ...(signature.overridableInputs ?? [])] : signature.outputs;
    (config[role] ?? []).forEach((tensor, index) => {
      problems.push(...compareTensor(tensor, values, elementPath(role, index), role, isBatched, comparesShapes));
    });
  }
  return problems;
}

function compareTensor(
  tensor: TensorConfig,
  values: readonly ValueSignature[],
  path: string,
  role: Role,
  isBatched: boolean,
  comparesShapes: boolean,
): FieldProblem[] {
  const value = values.find((candidate) => candidate.name === tensor.name);
  if (value === undefined) {
    const known = values.map((candidate) => `'${candidate.name}'`).join(', ');
    return [
      { path: memberPath(path, 'name'), what: `the model has no ${role} '${tensor.name}', it has ${known || 'none'}` },
    ];
  }
  const problems: FieldProblem[] = [];
  const modelType = toConfigType(value.dataType);
  if (tensor.data_type !== modelType && fromConfigType(tensor.data_type) !== undefined) {
    problems.push({ path: memberPath(path, 'data_type'), what: `is ${tensor.data_type}, the model has ${modelType}` });
  }
  const expected = isBatched ? value.shape.slice(1) : value.shape;
  const given = tensor.reshape?.shape ?? tensor.dims;
  // Without a batch dimension a scalar is written as dims [1].
  const isScalar = expected.length === 0 && elementCount(given) === 1;
  const fits = given.length === expected.length && expected.every((size, axis) => size === -1 || size === given[axis]);
  if (comparesShapes && tensor.dims.length > 0 && !fits && !isScalar) {
    const batch = isBatched ? ' after the batch dimension' : '';
    problems.push({
      path: memberPath(path, 'dims'),
      what: `[${given.join(', ')}] does not fit the model's [${expected.join(', ')}]${batch}`,
    });
  }
  return problems;
}

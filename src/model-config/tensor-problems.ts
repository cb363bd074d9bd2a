/** Checks the inputs and outputs of a model configuration by themselves, without the model. */
import { fromConfigType } from '../kserve/data-types.js';
import { elementPath, memberPath } from './field-path.js';
import type { FieldProblem } from './json-form.js';
import type { InputConfig, ModelConfig, OutputConfig } from './model-config.js';
import { describeBadReshape } from './reshape-problems.js';

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
  const reshape = tensor.reshape && describeBadReshape(tensor.dims, tensor.reshape.shape, isBatched);
  if (reshape !== undefined) refuse('reshape.shape', reshape);
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
  if (tensor.is_non_linear_format_io === true)
    refuse('is_non_linear_format_io', 'such formats belong to TensorRT plans, not to ONNX models');
  return problems;
}

/**
 * Element types of every value of a graph and of the graphs inside it, by the operators' type rules. Shapes are never
 * needed. What cannot be told is UNKNOWN, and the conversion leaves alone what touches it.
 */
import {
  attributeField,
  graphField,
  onnxElementType,
  sparseTensorField,
  tensorField,
  tensorTypeField,
  typeField,
  valueField,
} from '../onnx-fields.js';
import { halfOperator } from './half-operators.js';
import { integerOf, type NodeView, nodesOf } from './node-view.js';
import type { ProtoMessage } from './proto-message.js';

/** TensorProto.DataType, or UNKNOWN. */
export type ElementType = number;
export const UNKNOWN: ElementType = 0;
export const FLOAT: ElementType = onnxElementType.FP32;
export const HALF: ElementType = onnxElementType.FP16;
const { INT32, INT64, BOOL, UINT8 } = onnxElementType;

/** The values that one graph defines; `outer` is the graph around it, whose values it sees. */
export interface GraphTypes {
  readonly graph: ProtoMessage;
  readonly outer: GraphTypes | undefined;
  readonly own: Map<string, ElementType>;
  /** Values that are the same in every run, so that their precision can be chosen where they are used. */
  readonly constants: ReadonlySet<string>;
  readonly bodies: Map<ProtoMessage, GraphTypes>;
}

/** The type of `name` as seen from `types`; undefined when nothing defines it. */
export function typeOf(types: GraphTypes, name: string): ElementType | undefined {
  for (let scope: GraphTypes | undefined = types; scope !== undefined; scope = scope.outer) {
    const type = scope.own.get(name);
    if (type !== undefined) return type;
  }
  return undefined;
}

interface Surroundings {
  readonly outer?: GraphTypes;
  /** Types for inputs that a body declares without one. */
  readonly inputTypes?: readonly ElementType[];
  /** Before IR version 4 every initializer is listed among the inputs too, and is none that a request may give. */
  readonly listsConstantsAsInputs?: boolean;
}

export function inferTypes(graph: ProtoMessage, around: Surroundings = {}): GraphTypes {
  const { outer, inputTypes = [], listsConstantsAsInputs = false } = around;
  const constants = constantsOf(graph, listsConstantsAsInputs);
  const types: GraphTypes = { graph, outer, own: new Map(), constants, bodies: new Map() };
  const { own } = types;
  const declared = new Map<string, ElementType>();
  for (const value of [...graph.messages(graphField.valueInfo), ...graph.messages(graphField.output)]) {
    declared.set(value.text(valueField.name), declaredType(value));
  }
  for (const [index, value] of graph.messages(graphField.input).entries()) {
    own.set(value.text(valueField.name), declaredType(value) || (inputTypes[index] ?? UNKNOWN));
  }
  for (const tensor of graph.messages(graphField.initializer)) {
    own.set(tensor.text(tensorField.name), tensor.number(tensorField.dataType));
  }
  for (const sparse of graph.messages(graphField.sparseInitializer)) {
    const values = sparse.message(sparseTensorField.values);
    if (values !== undefined) own.set(values.text(tensorField.name), values.number(tensorField.dataType));
  }
  for (const node of nodesOf(graph)) {
    const inferred = outputTypes(node, types);
    for (const [index, name] of node.outputs.entries()) {
      if (name !== '') own.set(name, inferred[index] || (declared.get(name) ?? UNKNOWN));
    }
  }
  return types;
}

function constantsOf(graph: ProtoMessage, listsConstantsAsInputs: boolean): ReadonlySet<string> {
  const inputs = new Set(graph.messages(graphField.input).map((value) => value.text(valueField.name)));
  const tensors = graph.messages(graphField.initializer).map((tensor) => tensor.text(tensorField.name));
  const nodes = nodesOf(graph).filter(({ opType, domain }) => opType === 'Constant' && domain === '');
  return new Set([
    ...tensors.filter((name) => listsConstantsAsInputs || !inputs.has(name)),
    ...nodes.flatMap(({ outputs }) => outputs),
  ]);
}

/** The element type of a ValueInfoProto that is a tensor; UNKNOWN for sequences, maps and the like. */
export function declaredType(value: ProtoMessage): ElementType {
  const tensor = value.message(valueField.type)?.message(typeField.tensor);
  return tensor?.number(tensorTypeField.elementType) ?? UNKNOWN;
}

function outputTypes(node: NodeView, types: GraphTypes): readonly ElementType[] {
  const inputs = node.inputs.map((name) => (name === '' ? UNKNOWN : (typeOf(types, name) ?? UNKNOWN)));
  if (node.bodies.length > 0) return bodyTypes(node, types, inputs);
  if (node.domain !== '' && halfOperator(node) === undefined) return [];
  const rule = rules[node.opType];
  if (rule !== undefined) return rule(node, inputs);
  return typedLikeFirstInput.has(node.opType) ? node.outputs.map(() => inputs[0] ?? UNKNOWN) : [];
}

/** A control-flow node returns what its bodies return. */
function bodyTypes(node: NodeView, types: GraphTypes, inputs: readonly ElementType[]): readonly ElementType[] {
  const isLoop = node.opType === 'Loop';
  const inputsOfBody = isLoop ? [INT64, BOOL, ...inputs.slice(2)] : node.opType === 'Scan' ? inputs : [];
  const results = node.bodies.map((body) => {
    const inside = inferTypes(body, { outer: types, inputTypes: inputsOfBody });
    types.bodies.set(body, inside);
    return body.messages(graphField.output).map((value) => {
      return declaredType(value) || (typeOf(inside, value.text(valueField.name)) ?? UNKNOWN);
    });
  });
  const first = results[0] ?? [];
  return node.domain === '' && ['If', 'Loop', 'Scan'].includes(node.opType) ? first.slice(isLoop ? 1 : 0) : [];
}

type TypeRule = (node: NodeView, inputs: readonly ElementType[]) => readonly ElementType[];

const always =
  (...types: readonly ElementType[]): TypeRule =>
  () =>
    types;
const likeInput =
  (index: number, ...others: readonly ElementType[]): TypeRule =>
  (_, inputs) => [inputs[index] ?? UNKNOWN, ...others];
const likeAttribute =
  (name: string, absent: ElementType): TypeRule =>
  (node) => [integerOf(node, name, absent)];
/** An attribute that may give the type, else that of the first input. */
const likeAttributeOrInput =
  (name: string): TypeRule =>
  (node, inputs) => [integerOf(node, name, inputs[0] ?? UNKNOWN)];

function constantType(node: NodeView): readonly ElementType[] {
  const tensor = node.attributes.get('value')?.message(attributeField.t);
  if (tensor !== undefined) return [tensor.number(tensorField.dataType)];
  if (node.attributes.has('value_float') || node.attributes.has('value_floats')) return [FLOAT];
  if (node.attributes.has('value_int') || node.attributes.has('value_ints')) return [INT64];
  return [UNKNOWN];
}

const filledType: TypeRule = (node) => [
  node.attributes.get('value')?.message(attributeField.t)?.number(tensorField.dataType) ?? FLOAT,
];

/** Operators whose outputs are not simply of their first input's type. */
const rules: Readonly<Record<string, TypeRule>> = {
  Constant: constantType,
  ConstantOfShape: filledType,
  Cast: likeAttribute('to', UNKNOWN),
  CastLike: likeInput(1),
  Where: likeInput(1),
  OneHot: likeInput(2),
  DequantizeLinear: likeInput(1),
  QuantizeLinear: (node, inputs) => [integerOf(node, 'output_dtype', 0) || inputs[2] || UINT8],
  DynamicQuantizeLinear: always(UINT8, FLOAT, UINT8),
  QLinearConv: likeInput(7),
  QLinearMatMul: likeInput(7),
  ConvInteger: always(INT32),
  MatMulInteger: always(INT32),
  Shape: always(INT64),
  Size: always(INT64),
  NonZero: always(INT64),
  ArgMax: always(INT64),
  ArgMin: always(INT64),
  NonMaxSuppression: always(INT64),
  TopK: likeInput(0, INT64),
  MaxPool: likeInput(0, INT64),
  Unique: likeInput(0, INT64, INT64, INT64),
  Dropout: likeInput(0, BOOL),
  LayerNormalization: (node, inputs) => {
    const stash = integerOf(node, 'stash_type', FLOAT);
    return [inputs[0] ?? UNKNOWN, stash, stash];
  },
  SkipLayerNormalization: (_, [data = UNKNOWN]) => [data, FLOAT, FLOAT, data],
  RandomNormal: likeAttribute('dtype', FLOAT),
  RandomUniform: likeAttribute('dtype', FLOAT),
  RandomNormalLike: likeAttributeOrInput('dtype'),
  RandomUniformLike: likeAttributeOrInput('dtype'),
  Bernoulli: likeAttributeOrInput('dtype'),
  EyeLike: likeAttributeOrInput('dtype'),
  Multinomial: likeAttribute('dtype', INT32),
  HannWindow: likeAttribute('output_datatype', FLOAT),
  HammingWindow: likeAttribute('output_datatype', FLOAT),
  BlackmanWindow: likeAttribute('output_datatype', FLOAT),
  ...Object.fromEntries(
    [
      ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'And', 'Or', 'Xor', 'Not'],
      ...['IsNaN', 'IsInf'],
    ].map((name) => [name, always(BOOL)]),
  ),
};

/** Operators all of whose outputs have their first input's type. */
const typedLikeFirstInput: ReadonlySet<string> = new Set(
  `Abs Acos Acosh Add AffineGrid Asin Asinh Atan Atanh AveragePool BatchNormalization BitShift BitwiseAnd BitwiseNot
  BitwiseOr BitwiseXor Ceil Celu CenterCropPad Clip Col2Im Compress Concat Conv ConvTranspose Cos Cosh CumSum
  DepthToSpace Det Div Einsum Elu Erf Exp Expand Flatten Floor FusedMatMul GRU Gather GatherElements GatherND Gelu Gemm
  GlobalAveragePool GlobalLpPool GlobalMaxPool GridSample GroupNormalization HardSigmoid HardSwish Hardmax Identity
  InstanceNormalization LRN LSTM LeakyRelu Log LogSoftmax LpNormalization LpPool MatMul Max MaxRoiPool MaxUnpool Mean
  MeanVarianceNormalization Min Mish Mod Mul Neg PRelu Pad Pow RMSNormalization RNN Range Reciprocal ReduceL1 ReduceL2
  ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize
  ReverseSequence RoiAlign RotaryEmbedding Round Scatter ScatterElements ScatterND Selu Shrink Sigmoid Sign Sin Sinh
  Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tan Tanh ThresholdedRelu Tile Transpose
  Trilu Unsqueeze Upsample FastGelu BiasGelu QuickGelu`.split(/\s+/),
);

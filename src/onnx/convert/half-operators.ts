/**
 * Which operators may compute in half precision, and which of their inputs and outputs are 32-bit floats all the same.
 * An operator that is not listed stays as it is: a converter that guesses writes models that do not load.
 */
import type { NodeView } from './node-view.js';

interface HalfOperator {
  /** Inputs that the operator's schema has as 32-bit floats whatever its data is. */
  readonly fullInputs?: readonly number[];
  readonly fullOutputs?: readonly number[];
}

const plain: HalfOperator = {};

/** ONNX's operators with float16 among the types of their data, in the versions that models are written with. */
const halfOperators: Readonly<Record<string, HalfOperator>> = {
  ...Object.fromEntries(
    `Abs Acos Acosh Add AffineGrid ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Ceil Celu
    CenterCropPad Clip Col2Im Compress Concat Conv ConvTranspose Cos Cosh DepthToSpace Det Div Dropout Einsum Elu Equal
    Erf Expand Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool
    Greater GreaterOrEqual GridSample GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization
    IsNaN LRN LSTM LeakyRelu Less LessOrEqual LogSoftmax LpNormalization LpPool MatMul Max MaxPool MaxRoiPool MaxUnpool
    Mean MeanVarianceNormalization Min Mish Mod Mul Neg NonZero OneHot PRelu Pad RMSNormalization RNN ReduceMax
    ReduceMean ReduceMin ReduceSum Relu Reshape ReverseSequence RotaryEmbedding Round Scatter ScatterElements ScatterND
    Selu Shrink Sigmoid Sign Sin Sinh Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tan
    Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where`
      .split(/\s+/)
      .map((name) => [name, plain]),
  ),
  LayerNormalization: { fullOutputs: [1, 2] },
  // The region of interest is in coordinates and the scales decide the output's size.
  Resize: { fullInputs: [1, 2] },
  Upsample: { fullInputs: [1] },
};

/** Operators of ONNX Runtime's own domain that its optimizer writes and whose data may be half precision. */
const microsoftOperators: Readonly<Record<string, HalfOperator>> = {
  BiasGelu: plain,
  FastGelu: plain,
  FusedMatMul: plain,
  Gelu: plain,
  QuickGelu: plain,
  SkipLayerNormalization: { fullOutputs: [1, 2] },
};

/**
 * Operators that could be converted and are not, because their results leave the range or the precision of a half
 * for everyday values: exponentials and powers overflow from exp(11.1) and 256 squared, reciprocals of small numbers
 * too, and sums of squares and running sums add up what no longer fits.
 */
export const defaultKeptOperators: readonly string[] = [
  'CumSum',
  'Exp',
  'Log',
  'Pow',
  'Reciprocal',
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceProd',
  'ReduceSumSquare',
  'RoiAlign',
];

/** Undefined for an operator that has no half-precision form, or none that we know. */
export function halfOperator({ domain, opType, inputs }: NodeView): HalfOperator | undefined {
  const table = domain === '' ? halfOperators : domain === 'com.microsoft' ? microsoftOperators : {};
  const found = Object.hasOwn(table, opType) ? table[opType] : undefined;
  // Before opset 11 the second input of Resize, its last one then, is the scales.
  return found !== undefined && domain === '' && opType === 'Resize' && inputs.length === 2
    ? { fullInputs: [1] }
    : found;
}

/** Operators that take any type of input and whose result does not carry it on: they read what is there. */
export const readsAnyType: ReadonlySet<string> = new Set(['Cast', 'Shape', 'Size']);

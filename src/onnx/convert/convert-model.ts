/** FP32 -> FP16 of one ONNX model in memory: checks what is asked for, plans, rewrites, and tells what was done. */
import { closestWord } from '../../common/closest-word.js';
import { PerfTsError, type Problem } from '../../common/errors.js';
import { graphField, modelField, nodeField, valueField } from '../onnx-fields.js';
import { BrokenBytes } from '../piece-reader.js';
import { ConstantFit } from './constant-fit.js';
import { HalfConstants, type OutOfRange } from './constants.js';
import { declaredType, FLOAT, type GraphTypes, HALF, inferTypes } from './element-types.js';
import type { LoadExternal } from './half-tensor.js';
import { type NodeView, nodesOf } from './node-view.js';
import { type KeepReason, type PrecisionChoice, planPrecision } from './plan-precision.js';
import type { ProtoMessage } from './proto-message.js';
import { rewriteGraph } from './rewrite-graph.js';
import { FreeNames } from './value-scope.js';

/** The first IR version whose initializers need not be inputs too. */
const FREE_INITIALIZERS_IR = 4;
const NODE_PREFIX = 'NODE:';

export interface HalfOptions {
  /** True by default: inputs and outputs stay 32-bit floats, with Casts behind and before them. */
  readonly keepIoTypes?: boolean;
  /** What stays 32-bit beside what does by default: operators by type (`Softmax`), single nodes as `NODE:name`. */
  readonly keepFp32?: readonly string[];
}

export interface KeptNode {
  readonly opType: string;
  readonly name: string;
  readonly reason: KeepReason;
}

export interface HalfReport {
  /** Nodes that touched 32-bit floats and compute in half precision now. */
  readonly convertedCount: number;
  /** Nodes that still compute in 32 bits, in the model's order; Casts at their borders do not count. */
  readonly kept: readonly KeptNode[];
  readonly castCount: number;
  readonly outOfRange: readonly OutOfRange[];
  /** Inputs and outputs that are half precision now. */
  readonly changedInputs: readonly string[];
  readonly changedOutputs: readonly string[];
}

/**
 * Edits `model` in place. Names of inputs and outputs, the operator sets and everything unknown stay.
 * @param file names the model in messages
 * @throws PerfTsError BAD_OPTION when `keepFp32` names what the model does not have (all such words together),
 * BAD_FILE when the model is broken or has local functions or training graphs, which are not converted.
 */
export function convertToHalf(
  model: ProtoMessage,
  options: HalfOptions,
  file: string,
  loadExternal: LoadExternal,
): HalfReport {
  const graph = requireConvertible(model, file);
  const keepIoTypes = options.keepIoTypes ?? true;
  try {
    const canAddInitializers = model.number(modelField.irVersion) >= FREE_INITIALIZERS_IR;
    const types = inferTypes(graph, { listsConstantsAsInputs: !canAddInitializers });
    const all = [...allNodes(types)];
    const choice = {
      ...readChoice(options.keepFp32 ?? [], all, keepIoTypes),
      constantFit: new ConstantFit(loadExternal),
    };
    const plan = planPrecision(types, choice);
    const constants = new HalfConstants(loadExternal);
    const freeNames = new FreeNames(namesIn(types));
    const floatEnds = [graphField.input, graphField.output].map((field) => namesOfType(graph, field, FLOAT));
    const castCount = rewriteGraph(types, keepIoTypes ? 'full' : 'half', {
      plan,
      freeNames,
      constants,
      canAddInitializers,
    });
    const [changedInputs = [], changedOutputs = []] = [graphField.input, graphField.output].map((field, index) => {
      const halves = new Set(namesOfType(graph, field, HALF));
      return floatEnds[index]!.filter(
        (name) => halves.has(name) && (field === graphField.output || !types.constants.has(name)),
      );
    });
    return {
      convertedCount: plan.converted.size,
      kept: all.flatMap((node) => {
        const reason = plan.kept.get(node);
        return reason === undefined ? [] : [{ opType: node.opType, name: node.name, reason }];
      }),
      castCount,
      outOfRange: constants.outOfRange,
      changedInputs,
      changedOutputs,
    };
  } catch (cause) {
    if (!(cause instanceof BrokenBytes)) throw cause;
    throw badModel(file, `the model is broken: ${cause.message}`, 'export or copy the ONNX model again', cause);
  }
}

const badModel = (where: string, what: string, hint: string, cause?: unknown): PerfTsError =>
  new PerfTsError('BAD_FILE', { where, what, hint }, cause);

function requireConvertible(model: ProtoMessage, file: string): ProtoMessage {
  const graph = model.message(modelField.graph);
  if (graph === undefined || !model.has(modelField.irVersion)) {
    throw badModel(file, 'it is not an ONNX model', 'export or copy the ONNX model again');
  }
  if (model.has(modelField.functions)) {
    const hint = "inline them first, for example with onnx.inliner.inline_local_functions from PyPI's onnx";
    throw badModel(file, 'it has functions of its own, whose nodes cannot be converted', hint);
  }
  if (model.has(modelField.trainingInfo)) {
    throw badModel(file, 'it holds training graphs', 'export it for inference');
  }
  return graph;
}

function* allNodes(types: GraphTypes): Generator<NodeView> {
  for (const node of nodesOf(types.graph)) {
    yield node;
    for (const body of node.bodies) {
      const inside = types.bodies.get(body);
      if (inside !== undefined) yield* allNodes(inside);
    }
  }
}

/** Every name of a value or a node, in all graphs. */
function* namesIn(types: GraphTypes): Generator<string> {
  yield* types.own.keys();
  for (const node of nodesOf(types.graph)) yield node.message.text(nodeField.name);
  for (const body of types.bodies.values()) yield* namesIn(body);
}

const namesOfType = (graph: ProtoMessage, field: number, type: number): string[] =>
  graph
    .messages(field)
    .filter((value) => declaredType(value) === type)
    .map((value) => value.text(valueField.name));

function readChoice(
  words: readonly string[],
  nodes: readonly NodeView[],
  keepIoTypes: boolean,
): Omit<PrecisionChoice, 'constantFit'> {
  const operators = new Set(nodes.map(({ opType }) => opType));
  const names = new Set(nodes.map(({ name }) => name).filter((name) => name !== ''));
  const keptNodes = new Set(
    words.filter((word) => word.startsWith(NODE_PREFIX)).map((word) => word.slice(NODE_PREFIX.length)),
  );
  const keptOperators = new Set(words.filter((word) => !word.startsWith(NODE_PREFIX)));
  const problems: Problem[] = [
    ...[...keptOperators]
      .filter((word) => !operators.has(word))
      .map((word) => unknownWord(word, 'operator', operators)),
    ...[...keptNodes].filter((word) => !names.has(word)).map((word) => unknownWord(word, 'node', names)),
  ];
  if (problems.length > 0) throw new PerfTsError('BAD_OPTION', problems);
  return { keepIoTypes, keptOperators, keptNodes };
}

function unknownWord(word: string, kind: 'operator' | 'node', known: ReadonlySet<string>): Problem {
  const near = closestWord(word, [...known]);
  const prefix = kind === 'node' ? NODE_PREFIX : '';
  const some = [...known].sort().slice(0, 8).join(', ');
  const hint =
    near === undefined
      ? `it has ${known.size <= 8 ? '' : 'among others '}${some || 'none'}`
      : `did you mean ${prefix}${near}?`;
  return { where: `--keep-fp32 ${prefix}${word}`, what: `the model has no ${kind} '${word}'`, hint };
}

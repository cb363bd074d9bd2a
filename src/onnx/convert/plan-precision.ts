/** Decides for every node that touches 32-bit floats whether it computes in half precision, and why not. Edits nothing. */
import { graphField, valueField } from '../onnx-fields.js';
import type { ConstantFit } from './constant-fit.js';
import { FLOAT, type GraphTypes, HALF, typeOf, UNKNOWN } from './element-types.js';
import { defaultKeptOperators, halfOperator, readsAnyType } from './half-operators.js';
import { type NodeView, nodesOf } from './node-view.js';
import type { ProtoMessage } from './proto-message.js';

export type KeepReason =
  /** The user asked for it. */
  | 'requested'
  /** Its results leave a half's range or precision for everyday values. */
  | 'range'
  /** It has no half-precision form, or none that we know. */
  | 'unsupported'
  /** If, Loop or Scan: what goes in and out stays; the nodes inside are decided one by one. */
  | 'control-flow'
  /** One of its constants is no half: too large, or too small to keep what it stands for. */
  | 'constants'
  /** A type that could not be told. */
  | 'unknown-type'
  /** Whole numbers as floats on their way to whole numbers, as shapes and positions are computed. */
  | 'index-arithmetic'
  /** It only moves values between nodes that are kept. */
  | 'between-kept';

export interface PrecisionPlan {
  readonly kept: ReadonlyMap<NodeView, KeepReason>;
  /** Computes in half precision from now on. */
  readonly converted: ReadonlySet<NodeView>;
}

export interface PrecisionChoice {
  readonly keepIoTypes: boolean;
  /** Operators and node names that stay 32-bit because the user says so. */
  readonly keptOperators: ReadonlySet<string>;
  readonly keptNodes: ReadonlySet<string>;
  readonly constantFit: ConstantFit;
}

const movingOperators: ReadonlySet<string> = new Set(
  'Concat DepthToSpace Expand Flatten Gather Identity Reshape Slice SpaceToDepth Split Squeeze Tile Transpose Unsqueeze'.split(
    ' ',
  ),
);
const indexOperators: ReadonlySet<string> = new Set([
  ...movingOperators,
  ...'Add Sub Mul Div Neg Floor Ceil Round Sqrt Min Max Pow Mod'.split(' '),
]);

export function planPrecision(types: GraphTypes, choice: PrecisionChoice): PrecisionPlan {
  const kept = new Map<NodeView, KeepReason>();
  const converted = new Set<NodeView>();
  decideGraph(types, choice, { kept, converted });
  keepChains(types, choice.keepIoTypes, { kept, converted });
  return { kept, converted };
}

interface Draft {
  readonly kept: Map<NodeView, KeepReason>;
  readonly converted: Set<NodeView>;
}

function decideGraph(types: GraphTypes, choice: PrecisionChoice, draft: Draft): void {
  for (const node of nodesOf(types.graph)) {
    for (const body of types.bodies.values()) {
      if (node.bodies.includes(body.graph)) decideGraph(body, choice, draft);
    }
    if (node.opType === 'Constant' || !touchesFloats(node, types)) continue;
    const reason = reasonToKeep(node, types, choice);
    if (reason !== undefined) draft.kept.set(node, reason);
    else if (!readsAnyType.has(node.opType) || isFloat(types, node.outputs[0])) draft.converted.add(node);
  }
}

const isFloat = (types: GraphTypes, name: string | undefined): boolean =>
  name !== undefined && name !== '' && typeOf(types, name) === FLOAT;

function isConstant(types: GraphTypes, name: string): boolean {
  for (let scope: GraphTypes | undefined = types; scope !== undefined; scope = scope.outer) {
    if (scope.own.has(name)) return scope.constants.has(name);
  }
  return false;
}

const touchesFloats = (node: NodeView, types: GraphTypes): boolean =>
  [...node.inputs, ...node.outputs].some((name) => isFloat(types, name));

function reasonToKeep(node: NodeView, types: GraphTypes, choice: PrecisionChoice): KeepReason | undefined {
  if (node.bodies.length > 0) return 'control-flow';
  if (choice.keptOperators.has(node.opType) || (node.name !== '' && choice.keptNodes.has(node.name)))
    return 'requested';
  if (node.domain === '' && (readsAnyType.has(node.opType) || node.opType === 'ConstantOfShape')) return undefined;
  if (node.domain === '' && defaultKeptOperators.includes(node.opType)) return 'range';
  const operator = halfOperator(node);
  if (operator === undefined) return 'unsupported';
  const isMoving = node.domain === '' && movingOperators.has(node.opType);
  if (isMoving) choice.constantFit.noteMoved(node, types);
  if (choice.constantFit.isUnfit(node, types, (place) => operator.fullInputs?.includes(place) === true))
    return 'constants';
  const isTold = node.inputs.every((name) => name === '' || (typeOf(types, name) ?? UNKNOWN) !== UNKNOWN);
  return isTold ? undefined : 'unknown-type';
}

/** Where a value comes from: whole numbers only, or something that stays 32-bit. */
type Origin = 'integers' | 'full';

/**
 * Keeps what stands between kept nodes and would only cost conversions there and back, and arithmetic whose results
 * become whole numbers: a half has eleven bits, and a size of 2049 would come out as 2048.
 */
function keepChains(types: GraphTypes, areEndsFixed: boolean, draft: Draft): void {
  for (const body of types.bodies.values()) keepChains(body, true, draft);
  const nodes = nodesOf(types.graph);
  const origins = new Map<string, Origin>();
  if (areEndsFixed) {
    for (const input of types.graph.messages(graphField.input)) {
      const name = input.text(valueField.name);
      if (!types.constants.has(name)) origins.set(name, 'full');
    }
  }
  const candidates: { readonly node: NodeView; readonly origin: Origin }[] = [];
  for (const node of nodes) {
    const origin = originOf(node, types, origins, draft);
    if (origin === undefined) continue;
    for (const name of node.outputs) origins.set(name, origin);
    if (draft.converted.has(node)) candidates.push({ node, origin });
  }
  const consumers = consumersOf(types.graph);
  const outputs = new Set(types.graph.messages(graphField.output).map((value) => value.text(valueField.name)));
  for (const { node, origin } of candidates.reverse()) {
    const ends = node.outputs.flatMap((name) => consumers.get(name) ?? []);
    const leaves = node.outputs.some((name) => outputs.has(name));
    if ((leaves && !areEndsFixed) || (ends.length === 0 && !leaves)) continue;
    if (!ends.every((end) => isEnd(end, types, draft))) continue;
    draft.converted.delete(node);
    draft.kept.set(node, origin === 'integers' ? 'index-arithmetic' : 'between-kept');
  }
}

function originOf(
  node: NodeView,
  types: GraphTypes,
  origins: ReadonlyMap<string, Origin>,
  draft: Draft,
): Origin | undefined {
  if (draft.kept.has(node)) return 'full';
  if (node.domain !== '' || !node.outputs.some((name) => isFloat(types, name))) return undefined;
  if (node.opType === 'Cast') {
    const from = typeOf(types, node.inputs[0] ?? '');
    return from === FLOAT || from === HALF ? undefined : 'integers';
  }
  const floats = node.inputs.filter((name) => isFloat(types, name) && !isConstant(types, name));
  const found = new Set(floats.map((name) => origins.get(name)));
  if (floats.length === 0 || found.has(undefined)) return undefined;
  if (indexOperators.has(node.opType) && !found.has('full')) return 'integers';
  return movingOperators.has(node.opType) ? 'full' : undefined;
}

interface Consumer {
  readonly node: NodeView;
  readonly index: number;
}

/** True where a 32-bit value is taken as it is. */
function isEnd({ node, index }: Consumer, types: GraphTypes, draft: Draft): boolean {
  if (draft.kept.has(node)) return true;
  if (node.opType === 'Cast') return !isFloat(types, node.outputs[0]);
  return halfOperator(node)?.fullInputs?.includes(index) === true;
}

/** Who reads each value, in this graph and in those inside it. */
function consumersOf(graph: ProtoMessage, found = new Map<string, Consumer[]>()): Map<string, Consumer[]> {
  for (const node of nodesOf(graph)) {
    for (const [index, name] of node.inputs.entries()) {
      const list = found.get(name);
      if (list === undefined) found.set(name, [{ node, index }]);
      else list.push({ node, index });
    }
    for (const body of node.bodies) consumersOf(body, found);
  }
  return found;
}

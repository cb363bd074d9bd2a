/** Writes a graph anew as a PrecisionPlan says: nodes keep their order, and a Cast stands where precisions meet. */
import { attributeField, graphField, nodeField, tensorTypeField, typeField, valueField } from '../onnx-fields.js';
import { BrokenBytes } from '../piece-reader.js';
import {
  type ConstantRules,
  type HalfConstants,
  rewriteConstantNode,
  rewriteInitializers,
  setHalfFiller,
} from './constants.js';
import { declaredType, FLOAT, type GraphTypes, HALF, typeOf } from './element-types.js';
import { halfOperator, readsAnyType } from './half-operators.js';
import { describeNode, type NodeView, nodesOf } from './node-view.js';
import type { PrecisionPlan } from './plan-precision.js';
import type { ProtoMessage } from './proto-message.js';
import { type FreeNames, otherPrecision, type Precision, ValueScope } from './value-scope.js';

export interface RewriteContext {
  readonly plan: PrecisionPlan;
  readonly freeNames: FreeNames;
  readonly constants: HalfConstants;
  /** Before IR version 4 an initializer that is added would be a new input of the model. */
  readonly canAddInitializers: boolean;
}

/**
 * Edits `types.graph` in place; `ends` is the precision of its inputs and outputs. Returns the number of Casts added.
 * @throws BrokenBytes when a node reads what nothing before it defines.
 */
export function rewriteGraph(types: GraphTypes, ends: Precision, context: RewriteContext): number {
  const scope = new ValueScope(types, context.freeNames);
  const scopes = new Map<ProtoMessage, ValueScope>([[types.graph, scope]]);
  openBodies(scope, scopes, context.freeNames);
  for (const each of scopes.values()) noteConstantUses(each, each === scope ? ends : 'full', context.plan);
  rewriteScope(scope, scopes, ends, context);
  return [...scopes.values()].reduce((sum, each) => sum + each.castCount, 0);
}

function openBodies(outer: ValueScope, scopes: Map<ProtoMessage, ValueScope>, freeNames: FreeNames): void {
  for (const [graph, types] of outer.types.bodies) {
    const scope = new ValueScope(types, freeNames, outer);
    scopes.set(graph, scope);
    openBodies(scope, scopes, freeNames);
  }
}

/** The precision in which a node takes one of its 32-bit inputs; undefined where either will do. */
function inputPrecision(node: NodeView, index: number, plan: PrecisionPlan): Precision | undefined {
  if (plan.kept.has(node)) return 'full';
  if (node.domain === '' && readsAnyType.has(node.opType)) return undefined;
  if (!plan.converted.has(node)) return 'full';
  return halfOperator(node)?.fullInputs?.includes(index) === true ? 'full' : 'half';
}

const outputPrecision = (node: NodeView, index: number, plan: PrecisionPlan): Precision =>
  plan.converted.has(node) && halfOperator(node)?.fullOutputs?.includes(index) !== true ? 'half' : 'full';

const outputNames = (graph: ProtoMessage): ReadonlySet<string> =>
  new Set(graph.messages(graphField.output).map((value) => value.text(valueField.name)));

function noteConstantUses(scope: ValueScope, ends: Precision, plan: PrecisionPlan): void {
  const note = (name: string, precision: Precision | undefined): void => {
    if (precision !== undefined) scope.definerOf(name)?.constantUses.get(name)?.add(precision);
  };
  for (const node of nodesOf(scope.types.graph)) {
    for (const [index, name] of node.inputs.entries()) note(name, inputPrecision(node, index, plan));
  }
  for (const name of outputNames(scope.types.graph)) note(name, ends);
}

function rewriteScope(
  scope: ValueScope,
  scopes: ReadonlyMap<ProtoMessage, ValueScope>,
  ends: Precision,
  context: RewriteContext,
): void {
  const { graph } = scope.types;
  const outputs = outputNames(graph);
  setInputForms(scope, ends);
  const rules = { ends, outputs, canAddInitializers: context.canAddInitializers };
  rewriteInitializers(scope, rules, context.constants);
  for (const node of nodesOf(graph)) {
    for (const body of node.bodies) rewriteScope(scopes.get(body)!, scopes, 'full', context);
    if (node.opType === 'Constant' && scope.constantUses.has(node.outputs[0] ?? '')) {
      rewriteConstantNode(scope, node, rules, context.constants);
    } else if (!mergeCast(scope, node, outputs)) {
      rewriteNode(scope, node, rules, context);
    }
  }
  graph.setMessages(graphField.node, scope.nodes);
  declareTypes(scope);
}

function setInputForms(scope: ValueScope, ends: Precision): void {
  for (const input of scope.types.graph.messages(graphField.input)) {
    const name = input.text(valueField.name);
    if (scope.types.own.get(name) === FLOAT && !scope.types.constants.has(name))
      scope.forms.set(name, { [ends]: name });
  }
}

/** True when `node` is a Cast between 32 bits and half that is one no more; its readers then read what it read. */
function mergeCast(scope: ValueScope, node: NodeView, outputs: ReadonlySet<string>): boolean {
  const [from = '', to = ''] = [node.inputs[0], node.outputs[0]];
  if (node.opType !== 'Cast' || node.domain !== '' || outputs.has(to)) return false;
  const [fromType, toType] = [typeOf(scope.types, from), typeOf(scope.types, to)];
  if (fromType === HALF && toType === FLOAT) scope.forms.set(to, { half: scope.plainName(from) });
  else if (fromType === FLOAT && toType === HALF) scope.aliases.set(to, scope.nameIn(from, 'half'));
  else if (fromType === FLOAT && toType === FLOAT) {
    const forms = scope.definerOf(from)?.forms.get(from);
    if (forms === undefined) return false;
    scope.forms.set(to, forms);
  } else return false;
  return true;
}

function rewriteNode(
  scope: ValueScope,
  node: NodeView,
  { ends, outputs }: ConstantRules,
  { plan, constants }: RewriteContext,
): void {
  const { types } = scope;
  const { message } = node;
  const inputs = node.inputs.map((name, index) => {
    if (name === '') return name;
    const type = typeOf(types, name);
    if (type === undefined)
      throw new BrokenBytes(`${describeNode(node)} reads '${name}', which nothing before it defines`);
    if (type !== FLOAT) return scope.plainName(name);
    const precision = inputPrecision(node, index, plan);
    return precision === undefined ? scope.anyName(name) : scope.nameIn(name, precision);
  });
  if (inputs.some((name, index) => name !== node.inputs[index])) message.setTexts(nodeField.input, inputs);
  if (plan.converted.has(node)) setResultType(node, constants);
  scope.nodes.push(message);
  const produced = node.outputs.map((name, index) => {
    if (name === '' || types.own.get(name) !== FLOAT) return name;
    const precision = outputPrecision(node, index, plan);
    const isMoved = outputs.has(name) && precision !== ends;
    const madeName = isMoved ? scope.freeName(`${name}_${precision === 'half' ? 'fp16' : 'fp32'}`) : name;
    scope.forms.set(name, { [precision]: madeName });
    return madeName;
  });
  for (const [index, name] of produced.entries()) {
    const original = node.outputs[index]!;
    if (name === original) continue;
    message.setTexts(nodeField.output, produced);
    scope.addCast(name, original, ends);
    scope.forms.set(original, { [otherPrecision(ends)]: name, [ends]: original });
  }
}

/** Operators whose result's type is an attribute. */
function setResultType(node: NodeView, constants: HalfConstants): void {
  if (node.domain !== '') return;
  if (node.opType === 'Cast') node.attributes.get('to')!.setNumber(attributeField.i, HALF);
  if (node.opType === 'ConstantOfShape') setHalfFiller(node, constants);
}

/** Declared types follow what became of the values; a declaration of a value that is gone goes too. */
function declareTypes({ types: { graph }, forms, aliases }: ValueScope): void {
  for (const field of [graphField.input, graphField.output]) {
    for (const value of graph.messages(field)) {
      if (forms.get(value.text(valueField.name))?.half === value.text(valueField.name)) declareHalf(value);
    }
  }
  const inside = graph.messages(graphField.valueInfo).filter((value) => {
    const name = value.text(valueField.name);
    const found = forms.get(name);
    if (found?.half === name) declareHalf(value);
    return !aliases.has(name) && (found === undefined || found.full === name || found.half === name);
  });
  graph.setMessages(graphField.valueInfo, inside);
}

function declareHalf(value: ProtoMessage): void {
  if (declaredType(value) !== FLOAT) return;
  value.message(valueField.type)!.message(typeField.tensor)!.setNumber(tensorTypeField.elementType, HALF);
}

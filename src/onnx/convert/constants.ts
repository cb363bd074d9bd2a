/** Writes a graph's constants (initializers and Constant nodes) in the precisions in which they are read. */
import { graphField, nodeField, onnxElementType, sparseTensorField, tensorField } from '../onnx-fields.js';
import { FLOAT } from './element-types.js';
import { type HalfCounts, noHalfCounts } from './half-float.js';
import { constantTensor, type LoadExternal, toHalfTensor, valueAttribute } from './half-tensor.js';
import type { NodeView } from './node-view.js';
import { ProtoMessage } from './proto-message.js';
import { type Forms, otherPrecision, type Precision, type ValueScope } from './value-scope.js';

/** A constant with values that do not fit into halves. */
export interface OutOfRange extends Readonly<HalfCounts> {
  readonly name: string;
}

/** Converts tensors and remembers what did not fit. */
export class HalfConstants {
  readonly outOfRange: OutOfRange[] = [];
  readonly #loadExternal: LoadExternal;

  constructor(loadExternal: LoadExternal) {
    this.#loadExternal = loadExternal;
  }

  convert(tensor: ProtoMessage, name: string, label: string): ProtoMessage {
    const counts = noHalfCounts();
    const half = toHalfTensor(tensor, name, counts, this.#loadExternal);
    if (counts.clamped + counts.raised > 0) this.outOfRange.push({ name: label, ...counts });
    return half;
  }
}

/** What decides the forms of a graph's constants. */
export interface ConstantRules {
  /** Precision of the graph's inputs and outputs, and the names of the latter. */
  readonly ends: Precision;
  readonly outputs: ReadonlySet<string>;
  /** False where an initializer that is added would be a new input of the model; a Cast then makes the second form. */
  readonly canAddInitializers: boolean;
}

export function rewriteInitializers(scope: ValueScope, rules: ConstantRules, constants: HalfConstants): void {
  const { graph } = scope.types;
  for (const sparse of graph.messages(graphField.sparseInitializer)) {
    const name = sparse.message(sparseTensorField.values)?.text(tensorField.name) ?? '';
    // It stays as it is; readers that want halves get a Cast.
    if (scope.types.own.get(name) === FLOAT) scope.forms.set(name, { full: name });
  }
  const tensors = graph.messages(graphField.initializer).flatMap((tensor) => {
    const name = tensor.text(tensorField.name);
    if (tensor.number(tensorField.dataType) !== FLOAT) return [tensor];
    // One that a request may give is an input, and its form has been decided.
    const forms = scope.forms.get(name) ?? formsOf(scope, name, rules, rules.canAddInitializers);
    scope.forms.set(name, forms);
    return [
      ...(forms.full === undefined ? [] : [renamed(tensor, forms.full)]),
      ...(forms.half === undefined ? [] : [constants.convert(tensor, forms.half, name)]),
    ];
  });
  graph.setMessages(graphField.initializer, tensors);
}

const renamed = (tensor: ProtoMessage, name: string): ProtoMessage =>
  tensor.text(tensorField.name) === name ? tensor : tensor.copy().setText(tensorField.name, name);

/** The old name goes to the only form, or to the one that the graph returns, or else to the 32-bit one. */
function formsOf(scope: ValueScope, name: string, { ends, outputs }: ConstantRules, canAdd: boolean): Forms {
  const uses = [...(scope.constantUses.get(name) ?? [])];
  if (uses.length < 2) return { [uses[0] ?? 'full']: name };
  const main = outputs.has(name) ? ends : 'full';
  const other = otherPrecision(main);
  if (!canAdd) return { [main]: name };
  return { [main]: name, [other]: scope.freeName(`${name}_${other === 'half' ? 'fp16' : 'fp32'}`) };
}

/** A Constant node of 32-bit floats, in one form or both. */
export function rewriteConstantNode(
  scope: ValueScope,
  node: NodeView,
  rules: ConstantRules,
  constants: HalfConstants,
): void {
  const name = node.outputs[0]!;
  const forms = formsOf(scope, name, rules, true);
  scope.forms.set(name, forms);
  const write = (output: string, attributes: readonly ProtoMessage[]): void => {
    const constant = node.message.copy().setText(nodeField.output, output);
    if (output !== name && node.name !== '') constant.setText(nodeField.name, scope.freeName(`${node.name}_${output}`));
    scope.nodes.push(constant.setMessages(nodeField.attribute, attributes));
  };
  if (forms.full !== undefined) write(forms.full, [...node.attributes.values()]);
  const tensor = constantTensor(node.attributes);
  if (forms.half === undefined || tensor === undefined) return;
  write(forms.half, [valueAttribute(constants.convert(tensor, tensor.text(tensorField.name), name))]);
}

/** Makes a ConstantOfShape fill with a half; 0 where it does not say with what. */
export function setHalfFiller({ attributes, message, outputs }: NodeView, constants: HalfConstants): void {
  const given = constantTensor(attributes);
  const half =
    given === undefined
      ? new ProtoMessage()
          .setNumbers(tensorField.dims, [1])
          .setNumber(tensorField.dataType, onnxElementType.FP16)
          .setBytes(tensorField.rawData, new Uint8Array(2))
      : constants.convert(given, given.text(tensorField.name), outputs[0] ?? '');
  message.setMessages(nodeField.attribute, [valueAttribute(half)]);
}

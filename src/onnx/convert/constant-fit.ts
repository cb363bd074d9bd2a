/**
 * Whether a node's constants can be halves. Rounding a weight costs its eleventh bit, which is what half precision means;
 * a variance that becomes 65504, or an epsilon that becomes 6e-8, makes other answers of the whole model.
 */
import { attributeField, graphField, nodeField, tensorField } from '../onnx-fields.js';
import { FLOAT, type GraphTypes } from './element-types.js';
import { halfToNumber, noHalfCounts, toHalfBits } from './half-float.js';
import { constantTensor, type LoadExternal, readFloats } from './half-tensor.js';
import { type NodeView, nodesOf } from './node-view.js';
import type { ProtoMessage } from './proto-message.js';

/** Relative error beyond which a constant is another one; rounding alone stays below 2^-11. */
const MOST_ERROR = 2 ** -9;
const DEFAULT_EPSILON = 1e-5;

/** Inputs of which every single value is divided by, or decides how much another one counts. */
const dividedBy: Readonly<Record<string, readonly number[]>> = {
  BatchNormalization: [4],
  Div: [1],
  Pow: [1],
  Sqrt: [0],
  PRelu: [],
};

/** Where a value as large as this stands for infinity, as in masks, 65504 does as well. */
const INFINITY_LIKE = 1e9;
const mayHoldInfinity: ReadonlySet<string> = new Set('Add Clip Max Min Mul Pad Sub Where'.split(' '));

/** Nodes that carry a tiny constant on, and those that a result of theirs would be nothing for, as a divisor of 0 is. */
const carriesTiny: ReadonlySet<string> = new Set('Add Clip Max Pow Sqrt'.split(' '));
const dividesBy: Readonly<Record<string, number>> = { Div: 1, Sqrt: 0, Pow: 0 };

/** What half precision makes of a tensor. */
interface Fit {
  /** Of all values as one vector, relative to its length; and of those that do not stand for infinity. */
  readonly wholeError: number;
  readonly finiteError: number;
  /** Largest |half - value| / (|value| + epsilon) of a single value. */
  readonly worstError: (epsilon: number) => number;
}

export class ConstantFit {
  readonly #loadExternal: LoadExternal;
  readonly #fits = new WeakMap<ProtoMessage, Fit>();
  readonly #tensors = new WeakMap<ProtoMessage, ReadonlyMap<string, ProtoMessage>>();
  /** Constants that nodes only move, by the names they then have. */
  readonly #moved = new Map<string, ProtoMessage>();

  /** Values that hold such a constant, in 32 bits. */
  readonly #tiny = new Set<string>();

  constructor(loadExternal: LoadExternal) {
    this.#loadExternal = loadExternal;
  }

  /** Whether some constant among `inputs` of the node, by place, is changed by half precision in a way that matters. */
  isUnfit(node: NodeView, types: GraphTypes, readsFull: (place: number) => boolean): boolean {
    const isUnfit = node.inputs.some((name, place) => {
      if (name === '' || readsFull(place)) return false;
      if (this.#tiny.has(name) && node.domain === '' && dividesBy[node.opType] === place) return true;
      const tensor = this.#tensorOf(name, types);
      return tensor !== undefined && this.#matters(node, place, this.#fitOf(tensor));
    });
    if (isUnfit && carriesTiny.has(node.opType)) for (const name of node.outputs) this.#tiny.add(name);
    return isUnfit;
  }

  /** What a node that only moves its constant gives is that constant to its readers. */
  noteMoved(node: NodeView, types: GraphTypes): void {
    const [first = ''] = node.inputs;
    const tensor = this.#tensorOf(first, types);
    if (tensor !== undefined) for (const name of node.outputs) this.#moved.set(name, tensor);
  }

  #matters({ opType, domain, attributes }: NodeView, place: number, fit: Fit): boolean {
    const error = domain === '' && mayHoldInfinity.has(opType) ? fit.finiteError : fit.wholeError;
    if (error > MOST_ERROR) return true;
    if (domain !== '' || dividedBy[opType]?.includes(place) !== true) return false;
    const isNormalization = opType === 'BatchNormalization';
    const given = isNormalization ? attributes.get('epsilon')?.floats(attributeField.f)[0] : 0;
    return fit.worstError(given ?? DEFAULT_EPSILON) > MOST_ERROR;
  }

  #tensorOf(name: string, types: GraphTypes): ProtoMessage | undefined {
    const moved = this.#moved.get(name);
    if (moved !== undefined) return moved;
    for (let scope: GraphTypes | undefined = types; scope !== undefined; scope = scope.outer) {
      if (scope.own.has(name)) return this.#tensorsOf(scope.graph).get(name);
    }
    return undefined;
  }

  #tensorsOf(graph: ProtoMessage): ReadonlyMap<string, ProtoMessage> {
    const known = this.#tensors.get(graph);
    if (known !== undefined) return known;
    const found = new Map<string, ProtoMessage>();
    for (const tensor of graph.messages(graphField.initializer)) {
      if (tensor.number(tensorField.dataType) === FLOAT) found.set(tensor.text(tensorField.name), tensor);
    }
    for (const node of nodesOf(graph)) {
      const tensor = node.opType === 'Constant' ? constantTensor(node.attributes) : undefined;
      if (tensor?.number(tensorField.dataType) === FLOAT) found.set(node.message.text(nodeField.output), tensor);
    }
    this.#tensors.set(graph, found);
    return found;
  }

  #fitOf(tensor: ProtoMessage): Fit {
    const known = this.#fits.get(tensor);
    if (known !== undefined) return known;
    const fit = measureFit(readFloats(tensor, this.#loadExternal));
    this.#fits.set(tensor, fit);
    return fit;
  }
}

export function measureFit(values: Float32Array): Fit {
  const halves = Float64Array.from(toHalfBits(values, noHalfCounts()), halfToNumber);
  return {
    wholeError: vectorError(values, halves, Number.POSITIVE_INFINITY),
    finiteError: vectorError(values, halves, INFINITY_LIKE),
    worstError(epsilon) {
      let worst = 0;
      for (let index = 0; index < values.length; index++) {
        const value = values[index]!;
        const size = Math.abs(value) + epsilon;
        if (Number.isFinite(value) && size > 0) worst = Math.max(worst, Math.abs(halves[index]! - value) / size);
      }
      return worst;
    },
  };
}

/** Over the values below `bound`. */
function vectorError(values: Float32Array, halves: Float64Array, bound: number): number {
  let largest = 0;
  for (const value of values) if (Math.abs(value) < bound) largest = Math.max(largest, Math.abs(value));
  // Scaled, so that squares of tiny values do not vanish.
  const scale = largest > 0 ? 1 / largest : 1;
  let errors = 0;
  let squares = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (!(Math.abs(value) < bound)) continue;
    errors += ((halves[index]! - value) * scale) ** 2;
    squares += (value * scale) ** 2;
  }
  return squares === 0 ? 0 : Math.sqrt(errors / squares);
}

/**
 * Under which names the values of one graph can be had, in 32 bits and in half precision, while it is written anew. A
 * form that is asked for and not there yet comes from one Cast, which all later readers share.
 */
import { attributeField, attributeType, nodeField } from '../onnx-fields.js';
import { FLOAT, type GraphTypes, HALF } from './element-types.js';
import { ProtoMessage } from './proto-message.js';

export type Precision = 'full' | 'half';
export const otherPrecision = (precision: Precision): Precision => (precision === 'full' ? 'half' : 'full');

/** Names of the forms of a value that was 32-bit. */
export interface Forms {
  full?: string;
  half?: string;
}

/** Names that no value or node has yet. */
export class FreeNames {
  readonly #taken: Set<string>;

  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken);
  }

  take(wanted: string): string {
    let name = wanted;
    for (let serial = 1; this.#taken.has(name); serial++) name = `${wanted}_${serial}`;
    this.#taken.add(name);
    return name;
  }
}

export class ValueScope {
  readonly types: GraphTypes;
  readonly outer: ValueScope | undefined;
  /** The graph's nodes as they will be. */
  readonly nodes: ProtoMessage[] = [];
  readonly forms = new Map<string, Forms>();
  /** Values whose Cast fell away, and what they are the same as. */
  readonly aliases = new Map<string, string>();
  /** Precisions in which each of the graph's constants is read. */
  readonly constantUses = new Map<string, Set<Precision>>();
  castCount = 0;
  readonly #freeNames: FreeNames;

  constructor(types: GraphTypes, freeNames: FreeNames, outer?: ValueScope) {
    this.types = types;
    this.outer = outer;
    this.#freeNames = freeNames;
    for (const name of types.constants) {
      if (types.own.get(name) === FLOAT) this.constantUses.set(name, new Set());
    }
  }

  /** The scope that defines `name`, from here outwards. */
  definerOf(name: string): ValueScope | undefined {
    return this.types.own.has(name) ? this : this.outer?.definerOf(name);
  }

  /** What a value that was never 32-bit is called now. */
  plainName(name: string): string {
    return this.definerOf(name)?.aliases.get(name) ?? name;
  }

  /** The name of `name` in that precision, made by a Cast in the graph that defines it when there is none. */
  nameIn(name: string, precision: Precision): string {
    const scope = this.definerOf(name);
    const forms = scope?.forms.get(name);
    if (scope === undefined || forms === undefined) return name;
    const known = forms[precision];
    if (known !== undefined) return known;
    const made = this.freeName(`${name}_${precision === 'half' ? 'fp16' : 'fp32'}`);
    scope.addCast(forms[otherPrecision(precision)]!, made, precision);
    forms[precision] = made;
    return made;
  }

  /** The name of `name` in whichever precision it has without a Cast. */
  anyName(name: string): string {
    const forms = this.definerOf(name)?.forms.get(name);
    return forms?.full ?? forms?.half ?? name;
  }

  freeName(wanted: string): string {
    return this.#freeNames.take(wanted);
  }

  addCast(input: string, output: string, to: Precision): void {
    this.castCount++;
    const attribute = new ProtoMessage()
      .setText(attributeField.name, 'to')
      .setNumber(attributeField.i, to === 'half' ? HALF : FLOAT)
      .setNumber(attributeField.type, attributeType.int);
    this.nodes.push(
      new ProtoMessage()
        .setText(nodeField.input, input)
        .setText(nodeField.output, output)
        .setText(nodeField.name, this.freeName(`Cast_${output}`))
        .setText(nodeField.opType, 'Cast')
        .setMessages(nodeField.attribute, [attribute]),
    );
  }
}

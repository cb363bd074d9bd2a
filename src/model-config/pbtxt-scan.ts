/**
 * Splits protobuf text format into fields with their lines, without a schema. It serves messages and positions only;
 * what a config means is decided by protobufjs's parser.
 */

/** A syntax error and the line it is on. */
export class PbtxtSyntaxError extends Error {
  override readonly name = 'PbtxtSyntaxError';
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

export interface PbtxtField {
  readonly name: string;
  readonly line: number;
  /** One value, or the elements of a list in brackets. */
  readonly values: readonly PbtxtValue[];
  readonly isList: boolean;
}

export type PbtxtValue =
  | { readonly kind: 'message'; readonly line: number; readonly fields: readonly PbtxtField[] }
  | { readonly kind: 'string' | 'number' | 'word'; readonly line: number; readonly text: string };

interface Token {
  readonly kind: 'string' | 'number' | 'word' | 'sign' | 'end';
  readonly text: string;
  readonly line: number;
}

const tokenPattern =
  /(?<space>[ \t\r\v\f]+|#[^\n]*)|(?<newline>\n)|(?<string>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')|(?<number>-?[ \t]*\.?\d[\w.]*(?:(?<=[eE])[+-]\d+)?)|(?<word>-?[A-Za-z_]\w*)|(?<sign>[{}<>[\]:,;])/y;

/** The fields of `text`. @throws PbtxtSyntaxError at the first place that cannot be read. */
export function scanPbtxt(text: string): readonly PbtxtField[] {
  const scanner = new Scanner(tokenize(text));
  return scanner.fields(undefined);
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < text.length) {
    const start = tokenPattern.lastIndex;
    const match = tokenPattern.exec(text);
    if (match === null) throw new PbtxtSyntaxError(describeUnreadable(text, start), line);
    const groups = match.groups!;
    if (groups.newline !== undefined) line++;
    else if (groups.space === undefined) {
      const kind = (['string', 'number', 'word', 'sign'] as const).find((name) => groups[name] !== undefined)!;
      tokens.push({ kind, text: match[0], line });
    }
  }
  tokens.push({ kind: 'end', text: 'the end of the file', line });
  return tokens;
}

function describeUnreadable(text: string, at: number): string {
  if (text.startsWith('//', at) || text.startsWith('/*', at))
    return `comments begin with '#', not '${text.slice(at, at + 2)}'`;
  if (text[at] === '"' || text[at] === "'") return 'the text that begins here has no closing quote on its line';
  return `unexpected character '${String.fromCodePoint(text.codePointAt(at)!)}'`;
}

const closing: Readonly<Record<string, string>> = { '{': '}', '<': '>', '[': ']' };

class Scanner {
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  /** Fields up to the sign that closes `opened`, or to the end of the file. */
  fields(opened: Token | undefined): PbtxtField[] {
    const end = opened && closing[opened.text];
    const fields: PbtxtField[] = [];
    for (;;) {
      const token = this.next();
      if (token.kind === 'end' && opened === undefined) return fields;
      if (token.kind === 'end') throw unclosed(opened!);
      if (token.text === end) return fields;
      if (token.kind !== 'word') throw new PbtxtSyntaxError(`expected a field name, found ${quote(token)}`, token.line);
      fields.push(this.field(token));
      if (this.isNext(',') || this.isNext(';')) this.next();
    }
  }

  private field(name: Token): PbtxtField {
    if (this.isNext(':')) this.next();
    else if (!this.isNext('{') && !this.isNext('<') && !this.isNext('[')) {
      throw new PbtxtSyntaxError(`expected ':' after '${name.text}', found ${quote(this.peek())}`, this.peek().line);
    }
    const isList = this.isNext('[');
    const values = isList ? this.list(this.next()) : [this.value()];
    return { name: name.text, line: name.line, values, isList };
  }

  private list(opened: Token): PbtxtValue[] {
    const values: PbtxtValue[] = [];
    if (this.isNext(']')) {
      this.next();
      return values;
    }
    for (;;) {
      values.push(this.value());
      const token = this.next();
      if (token.text === ']') return values;
      if (token.kind === 'end') throw unclosed(opened);
      if (token.text !== ',') {
        throw new PbtxtSyntaxError(`expected ',' or ']' in the list, found ${quote(token)}`, token.line);
      }
    }
  }

  private value(): PbtxtValue {
    const token = this.next();
    if (token.text === '{' || token.text === '<')
      return { kind: 'message', line: token.line, fields: this.fields(token) };
    if (token.kind === 'sign' || token.kind === 'end') {
      throw new PbtxtSyntaxError(`expected a value, found ${quote(token)}`, token.line);
    }
    // Adjacent texts are one text, as in C.
    if (token.kind === 'string') while (this.peek().kind === 'string') this.next();
    return { kind: token.kind, line: token.line, text: token.text };
  }

  private peek(): Token {
    return this.tokens[this.at]!;
  }

  private next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.at++;
    return token;
  }

  private isNext(sign: string): boolean {
    return this.peek().kind === 'sign' && this.peek().text === sign;
  }
}

const quote = (token: Token): string => (token.kind === 'end' ? token.text : `'${token.text}'`);

const unclosed = (opened: Token): PbtxtSyntaxError =>
  new PbtxtSyntaxError(`the '${opened.text}' opened here has no '${closing[opened.text]}'`, opened.line);

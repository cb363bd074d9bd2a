/**
 * ONNX Runtime's messages as its C++ makes them: the cause stands between places in its source, signatures of functions,
 * conditions and stacks. What remains here is the cause, with the node that met it.
 */

const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
/** `/onnxruntime_src/onnxruntime/core/graph/model.cc:187 `, by itself or behind other words. */
const PLACE = /(?:[\w./\\-]*[/\\])?[\w-]+\.(?:cc|cpp|cxx|h|hpp|cu|cuh):\d+:? /;
const STATUS = /\[ONNXRuntimeError\] : \d+ : \w+ : /g;
const NODE = /Non-zero status code returned while running (\S+) node\. Name:\s?'([^']*)' Status Message: /g;

/** The message without what only speaks to the authors of ONNX Runtime; as it is where nothing would be left. */
export function tidyNativeText(message: string): string {
  let text = message.replace(ESCAPES, '').replace(/\n\s*Stack ?trace:[\s\S]*$/i, '');
  text = text.replace(STATUS, '').replace(NODE, (_, operator: string, name: string) => nameNode(operator, name));
  text = text.replace(/^Load model from .*? failed:\s*/s, '');
  for (let place = PLACE.exec(text); place !== null; place = PLACE.exec(text)) {
    const before = text.slice(0, place.index);
    const after = withoutCondition(text.slice(place.index + place[0].length).trimStart());
    text = before !== '' && !/[\s:]$/.test(before) ? `${before} ${after}` : `${before}${after}`;
  }
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join(' ') || message.trim();
}

const nameNode = (operator: string, name: string): string =>
  name === '' ? `in a ${operator} node: ` : `in the ${operator} node '${name}': `;

/** Behind a place come the function and, of a failed check, the condition: `a == b was false. ` */
function withoutCondition(text: string): string {
  const rest = withoutFunction(text);
  const condition = /^[^.]*? was false\.\s*/.exec(rest)?.[0];
  return condition !== undefined && condition.length < rest.length ? rest.slice(condition.length) : rest;
}

function withoutFunction(text: string): string {
  const open = text.indexOf('(');
  // A whole signature, such as `void onnxruntime::Model::Load(int, const std::string&) const [with T = float] `.
  if (open > 0 && /::~?[\w ]+(?:<.*>)?$/.test(text.slice(0, open)) && !/[.!?]\s/.test(text.slice(0, open))) {
    let end = open;
    while (text[end] === '(') end = closeOf(text, end) + 1;
    const tail = /^(?:\s?const\b|\s?noexcept\b|\s?&{1,2}|::<lambda\([^>]*\)>|\s?mutable\b)*/.exec(text.slice(end))![0];
    end += tail.length;
    if (text.startsWith(' [with ', end)) end = closeOf(text, end + 1) + 1;
    return text.slice(end).trimStart();
  }
  // Only its name.
  return text.replace(/^(?:operator\(\)|~?[A-Za-z_]\w*) (?=\S)/, '');
}

/** The place of the bracket that closes the one at `open`; the end of the text where there is none. */
function closeOf(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if ('([{'.includes(text[at]!)) depth++;
    else if (')]}'.includes(text[at]!) && --depth === 0) return at;
  }
  return text.length - 1;
}
